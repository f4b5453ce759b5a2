"""Wallet secrets: sealed at rest, opened here alone, for as long as one signature takes.

Each secret is encrypted with AES-256-GCM under a data key of its own, and that data key under a
key-encryption key of `settings.KEY_ENCRYPTION_KEYS` (`id:base64,id:base64`, the newest first). Both
layers are bound to marketplace, wallet and address, so a sealed secret that is moved to another row
does not open. Rotation seals the data key anew; old keys stay readable while they are listed.
"""

import base64
import os
import struct
from collections.abc import Iterable
from functools import cache
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from stellar_sdk import Keypair

from offerhub.chain.types import Envelope

WEBHOOK = "webhook"  # in the place of an address: a secret that webhooks are signed with

_VERSION = b"\x01"
_NONCE, _KEY, _TAG = 12, 32, 16
MOST_SIGNATURES = 20
_WRAPPED = _NONCE + _KEY + _TAG


class SecretUnreadable(Exception):
    """The sealed secret does not open: a key is missing, or the row was tampered with."""


class Sealed(Protocol):
    """What a wallet row offers to this module."""

    id: str
    marketplace_id: str
    address: str
    sealed_by: str

    @property
    def sealed_secret(self) -> "bytes | memoryview[int] | None":
        """What `seal` made; psycopg gives bytes back as a memoryview."""


def seal(secret: str, *, marketplace_id: str, wallet_id: str, address: str) -> tuple[bytes, str]:
    """The sealed secret and the id of the key-encryption key that was used (the newest)."""
    key_id = next(iter(_key_encryption_keys()))
    bound = _bound(marketplace_id, wallet_id, address)
    data_key = AESGCM.generate_key(256)
    nonce = os.urandom(_NONCE)
    sealed = AESGCM(data_key).encrypt(nonce, secret.encode(), bound)
    return _VERSION + _wrap(data_key, key_id, bound) + nonce + sealed, key_id


def reseal(wallet: Sealed) -> tuple[bytes, str]:
    """The same secret with its data key under the newest key-encryption key."""
    sealed, bound = _parts(wallet)
    key_id = next(iter(_key_encryption_keys()))
    wrapped = _wrap(_data_key(sealed, wallet.sealed_by, bound), key_id, bound)
    return _VERSION + wrapped + sealed[1 + _WRAPPED :], key_id


def sign(envelope: Envelope, *wallets: Sealed) -> str:
    """The unsigned envelope with a signature of each wallet.

    What is signed is the envelope's hash, which was computed from these bytes when they were built
    or inspected. The signatures stand at the end of an envelope, after their count, which is zero
    here; so it need not be decoded once more.
    """
    raw = base64.b64decode(envelope.xdr)
    if len(wallets) > MOST_SIGNATURES:
        raise ValueError(f"an envelope holds {MOST_SIGNATURES} signatures, not {len(wallets)}")
    if raw[-4:] != bytes(4):
        raise ValueError("the envelope is signed already")
    signed = bytes.fromhex(envelope.hash)
    signatures = b"".join(_signature(wallet, signed) for wallet in wallets)
    return base64.b64encode(raw[:-4] + struct.pack(">I", len(wallets)) + signatures).decode()


def opens(wallet: Sealed) -> bool:
    """Whether the wallet's secret can be used to sign."""
    try:
        _open(wallet)
    except SecretUnreadable:
        return False
    return True


def open_webhook_secret(row: Sealed) -> str:
    """The text of a webhook's secret. One of a wallet does not open here: it is sealed to its
    address. Raises SecretUnreadable."""
    if row.address != WEBHOOK:
        raise SecretUnreadable(f"{row.id} is no webhook's secret")
    sealed, bound = _parts(row)
    body, data_key = sealed[1 + _WRAPPED :], _data_key(sealed, row.sealed_by, bound)
    try:
        return AESGCM(data_key).decrypt(body[:_NONCE], body[_NONCE:], bound).decode()
    except InvalidTag:
        raise SecretUnreadable(f"The secret {row.id} does not open") from None


def _signature(wallet: Sealed, digest: bytes) -> bytes:
    keypair = _open(wallet)
    signature: bytes = keypair.sign(digest)
    return bytes(keypair.signature_hint()) + struct.pack(">I", len(signature)) + signature


def rotate(wallets: Iterable[Sealed]) -> Iterable[tuple[Sealed, bytes, str]]:
    """For each wallet that is not under the newest key: the row, what to store, the key's id."""
    newest = next(iter(_key_encryption_keys()))
    for wallet in wallets:
        if wallet.sealed_by != newest and wallet.sealed_secret:
            yield (wallet, *reseal(wallet))


def _open(wallet: Sealed) -> Keypair:
    """The wallet's keypair. Raised here, where no variable holds a secret that a log might show."""
    keypair = _try_open(wallet)
    if keypair is None or keypair.public_key != wallet.address:
        raise SecretUnreadable(f"The secret of wallet {wallet.id} does not open")
    return keypair


def _try_open(wallet: Sealed) -> Keypair | None:
    sealed, bound = _parts(wallet)
    body = sealed[1 + _WRAPPED :]
    data_key = _data_key(sealed, wallet.sealed_by, bound)
    try:
        secret = AESGCM(data_key).decrypt(body[:_NONCE], body[_NONCE:], bound)
        return Keypair.from_secret(secret.decode())
    except (InvalidTag, ValueError):
        return None


def _parts(wallet: Sealed) -> tuple[bytes, bytes]:
    sealed = bytes(wallet.sealed_secret or b"")
    if sealed[:1] != _VERSION:
        raise SecretUnreadable(f"Wallet {wallet.id} holds no secret of ours")
    return sealed, _bound(wallet.marketplace_id, wallet.id, wallet.address)


def _bound(marketplace_id: str, wallet_id: str, address: str) -> bytes:
    return "\n".join((marketplace_id, wallet_id, address)).encode()


def _wrap(data_key: bytes, key_id: str, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(_key_encryption_keys()[key_id]).encrypt(nonce, data_key, bound)


def _data_key(sealed: bytes, key_id: str, bound: bytes) -> bytes:
    wrapped = sealed[1 : 1 + _WRAPPED]
    try:
        cipher = AESGCM(_key_encryption_keys()[key_id])
        return cipher.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], bound)
    except KeyError:
        raise SecretUnreadable(f"The key-encryption key {key_id!r} is not configured") from None
    except InvalidTag:
        raise SecretUnreadable("The secret does not belong to this wallet or key") from None


def _key_encryption_keys() -> dict[str, bytes]:
    return _parse(settings.KEY_ENCRYPTION_KEYS)


@cache
def _parse(configured: str) -> dict[str, bytes]:
    keys = {}
    for item in configured.strip().split(","):
        key_id, _, encoded = item.strip().partition(":")
        try:
            keys[key_id] = base64.b64decode(encoded, validate=True)
        except ValueError:
            keys[key_id] = b""
        if not key_id or len(keys[key_id]) != _KEY:
            raise ImproperlyConfigured(
                "OFFERHUB_KEY_ENCRYPTION_KEYS must be id:base64 of 32 bytes, separated by commas"
            )
    return keys

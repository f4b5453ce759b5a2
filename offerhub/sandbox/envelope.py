"""One parse of a transaction envelope: the hash is taken from the bytes that were sent."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass
from functools import lru_cache

from stellar_sdk import StrKey, xdr
from xdrlib3 import Error as XdrError
from xdrlib3 import Unpacker

from offerhub.sandbox.codec import account_text

MAX_OPERATIONS = 100
MAX_BYTES = 132_096
_TYPE = xdr.EnvelopeType


class BadEnvelope(ValueError):
    """The text is no transaction envelope that this network can read."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A decorated signature: the last four bytes of the key, and the signature."""

    hint: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class FeeBump:
    """The outer half of a fee bump: who pays, how much (stroops), and with which proof."""

    source: str
    muxed: str
    fee: int
    digest: bytes
    signatures: tuple[Signature, ...]


@dataclass(slots=True)
class Envelope:
    """A decoded envelope. ``digest`` is what the inner transaction's signers signed."""

    text: str
    tx: xdr.Transaction
    source: str
    source_muxed: str
    digest: bytes
    signatures: tuple[Signature, ...]
    fee_bump: FeeBump | None = None

    @property
    def hash(self) -> str:
        """Hex hash by which the network knows it: the outer one for a fee bump."""
        return (self.fee_bump.digest if self.fee_bump else self.digest).hex()

    @property
    def inner_hash(self) -> str:
        """Hex hash of the inner transaction, empty when there is no fee bump."""
        return self.digest.hex() if self.fee_bump else ""

    @property
    def sequence(self) -> int:
        """The sequence number that the transaction consumes."""
        return self.tx.seq_num.sequence_number.int64

    @property
    def soroban(self) -> xdr.SorobanTransactionData | None:
        """The declared resources of a contract call."""
        return self.tx.ext.soroban_data

    @property
    def fee_account(self) -> str:
        """Who pays the fee."""
        return self.fee_bump.source if self.fee_bump else self.source


def muxed_parts(account: xdr.MuxedAccount) -> tuple[str, str]:
    """G... address and, for a muxed account, its M... spelling (else empty)."""
    if account.med25519 is not None:
        key, number = account.med25519.ed25519.uint256, account.med25519.id.uint64
        muxed = StrKey.encode_med25519_public_key(key + struct.pack(">Q", number))
        return account_text(key), muxed
    if account.ed25519 is None:
        raise BadEnvelope("an account without a key")
    return account_text(account.ed25519.uint256), ""


def muxed_id(muxed: str) -> int:
    """The 64-bit id inside an M... address."""
    return int(struct.unpack(">Q", StrKey.decode_med25519_public_key(muxed)[32:])[0])


def _signatures(items: list[xdr.DecoratedSignature]) -> tuple[Signature, ...]:
    return tuple(Signature(i.hint.signature_hint, i.signature.signature) for i in items)


def _unpack_signatures(unpacker: Unpacker) -> list[xdr.DecoratedSignature]:
    count = unpacker.unpack_uint()
    if count > 20:
        raise BadEnvelope("more than 20 signatures")
    return [xdr.DecoratedSignature.unpack(unpacker) for _ in range(count)]


@lru_cache(maxsize=8)
def network_id(passphrase: str) -> bytes:
    """sha256 of the network's passphrase."""
    return hashlib.sha256(passphrase.encode()).digest()


def _digest(passphrase: str, kind: xdr.EnvelopeType, body: bytes) -> bytes:
    return hashlib.sha256(network_id(passphrase) + struct.pack(">i", kind) + body).digest()


def _inner(data: bytes, start: int, passphrase: str) -> tuple[Envelope, Unpacker]:
    """Parse a Transaction and its signatures from an offset; the unpacker stands after it."""
    unpacker = Unpacker(data)
    unpacker.set_position(start)
    tx = xdr.Transaction.unpack(unpacker)
    body = data[start : unpacker.get_position()]
    signatures = _unpack_signatures(unpacker)
    source, muxed = muxed_parts(tx.source_account)
    digest = _digest(passphrase, _TYPE.ENVELOPE_TYPE_TX, body)
    return Envelope("", tx, source, muxed, digest, _signatures(signatures)), unpacker


def _fee_bump(data: bytes, passphrase: str) -> Envelope:
    outer = Unpacker(data)
    outer.set_position(4)
    account = xdr.MuxedAccount.unpack(outer)
    fee = outer.unpack_hyper()
    if outer.unpack_int() != _TYPE.ENVELOPE_TYPE_TX:
        raise BadEnvelope("a fee bump around something else than a transaction")
    envelope, unpacker = _inner(data, outer.get_position(), passphrase)
    if unpacker.unpack_int() != 0:
        raise BadEnvelope("a fee bump with an unknown extension")
    body = data[4 : unpacker.get_position()]
    signatures = _signatures(_unpack_signatures(unpacker))
    unpacker.done()
    source, muxed = muxed_parts(account)
    digest = _digest(passphrase, _TYPE.ENVELOPE_TYPE_TX_FEE_BUMP, body)
    envelope.fee_bump = FeeBump(source, muxed, fee, digest, signatures)
    return envelope


def _decode(data: bytes, passphrase: str) -> Envelope:
    (kind,) = struct.unpack(">i", data[:4])
    if kind == _TYPE.ENVELOPE_TYPE_TX_FEE_BUMP:
        return _fee_bump(data, passphrase)
    if kind == _TYPE.ENVELOPE_TYPE_TX_V0:
        # A V0 transaction is a V1 one without the key type in front of its source.
        data = struct.pack(">ii", _TYPE.ENVELOPE_TYPE_TX, 0) + data[4:]
    elif kind != _TYPE.ENVELOPE_TYPE_TX:
        raise BadEnvelope("an envelope of an unknown kind")
    envelope, unpacker = _inner(data, 4, passphrase)
    unpacker.done()
    if kind == _TYPE.ENVELOPE_TYPE_TX_V0 and envelope.soroban is not None:
        raise BadEnvelope("an old envelope cannot carry a contract call")
    return envelope


def parse(text: str, passphrase: str) -> Envelope:
    """Decode base64 XDR; BadEnvelope for anything that is not exactly one envelope."""
    text = text.strip()
    try:
        data = base64.b64decode(text, validate=True)
        if not 4 <= len(data) <= MAX_BYTES:
            raise BadEnvelope("an envelope of an impossible length")
        envelope = _decode(data, passphrase)
    except BadEnvelope:
        raise
    except (binascii.Error, XdrError, ValueError, EOFError, struct.error, TypeError) as problem:
        raise BadEnvelope(str(problem) or "not a transaction envelope") from None
    envelope.text = text
    return envelope

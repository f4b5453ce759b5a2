"""Sealed secrets open for their own wallet, under a known key, and for nobody else."""

import base64
import os
from dataclasses import replace

import pytest
from stellar_sdk import Account as SdkAccount
from stellar_sdk import Keypair, Network, TransactionBuilder

from offerhub.chain import keys
from offerhub.chain.types import Envelope
from tests.chain.conftest import Purse, new_purse


def _key(name: str) -> str:
    return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"


def _envelope(source: str) -> Envelope:
    passphrase = Network.testnet_network().network_passphrase
    builder = TransactionBuilder(SdkAccount(source, 1), passphrase).add_time_bounds(0, 9)
    built = builder.append_bump_sequence_op(5).build()
    return Envelope(built.to_xdr(), built.hash_hex(), source, None, 100)  # type: ignore[arg-type]


def _is_signed_by(purse: Purse, signed: str) -> bool:
    passphrase = Network.testnet_network().network_passphrase
    parsed = TransactionBuilder.from_xdr(signed, passphrase)
    (signature,) = parsed.signatures
    Keypair.from_public_key(purse.address).verify(parsed.hash(), signature.signature)
    return True


def test_a_sealed_secret_signs_for_its_wallet() -> None:
    purse = new_purse()
    assert _is_signed_by(purse, keys.sign(_envelope(purse.address), purse))


def test_a_secret_moved_to_another_row_does_not_open() -> None:
    one, other = new_purse("wal_1"), new_purse("wal_2")
    for thief in (
        replace(other, sealed_secret=one.sealed_secret),
        replace(one, id="wal_2"),
        replace(one, marketplace_id="mkt_2"),
        replace(one, address=other.address),
    ):
        with pytest.raises(keys.SecretUnreadable):
            keys.sign(_envelope(one.address), thief)


def test_a_changed_byte_anywhere_is_noticed() -> None:
    purse = new_purse()
    sealed = bytes(purse.sealed_secret or b"")
    for position in range(0, len(sealed), 7):
        bent = bytearray(sealed)
        bent[position] ^= 1
        with pytest.raises(keys.SecretUnreadable):
            keys.sign(_envelope(purse.address), replace(purse, sealed_secret=bytes(bent)))


def test_keys_rotate_without_a_moment_in_which_a_secret_is_unreadable(settings: object) -> None:
    old, new = _key("old"), _key("new")
    settings.KEY_ENCRYPTION_KEYS = old  # type: ignore[attr-defined]
    purse = new_purse()
    settings.KEY_ENCRYPTION_KEYS = f"{new},{old}"  # type: ignore[attr-defined]
    assert _is_signed_by(purse, keys.sign(_envelope(purse.address), purse))
    ((_, sealed, key_id),) = keys.rotate([purse])
    assert key_id == "new"
    settings.KEY_ENCRYPTION_KEYS = new  # type: ignore[attr-defined]
    rotated = replace(purse, sealed_secret=sealed, sealed_by=key_id)
    assert _is_signed_by(rotated, keys.sign(_envelope(purse.address), rotated))
    with pytest.raises(keys.SecretUnreadable, match="'old' is not configured"):
        keys.sign(_envelope(purse.address), purse)


def test_no_refusal_and_no_repr_shows_the_secret() -> None:
    pair = Keypair.random()
    sealed, key_id = keys.seal(
        pair.secret, marketplace_id="m", wallet_id="w", address=pair.public_key
    )
    purse = Purse("other", "m", pair.public_key, sealed, key_id)
    with pytest.raises(keys.SecretUnreadable) as refusal:
        keys.sign(_envelope(purse.address), purse)
    assert pair.secret not in str(refusal.value) + repr(purse)
    assert pair.secret.encode() not in sealed

"""Sealed secrets open for their own wallet, under a known key, and for nobody else."""

import base64
import os
from dataclasses import replace

import pytest
from django.core.exceptions import ImproperlyConfigured
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


def _locals(error: BaseException) -> str:
    """Every variable of every frame that an error went through, as a logger may show them."""
    seen, trace = [], error.__traceback__
    while trace is not None:
        if "offerhub" in trace.tb_frame.f_code.co_filename:
            seen += [repr(value) for value in trace.tb_frame.f_locals.values()]
        trace = trace.tb_next
    return "\n".join(seen)


def test_a_secret_that_fits_another_address_signs_nothing() -> None:
    one, other = Keypair.random(), Keypair.random()
    for secret in (other.secret, "SNONSENSE" * 6, "", "ü"):
        sealed, key_id = keys.seal(
            secret, marketplace_id="m", wallet_id="w", address=one.public_key
        )
        purse = Purse("w", "m", one.public_key, sealed, key_id)
        with pytest.raises(keys.SecretUnreadable, match="wallet w does not open") as refusal:
            keys.sign(_envelope(one.public_key), purse)
        assert refusal.value.__cause__ is None
        assert not secret or secret not in f"{refusal.value!r}\n{_locals(refusal.value)}"


def test_no_frame_of_a_refusal_holds_a_key(settings: object) -> None:
    key = os.urandom(32)
    settings.KEY_ENCRYPTION_KEYS = f"k:{base64.b64encode(key).decode()}"  # type: ignore[attr-defined]
    purse = new_purse()
    bent = bytearray(purse.sealed_secret or b"")
    for position in (20, len(bent) - 20):
        broken = bytearray(bent)
        broken[position] ^= 1
        with pytest.raises(keys.SecretUnreadable) as refusal:
            keys.sign(_envelope(purse.address), replace(purse, sealed_secret=bytes(broken)))
        assert repr(key)[2:-1] not in _locals(refusal.value)


@pytest.mark.parametrize(
    "configured", ["", "k", "k:", ":AAAA", "k:AAAA", "k:not base64!", f"k:{'A' * 43}=,"]
)
def test_keys_that_can_not_be_used_are_refused_without_showing_them(
    settings: object, configured: str
) -> None:
    settings.KEY_ENCRYPTION_KEYS = configured  # type: ignore[attr-defined]
    with pytest.raises(ImproperlyConfigured) as refusal:
        new_purse()
    assert "not base64!" not in str(refusal.value)


def test_what_the_database_gives_back_opens() -> None:
    purse = new_purse()
    stored = replace(purse, sealed_secret=memoryview(purse.sealed_secret or b""))  # type: ignore[arg-type]
    assert _is_signed_by(purse, keys.sign(_envelope(purse.address), stored))


def test_wallets_without_a_secret_of_ours_are_left_alone_and_sign_nothing() -> None:
    purse = new_purse()
    external = replace(purse, sealed_secret=None, sealed_by="")
    assert list(keys.rotate([purse, external])) == []
    with pytest.raises(keys.SecretUnreadable, match="no secret of ours"):
        keys.sign(_envelope(purse.address), external)


def test_two_seals_of_one_secret_have_nothing_in_common() -> None:
    pair = Keypair.random()
    one, two = (
        keys.seal(pair.secret, marketplace_id="m", wallet_id="w", address=pair.public_key)[0]
        for _ in range(2)
    )
    assert len(one) == len(two)
    same = sum(a == b for a, b in zip(one, two, strict=True))
    assert same < len(one) // 8


def test_an_envelope_that_is_signed_already_is_not_signed_again() -> None:
    purse = new_purse()
    envelope = _envelope(purse.address)
    with pytest.raises(ValueError, match="signed already"):
        keys.sign(replace(envelope, xdr=keys.sign(envelope, purse)), purse)

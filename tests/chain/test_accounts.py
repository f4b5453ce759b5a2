"""Whether an address can take a payment, found out before anybody's balance is touched."""

from collections.abc import Callable

import pytest
from stellar_sdk import Asset, Keypair, MuxedAccount

from offerhub.chain import stellar
from offerhub.chain.network import current, usdc_contract
from offerhub.chain.types import ChainUnavailable
from offerhub.core.errors import DestinationRefused
from offerhub.core.money import UNIT
from tests.network import Network
from tests.sandbox.player import Player


def _reason(destination: str, amount: int = UNIT, *, has_memo: bool = False) -> str:
    """Why it is refused; empty when it is not."""
    try:
        stellar.check_destination(destination, amount, has_memo=has_memo)
    except DestinationRefused as refusal:
        return str(refusal.extra["reason"])
    return ""


def _memo_required(player: Player) -> Keypair:
    ann = player.person()
    builder = player.builder(ann).append_manage_data_op("config.memo_required", "1")
    assert player.submit(builder, ann).status_code == 200
    return ann


def _muxed(keypair: Keypair) -> str:
    return str(MuxedAccount(keypair.public_key, 7).account_muxed)


@pytest.mark.parametrize("text", ["", "G", "gabc", "ann@example.com", "G" * 56, "S" + "A" * 55])
def test_what_is_no_address_is_refused_without_asking(text: str) -> None:
    with pytest.raises(DestinationRefused) as refusal:
        stellar.receiving_account(text)
    assert refusal.value.extra["reason"] == "invalid_address"


def test_one_mistyped_letter_is_noticed() -> None:
    address = Keypair.random().public_key
    for position in (5, 30, 55):
        wrong = "B" if address[position] != "B" else "C"
        typed = address[:position] + wrong + address[position + 1 :]
        with pytest.raises(DestinationRefused):
            stellar.receiving_account(typed)


def test_a_secret_key_is_refused_and_not_repeated() -> None:
    secret = Keypair.random().secret
    with pytest.raises(DestinationRefused) as refusal:
        stellar.receiving_account(secret)
    assert secret not in f"{refusal.value!r} {refusal.value} {refusal.value.extra}"


def test_an_account_with_a_trustline_can_be_paid(player: Player) -> None:
    ann = player.person()
    assert _reason(ann.public_key) == ""
    assert _reason(_muxed(ann)) == ""
    assert stellar.receiving_account(_muxed(ann)) == ann.public_key


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda player: usdc_contract(), "contract"),
        (lambda player: Keypair.random().public_key, "not_found"),
        (lambda player: _muxed(Keypair.random()), "not_found"),
        (lambda player: player.friend().public_key, "no_trustline"),
        (lambda player: _memo_required(player).public_key, "memo_required"),
    ],
)
def test_what_can_not_be_paid_is_refused_with_its_reason(
    player: Player, make: Callable[[Player], str], reason: str
) -> None:
    assert _reason(make(player)) == reason


def test_a_memo_or_a_muxed_address_satisfies_who_needs_one(player: Player) -> None:
    ann = _memo_required(player)
    assert _reason(ann.public_key, has_memo=True) == ""
    assert _reason(_muxed(ann)) == ""


def test_a_trustline_for_another_issuers_usdc_does_not_count(player: Player) -> None:
    ann, other = player.friend(), player.friend()
    builder = player.builder(ann).append_change_trust_op(Asset("USDC", other.public_key))
    assert player.submit(builder, ann).status_code == 200
    assert _reason(ann.public_key) == "no_trustline"


def test_a_frozen_trustline_is_refused(player: Player) -> None:
    ann = player.person().public_key
    player.control("trustline", address=ann, authorized=False)
    assert _reason(ann) == "not_authorized"
    player.control("trustline", address=ann, authorized=True)
    assert _reason(ann) == ""


def test_a_full_trustline_is_refused_by_the_stroop(player: Player) -> None:
    ann = player.friend()
    builder = player.builder(ann).append_change_trust_op(player.usdc, "10")
    assert player.submit(builder, ann).status_code == 200
    player.control("mint", address=ann.public_key, amount="4")
    assert _reason(ann.public_key, 6 * UNIT) == ""
    assert _reason(ann.public_key, 6 * UNIT + 1) == "trustline_full"


def test_the_issuer_needs_no_trustline(player: Player) -> None:
    assert _reason(current().usdc_issuer) == ""


def test_a_network_that_is_away_is_no_refusal(network: Network, player: Player) -> None:
    ann = player.person().public_key
    network.fault("503", "/accounts/")
    with pytest.raises(ChainUnavailable):
        stellar.check_destination(ann, UNIT, has_memo=False)


def test_an_account_shows_its_lines_exactly(player: Player) -> None:
    ann = player.person("922337203684.4775807")
    found = stellar.account(ann.public_key)
    line = found.line("USDC", player.issuer)
    assert line is not None
    assert (line.balance, line.limit) == (9_223_372_036_844_775_807, 2**63 - 1)
    assert found.line("USDC", ann.public_key) is None
    assert found.xlm == 10_000 * UNIT - 100
    nobody = stellar.account(Keypair.random().public_key)
    assert (nobody.exists, nobody.sequence, nobody.xlm) == (False, 0, 0)

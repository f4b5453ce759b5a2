"""Submitting and looking up: only a ledger proves anything, whatever the answers say."""

from collections.abc import Callable
from typing import Any

import pytest
from stellar_sdk import Asset, MuxedAccount, TransactionEnvelope
from stellar_sdk.memo import HashMemo, IdMemo, TextMemo

from offerhub.chain import keys, stellar
from offerhub.chain.network import current
from offerhub.chain.types import ChainUnavailable, Envelope, Outcome, Verdict
from offerhub.core.money import UNIT, from_chain
from tests.chain.conftest import Deal, Purse, apply, new_purse
from tests.chain.relay import Relay, Reply
from tests.deposits.anew import set_clocks_alike
from tests.network import Network
from tests.sandbox.player import Player

UNKNOWN = Verdict.UNKNOWN


def _pay(deal: Deal, amount: int = UNIT, **more: Any) -> Envelope:
    source = deal.buyer.address
    sequence = stellar.account(source).sequence
    return stellar.build_payment(source, sequence, deal.seller.address, amount, **more)


def _sent(deal: Deal, envelope: Envelope) -> Outcome:
    return stellar.submit(keys.sign(envelope, deal.buyer))


def _held(deal: Deal) -> int:
    return from_chain(deal.network.held(deal.seller.address))


# --- what an accepted envelope does -----------------------------------------------------------
def test_a_payment_is_confirmed_by_its_hash_with_what_it_moved_and_cost(deal: Deal) -> None:
    envelope = _pay(deal, 12_345_678)
    assert _sent(deal, envelope) == Outcome(UNKNOWN)
    fact = stellar.look_up(envelope.hash).fact
    assert fact is not None
    (transfer,) = fact.transfers
    assert (transfer.sender, transfer.recipient) == (deal.buyer.address, deal.seller.address)
    assert (transfer.amount, transfer.asset_issuer) == (12_345_678, current().usdc_issuer)
    assert (fact.hash, fact.successful, fact.fee_account) == (
        envelope.hash, True, deal.buyer.address,
    )  # fmt: skip
    assert 0 < fact.fee_charged <= envelope.max_fee
    assert _held(deal) == 12_345_678


def test_the_smallest_and_the_largest_amounts_are_exact(deal: Deal) -> None:
    apply(_pay(deal, 1), deal.buyer)
    assert _held(deal) == 1
    most = TransactionEnvelope.from_xdr(_pay(deal, 2**63 - 1).xdr, current().passphrase)
    assert most.transaction.operations[0].amount == "922337203685.4775807"  # type: ignore[attr-defined]


@pytest.mark.parametrize("amount", [0, -1, 2**63])
def test_an_amount_that_can_not_be_is_never_built(deal: Deal, amount: int) -> None:
    if amount:
        with pytest.raises(ValueError, match=r"."):
            _pay(deal, amount)
    else:  # the network refuses it
        envelope = _pay(deal, 0)
        assert _sent(deal, envelope).verdict is UNKNOWN
        assert stellar.look_up(envelope.hash).verdict is not Verdict.CONFIRMED


@pytest.mark.parametrize(
    ("kind", "value", "memo"),
    [
        ("text", "grüße", TextMemo("grüße")),
        ("id", "18446744073709551615", IdMemo(2**64 - 1)),
        ("hash", "ab" * 32, HashMemo("ab" * 32)),
    ],
)
def test_memos_arrive_as_they_are(deal: Deal, kind: str, value: str, memo: Any) -> None:
    envelope = _pay(deal, memo=stellar.memo_of(kind, value))
    apply(envelope, deal.buyer)
    parsed = TransactionEnvelope.from_xdr(envelope.xdr, current().passphrase)
    assert parsed.transaction.memo == memo


def test_a_muxed_recipient_is_paid_with_its_number(deal: Deal) -> None:
    source, number = deal.buyer.address, 2**64 - 1
    muxed = str(MuxedAccount(deal.seller.address, number).account_muxed)
    sequence = stellar.account(source).sequence
    fact = apply(stellar.build_payment(source, sequence, muxed, UNIT), deal.buyer)
    (transfer,) = fact.transfers
    assert (transfer.recipient, transfer.recipient_muxed_id) == (
        deal.seller.address,
        str(number),
    )


def test_a_new_wallet_has_fee_money_a_trustline_and_no_reserve_of_its_own(deal: Deal) -> None:
    purse, platform = new_purse(), deal.platform.address
    sequence = stellar.account(platform).sequence
    envelope = stellar.build_activation(platform, sequence, purse.address, 3 * UNIT)
    fact = apply(envelope, deal.platform, purse)
    found = stellar.account(purse.address)
    line = found.line("USDC", current().usdc_issuer)
    assert (found.exists, found.xlm) == (True, 3 * UNIT)
    assert line is not None
    assert (line.balance, line.authorized) == (0, True)
    assert [(t.sender, t.recipient, t.asset_code, t.amount) for t in fact.transfers] == [
        (platform, purse.address, "XLM", 3 * UNIT)
    ]
    # All of it can be spent on fees: the sponsor holds the reserves.
    assert stellar.submit(
        keys.sign(stellar.build_top_up(purse.address, found.sequence, platform, 29_000_000), purse)
    ) == Outcome(UNKNOWN)


def test_a_top_up_is_xlm(deal: Deal) -> None:
    before = stellar.account(deal.buyer.address).xlm
    sequence = stellar.account(deal.platform.address).sequence
    envelope = stellar.build_top_up(deal.platform.address, sequence, deal.buyer.address, 7)
    apply(envelope, deal.platform)
    assert stellar.account(deal.buyer.address).xlm == before + 7


def test_every_kind_of_movement_in_a_transaction_is_told_exactly(
    deal: Deal, player: Player
) -> None:
    bob, leaving = player.person("50"), player.friend()
    ann, xlm = deal.buyer.address, Asset.native()
    builder = player.builder(bob)
    builder.append_payment_op(ann, player.usdc, "1.0000001")
    builder.append_path_payment_strict_receive_op(ann, xlm, "100", player.usdc, "5", [])
    builder.append_path_payment_strict_send_op(ann, xlm, "20", player.usdc, "1", [])
    builder.append_create_account_op(new_purse().address, "9")
    builder.append_account_merge_op(bob.public_key, source=leaving.public_key)
    text = player.signed(builder, bob, leaving)
    assert player.post_xdr(text).status_code == 200
    digest = TransactionEnvelope.from_xdr(text, player.passphrase).hash_hex()
    fact = stellar.look_up(digest).fact
    assert fact is not None
    told = [(t.asset_code, t.amount, t.index) for t in fact.transfers]
    assert told == [
        ("USDC", 10_000_001, 0), ("USDC", 5 * UNIT, 0), ("USDC", 2 * UNIT, 0), ("XLM", 9 * UNIT, 0),
    ]  # fmt: skip
    assert len({t.operation for t in fact.transfers}) == 4


def test_a_mint_has_no_sender_and_a_burn_no_recipient(deal: Deal) -> None:
    fact = stellar.look_up(deal.network.mint(deal.seller.address, "5")).fact
    assert fact is not None
    assert [t.sender for t in fact.transfers] == [""]
    source = deal.buyer.address
    sequence = stellar.account(source).sequence
    envelope = stellar.build_payment(source, sequence, current().usdc_issuer, UNIT)
    assert [t.recipient for t in apply(envelope, deal.buyer).transfers] == [""]


# --- what doubtful answers prove: nothing -----------------------------------------------------
@pytest.mark.parametrize(
    ("fault", "code", "landed"),
    [
        ("504-before", "http_504", False),
        ("504-after", "http_504", True),
        ("429", "http_429", False),
        ("503", "http_503", False),
        ("drop", "no_answer", False),
        ("drop-after", "no_answer", True),
        ("bad-seq", "tx_bad_seq", False),
    ],
)
def test_no_answer_to_a_submission_is_proof(
    deal: Deal, fault: str, code: str, landed: bool
) -> None:
    envelope = _pay(deal)
    deal.network.fault(fault, "/transactions", method="POST")
    outcome = _sent(deal, envelope)
    assert (outcome.verdict, outcome.code, outcome.fact) == (UNKNOWN, code, None)
    found = stellar.look_up(envelope.hash)
    assert found.verdict is (Verdict.CONFIRMED if landed else UNKNOWN)
    assert found.code == ("" if landed else "not_found")
    # The same envelope again moves the money if it did not, and does nothing if it did.
    assert _sent(deal, envelope) == Outcome(UNKNOWN)
    assert stellar.look_up(envelope.hash).verdict is Verdict.CONFIRMED
    assert _held(deal) == UNIT


@pytest.mark.parametrize("fault", ["429", "503"])
def test_a_server_that_asks_for_patience_is_heard(deal: Deal, fault: str) -> None:
    deal.network.fault(fault, "/transactions", method="POST")
    assert (_sent(deal, _pay(deal)).retry_after or 0) > 0


def test_a_submission_is_one_request(deal: Deal, relay: Relay) -> None:
    envelope = _pay(deal)
    relay.asked.clear()
    _sent(deal, envelope)
    stellar.look_up(envelope.hash)
    assert [(method, path.split("?")[0]) for method, path, _ in relay.asked] == [
        ("POST", "/transactions"),
        ("GET", f"/transactions/{envelope.hash}/operations"),
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"extras": None}, "http_400"),
        ({"extras": {"result_codes": None}}, "http_400"),
        ({"extras": {"result_codes": {"transaction": "tx_x", "operations": None}}}, "tx_x"),
        ({"extras": {"result_codes": {"operations": ["op_success", "op_y"]}}}, "op_y"),
        ({"extras": []}, "http_400"),
        ([], "http_400"),
        ("text", "http_400"),
        (None, "http_400"),
    ],
    ids=str,
)  # fmt: skip
def test_a_refusal_of_any_shape_is_unknown(deal: Deal, relay: Relay, body: Any, code: str) -> None:
    envelope = _pay(deal)
    relay.instead("/transactions", body, 400)
    outcome = _sent(deal, envelope)
    assert (outcome.verdict, outcome.code) == (UNKNOWN, code)


def test_a_server_that_says_yes_proves_nothing(deal: Deal, relay: Relay) -> None:
    envelope = _pay(deal)
    relay.instead("/transactions", {"successful": True, "hash": envelope.hash})
    assert _sent(deal, envelope) == Outcome(UNKNOWN)
    relay.honest_again()
    assert stellar.look_up(envelope.hash).code == "not_found"


# --- looking up -------------------------------------------------------------------------------
def test_a_transaction_that_failed_in_a_ledger_is_rejected_with_its_fee(deal: Deal) -> None:
    envelope = _pay(deal, 5000 * UNIT)
    outcome = _sent(deal, envelope)
    assert (outcome.verdict, outcome.code) == (UNKNOWN, "op_underfunded")
    found = stellar.look_up(envelope.hash)
    assert (found.verdict, found.code) == (Verdict.REJECTED, "op_underfunded")
    assert found.fact is not None
    assert (found.fact.successful, list(found.fact.transfers)) == (False, [])
    assert found.fact.fee_charged > 0


def _no_account(deal: Deal) -> str:
    return new_purse().address


def _no_trustline(deal: Deal) -> str:
    purse = new_purse()
    stellar.friendbot(purse.address)
    return purse.address


def _frozen(deal: Deal) -> str:
    deal.network.control("trustline", {"address": deal.seller.address, "authorized": False})
    return deal.seller.address


@pytest.mark.parametrize(
    ("destination", "code"),
    [
        (_no_account, "op_no_destination"),
        (_no_trustline, "op_no_trust"),
        (_frozen, "op_not_authorized"),
    ],
)
def test_why_a_destination_did_not_take_it_is_told(
    deal: Deal, destination: Callable[[Deal], str], code: str
) -> None:
    source, to = deal.buyer.address, destination(deal)
    sequence = stellar.account(source).sequence
    envelope = stellar.build_payment(source, sequence, to, UNIT)
    _sent(deal, envelope)
    found = stellar.look_up(envelope.hash)
    assert (found.verdict, found.code) == (Verdict.REJECTED, code)


def test_a_hash_that_no_ledger_has_is_not_found(deal: Deal) -> None:
    found = stellar.look_up("00" * 32)
    assert (found.verdict, found.code, found.fact) == (UNKNOWN, "not_found", None)


def test_a_ledger_that_is_not_read_yet_is_not_found_and_later_is(deal: Deal) -> None:
    envelope = _pay(deal)
    deal.network.fault("lag", "/transactions", method="GET", times=2)
    _sent(deal, envelope)
    assert stellar.look_up(envelope.hash).code == "not_found"
    deal.network.heal()
    assert stellar.look_up(envelope.hash).verdict is Verdict.CONFIRMED


@pytest.mark.parametrize("fault", ["429", "503", "drop", "504-before"])
def test_a_look_up_without_an_answer_is_no_answer(deal: Deal, fault: str) -> None:
    envelope = _pay(deal)
    deal.network.fault(fault, "/transactions/", method="GET")
    with pytest.raises(ChainUnavailable):
        stellar.look_up(envelope.hash)


@pytest.mark.parametrize(
    "body",
    [
        [],
        "x",
        {},
        {"_embedded": {}},
        {"_embedded": {"records": [{}]}},
        {"_embedded": {"records": [{"transaction": {"successful": True}}]}},
        {"_embedded": {"records": "x"}},
    ],
    ids=str,
)
def test_a_look_up_of_another_shape_is_no_answer(deal: Deal, relay: Relay, body: Any) -> None:
    relay.instead("/operations", body)
    with pytest.raises(ChainUnavailable):
        stellar.look_up("00" * 32)


def test_another_transaction_is_not_taken_for_ours(deal: Deal, relay: Relay) -> None:
    honest = _pay(deal)
    _sent(deal, honest)
    kept: list[Reply] = []
    relay.change("/operations", lambda reply: kept.append(reply) or reply)  # type: ignore[func-returns-value]
    stellar.look_up(honest.hash)
    relay.change("/operations", lambda reply: kept[0])
    with pytest.raises(ChainUnavailable, match="another transaction"):
        stellar.look_up("00" * 32)


def test_an_expired_envelope_is_refused_and_never_found(deal: Deal) -> None:
    envelope = _pay(deal)
    deal.network.advance("PT5M")
    assert _sent(deal, envelope).code == "tx_too_late"
    assert stellar.look_up(envelope.hash).code == "not_found"
    assert stellar.latest_ledger()[1] > envelope.valid_until
    set_clocks_alike(deal.network)
    apply(_pay(deal), deal.buyer)


def test_an_envelope_that_others_signed_is_not_applied(deal: Deal) -> None:
    envelope = _pay(deal)
    assert stellar.submit(keys.sign(envelope, deal.seller)).code == "tx_bad_auth"
    assert stellar.submit(envelope.xdr).code == "tx_bad_auth"
    assert stellar.submit(keys.sign(envelope, deal.buyer, deal.seller)).code == "tx_bad_auth_extra"
    assert stellar.submit("AAAA").code == "http_400"
    assert _held(deal) == 0


# --- other reads ------------------------------------------------------------------------------
def test_the_fee_offered_is_a_cap_and_not_what_is_paid(deal: Deal) -> None:
    envelope = _pay(deal, fee=2 * stellar.BASE_FEE)
    assert envelope.max_fee == 2 * stellar.BASE_FEE
    assert apply(envelope, deal.buyer).fee_charged == 100


def test_payments_are_read_page_by_page_and_failed_ones_are_not(deal: Deal) -> None:
    for amount in (1, 2, 3):
        apply(_pay(deal, amount), deal.buyer)
    _sent(deal, _pay(deal, 5000 * UNIT))
    cursor, amounts = "", []
    for _ in range(10):
        found, after = stellar.payments_of(deal.seller.address, cursor=cursor, limit=2)
        amounts += [t.amount for t, *_ in found if t.asset_code == "USDC"]
        if after == cursor:
            break
        cursor = after
    assert amounts == [1, 2, 3]


def test_an_account_that_is_not_there_has_no_payments(player: Player) -> None:
    assert stellar.payments_of(new_purse().address, cursor="77") == ([], "77")


@pytest.mark.parametrize("body", [[], {}, {"_embedded": {"records": [{}]}}, "x"], ids=str)
def test_reads_of_another_shape_are_no_answers(player: Player, relay: Relay, body: Any) -> None:
    relay.instead("/", body)
    address = new_purse().address
    for read in (
        lambda: stellar.payments_of(address),
        lambda: stellar.account(address),
        stellar.latest_ledger,
    ):
        with pytest.raises(ChainUnavailable):
            read()


def test_friendbot_gives_once_and_says_when_it_can_not(network: Network, player: Player) -> None:
    purse: Purse = new_purse()
    stellar.friendbot(purse.address)
    stellar.friendbot(purse.address)
    assert stellar.account(purse.address).xlm == 10_000 * UNIT
    network.fault("503", "/friendbot")
    with pytest.raises(ChainUnavailable):
        stellar.friendbot(purse.address)

"""The escrow provider: exact numbers out, rules told apart from outages, and no answer believed."""

import json
from typing import Any

import pytest

from offerhub.chain import keys, stellar, trustless_work
from offerhub.chain.network import current, trustless_work_key
from offerhub.chain.provider import Number, _encode, stroops
from offerhub.chain.provider_rules import RULES, rule_of
from offerhub.chain.terms import MULTI, SINGLE, Part
from offerhub.chain.types import (
    BuildRefused,
    ChainFact,
    ChainUnavailable,
    Envelope,
    EnvelopeRefused,
    Verdict,
)
from offerhub.core.money import UNIT, from_chain
from tests.chain.conftest import Deal, Purse, apply
from tests.chain.relay import Relay, Reply

send = trustless_work.send


def _do(deal: Deal, envelope: Envelope, who: Purse) -> ChainFact:
    return apply(envelope, who, send=send)


def _approve(deal: Deal, kind: str, contract: str, index: int) -> None:
    seller, buyer = deal.seller, deal.buyer
    done = trustless_work.change_status(kind, contract, seller.address, index, "completed", "url")
    _do(deal, done, seller)
    _do(deal, trustless_work.approve(kind, contract, buyer.address, index), buyer)


def _shares(fact: ChainFact) -> dict[str, int]:
    """Who got how much USDC."""
    found: dict[str, int] = {}
    for transfer in fact.transfers:
        found[transfer.recipient] = found.get(transfer.recipient, 0) + transfer.amount
    return found


# --- whole lives ------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [SINGLE, MULTI])
def test_a_release_pays_what_the_chain_says_to_the_stroop(deal: Deal, kind: str) -> None:
    contract = deal.deployed(kind, 500, funded=True)
    assert trustless_work.balance(contract) == 500 * UNIT
    _approve(deal, kind, contract, 0)
    fact = _do(deal, trustless_work.release(kind, contract, deal.buyer.address, 0), deal.buyer)
    shares = _shares(fact)
    assert sum(shares.values()) == 500 * UNIT
    assert shares[deal.platform.address] == 25 * UNIT
    assert shares[deal.seller.address] >= 4735 * UNIT // 10
    assert all(transfer.sender == contract for transfer in fact.transfers)
    (state,) = trustless_work.escrows([contract])
    assert (state.released, state.balance, state.disputed) == (True, 0, False)


@pytest.mark.parametrize("kind", [SINGLE, MULTI])
def test_a_split_pays_both_and_a_party_with_nothing_is_left_out(deal: Deal, kind: str) -> None:
    buyer, seller, resolver = deal.buyer, deal.seller, deal.resolver
    for to_buyer in (100, 300):
        contract = deal.deployed(kind, 300, funded=True)
        _do(deal, trustless_work.dispute(kind, contract, seller.address, 0), seller)
        shares = {buyer.address: to_buyer * UNIT, seller.address: (300 - to_buyer) * UNIT}
        split = trustless_work.resolve(kind, contract, resolver.address, 0, shares)
        paid = _shares(_do(deal, split, resolver))
        assert sum(paid.values()) == 300 * UNIT
        assert (seller.address in paid) == (to_buyer == 100)
        (state,) = trustless_work.escrows([contract])
        assert (state.resolved, state.disputed) == (True, False)


def test_milestones_are_released_one_by_one(deal: Deal) -> None:
    contract = deal.deployed(MULTI, 100, 50, 25, funded=True)
    _approve(deal, MULTI, contract, 1)
    _do(deal, trustless_work.release(MULTI, contract, deal.buyer.address, 1), deal.buyer)
    (state,) = trustless_work.escrows([contract])
    assert [part.released for part in state.parts] == [False, True, False]
    assert [part.approved for part in state.parts] == [False, True, False]
    assert (state.balance, state.released) == (125 * UNIT, False)


def test_what_a_stranger_sent_can_be_withdrawn_after_the_end(deal: Deal) -> None:
    contract = deal.deployed(SINGLE, 100, funded=True)
    deal.network.mint(contract, "0.0000100")
    _approve(deal, SINGLE, contract, 0)
    _do(deal, trustless_work.release(SINGLE, contract, deal.buyer.address, 0), deal.buyer)
    assert trustless_work.balance(contract) == 100
    rest = {deal.buyer.address: 100, deal.seller.address: 0}
    left = trustless_work.withdraw_remaining(SINGLE, contract, deal.resolver.address, rest)
    assert sum(_shares(_do(deal, left, deal.resolver)).values()) == 100
    assert trustless_work.balance(contract) == 0


def test_a_funding_that_expects_another_deal_is_built_for_nobody(deal: Deal) -> None:
    contract, buyer = deal.deployed(SINGLE, 100), deal.buyer.address
    assert trustless_work.fund(SINGLE, contract, buyer, UNIT, deal.new(SINGLE, 100)).hash
    with pytest.raises(EnvelopeRefused, match="another amount"):
        trustless_work.fund(SINGLE, contract, buyer, UNIT, deal.new(SINGLE, 101))


# --- what goes out ----------------------------------------------------------------------------
@pytest.mark.parametrize("amount", [1, 10, 123_456_789, 2**53 + 1, 2**63 - 1])
def test_amounts_go_out_as_numbers_with_every_digit(deal: Deal, relay: Relay, amount: int) -> None:
    contract = deal.deployed(SINGLE, 100)
    relay.instead("/fund-escrow", {"message": "no"}, 400)
    with pytest.raises(BuildRefused):
        trustless_work.fund(SINGLE, contract, deal.buyer.address, amount)
    body = relay.asked[-1][2].decode()
    digits = json.loads(body, parse_float=str)["amount"]
    assert from_chain(digits) == amount
    assert "e" not in digits.lower()


def test_a_deployment_says_what_is_meant_in_the_providers_words(deal: Deal, relay: Relay) -> None:
    new = deal.new(MULTI, 100, 50)
    trustless_work.deploy(deal.buyer.address, new)
    sent = json.loads(relay.asked[-1][2])
    seller = deal.seller.address
    assert sent["milestones"] == [
        {"description": part.description, "amount": part.amount / UNIT, "receiver": seller}
        for part in new.parts
    ]
    assert "amount" not in sent
    assert "receiver" not in sent["roles"]
    assert sent["trustline"] == {"address": current().usdc_issuer, "symbol": "USDC"}
    assert sent["platformFee"] == 5


def test_quotes_and_other_scripts_survive(deal: Deal) -> None:
    new = trustless_work.NewEscrow(
        SINGLE, "ord_1", 'He said "\\n"', "Größe 大 \U0001f9f5", deal.roles, 0, [Part("<b>", UNIT)]
    )
    envelope = trustless_work.deploy(deal.buyer.address, new)
    _do(deal, envelope, deal.buyer)
    assert trustless_work.escrows([envelope.meta["contract_id"]])


def test_every_call_carries_the_key_and_nothing_shows_it(deal: Deal, relay: Relay) -> None:
    relay.instead("/helper/", {"message": "no"}, 401)
    with pytest.raises(ChainUnavailable) as refusal:
        trustless_work.escrows(["C"])
    assert trustless_work_key() not in f"{refusal.value!r}"


# --- refusals and outages ---------------------------------------------------------------------
def _rule(code: str) -> pytest.RaisesExc[BuildRefused]:
    return pytest.raises(BuildRefused, match=f"^{code}: ")


def test_contract_rules_are_told_by_their_words(deal: Deal) -> None:
    buyer, seller, resolver = deal.buyer.address, deal.seller.address, deal.resolver.address
    contract = deal.deployed(SINGLE, 100, funded=True)
    with _rule("not_approved") as refusal:
        trustless_work.release(SINGLE, contract, buyer, 0)
    assert not refusal.value.transient
    with _rule("only_approver"):
        trustless_work.approve(SINGLE, contract, seller, 0)
    with _rule("invalid_milestone_index"):
        trustless_work.approve(SINGLE, contract, buyer, 7)
    with _rule("only_service_provider"):
        trustless_work.change_status(SINGLE, contract, buyer, 0, "done", "")
    with _rule("not_disputed"):
        trustless_work.resolve(SINGLE, contract, resolver, 0, {buyer: 100 * UNIT})
    with _rule("resolver_may_not_dispute"):
        trustless_work.dispute(SINGLE, contract, resolver, 0)
    _do(deal, trustless_work.dispute(SINGLE, contract, buyer, 0), deal.buyer)
    with _rule("distributions_differ_from_balance"):
        trustless_work.resolve(SINGLE, contract, resolver, 0, {buyer: 99 * UNIT})
    with _rule("already_disputed"):
        trustless_work.dispute(SINGLE, contract, buyer, 0)


@pytest.mark.parametrize("status", [400, 403, 409, 422, 500, 503])
@pytest.mark.parametrize("words", ["already in dispute", "Only the approver may do this"])
def test_a_rule_is_a_rule_with_whatever_status_it_comes(
    deal: Deal, relay: Relay, status: int, words: str
) -> None:
    for message in (words, [words, "more"]):
        relay.honest_again()
        relay.instead("/deployer/", {"statusCode": status, "message": message}, status)
        with pytest.raises(BuildRefused) as refusal:
            trustless_work.deploy(deal.buyer.address, deal.new(SINGLE, 100))
        assert refusal.value.code in ("already_disputed", "only_approver")
        assert not refusal.value.transient


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("body", [{}, [], "x", None, {"message": None}, {"error": "Gateway"}])
def test_an_outage_is_no_rule(deal: Deal, relay: Relay, status: int, body: Any) -> None:
    relay.instead("/deployer/", body, status, Retry_After="9")
    with pytest.raises(BuildRefused) as refusal:
        trustless_work.deploy(deal.buyer.address, deal.new(SINGLE, 100))
    assert (refusal.value.code, refusal.value.transient) == (f"http_{status}", True)
    assert refusal.value.retry_after == 9


@pytest.mark.parametrize("fault", ["429", "503", "drop", "504-before"])
def test_a_build_that_got_no_answer_may_be_asked_for_again(deal: Deal, fault: str) -> None:
    deal.network.fault(fault, "/deployer/", method="POST")
    with pytest.raises(BuildRefused) as refusal:
        trustless_work.deploy(deal.buyer.address, deal.new(SINGLE, 100))
    assert refusal.value.transient
    assert trustless_work.deploy(deal.buyer.address, deal.new(SINGLE, 100)).hash


def test_a_bad_request_is_final(deal: Deal, relay: Relay) -> None:
    relay.instead("/deployer/", {"message": ["title must be shorter"]}, 400)
    with pytest.raises(BuildRefused, match="title must be shorter") as refusal:
        trustless_work.deploy(deal.buyer.address, deal.new(SINGLE, 100))
    assert not refusal.value.transient


def test_an_index_that_is_behind_is_asked_again(deal: Deal, relay: Relay) -> None:
    """We call contracts that the ledger has; so what the provider misses it will find."""
    contract = deal.deployed(SINGLE, 100)
    relay.instead("/fund-escrow", {"message": "Escrow not found"}, 500)
    with pytest.raises(BuildRefused) as refusal:
        trustless_work.fund(SINGLE, contract, deal.buyer.address, UNIT)
    assert (refusal.value.code, refusal.value.transient) == ("escrow_not_found", True)


def test_a_negative_share_is_refused_before_anybody_is_asked(deal: Deal, relay: Relay) -> None:
    shares = {deal.buyer.address: 2 * UNIT, deal.seller.address: -1}
    with _rule("amount_negative"):
        trustless_work.resolve(SINGLE, "C", deal.resolver.address, 0, shares)
    with _rule("amount_negative"):
        trustless_work.withdraw_remaining(SINGLE, "C", deal.resolver.address, shares)
    assert relay.asked == []


def test_every_sentence_of_the_rules_is_found_in_any_case() -> None:
    for words, code in RULES.items():
        assert rule_of(f"HostError: {words.upper()}, event log") == code
    for text in ("", "Internal server error", "User not found", "resultMetaXdr"):
        assert rule_of(text) == ""


# --- sending ----------------------------------------------------------------------------------
def _funding(deal: Deal) -> tuple[Envelope, str]:
    contract = deal.deployed(SINGLE, 100)
    envelope = trustless_work.fund(SINGLE, contract, deal.buyer.address, 100 * UNIT)
    return envelope, contract


@pytest.mark.parametrize(
    ("fault", "code", "landed"),
    [
        ("504-before", "http_504", False),
        ("504-after", "http_504", True),
        ("429", "http_429", False),
        ("503", "http_503", False),
        ("drop", "no_answer", False),
        ("drop-after", "no_answer", True),
        ("failed-200", "provider_failed", False),
        ("bad-seq", "", False),
    ],
)
def test_no_answer_of_the_provider_is_proof(
    deal: Deal, fault: str, code: str, landed: bool
) -> None:
    envelope, contract = _funding(deal)
    deal.network.fault(fault, "/helper/send-transaction", method="POST")
    signed = keys.sign(envelope, deal.buyer)
    outcome = send(signed)
    assert (outcome.verdict, outcome.fact) == (Verdict.UNKNOWN, None)
    assert outcome.code == code if code else outcome.code != ""
    assert trustless_work.balance(contract) == (100 * UNIT if landed else 0)
    assert stellar.look_up(envelope.hash).verdict is (
        Verdict.CONFIRMED if landed else Verdict.UNKNOWN
    )
    send(signed)
    send(signed)
    assert trustless_work.balance(contract) == 100 * UNIT


@pytest.mark.parametrize(
    "body",
    [{}, [], "SUCCESS", {"status": "FAILED"}, {"status": "success"}, {"status": ["SUCCESS"]}],
    ids=str,
)
def test_failed_status_is_failure(deal: Deal, relay: Relay, body: Any) -> None:
    relay.instead("/helper/send-transaction", body)
    outcome = send("AAAA")
    assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "provider_failed")


def test_a_call_that_the_contract_refuses_in_a_ledger_is_rejected(deal: Deal) -> None:
    """Built while it was allowed, applied when it was not any more."""
    contract = deal.deployed(SINGLE, 100, funded=True)
    first = trustless_work.dispute(SINGLE, contract, deal.buyer.address, 0)
    second = trustless_work.dispute(SINGLE, contract, deal.seller.address, 0)
    _do(deal, first, deal.buyer)
    assert send(keys.sign(second, deal.seller)).verdict is Verdict.UNKNOWN
    found = stellar.look_up(second.hash)
    assert (found.verdict, found.code) == (Verdict.REJECTED, "function_trapped")
    assert found.fact is not None
    assert found.fact.fee_charged > 0
    assert not found.fact.transfers


# --- reads ------------------------------------------------------------------------------------
def test_a_deployment_whose_answer_was_lost_is_found_by_the_order(deal: Deal) -> None:
    envelope = trustless_work.deploy(deal.buyer.address, deal.new(SINGLE, 100))
    deal.network.fault("drop-after", "/helper/send-transaction", method="POST")
    send(keys.sign(envelope, deal.buyer))
    assert stellar.look_up(envelope.hash).verdict is Verdict.CONFIRMED
    trustless_work.read_again(envelope.hash)
    (found,) = trustless_work.find_by_engagement(deal.buyer.address, "ord_1")
    assert found.contract == envelope.meta["contract_id"]
    assert (found.kind, found.amount, found.balance) == (SINGLE, 100 * UNIT, 0)
    assert trustless_work.find_by_engagement(deal.buyer.address, "ord_2") == []
    assert trustless_work.find_by_engagement(deal.seller.address, "ord_1") == []
    with pytest.raises(ChainUnavailable):
        trustless_work.read_again("00" * 32)


def test_many_balances_are_read_in_parts(deal: Deal, relay: Relay) -> None:
    contract = deal.deployed(SINGLE, 100)
    rows = [f"C{number}" for number in range(45)]
    relay.asked.clear()
    relay.instead("/helper/", [{"address": row, "balance": 0.5} for row in rows])
    assert trustless_work.balances(rows) == dict.fromkeys(rows, UNIT // 2)
    assert relay.count("/helper/") == 3
    relay.honest_again()
    assert trustless_work.balances([contract]) == {contract: 0}


def test_a_balance_has_every_digit(deal: Deal, relay: Relay) -> None:
    def answer(text: bytes) -> None:
        relay.honest_again()
        relay.change("/helper/", lambda reply: Reply(200, {}, text))

    answer(b'[{"address": "C1", "balance": 922337203685.4775807}]')
    assert trustless_work.balance("C1") == 2**63 - 1
    for wrong in (b"[]", b"{}", b'[{"address": "C1"}]', b'[{"address": "C1", "balance": "5"}]',
                  b'[{"address": "C1", "balance": 0.00000001}]',
                  b'[{"address": "C1", "balance": true}]',
                  b'[{"address": "C2", "balance": 5}]'):  # fmt: skip
        answer(wrong)
        with pytest.raises(ChainUnavailable):
            trustless_work.balance("C1")


@pytest.mark.parametrize("value", [1, 5, 0])
def test_whole_numbers_are_whole_usdc(value: int) -> None:
    assert stroops(value) == value * UNIT


def test_a_number_is_written_without_an_exponent() -> None:
    assert _encode({"a": [Number(1), Number(10**16)]}) == '{"a":[0.0000001,1000000000.0000000]}'

"""Movements as the events tell them: named as Horizon names them, and believed by contract only."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from stellar_sdk import Asset, Keypair, MuxedAccount, scval

from offerhub.chain import events, stellar
from offerhub.chain.network import token_contract, usdc_contract
from offerhub.chain.trustless_work import SINGLE
from offerhub.chain.types import ChainUnavailable, Transfer
from offerhub.core.money import UNIT
from tests.chain.conftest import Deal
from tests.chain.relay import Relay, Reply
from tests.network import Network
from tests.sandbox.player import Player

Event = dict[str, Any]


def _page(ledger: int, **more: Any) -> events.Page:
    return events.transfer_events(start_ledger=ledger, every_asset=True, **more)


def _named(transfers: Iterable[Transfer], address: str) -> list[tuple[str, str, int]]:
    """What came to an address: operation, asset and amount."""
    return [
        (one.operation, one.asset_code, one.amount) for one in transfers if one.recipient == address
    ]


def _muxed(address: str, number: int) -> str:
    return str(MuxedAccount(address, number).account_muxed)


def _bend(relay: Relay, change: Callable[[list[Event]], list[Event]]) -> None:
    """Change the list of events in the RPC server's answers."""

    def bent(reply: Reply) -> Reply:
        body = reply.json()
        if "events" in body.get("result", {}):
            body["result"]["events"] = change(body["result"]["events"])
        return Reply.of(body, reply.status)

    relay.change("/rpc", bent)


def _everything(player: Player, ann: str) -> int:
    """Every kind of arrival at an account; the ledger before the first."""
    bob, ledger = player.person("100"), stellar.latest_ledger()[0] + 1
    pays = player.builder(bob)
    for amount in ("1", "2", "3.1234567"):
        pays.append_payment_op(ann, player.usdc, amount)
    pays.append_payment_op(_muxed(ann, 0), player.usdc, "0.0000001")
    pays.append_path_payment_strict_receive_op(
        ann, Asset.native(), "100", player.usdc, "5", []
    ).append_path_payment_strict_send_op(ann, Asset.native(), "20", player.usdc, "1", [])
    pays.append_payment_op(ann, Asset.native(), "7")
    assert player.submit(pays, bob).status_code == 200
    player.control("mint", address=ann, amount="4")
    return ledger


def test_both_sources_name_every_arrival_alike(player: Player) -> None:
    ann = player.person().public_key
    ledger = _everything(player, ann)
    told = _named((seen.transfer for seen in _page(ledger).seen), ann)
    assert [amount for _, _, amount in told] == [
        1 * UNIT, 2 * UNIT, 31_234_567, 1, 5 * UNIT, 2 * UNIT, 7 * UNIT, 4 * UNIT,
    ]  # fmt: skip
    found, _ = stellar.payments_of(ann, cursor=str(ledger << 32))
    assert _named((transfer for transfer, *_ in found), ann) == told


def test_a_contracts_payments_are_named_alike_by_events_account_and_transaction(
    deal: Deal,
) -> None:
    ledger = stellar.latest_ledger()[0] + 1
    contract = deal.deployed(SINGLE, 100, funded=True)
    told = [seen for seen in _page(ledger).seen if seen.transfer.recipient == contract]
    (funding,) = told
    assert stellar.look_up(funding.hash).fact is not None
    (looked_up,) = stellar.look_up(funding.hash).fact.transfers  # type: ignore[union-attr]
    assert looked_up == funding.transfer
    found, _ = stellar.payments_of(deal.buyer.address, cursor=str(ledger << 32))
    assert [transfer for transfer, *_ in found] == [looked_up]


def test_a_server_that_counts_operations_from_zero_names_them_alike(
    player: Player, relay: Relay
) -> None:
    """As RPC servers do: in an event's id, and only there, the first operation is number 0."""

    def from_zero(found: list[Event]) -> list[Event]:
        for event in found:
            first = event["ledger"] << 32 | event["transactionIndex"] << 12
            number = first | event["operationIndex"]
            event["id"] = f"{number:019d}-{event['id'].partition('-')[2]}"
        return found

    ann = player.person().public_key
    ledger = _everything(player, ann)
    _bend(relay, from_zero)
    told = _named((seen.transfer for seen in _page(ledger).seen), ann)
    found, _ = stellar.payments_of(ann, cursor=str(ledger << 32))
    assert _named((transfer for transfer, *_ in found), ann) == told
    assert len(told) == 8


def test_a_cursor_goes_on_behind_the_page_and_never_splits_an_operation(player: Player) -> None:
    ann = player.person().public_key
    ledger = _everything(player, ann)
    whole = [seen.transfer for seen in _page(ledger).seen]
    for limit in (2, 3, 5):
        parts: list[Transfer] = []
        page = _page(ledger, limit=limit)
        while page.more:
            parts += [seen.transfer for seen in page.seen]
            page = events.transfer_events(cursor=page.cursor, limit=limit, every_asset=True)
        parts += [seen.transfer for seen in page.seen]
        assert [(t.operation, t.amount) for t in parts] == [(t.operation, t.amount) for t in whole]


def test_an_empty_page_has_a_cursor_that_stays(player: Player) -> None:
    start = _page(stellar.latest_ledger()[0])
    again = events.transfer_events(cursor=start.cursor, every_asset=True)
    player.control("ledgers", close=1)
    later = events.transfer_events(cursor=again.cursor, every_asset=True)
    assert (again.seen, later.seen, later.more) == ([], [], False)
    assert later.latest_ledger > again.latest_ledger


def test_a_forged_contract_that_speaks_like_the_asset_is_ignored(
    player: Player, relay: Relay
) -> None:
    ann = player.person().public_key
    ledger = stellar.latest_ledger()[0] + 1
    player.control("mint", address=ann, amount="5")
    forger = token_contract("USDC", Keypair.random().public_key)
    _bend(relay, lambda found: [event | {"contractId": forger} for event in found])
    page = _page(ledger)
    assert (page.seen, page.quarantined) == ([], [])


@pytest.mark.parametrize("name", ["", "USDC", "USDC:", ":G", "a b:c", "USDC:GABC", "x" * 60])
def test_an_asset_that_can_not_be_is_ignored(player: Player, relay: Relay, name: str) -> None:
    ledger = stellar.latest_ledger()[0] + 1
    player.control("mint", address=player.person().public_key, amount="5")
    topic = scval.to_string(name).to_xdr()
    _bend(
        relay,
        lambda found: [e | {"topic": [*e["topic"][:-1], topic], "contractId": ""} for e in found],
    )
    page = _page(ledger)
    assert (page.seen, page.quarantined) == ([], [])


def test_another_asset_of_the_same_name_keeps_its_issuer(player: Player) -> None:
    ann, ledger = player.person(), stellar.latest_ledger()[0] + 1
    other = player.friend()
    own = Asset("USDC", other.public_key)
    player.submit(player.builder(ann).append_change_trust_op(own), ann)
    assert player.pay(other, ann.public_key, "9", asset=own).status_code == 200
    (seen,) = [s for s in _page(ledger).seen if s.transfer.asset_code == "USDC"]
    assert (seen.transfer.asset_issuer, seen.transfer.sender) == (other.public_key, "")


def test_only_the_two_assets_are_asked_for_on_real_networks(player: Player, relay: Relay) -> None:
    events.transfer_events(start_ledger=stellar.latest_ledger()[0])
    request = relay.asked[-1][2].decode()
    assert usdc_contract() in request
    assert token_contract("XLM", "") in request


BROKEN: list[Event] = [
    {"value": ""},
    {"value": "AAAA"},
    {"value": scval.to_map({}).to_xdr()},
    {"value": scval.to_string("x" * 100_000).to_xdr()},
    {"topic": ["!"]},
    {"topic": []},
    {"topic": None},
    {"txHash": None, "value": None},
    {"ledgerClosedAt": "yesterday"},
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: "-".join(broken))
def test_what_can_not_be_read_is_set_aside_and_the_rest_is_not(
    player: Player, relay: Relay, broken: Event
) -> None:
    ann, ledger = player.person().public_key, stellar.latest_ledger()[0] + 1
    for amount in ("1", "2", "3"):
        player.control("mint", address=ann, amount=amount)
    _bend(relay, lambda found: [found[0], found[1] | broken, *found[2:]])
    page = _page(ledger)
    assert [seen.transfer.amount for seen in page.seen] == [1 * UNIT, 3 * UNIT]
    (aside,) = page.quarantined
    assert aside.ledger > 0
    assert aside.reason


def test_a_text_that_is_no_utf8_is_no_asset(player: Player, relay: Relay) -> None:
    ledger = stellar.latest_ledger()[0] + 1
    player.control("mint", address=player.person().public_key, amount="1")
    topic = scval.to_string(b"\xff\xfe").to_xdr()
    _bend(relay, lambda found: [e | {"topic": [*e["topic"][:-1], topic]} for e in found])
    assert _page(ledger).seen == []


def test_an_event_of_a_failed_call_is_ignored(player: Player, relay: Relay) -> None:
    ledger = stellar.latest_ledger()[0] + 1
    player.control("mint", address=player.person().public_key, amount="1")
    _bend(relay, lambda found: [e | {"inSuccessfulContractCall": False} for e in found])
    assert _page(ledger).seen == []


def test_an_event_that_is_told_twice_is_one_movement(player: Player, relay: Relay) -> None:
    ann, ledger = player.person().public_key, stellar.latest_ledger()[0] + 1
    player.control("mint", address=ann, amount="1")
    _bend(relay, lambda found: found * 3)
    assert len(_page(ledger).seen) == 1


def test_a_muxed_recipient_and_a_memo_are_told(player: Player) -> None:
    ann, bob = player.person().public_key, player.person("10")
    ledger = stellar.latest_ledger()[0] + 1
    for to in (_muxed(ann, 0), _muxed(ann, 77), ann):
        assert player.pay(bob, to, "1").status_code == 200
    seen = [s.transfer for s in _page(ledger).seen]
    assert [one.recipient for one in seen] == [ann] * 3
    assert [one.recipient_muxed_id for one in seen] == ["0", "77", ""]


def test_burns_and_clawbacks_have_no_recipient(player: Player) -> None:
    ann = player.person("10")
    ledger = stellar.latest_ledger()[0] + 1
    assert player.pay(ann, player.issuer, "2").status_code == 200
    (burn,) = _page(ledger).seen
    assert (burn.transfer.sender, burn.transfer.recipient) == (ann.public_key, "")


def test_cursors_that_the_server_does_not_keep_are_told_apart(player: Player, relay: Relay) -> None:
    newest, oldest = events.newest_ledger()
    with pytest.raises(events.OutOfRange) as early:
        _page(oldest - 1)
    with pytest.raises(events.OutOfRange) as late:
        events.transfer_events(cursor=f"{(newest + 50) << 32:019d}-0000000000")
    assert late.value.newest >= newest
    assert early.value.oldest == oldest


def test_other_refusals_of_the_server_are_no_answer(player: Player, relay: Relay) -> None:
    with pytest.raises(ChainUnavailable, match="limit"):
        _page(1, limit=10_001)
    with pytest.raises(ChainUnavailable, match="cursor"):
        events.transfer_events(cursor="nonsense")


@pytest.mark.parametrize("answer", ["429", "503", "drop"])
def test_a_server_that_is_away_is_no_empty_page(
    network: Network, player: Player, answer: str
) -> None:
    network.fault(answer, "/rpc")
    with pytest.raises(ChainUnavailable):
        _page(1)


@pytest.mark.parametrize(
    "body",
    [[], "x", {}, {"result": None}, {"result": {}}, {"result": {"events": [{}]}}, {"error": "x"}],
    ids=str,
)
def test_an_answer_of_another_shape_is_no_empty_page(
    player: Player, relay: Relay, body: Any
) -> None:
    relay.instead("/rpc", body)
    with pytest.raises(ChainUnavailable):
        _page(1)
    with pytest.raises(ChainUnavailable):
        events.newest_ledger()

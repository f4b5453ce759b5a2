"""Events: one for every kind of movement, filters, cursors, and the limits of memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from stellar_sdk import Address, Asset, MuxedAccount, SorobanServer, scval
from stellar_sdk.soroban_rpc import EventFilter, EventFilterType

from tests.sandbox.deal import Deal
from tests.sandbox.player import Player


@pytest.fixture
def rpc(player: Player) -> Iterator[SorobanServer]:
    with SorobanServer(f"{player.url}/rpc") as server:
        yield server


def events(player: Player, *topics: str, start: int = 1, **more: Any) -> list[dict[str, Any]]:
    only: dict[str, Any] = {"type": "contract", "contractIds": [player.health["usdcContract"]]}
    if topics:
        only["topics"] = [list(topics)]
    filters = [only]
    result = player.rpc("getEvents", startLedger=start, filters=filters, **more)["result"]
    found: list[dict[str, Any]] = result["events"]
    return found


def value(event: dict[str, Any]) -> Any:
    return scval.to_native(event["value"])


def topics(event: dict[str, Any]) -> list[Any]:
    natives = [scval.to_native(topic) for topic in event["topic"]]
    return [n.address if isinstance(n, Address) else n for n in natives]


def test_every_kind_of_movement_has_its_event(player: Player) -> None:
    a, b = player.person(), player.person()
    issued = f"USDC:{player.issuer}"
    player.control("mint", address=a.public_key, amount="10")
    player.pay(a, b.public_key, "1")
    path = player.builder(a).append_path_payment_strict_receive_op(
        b.public_key, Asset.native(), "100", player.usdc, "2", []
    )
    assert player.submit(path, a).status_code == 200
    player.pay(a, player.issuer, "3")
    found = [(topics(event), value(event)) for event in events(player)]
    assert found == [
        (["mint", a.public_key, issued], 100_000_000),
        (["transfer", a.public_key, b.public_key, issued], 10_000_000),
        (["mint", a.public_key, issued], 20_000_000),
        (["transfer", a.public_key, b.public_key, issued], 20_000_000),
        (["burn", a.public_key, issued], 30_000_000),
    ]


def test_muxed_ids_and_memos_ride_in_the_event(player: Player) -> None:
    a, b = player.person("10"), player.person()
    start = player.get("/control/health").json()["latestLedger"]
    muxed = MuxedAccount(b.public_key, 2**63 + 5)
    player.submit(player.builder(a).append_payment_op(muxed, player.usdc, "1"), a)
    memo = player.builder(a).append_payment_op(b.public_key, player.usdc, "1")
    player.submit(memo.add_text_memo("order 7"), a)
    numbered = player.builder(a).append_payment_op(b.public_key, player.usdc, "1")
    player.submit(numbered.add_id_memo(42), a)
    found = [value(event) for event in events(player, start=start)[-3:]]
    assert found == [
        {"amount": 10_000_000, "to_muxed_id": 2**63 + 5},
        {"amount": 10_000_000, "to_muxed_id": "order 7"},
        {"amount": 10_000_000, "to_muxed_id": 42},
    ]


def test_a_failed_transaction_leaves_no_event(player: Player) -> None:
    a, b, c = player.person("1"), player.person(), player.friend()
    before = len(events(player))
    builder = player.builder(a)
    builder.append_payment_op(b.public_key, player.usdc, "1")
    builder.append_payment_op(c.public_key, player.usdc, "1")
    assert player.submit(builder, a).status_code == 400
    assert len(events(player)) == before


def symbol(text: str) -> str:
    return scval.to_symbol(text).to_xdr()


def test_topic_filters_with_their_wildcards(player: Player) -> None:
    a, b, c = player.person("10"), player.person(), player.person()
    player.pay(a, b.public_key, "1")
    player.pay(a, c.public_key, "2")
    to_b = scval.to_address(b.public_key).to_xdr()
    assert symbol("transfer") == "AAAADwAAAAh0cmFuc2Zlcg=="
    assert len(events(player, symbol("transfer"), "*", to_b, "*")) == 1
    assert len(events(player, symbol("transfer"), "*", to_b)) == 0
    assert len(events(player, symbol("transfer"), "**")) == 2
    assert len(events(player, symbol("mint"), "*", "*")) == 1
    assert len(events(player, "**")) == 3
    both = [
        {"contractIds": [player.health["usdcContract"]], "topics": [[symbol("mint"), "**"]]},
        {"contractIds": [player.health["usdcContract"]],
         "topics": [[symbol("transfer"), "*", to_b, "*"]]},
    ]  # fmt: skip
    found = player.rpc("getEvents", startLedger=1, filters=both)["result"]["events"]
    assert len(found) == 2


def test_the_cursor_goes_on_without_gap_or_repetition(player: Player, rpc: SorobanServer) -> None:
    a, b = player.person("100"), player.person()
    builder = player.builder(a)
    for _ in range(7):
        builder.append_payment_op(b.public_key, player.usdc, "1")
    player.submit(builder, a)
    filters = [EventFilter(type=EventFilterType.CONTRACT,
                           contractIds=[player.health["usdcContract"]])]  # fmt: skip
    seen: list[str] = []
    page = rpc.get_events(start_ledger=1, filters=filters, limit=3)
    while page.events:
        seen += [event.id for event in page.events]
        page = rpc.get_events(filters=filters, cursor=page.cursor, limit=3)
    assert len(seen) == len(set(seen)) == 8
    assert seen == sorted(seen)
    player.pay(a, b.public_key, "1")
    later = rpc.get_events(filters=filters, cursor=page.cursor, limit=3)
    assert len(later.events) == 1


def test_a_contract_announces_its_own_steps(player: Player) -> None:
    deal = Deal(player).funded()
    deal.complete()
    deal.approve()
    deal.release()
    only = [{"contractIds": [deal.contract]}]
    result = player.rpc("getEvents", startLedger=1, filters=only)["result"]
    names = [topics(event)[0] for event in result["events"]]
    assert names == ["tw_init", "tw_fund", "tw_ms_change", "tw_ms_approve", "tw_release"]


def test_beyond_its_memory_rpc_says_so(start: Callable[..., Player]) -> None:
    player = start(retention=100)
    a = player.person("5")
    digest = player.pay(a, player.issuer, "1").json()["hash"]
    cursor = player.rpc("getEvents", startLedger=1)["result"]["cursor"]
    assert player.rpc("getTransaction", hash=digest)["result"]["status"] == "SUCCESS"
    player.control("clock", advance="PT1H")
    assert player.rpc("getTransaction", hash=digest)["result"]["status"] == "NOT_FOUND"
    for params in ({"startLedger": 2}, {"pagination": {"cursor": cursor}}):
        error = player.rpc("getEvents", **params)["error"]
        assert error["code"] == -32600
        assert "must be within the ledger range" in error["message"]
    latest = player.rpc("getHealth")["result"]
    ahead = player.rpc("getEvents", startLedger=latest["latestLedger"] + 1)
    assert "ledger range" in ahead["error"]["message"]
    assert latest["latestLedger"] - latest["oldestLedger"] == 99
    # Horizon remembers everything.
    assert player.get(f"/transactions/{digest}").status_code == 200


def test_limits_of_a_filter_are_kept(player: Player) -> None:
    contract = player.health["usdcContract"]
    wrong: list[list[dict[str, Any]]] = [
        [{}] * 6,
        [{"contractIds": [contract] * 6}],
        [{"topics": [["*"]] * 6}],
        [{"topics": [["*"] * 5]}],
        [{"topics": [["**", "*"]]}],
        [{"topics": [["not base64"]]}],
    ]
    for filters in wrong:
        assert player.rpc("getEvents", startLedger=1, filters=filters)["error"]["code"] == -32602
    for params in ({"startLedger": "1"}, {"startLedger": 1, "pagination": {"limit": 10_001}}):
        assert player.rpc("getEvents", **params)["error"]["code"] == -32602
    assert player.rpc("getNothing")["error"]["code"] == -32601

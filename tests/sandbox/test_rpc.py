"""RPC: stellar_sdk's client, events of every kind of movement, and the limits of memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from stellar_sdk import (
    Address,
    Asset,
    Keypair,
    MuxedAccount,
    SorobanServer,
    TransactionBuilder,
    scval,
    xdr,
)
from stellar_sdk.auth import authorize_entry
from stellar_sdk.exceptions import PrepareTransactionException, SorobanRpcErrorResponse
from stellar_sdk.soroban_rpc import EventFilter, EventFilterType, GetTransactionStatus

from tests.sandbox.deal import Deal
from tests.sandbox.player import Player


@pytest.fixture
def rpc(player: Player) -> Iterator[SorobanServer]:
    with SorobanServer(f"{player.url}/rpc") as server:
        yield server


def transfer(
    player: Player, source: Keypair, sender: str, to: str, amount: int
) -> TransactionBuilder:
    args = [scval.to_address(sender), scval.to_address(to), scval.to_int128(amount)]
    contract = player.health["usdcContract"]
    return player.builder(source).append_invoke_contract_function_op(contract, "transfer", args)


def raw(player: Player, method: str, **params: Any) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer: dict[str, Any] = player.http.post(f"{player.url}/rpc", json=body).json()
    return answer


def events(player: Player, *topics: str, start: int = 1, **more: Any) -> list[dict[str, Any]]:
    filters = [{"type": "contract", "contractIds": [player.health["usdcContract"]]}]
    if topics:
        filters[0]["topics"] = [list(topics)]  # type: ignore[assignment]
    result = raw(player, "getEvents", startLedger=start, filters=filters, **more)["result"]
    found: list[dict[str, Any]] = result["events"]
    return found


def value(event: dict[str, Any]) -> Any:
    return scval.to_native(event["value"])


def topics(event: dict[str, Any]) -> list[Any]:
    natives = [scval.to_native(topic) for topic in event["topic"]]
    return [n.address if isinstance(n, Address) else n for n in natives]


def test_the_sdk_prepares_sends_and_polls_a_token_transfer(
    player: Player, rpc: SorobanServer
) -> None:
    a, b = player.person("10"), player.person()
    builder = transfer(player, a, a.public_key, b.public_key, 25_000_000)
    ready = rpc.prepare_transaction(builder.build())
    ready.sign(a)
    sent = rpc.send_transaction(ready)
    assert sent.status.value == "PENDING"
    done = rpc.get_transaction(sent.hash)
    assert done.status == GetTransactionStatus.SUCCESS
    assert rpc.send_transaction(ready).status.value == "DUPLICATE"
    assert str(player.balance(b.public_key)) == "2.5000000"
    assert done.result_meta_xdr is not None
    meta = xdr.TransactionMeta.from_xdr(done.result_meta_xdr)
    assert meta.v4 is not None
    assert meta.v4.soroban_meta is not None
    assert len(meta.v4.operations[0].events) == 1
    shown = player.get(f"/accounts/{b.public_key}/payments").json()["_embedded"]["records"]
    assert shown[-1]["asset_balance_changes"][0]["amount"] == "2.5000000"


def test_the_sdk_reads_ledger_entries(player: Player, rpc: SorobanServer) -> None:
    deal = Deal(player).funded(123.45)
    assert rpc.load_account(deal.buyer.public_key).sequence == player.sequence(deal.buyer)
    held = rpc.get_sac_balance(deal.contract, player.usdc, player.passphrase)
    assert held.balance_entry is not None
    assert int(held.balance_entry.amount) == 1_234_500_000
    line = xdr.LedgerKey(
        xdr.LedgerEntryType.TRUSTLINE,
        trust_line=xdr.LedgerKeyTrustLine(
            deal.buyer.xdr_account_id(), player.usdc.to_trust_line_asset_xdr_object()
        ),
    )
    (entry,) = rpc.get_ledger_entries([line]).entries or []
    parsed = xdr.LedgerEntryData.from_xdr(entry.xdr)
    assert parsed.trust_line is not None
    assert parsed.trust_line.balance.int64 == 8_765_500_000


def test_the_sdk_reads_the_network(player: Player, rpc: SorobanServer) -> None:
    assert rpc.get_health().status == "healthy"
    assert rpc.get_network().passphrase == player.passphrase
    latest = rpc.get_latest_ledger()
    header = xdr.LedgerHeader.from_xdr(latest.header_xdr)
    assert header.ledger_seq.uint32 == latest.sequence
    xdr.LedgerCloseMeta.from_xdr(latest.metadata_xdr)
    assert rpc.get_fee_stats().soroban_inclusion_fee.min == 100
    assert rpc.get_version_info().protocol_version == 23
    player.friend()
    assert len(rpc.get_transactions(start_ledger=1).transactions) == 1


def test_a_simulation_names_the_contracts_error(player: Player, rpc: SorobanServer) -> None:
    a, b = player.person("1"), player.friend()
    builder = transfer(player, a, a.public_key, b.public_key, 5)
    with pytest.raises(PrepareTransactionException) as refused:
        rpc.prepare_transaction(builder.build())
    assert "Error(Contract, #13)" in str(refused.value.simulate_transaction_response.error)


def test_a_call_without_its_authorization_traps(player: Player, rpc: SorobanServer) -> None:
    a, b = player.person("1"), player.person()
    ready = rpc.prepare_transaction(
        transfer(player, a, a.public_key, b.public_key, 5).build()
    )
    operation: Any = ready.transaction.operations[0]
    operation.auth = []
    ready.sign(a)
    sent = rpc.send_transaction(ready)
    done = rpc.get_transaction(sent.hash)
    assert done.status == GetTransactionStatus.FAILED
    shown = player.get(f"/transactions/{sent.hash}").json()
    assert shown["successful"] is False
    assert player.balance(b.public_key) == 0


def test_an_address_authorizes_by_its_own_signature_once(
    player: Player, rpc: SorobanServer
) -> None:
    payer, owner, b = player.friend(), player.person("10"), player.person()

    def ready() -> Any:
        plain = transfer(player, payer, owner.public_key, b.public_key, 30_000_000).build()
        return rpc.prepare_transaction(plain)

    unsigned = ready()
    unsigned.sign(payer)
    failed = rpc.get_transaction(rpc.send_transaction(unsigned).hash)
    assert failed.status == GetTransactionStatus.FAILED

    signed = ready()
    entry = signed.transaction.operations[0].auth[0]
    until = rpc.get_latest_ledger().sequence + 100
    agreed = authorize_entry(entry, owner, until, player.passphrase)
    signed.transaction.operations[0].auth = [agreed]
    signed.sign(payer)
    assert rpc.get_transaction(rpc.send_transaction(signed).hash).status.value == "SUCCESS"
    assert player.balance(b.public_key) == 3

    again = ready()
    again.transaction.operations[0].auth = [agreed]
    again.sign(payer)
    assert rpc.get_transaction(rpc.send_transaction(again).hash).status.value == "FAILED"
    assert player.balance(b.public_key) == 3


def test_too_small_a_resource_fee_fails(player: Player, rpc: SorobanServer) -> None:
    a, b = player.person("1"), player.person()
    ready = rpc.prepare_transaction(transfer(player, a, a.public_key, b.public_key, 5).build())
    assert ready.transaction.soroban_data is not None
    ready.transaction.soroban_data.resource_fee = xdr.Int64(10)
    ready.sign(a)
    sent = rpc.send_transaction(ready)
    failed = player.get(f"/transactions/{sent.hash}").json()
    result = xdr.TransactionResult.from_xdr(failed["result_xdr"])
    assert result.result.code == xdr.TransactionResultCode.txFAILED
    assert player.balance(b.public_key) == 0


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
    found = raw(player, "getEvents", startLedger=1, filters=both)["result"]["events"]
    assert len(found) == 2


def test_the_cursor_goes_on_without_gap_or_repetition(player: Player, rpc: SorobanServer) -> None:
    a, b = player.person("100"), player.person()
    builder = player.builder(a)
    for _ in range(7):
        builder.append_payment_op(b.public_key, player.usdc, "1")
    player.submit(builder, a)
    filters = [EventFilter(event_type=EventFilterType.CONTRACT,
                           contract_ids=[player.health["usdcContract"]])]  # fmt: skip
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
    result = raw(
        player, "getEvents", startLedger=1, filters=[{"contractIds": [deal.contract]}]
    )["result"]  # fmt: skip
    names = [topics(event)[0] for event in result["events"]]
    assert names == ["tw_init", "tw_fund", "tw_ms_change", "tw_ms_approve", "tw_release"]


def test_beyond_its_memory_rpc_says_so(start: Callable[..., Player]) -> None:
    player = start(retention=100)
    a = player.person("5")
    digest = player.pay(a, player.issuer, "1").json()["hash"]
    cursor = raw(player, "getEvents", startLedger=1)["result"]["cursor"]
    assert raw(player, "getTransaction", hash=digest)["result"]["status"] == "SUCCESS"
    player.control("clock", advance="PT1H")
    assert raw(player, "getTransaction", hash=digest)["result"]["status"] == "NOT_FOUND"
    for params in ({"startLedger": 2}, {"pagination": {"cursor": cursor}}):
        error = raw(player, "getEvents", **params)["error"]
        assert error["code"] == -32600
        assert "must be within the ledger range" in error["message"]
    latest = raw(player, "getHealth")["result"]
    ahead = raw(player, "getEvents", startLedger=latest["latestLedger"] + 1)
    assert "ledger range" in ahead["error"]["message"]
    assert latest["latestLedger"] - latest["oldestLedger"] == 99
    # Horizon remembers everything.
    assert player.get(f"/transactions/{digest}").status_code == 200


def test_limits_of_a_filter_are_kept(player: Player) -> None:
    contract = player.health["usdcContract"]
    for filters in (
        [{}] * 6,
        [{"contractIds": [contract] * 6}],
        [{"topics": [["*"]] * 6}],
        [{"topics": [["*"] * 5]}],
        [{"topics": [["**", "*"]]}],
        [{"topics": [["not base64"]]}],
    ):
        assert raw(player, "getEvents", startLedger=1, filters=filters)["error"]["code"] == -32602
    assert raw(player, "getNothing")["error"]["code"] == -32601


def test_a_refused_submission_carries_its_result(player: Player, rpc: SorobanServer) -> None:
    a, b = player.friend(), player.friend()
    envelope = player.builder(a).append_payment_op(b.public_key, Asset.native(), "1").build()
    envelope.sign(b)
    sent = rpc.send_transaction(envelope)
    assert sent.status.value == "ERROR"
    assert sent.error_result_xdr is not None
    result = xdr.TransactionResult.from_xdr(sent.error_result_xdr)
    assert result.result.code == xdr.TransactionResultCode.txBAD_AUTH
    with pytest.raises(SorobanRpcErrorResponse):
        rpc.get_events(start_ledger=10_000_000)

"""RPC, by stellar_sdk's own client: prepare, authorize, send, read entries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from stellar_sdk import (
    Asset,
    Keypair,
    SorobanServer,
    TransactionBuilder,
    scval,
    xdr,
)
from stellar_sdk.auth import authorize_entry
from stellar_sdk.exceptions import PrepareTransactionException, SorobanRpcErrorResponse
from stellar_sdk.soroban_rpc import GetTransactionStatus

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
    ready = rpc.prepare_transaction(transfer(player, a, a.public_key, b.public_key, 5).build())
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

"""Horizon's reads, by stellar_sdk's own client and by hand."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from stellar_sdk import (
    Account,
    Asset,
    Keypair,
    Server,
    TransactionBuilder,
    TransactionEnvelope,
    xdr,
)
from stellar_sdk.exceptions import BadRequestError, NotFoundError
from stellar_sdk.sep.exceptions import AccountRequiresMemoError

from tests.sandbox.deal import Deal
from tests.sandbox.player import Player


def records(answer: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer["_embedded"]["records"]
    return found


def test_the_sdk_reads_accounts_and_pages_of_payments(player: Player) -> None:
    a, b = player.person("100"), player.person()
    for amount in ("1", "2", "3"):
        player.pay(a, b.public_key, amount)
    with Server(player.url) as server:
        account = server.load_account(a.public_key)
        assert account.sequence == player.sequence(a)
        call = server.payments().for_account(b.public_key).order(desc=False).limit(2)
        call = call.join("transactions").include_failed(False)
        first = records(call.call())
        second = records(call.next())
        last = records(call.next())
    assert [r["type"] for r in first + second] == ["create_account", *["payment"] * 3]
    assert [r["amount"] for r in second] == ["2.0000000", "3.0000000"]
    assert all(r["transaction"]["successful"] for r in first + second)
    assert last == []


def test_the_sdk_submits_and_sees_why_not(player: Player) -> None:
    a, b = player.person("1"), player.friend()
    with Server(player.url) as server:
        builder = player.builder(a).append_payment_op(b.public_key, player.usdc, "1")
        envelope = builder.build()
        envelope.sign(a)
        with pytest.raises(BadRequestError) as refused:
            server.submit_transaction(envelope)
        with pytest.raises(NotFoundError):
            server.load_account(Keypair.random().public_key)
        assert server.fetch_base_fee() == 100
        assert server.fee_stats().call()["fee_charged"]["p95"] == "100"
    assert refused.value.extras is not None
    assert refused.value.extras["result_codes"]["operations"] == ["op_no_trust"]


def test_the_sdk_notices_a_required_memo(player: Player) -> None:
    a, b = player.person("1"), player.person()
    data = player.builder(b).append_manage_data_op("config.memo_required", "1")
    assert player.submit(data, b).status_code == 200
    envelope = player.builder(a).append_payment_op(b.public_key, player.usdc, "1").build()
    envelope.sign(a)
    with Server(player.url) as server, pytest.raises(AccountRequiresMemoError):
        server.submit_transaction(envelope)
    assert player.balance(b.public_key) == 0


def test_the_sdk_streams_payments_as_they_come(player: Player) -> None:
    a, b = player.person("10"), player.person()
    player.pay(a, b.public_key, "1")
    seen = []
    with Server(player.url) as server:
        for record in server.payments().for_account(b.public_key).cursor("0").stream():
            seen.append(record.get("amount"))
            if len(seen) == 2:
                player.pay(a, b.public_key, "2")
            if len(seen) == 3:
                break
    assert seen == [None, "1.0000000", "2.0000000"]


def test_failed_payments_are_shown_only_when_asked_for(player: Player) -> None:
    a, b = player.person("1"), player.person()
    player.pay(a, b.public_key, "5")
    path = f"/accounts/{b.public_key}/payments"
    assert len(records(player.get(path).json())) == 1
    all_of_them = records(player.get(path, include_failed="true").json())
    assert [r["transaction_successful"] for r in all_of_them] == [True, False]


def test_two_payments_of_one_transaction_have_two_ids(player: Player) -> None:
    a, b = player.person("5"), player.person()
    builder = player.builder(a)
    builder.append_payment_op(b.public_key, player.usdc, "1")
    builder.append_payment_op(b.public_key, player.usdc, "1")
    answer = player.submit(builder, a).json()
    ops = player.operations(answer["hash"])
    first = answer["ledger"] << 32 | 1 << 12 | 1
    assert [op["id"] for op in ops] == [str(first), str(first + 1)]
    assert [op["paging_token"] for op in ops] == [op["id"] for op in ops]


def test_a_contract_call_shows_what_it_moved(player: Player) -> None:
    deal = Deal(player).deploy()
    sent = deal.fund(500)
    (record,) = player.operations(sent.hash)
    assert record["type"] == "invoke_host_function"
    assert record["asset_balance_changes"] == [
        {
            "asset_type": "credit_alphanum4",
            "asset_code": "USDC",
            "asset_issuer": player.issuer,
            "type": "transfer",
            "from": deal.buyer.public_key,
            "to": deal.contract,
            "amount": "500.0000000",
        }
    ]
    assert record["parameters"][0]["type"] == "Address"
    inner = record["transaction"]
    assert (inner["successful"], inner["fee_charged"]) == (True, "120100")
    assert inner["ledger"] == player.get(f"/transactions/{sent.hash}").json()["ledger"]
    same = player.get(f"/transactions/{sent.hash}/payments").json()
    assert [r["id"] for r in records(same)] == [record["id"]]
    by_id = player.get(f"/operations/{record['id']}").json()
    assert by_id["asset_balance_changes"] == record["asset_balance_changes"]


def test_a_calls_parameters_are_those_of_its_envelope(player: Player) -> None:
    deal = Deal(player, "multi")
    for text in (
        player.envelope("/deployer/multi-release", deal.body),
        player.envelope(deal.deploy().path("fund-escrow"), deal.fund_body(3)),
        player.envelope(deal.path("change-milestone-status"), deal.status_body()),
    ):
        inner = TransactionEnvelope.from_xdr(text, player.passphrase)
        signer = deal.seller if b"change" in base64.b64decode(text) else deal.buyer
        inner.transaction.sequence = player.sequence(signer) + 1
        inner.sign(signer)
        bump = TransactionBuilder.build_fee_bump_transaction(
            deal.platform.public_key, 600_000, inner, player.passphrase
        )
        bump.sign(deal.platform)
        assert player.post_xdr(bump.to_xdr()).status_code == 200
        (record,) = player.operations(bump.hash_hex())
        operation: Any = inner.transaction.operations[0]
        call = operation.host_function.invoke_contract
        values = [xdr.SCVal.from_xdr(item["value"]) for item in record["parameters"]]
        assert values[0].address == call.contract_address
        assert values[1].sym == call.function_name
        assert values[2:] == call.args


def test_old_envelopes_are_taken_too(player: Player) -> None:
    a, b = player.person("2"), player.person()
    account = Account(a.public_key, player.sequence(a))
    builder = TransactionBuilder(account, player.passphrase, base_fee=100, v1=False)
    builder.append_payment_op(b.public_key, player.usdc, "2").set_timeout(60)
    answer = player.submit(builder, a)
    assert answer.status_code == 200, answer.text
    assert player.balance(b.public_key) == 2


def test_a_call_that_moves_nothing_is_no_payment(player: Player) -> None:
    deal = Deal(player).deploy()
    digest = deal.complete().hash
    assert records(player.get(f"/transactions/{digest}/payments").json()) == []
    assert player.operations(digest)[0]["asset_balance_changes"] == []


def test_a_payment_from_the_issuer_is_a_payment(player: Player) -> None:
    a = player.person("3")
    last = records(player.get(f"/accounts/{a.public_key}/payments").json())[-1]
    assert (last["type"], last["from"]) == ("payment", player.issuer)


def test_descending_pages_start_at_the_end(player: Player) -> None:
    a, b = player.person("5"), player.person()
    for _ in range(3):
        player.pay(a, b.public_key, "1")
    path = f"/accounts/{b.public_key}/payments"
    down = records(player.get(path, order="desc", limit=2).json())
    up = records(player.get(path, limit=200).json())
    assert [r["id"] for r in down] == [r["id"] for r in reversed(up)][:2]
    page = player.get(path, order="desc", limit=2).json()
    older = records(player.http.get(page["_links"]["next"]["href"]).json())
    assert [r["id"] for r in older] == [r["id"] for r in reversed(up)][2:4]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"order": "up"}, {"cursor": "x"}])
def test_wrong_parameters_are_refused(player: Player, query: dict[str, Any]) -> None:
    answer = player.get("/payments", **query)
    assert answer.status_code == 400
    assert answer.json()["extras"]["invalid_field"] == next(iter(query))


def test_what_is_not_there_answers_a_problem_document(player: Player) -> None:
    for path in (
        f"/accounts/{Keypair.random().public_key}",
        f"/accounts/{Keypair.random().public_key}/payments",
        f"/transactions/{'0' * 64}",
        "/nowhere",
    ):
        answer = player.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["type"].endswith("/not_found")
        assert "extras" not in answer.json()


def test_ledgers_and_root_agree_on_the_latest(player: Player) -> None:
    player.friend()
    root = player.get("/").json()
    (latest,) = records(player.get("/ledgers", order="desc", limit=1).json())
    assert latest["sequence"] == root["history_latest_ledger"]
    assert latest["closed_at"] == root["history_latest_ledger_closed_at"]
    assert latest["base_fee_in_stroops"] == 100
    assert root["network_passphrase"] == player.passphrase
    again = player.get(f"/ledgers/{latest['sequence']}").json()
    assert again["hash"] == latest["hash"]
    before = player.get(f"/ledgers/{latest['sequence'] - 1}").json()
    assert before["hash"] == latest["prev_hash"]


def test_friendbot_funds_once(player: Player) -> None:
    a = player.friend()
    assert player.balance(a.public_key, Asset.native()) == 10_000
    again = player.get("/friendbot", addr=a.public_key)
    assert again.status_code == 400
    assert "already funded" in again.json()["detail"]
    assert player.get("/friendbot", addr="nobody").status_code == 400

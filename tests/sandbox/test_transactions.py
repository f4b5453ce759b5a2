"""What a ledger takes and what it refuses, in the network's own words."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests
from stellar_sdk import (
    Account,
    Asset,
    Keypair,
    MuxedAccount,
    TransactionBuilder,
    TransactionEnvelope,
    xdr,
)

from tests.sandbox.player import Player


def codes(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert body["title"] == "Transaction Failed"
    extras = body["extras"]
    parsed = xdr.TransactionResult.from_xdr(extras["result_xdr"])
    named = parsed.result.code.name.replace("txFEE_BUMP_INNER", "tx_fee_bump_inner")
    assert named.startswith("tx")
    found: dict[str, Any] = extras["result_codes"]
    return found


def refused(player: Player, answer: requests.Response, who: Keypair, before: int) -> str:
    """The transaction's code; nothing may have been charged or used."""
    found = codes(answer)
    assert player.sequence(who) == before
    digest = TransactionEnvelope.from_xdr(
        answer.json()["extras"]["envelope_xdr"], player.passphrase
    ).hash_hex()
    assert player.get(f"/transactions/{digest}").status_code == 404
    code: str = found["transaction"]
    return code


def test_a_payment_moves_money_and_costs_one_hundred_stroops(player: Player) -> None:
    a, b = player.person("10"), player.person()
    xlm = player.balance(a.public_key, Asset.native())
    answer = player.pay(a, b.public_key, "2.5")
    assert answer.status_code == 200
    body = answer.json()
    assert body["successful"] is True
    assert body["fee_charged"] == "100"
    assert str(player.balance(b.public_key)) == "2.5000000"
    assert str(player.balance(a.public_key)) == "7.5000000"
    spent = xlm - player.balance(a.public_key, Asset.native())
    assert str(spent) == "0.0000100"


def test_the_same_envelope_sent_again_pays_once(player: Player) -> None:
    a, b = player.person("10"), player.person()
    text = player.signed(player.builder(a).append_payment_op(b.public_key, player.usdc, "3"), a)
    first, second = player.post_xdr(text), player.post_xdr(text)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert str(player.balance(b.public_key)) == "3.0000000"
    assert len(player.get(f"/accounts/{b.public_key}/payments").json()["_embedded"]["records"]) == 2


def test_a_failed_envelope_sent_again_fails_the_same_and_charges_once(player: Player) -> None:
    a, b = player.person("1"), player.person()
    text = player.signed(player.builder(a).append_payment_op(b.public_key, player.usdc, "3"), a)
    before = player.balance(a.public_key, Asset.native())
    first, second = player.post_xdr(text), player.post_xdr(text)
    assert first.json() == second.json()
    assert codes(first) == {"transaction": "tx_failed", "operations": ["op_underfunded"]}
    charged = before - player.balance(a.public_key, Asset.native())
    assert str(charged) == "0.0000100"


def test_a_wrong_sequence_number_is_refused(player: Player) -> None:
    a = player.person("1")
    sequence = player.sequence(a)
    for wrong in (sequence - 1, sequence + 1, sequence + 5):
        builder = TransactionBuilder(Account(a.public_key, wrong), player.passphrase)
        builder.append_payment_op(a.public_key, Asset.native(), "1").set_timeout(60)
        assert refused(player, player.submit(builder, a), a, sequence) == "tx_bad_seq"


def test_an_unsigned_envelope_is_refused(player: Player) -> None:
    a = player.friend()
    builder = player.builder(a).append_payment_op(a.public_key, Asset.native(), "1")
    assert refused(player, player.submit(builder), a, player.sequence(a)) == "tx_bad_auth"


def test_a_foreign_signature_is_refused(player: Player) -> None:
    a, b = player.friend(), player.friend()
    builder = player.builder(a).append_payment_op(b.public_key, Asset.native(), "1")
    assert refused(player, player.submit(builder, b), a, player.sequence(a)) == "tx_bad_auth"


def test_a_signature_too_many_is_refused(player: Player) -> None:
    a, b = player.friend(), player.friend()
    builder = player.builder(a).append_payment_op(b.public_key, Asset.native(), "1")
    code = refused(player, player.submit(builder, a, b), a, player.sequence(a))
    assert code == "tx_bad_auth_extra"


def test_a_signature_for_another_network_is_refused(player: Player) -> None:
    a = player.friend()
    account = Account(a.public_key, player.sequence(a))
    builder = TransactionBuilder(account, "Test SDF Network ; September 2015", base_fee=100)
    builder.append_payment_op(a.public_key, Asset.native(), "1").set_timeout(60)
    answer = player.submit(builder, a)
    assert codes(answer)["transaction"] == "tx_bad_auth"


def test_a_changed_envelope_is_refused(player: Player) -> None:
    a, b = player.friend(), player.friend()
    builder = player.builder(a).append_payment_op(b.public_key, Asset.native(), "1")
    envelope = TransactionEnvelope.from_xdr(player.signed(builder, a), player.passphrase)
    envelope.transaction.fee += 1
    assert codes(player.post_xdr(envelope.to_xdr()))["transaction"] == "tx_bad_auth"


@pytest.mark.parametrize(
    ("low", "high", "code"), [(0, -1, "tx_too_late"), (3600, 7200, "tx_too_early")]
)
def test_time_bounds_are_kept(player: Player, low: int, high: int, code: str) -> None:
    a = player.friend()
    sequence, now = player.sequence(a), player.now()
    builder = TransactionBuilder(Account(a.public_key, sequence), player.passphrase)
    builder.add_time_bounds(now + low if low else 0, now + high)
    builder.append_payment_op(a.public_key, Asset.native(), "1")
    assert refused(player, player.submit(builder, a), a, sequence) == code


def test_ledger_bounds_are_kept(player: Player) -> None:
    a = player.friend()
    sequence = player.sequence(a)
    builder = player.builder(a).set_ledger_bounds(0, 2)
    builder.append_payment_op(a.public_key, Asset.native(), "1")
    assert refused(player, player.submit(builder, a), a, sequence) == "tx_too_late"


def test_a_fee_below_the_minimum_is_refused(player: Player) -> None:
    a = player.friend()
    builder = player.builder(a, fee=99).append_payment_op(a.public_key, Asset.native(), "1")
    code = refused(player, player.submit(builder, a), a, player.sequence(a))
    assert code == "tx_insufficient_fee"


def test_a_fee_that_the_account_cannot_pay_is_refused(player: Player) -> None:
    root, poor = player.friend(), Keypair.random()
    create = player.builder(root).append_create_account_op(poor.public_key, "1.0000099")
    assert player.submit(create, root).status_code == 200
    builder = player.builder(poor).append_bump_sequence_op(1)
    code = refused(player, player.submit(builder, poor), poor, player.sequence(poor))
    assert code == "tx_insufficient_balance"


def test_an_unknown_source_is_refused(player: Player) -> None:
    stranger = Keypair.random()
    builder = TransactionBuilder(Account(stranger.public_key, 5), player.passphrase)
    builder.append_payment_op(stranger.public_key, Asset.native(), "1").set_timeout(60)
    assert codes(player.submit(builder, stranger)) == {"transaction": "tx_no_source_account"}


def test_no_operation_is_refused(player: Player) -> None:
    a = player.friend()
    builder = player.builder(a).append_bump_sequence_op(1)
    envelope = builder.build()
    envelope.transaction.operations.clear()
    envelope.sign(a)
    assert codes(player.post_xdr(envelope.to_xdr())) == {"transaction": "tx_missing_operation"}


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", base64.b64encode(b"x" * 90).decode()])
def test_what_is_no_envelope_is_malformed(player: Player, text: str) -> None:
    answer = player.post_xdr(text)
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("/transaction_malformed")


def test_a_failed_transaction_uses_its_sequence_and_fee_and_nothing_else(player: Player) -> None:
    a, b = player.person("10"), player.friend()
    sequence, xlm = player.sequence(a), player.balance(a.public_key, Asset.native())
    answer = player.pay(a, b.public_key, "1")
    assert codes(answer) == {"transaction": "tx_failed", "operations": ["op_no_trust"]}
    assert player.sequence(a) == sequence + 1
    assert str(xlm - player.balance(a.public_key, Asset.native())) == "0.0000100"
    assert str(player.balance(a.public_key)) == "10.0000000"
    events = player.get(f"/accounts/{b.public_key}/payments").json()["_embedded"]["records"]
    assert [event["type"] for event in events] == ["create_account"]


def test_one_bad_operation_of_many_undoes_all_and_is_named(player: Player) -> None:
    a, good, bad = player.person("10"), player.person(), player.friend()
    builder = player.builder(a)
    for who in (good, bad, good):
        builder.append_payment_op(who.public_key, player.usdc, "1")
    found = codes(player.submit(builder, a))
    assert found["operations"] == ["op_success", "op_no_trust", "op_success"]
    assert player.balance(good.public_key) == 0
    assert str(player.balance(a.public_key)) == "10.0000000"


def test_a_hundred_operations_apply_and_cost_a_hundred_fees(player: Player) -> None:
    a, b = player.person("100"), player.person()
    builder = player.builder(a)
    for _ in range(100):
        builder.append_payment_op(b.public_key, player.usdc, "1")
    answer = player.submit(builder, a)
    assert answer.status_code == 200
    assert answer.json()["fee_charged"] == "10000"
    assert str(player.balance(b.public_key)) == "100.0000000"


def test_a_channel_account_carries_anothers_payment(player: Player) -> None:
    channel, treasury, b = player.friend(), player.person("10"), player.person()
    before = player.sequence(treasury)
    builder = player.builder(channel)
    builder.append_payment_op(b.public_key, player.usdc, "4", source=treasury.public_key)
    assert player.submit(builder, channel, treasury).status_code == 200
    assert player.sequence(treasury) == before
    assert str(player.balance(b.public_key)) == "4.0000000"


def test_an_operation_that_its_source_did_not_sign_is_refused(player: Player) -> None:
    channel, treasury, b = player.friend(), player.person("10"), player.person()
    before = player.sequence(channel)
    builder = player.builder(channel)
    builder.append_payment_op(b.public_key, player.usdc, "4", source=treasury.public_key)
    found = codes(player.submit(builder, channel))
    assert found == {"transaction": "tx_failed", "operations": ["op_bad_auth"]}
    assert player.sequence(channel) == before


def test_a_fee_bump_is_paid_by_its_source_and_found_by_both_hashes(player: Player) -> None:
    payer, a, b = player.friend(), player.person("5"), player.person()
    builder = player.builder(a).append_payment_op(b.public_key, player.usdc, "5")
    inner = builder.build()
    inner.sign(a)
    bump = TransactionBuilder.build_fee_bump_transaction(
        payer.public_key, 200, inner, player.passphrase
    )
    bump.sign(payer)
    xlm = player.balance(a.public_key, Asset.native())
    answer = player.post_xdr(bump.to_xdr())
    assert answer.status_code == 200
    assert answer.json()["fee_account"] == payer.public_key
    assert answer.json()["hash"] == bump.hash_hex()
    assert player.balance(a.public_key, Asset.native()) == xlm
    for digest in (bump.hash_hex(), inner.hash_hex()):
        assert player.get(f"/transactions/{digest}").json()["successful"] is True
    assert player.post_xdr(inner.to_xdr()).status_code == 200
    assert str(player.balance(b.public_key)) == "5.0000000"


def test_a_failed_fee_bump_names_the_inner_result(player: Player) -> None:
    payer, a, b = player.friend(), player.person("5"), player.friend()
    inner = player.builder(a).append_payment_op(b.public_key, player.usdc, "5").build()
    inner.sign(a)
    bump = TransactionBuilder.build_fee_bump_transaction(
        payer.public_key, 200, inner, player.passphrase
    )
    bump.sign(payer)
    assert codes(player.post_xdr(bump.to_xdr())) == {
        "transaction": "tx_fee_bump_inner_failed",
        "inner_transaction": "tx_failed",
        "operations": ["op_no_trust"],
    }


def test_a_fee_bump_around_a_refused_transaction_costs_nobody(player: Player) -> None:
    payer, a, b = player.friend(), player.person("5"), player.friend()
    account = Account(a.public_key, player.sequence(a) + 7)
    builder = TransactionBuilder(account, player.passphrase, base_fee=100).set_timeout(60)
    inner = builder.append_payment_op(b.public_key, player.usdc, "5").build()
    inner.sign(a)
    bump = TransactionBuilder.build_fee_bump_transaction(
        payer.public_key, 200, inner, player.passphrase
    )
    bump.sign(payer)
    assert codes(player.post_xdr(bump.to_xdr())) == {
        "transaction": "tx_fee_bump_inner_failed",
        "inner_transaction": "tx_bad_seq",
    }
    assert player.balance(payer.public_key, Asset.native()) == 10_000
    bump.signatures.clear()
    bump.sign(a)
    assert codes(player.post_xdr(bump.to_xdr())) == {"transaction": "tx_bad_auth"}


def test_a_muxed_destination_is_credited_and_named(player: Player) -> None:
    a, b = player.person("5"), player.person()
    muxed = MuxedAccount(b.public_key, 77)
    builder = player.builder(a).append_payment_op(muxed, player.usdc, "5")
    digest = player.submit(builder, a).json()["hash"]
    record = player.operations(digest)[0]
    assert record["to"] == b.public_key
    assert record["to_muxed"] == muxed.account_muxed
    assert record["to_muxed_id"] == "77"
    assert str(player.balance(b.public_key)) == "5.0000000"


def test_asynchronous_submission_answers_pending_then_duplicate(player: Player) -> None:
    a = player.friend()
    builder = player.builder(a).append_payment_op(a.public_key, Asset.native(), "1")
    text = player.signed(builder, a)
    first = player.post_xdr(text, "/transactions_async")
    second = player.post_xdr(text, "/transactions_async")
    assert (first.status_code, first.json()["tx_status"]) == (201, "PENDING")
    assert (second.status_code, second.json()["tx_status"]) == (409, "DUPLICATE")
    bad = player.signed(player.builder(a, fee=1).append_bump_sequence_op(0), a)
    third = player.post_xdr(bad, "/transactions_async")
    assert (third.status_code, third.json()["tx_status"]) == (400, "ERROR")

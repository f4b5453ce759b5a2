"""Batches beside everything else: channels in parallel, calling back, approval, a pause."""

import base64
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from stellar_sdk import Server, TransactionBuilder

from offerhub.chain import stellar
from offerhub.core import jobs
from offerhub.core.errors import WrongState
from offerhub.users.models import Wallet
from payouts import services
from payouts.models import (
    Batch,
    BatchItem,
    BatchPayment,
    PayoutPolicy,
    Withdrawal,
    WithdrawalAttempt,
)
from tests.payouts.crowd import Crowd
from tests.payouts.test_approval import decide
from tests.statements import Statements


def cancel(crowd: Crowd, withdrawal: str) -> Withdrawal:
    tenant = crowd.world.marketplace.id
    with jobs.held():
        return services.cancel(
            marketplace_id=tenant, withdrawal_id=withdrawal, actor=crowd.world.actor
        )


def id_of(crowd: Crowd, batch: Any, position: int) -> str:
    withdrawal = crowd.items(batch)[position].withdrawal
    assert withdrawal is not None
    return str(withdrawal.id)


def test_each_channel_has_one_transaction_and_they_run_at_once(crowd: Crowd) -> None:
    """Three memos want three transactions; the users' own accounts are free meanwhile."""
    crowd.channels(2)
    batch = crowd.ask(*[crowd.wish(memo=str(number)) for number in range(3)])
    first, second = crowd.pack()
    assert first.source_wallet_id != second.source_wallet_id
    assert [BatchItem.objects.get(payment=p).memo for p in (first, second)] == ["0", "1"]
    assert crowd.items(batch)[2].state == "READY"
    both = crowd.at_once([lambda: crowd.run(first), lambda: crowd.run(second)])
    assert [payment.status for payment in both] == ["CONFIRMED", "CONFIRMED"]
    (third,) = crowd.pack()
    assert third.source_wallet_id in {first.source_wallet_id, second.source_wallet_id}
    assert crowd.run(third).status == "CONFIRMED"
    assert crowd.end(batch).status == "FINISHED"
    assert (crowd.received(), crowd.arrived()) == (3, "30.00")
    assert crowd.books_are_right()


def test_channels_are_made_when_there_is_work_and_never_more_than_the_setting(
    crowd: Crowd, settings: Any
) -> None:
    settings.PAYOUT_CHANNELS = 2
    channels = Wallet.objects.filter(marketplace=crowd.world.marketplace, kind="CHANNEL")
    assert channels.count() == 0
    crowd.ask(*[crowd.wish(amount=10_000_000) for _ in range(45)])
    assert crowd.pack() == [] and channels.count() == 2
    crowd.world.settle()
    assert [row.status for row in channels] == ["ACTIVE", "ACTIVE"]
    crowd.world.settle()
    assert (crowd.received(), crowd.arrived()) == (45, "45.00")  # one signature of one wallet
    assert [p.items.count() for p in crowd.payments()] == [45]
    paid = sum(row.fee for row in Withdrawal.objects.filter(user=crowd.users["u0"]))
    assert paid == 4500
    assert crowd.books_are_right()


def test_one_is_called_back_until_the_transaction_is_signed_and_the_others_go_on(
    crowd: Crowd,
) -> None:
    crowd.channels(1)
    batch = crowd.ask(*[crowd.wish(name) for name in crowd.names])
    cancel(crowd, id_of(crowd, batch, 0))
    (payment,) = crowd.pack()
    cancel(crowd, id_of(crowd, batch, 1))
    payment.refresh_from_db()
    assert payment.status == "FAILED"
    assert crowd.run(payment).hash == ""
    (other,) = crowd.pack()
    assert crowd.run(other).status == "CONFIRMED"
    assert crowd.statuses(batch) == ["CANCELLED", "CANCELLED", "COMPLETED"]
    with pytest.raises(WrongState):
        cancel(crowd, id_of(crowd, batch, 2))
    assert crowd.available() == {"u0": "100.00", "u1": "100.00", "u2": "90.00"}
    assert (crowd.end(batch).status, crowd.received()) == ("FINISHED", 1)
    assert crowd.books_are_right()


def test_what_a_runner_signed_meanwhile_is_not_kept_after_one_was_called_back(
    crowd: Crowd,
) -> None:
    from payouts.batch_payment import DRIVER

    crowd.channels(1)
    batch = crowd.ask(crowd.wish("u0"), crowd.wish("u1"))
    (payment,) = crowd.pack()
    row = BatchPayment.claim(payment.pk)
    assert row is not None
    envelope = DRIVER.build(row)
    signed = DRIVER.sign(row, envelope)
    cancel(crowd, id_of(crowd, batch, 0))
    assert row.keep_envelope(envelope, signed) is False
    assert crowd.statuses(batch) == ["CANCELLED", "REQUESTED"]
    (other,) = crowd.pack()
    assert crowd.run(other).status == "CONFIRMED"
    assert (crowd.received(), crowd.arrived()) == (1, "10.00")


def test_over_the_limit_one_waits_for_a_person_and_the_others_do_not(
    crowd: Crowd, settings: Any
) -> None:
    settings.WITHDRAWAL_APPROVAL_THRESHOLD = "15"
    answer = crowd.post([crowd.item(amount="10"), crowd.item(amount="20")], status=202)
    told = [(item["state"], item["withdrawal"]["status"]) for item in answer["items"]]
    assert told == [("ENDED", "COMPLETED"), ("HELD", "REQUESTED")]
    held = answer["items"][1]["withdrawal"]["id"]
    with pytest.raises(DatabaseError, match="can not be paid"), transaction.atomic():
        _put_into_a_payment(crowd, held)
    decide(held)
    crowd.world.settle()
    answer = crowd.api.get(f"/withdrawals/batches/{answer['id']}")
    assert (answer["status"], answer["paid"]) == ("FINISHED", "30.00")
    assert (crowd.received(), crowd.available()["u0"]) == (2, "70.00")


def test_rejected_or_called_back_while_it_waits_it_ends_with_its_money_back(
    crowd: Crowd, settings: Any
) -> None:
    settings.WITHDRAWAL_APPROVAL_THRESHOLD = "5"
    answer = crowd.post([crowd.item(), crowd.item("u1")], status=202)
    first, second = (item["withdrawal"]["id"] for item in answer["items"])
    decide(first, reject=True)
    crowd.api.post(f"/withdrawals/{second}/cancel")
    crowd.end(Batch.objects.get(pk=answer["id"]))
    answer = crowd.api.get(f"/withdrawals/batches/{answer['id']}")
    assert [item["withdrawal"]["status"] for item in answer["items"]] == ["FAILED", "CANCELLED"]
    assert (answer["status"], crowd.received()) == ("FINISHED", 0)
    assert crowd.available() == dict.fromkeys(crowd.names, "100.00")


def test_paused_nothing_new_is_taken_and_what_is_not_signed_waits(crowd: Crowd) -> None:
    crowd.channels(1)
    batch = crowd.ask(crowd.wish())
    policy = PayoutPolicy.objects.create(marketplace=crowd.world.marketplace, paused=True)
    assert crowd.pack() == []
    single = {"userId": "u1", "amount": "1", "destination": crowd.destination}
    assert crowd.api.post("/withdrawals", single, status=409)["code"] == "withdrawals_paused"
    refused = crowd.post([crowd.item("u1")])["items"][0]["problem"]
    assert (refused["code"], crowd.received()) == ("withdrawals_paused", 0)
    PayoutPolicy.objects.filter(pk=policy.pk).update(paused=False)
    crowd.world.settle()
    assert (crowd.statuses(batch), crowd.received()) == (["COMPLETED"], 1)


def test_a_transaction_is_booked_by_as_many_statements_whatever_it_carries(crowd: Crowd) -> None:
    def statements(size: int) -> list[str]:
        crowd.ask(*[crowd.wish(amount=10_000_000) for _ in range(size)])
        (payment,) = crowd.pack()
        with Statements(connection) as asked:
            assert crowd.run(payment).status == "CONFIRMED"
        return [q["sql"].split()[0] for q in asked.captured_queries if "pg_notify" not in q["sql"]]

    crowd.channels(1)
    two, thirty = statements(2), statements(30)
    assert len(thirty) == len(two) <= 26


def test_the_network_takes_no_21st_signature_and_nobody_writes_a_101st_payment(
    crowd: Crowd,
) -> None:
    """What `packing` counts on, as the sandbox has it too: both are bounds of the wire's types."""
    source = crowd.outside
    account = Server(crowd.network.url).load_account(source.public_key)
    builder = TransactionBuilder(account, crowd.passphrase, base_fee=100).add_time_bounds(0, 0)
    one = builder.append_payment_op(crowd.wallet("u0").address, crowd.xlm, "1").build()
    one.sign(source)
    one.signatures += one.signatures * 19
    assert stellar.submit(one.to_xdr()).code == "tx_bad_auth_extra"  # 20 can be written down
    signed, each = base64.b64decode(one.to_xdr()), 4 + 4 + 64
    count = len(signed) - 20 * each - 4
    assert signed[count : count + 4] == (20).to_bytes(4, "big")
    beyond = signed[:count] + (21).to_bytes(4, "big") + signed[count + 4 :] + signed[-each:]
    refused = stellar.submit(base64.b64encode(beyond).decode())
    assert (refused.code, refused.detail) == ("http_400", "Transaction Malformed")
    one.transaction.operations *= 101
    with pytest.raises(ValueError, match="should be 100"):
        one.to_xdr()


# --- what the database refuses, whoever writes --------------------------------------------------
def _put_into_a_payment(crowd: Crowd, withdrawal: str) -> None:
    channel = Wallet.objects.filter(marketplace=crowd.world.marketplace, kind="CHANNEL")[0]
    payment = BatchPayment.objects.create(
        marketplace=crowd.world.marketplace, source_wallet=channel, kind="BATCH_PAYMENT"
    )
    BatchItem.objects.filter(withdrawal=withdrawal).update(payment=payment, place=0)


def test_no_item_leaves_a_payment_that_may_apply_and_none_is_paid_twice(crowd: Crowd) -> None:
    crowd.channels(2)
    batch = crowd.ask(crowd.wish("u0"))
    (payment,) = crowd.pack()
    withdrawal = id_of(crowd, batch, 0)
    for statement, word in [
        ("UPDATE payouts_batchitem SET payment_id = NULL, state = 'READY'", "may still carry"),
        ("UPDATE payouts_batchitem SET amount = 1", "Cannot update rows"),
        ("UPDATE payouts_batchitem SET state = 'CHECKING'", "transition"),
        ("UPDATE payouts_batchitem SET withdrawal_id = NULL, state = 'ENDED'", "keeps its"),
    ]:
        with pytest.raises(DatabaseError, match=word), connection.cursor() as cursor:
            cursor.execute(f"{statement} WHERE batch_id = %s", [batch.pk])
    with pytest.raises(DatabaseError, match="paid with its batch"), transaction.atomic():
        WithdrawalAttempt.objects.create(
            marketplace=crowd.world.marketplace,
            withdrawal_id=withdrawal,
            source_wallet=crowd.wallet("u0"),
            kind="PAYMENT",
        )
    assert crowd.run(payment).status == "CONFIRMED"
    with pytest.raises(DatabaseError, match="may still carry"), transaction.atomic():
        _put_into_a_payment(crowd, withdrawal)

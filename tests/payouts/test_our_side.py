"""Trouble on our side: the withdrawal waits for the operator, and nobody's money is lost."""

import base64
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from offerhub.chain import stellar
from offerhub.core.errors import WrongState
from offerhub.core.money import UNIT, parse_amount
from payouts.models import WithdrawalAttempt
from payouts.payment import fee_offer
from tests.payouts.chain import SUBMIT
from tests.payouts.scene import HELD, PAID, UNTOUCHED, Scene


def test_a_wallet_without_fee_money_waits_and_pays_after_the_top_up(scene: Scene) -> None:
    fee_money = scene.xlm()
    scene.drain_xlm(leave=100)
    withdrawal = scene.ask()
    scene.run(withdrawal)
    attempt = scene.attempt(withdrawal)
    assert (attempt.status, attempt.attempts) == ("PENDING", 0)
    assert attempt.problem is not None
    assert attempt.problem["code"] == "tx_insufficient_balance"
    assert (scene.row(withdrawal).status, scene.money()) == ("REQUESTED", HELD)
    scene.give_xlm(fee_money)
    scene.run(withdrawal)
    assert (scene.row(withdrawal).status, scene.money()) == ("COMPLETED", PAID)


def test_a_wallet_that_waits_can_still_be_called_back(scene: Scene) -> None:
    scene.drain_xlm(leave=100)
    withdrawal = scene.ask()
    scene.run(withdrawal)
    scene.cancel(withdrawal)
    assert (scene.row(withdrawal).status, scene.money()) == ("CANCELLED", UNTOUCHED)


def test_a_frozen_wallet_waits_and_is_charged_for_nothing(scene: Scene) -> None:
    """The issuer forbids it to send: no envelope is made, so no failing one is paid for."""
    withdrawal = scene.ask()
    scene.freeze(scene.wallet.address)
    fee_money = scene.xlm()
    for _ in range(3):
        scene.run(withdrawal)
    attempt = scene.attempt(withdrawal)
    assert (attempt.status, attempt.attempts) == ("PENDING", 0)
    assert attempt.problem is not None
    assert attempt.problem["code"] == "op_src_not_authorized"
    assert scene.xlm() == fee_money
    scene.freeze(scene.wallet.address, authorized=True)
    scene.run(withdrawal)
    assert (scene.row(withdrawal).status, scene.money()) == ("COMPLETED", PAID)


def test_a_wallet_frozen_at_the_last_moment_is_charged_once_booked_and_waits(scene: Scene) -> None:
    """The refusal is in a ledger, with its fee; the withdrawal neither fails nor tries again at
    once."""
    withdrawal, address = scene.ask(), scene.wallet.address
    fee_money, budget = scene.xlm(), scene.wallet.fee_budget
    scene.while_on_its_way(lambda: scene.run(withdrawal), lambda: scene.freeze(address))
    attempt, row = scene.attempt(withdrawal), scene.row(withdrawal)
    assert (attempt.status, attempt.attempts, attempt.hash) == ("PENDING", 1, "")
    assert attempt.problem is not None
    assert attempt.problem["code"] == "op_src_not_authorized"
    assert [entry["ended"] for entry in attempt.history] == ["op_src_not_authorized"]
    assert (row.status, row.problem) == ("SUBMITTED", None)
    paid = fee_money - scene.xlm()
    assert row.fee == paid > 0
    assert scene.wallet.fee_budget == budget - paid
    assert scene.money() == HELD
    assert scene.books_are_right()
    scene.freeze(scene.wallet.address, authorized=True)
    scene.run(withdrawal)
    assert (scene.row(withdrawal).status, scene.money()) == ("COMPLETED", PAID)
    assert scene.row(withdrawal).fee == fee_money - scene.xlm() > paid
    assert scene.books_are_right()


def test_a_key_that_no_longer_signs_never_fails_the_withdrawal(scene: Scene) -> None:
    """tx_bad_auth: envelopes expire one after another, and the money stays pending."""
    withdrawal = scene.ask()
    scene.replace_signer(scene.wallet)
    pauses = []
    for number in range(1, 8):
        scene.run(withdrawal)
        attempt = scene.attempt(withdrawal)
        assert (attempt.attempts, attempt.status) == (number, "UNKNOWN")
        assert attempt.problem is not None
        assert attempt.problem["code"] == "tx_bad_auth"
        scene.expire(withdrawal)
        if number >= 5:
            scene.run(withdrawal)  # the fifth and later ones are put aside before another is made
            pauses.append(scene.pause_of(withdrawal))
    assert (scene.row(withdrawal).status, scene.money()) == ("SUBMITTED", HELD)
    assert len(scene.attempt(withdrawal).history) == 7
    assert [round(pause) for pause in pauses] == [15, 30, 60]


def test_a_secret_that_does_not_open_waits_for_the_operator(scene: Scene) -> None:
    withdrawal = scene.ask()
    with override_settings(KEY_ENCRYPTION_KEYS=f"other:{base64.b64encode(bytes(32)).decode()}"):
        scene.run(withdrawal)
    attempt = scene.attempt(withdrawal)
    assert (attempt.status, attempt.attempts, attempt.lease) == ("PENDING", 0, "")
    assert attempt.problem is not None
    assert attempt.problem["code"] == "key_unreadable"
    scene.run(withdrawal)
    assert (scene.row(withdrawal).status, scene.money()) == ("COMPLETED", PAID)


def test_staff_give_up_only_when_no_envelope_can_apply(scene: Scene) -> None:
    """After a refusal in a ledger it can not be cancelled any more, but nothing is on its way."""
    withdrawal, address = scene.ask(), scene.wallet.address
    scene.fault("504-before", SUBMIT)
    scene.run(withdrawal)
    with pytest.raises(WrongState):
        scene.give_up(withdrawal)
    assert scene.money() == HELD
    scene.while_on_its_way(lambda: scene.run(withdrawal), lambda: scene.freeze(address))
    assert (scene.row(withdrawal).status, scene.attempt(withdrawal).hash) == ("SUBMITTED", "")
    with pytest.raises(WrongState):
        scene.cancel(withdrawal)
    scene.give_up(withdrawal)
    row = scene.row(withdrawal)
    assert (row.status, row.problem) == (
        "FAILED",
        {"code": "given_up", "detail": "frozen for good"},
    )
    assert scene.money() == UNTOUCHED
    assert scene.wallet.lane == ""
    scene.freeze(address, authorized=True)
    scene.run(withdrawal)
    assert (scene.money(), scene.payments()) == (UNTOUCHED, 0)
    with pytest.raises(WrongState):
        scene.give_up(withdrawal)
    assert scene.books_are_right()


def test_a_fee_that_was_too_low_is_offered_four_times_until_the_cap() -> None:
    row = WithdrawalAttempt(envelope_meta={"fee": stellar.BASE_FEE})
    assert fee_offer(row) == stellar.BASE_FEE
    offers: list[Any] = []
    for _ in range(6):
        row.problem = {"code": "tx_insufficient_fee", "detail": ""}
        row.envelope_meta = {"fee": fee_offer(row)}
        offers.append(row.envelope_meta["fee"])
    assert offers == [40_000, 160_000, 640_000, 2_560_000, UNIT, UNIT]
    assert parse_amount(settings.MAX_NETWORK_FEE) == UNIT
    row.problem = {"code": "no_answer", "detail": ""}
    assert fee_offer(row) == UNIT


def test_the_next_envelope_carries_the_higher_offer(scene: Scene) -> None:
    withdrawal = scene.ask()
    scene.fault("504-before", SUBMIT)
    scene.run(withdrawal)
    WithdrawalAttempt.objects.filter(withdrawal_id=withdrawal).update(
        problem={"code": "tx_insufficient_fee", "detail": "surge"}
    )
    scene.expire(withdrawal)
    scene.run(withdrawal)
    attempt = scene.attempt(withdrawal)
    assert (attempt.status, attempt.attempts) == ("CONFIRMED", 2)
    assert attempt.envelope_meta["fee"] == 4 * stellar.BASE_FEE
    assert scene.envelope(attempt).transaction.fee == 4 * stellar.BASE_FEE
    assert scene.money() == PAID

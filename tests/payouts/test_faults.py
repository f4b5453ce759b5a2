"""Bad days of the network: money stays held until the chain has spoken, and is paid once."""

import pytest

from offerhub.events.models import Event
from payouts.models import WithdrawalAttempt
from tests.payouts.chain import LOOK_UP, SUBMIT
from tests.payouts.scene import HELD, PAID, PAID_UNSEEN, UNTOUCHED, Scene

LOST = ["504-before", "drop", "429", "503", "bad-seq"]
LANDED = ["504-after", "drop-after"]


@pytest.mark.parametrize("answer", LOST)
def test_an_envelope_that_never_arrived_is_sent_again_as_it_is(scene: Scene, answer: str) -> None:
    withdrawal = scene.ask()
    scene.fault(answer, SUBMIT)
    scene.run(withdrawal)
    attempt = scene.attempt(withdrawal)
    assert (attempt.status, attempt.attempts) == ("UNKNOWN", 1)
    assert scene.row(withdrawal).status == "SUBMITTED"
    assert scene.money() == HELD
    scene.run(withdrawal)
    assert (scene.row(withdrawal).status, scene.row(withdrawal).hash) == ("COMPLETED", attempt.hash)
    assert scene.attempt(withdrawal).attempts == 1
    assert (scene.money(), scene.payments()) == (PAID, 1)
    assert scene.books_are_right()


@pytest.mark.parametrize("answer", LANDED)
def test_lost_answer_is_resolved_by_looking_not_by_paying_again(scene: Scene, answer: str) -> None:
    withdrawal = scene.ask()
    scene.fault(answer, SUBMIT)
    scene.run(withdrawal)
    assert scene.row(withdrawal).status == "COMPLETED"
    assert scene.attempt(withdrawal).attempts == 1
    assert (scene.money(), scene.payments()) == (PAID, 1)
    assert scene.books_are_right()


def test_withdraw_timeout_is_uncertain_not_failed(scene: Scene) -> None:
    """The payment landed, its answer and every look-up are lost: nothing is failed or given back,
    and money that arrives meanwhile is not erased."""
    withdrawal = scene.ask()
    scene.fault("504-after", SUBMIT)
    scene.fault("504-before", LOOK_UP)
    scene.run(withdrawal)
    assert (scene.row(withdrawal).status, scene.attempt(withdrawal).status) == (
        "SUBMITTED",
        "UNKNOWN",
    )
    assert scene.money() == PAID_UNSEEN
    shown = scene.api.get(f"/withdrawals/{withdrawal}")
    assert (shown["status"], shown["problem"]) == ("SUBMITTED", None)
    assert shown["operation"]["status"] == "UNKNOWN"
    assert shown["operation"]["nextStep"] == "LOOK_UP"
    scene.network.mint(scene.wallet.address, "10")
    scene.world.watch()
    scene.run(withdrawal)
    assert scene.row(withdrawal).status == "COMPLETED"
    assert scene.money() == ("85.00", "0.00", "85.00", "25.00")
    assert scene.payments() == 1
    assert scene.books_are_right()


def test_a_lagging_horizon_does_not_make_a_second_payment(scene: Scene) -> None:
    """Applied, but Horizon has not read that ledger: neither found nor past its expiry."""
    withdrawal = scene.ask()
    scene.fault("504-after", SUBMIT)
    scene.fault("lag", {"path": "*", "method": "GET"}, times=50)
    scene.run(withdrawal)
    for _ in range(3):
        scene.run(withdrawal)
        assert scene.attempt(withdrawal).attempts == 1
        assert scene.attempt(withdrawal).status == "UNKNOWN"
    scene.network.heal()
    scene.run(withdrawal)
    assert (scene.money(), scene.payments()) == (PAID, 1)


def test_an_expired_envelope_is_rebuilt_once_and_only_when_it_can_not_apply(scene: Scene) -> None:
    withdrawal = scene.ask()
    scene.fault("504-before", SUBMIT)
    scene.run(withdrawal)
    first = scene.attempt(withdrawal).hash
    scene.expire(withdrawal)
    scene.run(withdrawal)
    attempt = scene.attempt(withdrawal)
    assert (attempt.status, attempt.attempts) == ("CONFIRMED", 2)
    assert attempt.hash != first
    assert [(e["hash"], e["ended"]) for e in attempt.history] == [(first, "expired")]
    assert (scene.money(), scene.payments()) == (PAID, 1)
    assert scene.books_are_right()


def test_what_landed_at_the_last_moment_is_found_and_not_rebuilt(scene: Scene) -> None:
    withdrawal = scene.ask()
    scene.fault("drop-after", SUBMIT)
    scene.fault("503", LOOK_UP)
    scene.run(withdrawal)
    assert scene.money() == PAID_UNSEEN
    scene.expire(withdrawal)
    scene.run(withdrawal)
    assert (scene.attempt(withdrawal).status, scene.attempt(withdrawal).attempts) == (
        "CONFIRMED",
        1,
    )
    assert (scene.money(), scene.payments()) == (PAID, 1)


def test_a_look_up_from_a_server_that_is_behind_proves_no_absence(scene: Scene) -> None:
    """Horizon's root is up to date and its look-ups come from another server that is not: a 404
    of the one and the ledger of the other together prove nothing."""
    withdrawal = scene.ask()
    scene.fault("lag", LOOK_UP, times=1000)
    scene.fault("504-after", SUBMIT)
    scene.run(withdrawal)
    assert scene.money() == PAID_UNSEEN
    scene.expire(withdrawal)
    scene.run(withdrawal)
    attempt = scene.attempt(withdrawal)
    assert (attempt.status, attempt.attempts, scene.payments()) == ("UNKNOWN", 1, 1)
    scene.network.heal()
    scene.run(withdrawal)
    assert scene.row(withdrawal).status == "COMPLETED"
    assert (scene.money(), scene.payments()) == (PAID, 1)
    assert scene.books_are_right()


def test_five_envelopes_that_never_land_give_the_money_back(scene: Scene) -> None:
    withdrawal = scene.ask()
    scene.fault("504-before", SUBMIT, times=50)
    for number in range(1, 6):
        scene.run(withdrawal)
        assert scene.attempt(withdrawal).attempts == number
        assert scene.money() == HELD
        scene.expire(withdrawal)
    scene.run(withdrawal)
    row = scene.row(withdrawal)
    assert (row.status, row.hash, row.fee) == ("FAILED", "", 0)
    assert row.problem is not None
    assert (scene.money(), scene.payments()) == (UNTOUCHED, 0)
    assert scene.books_are_right()


def test_a_trustline_that_goes_away_in_between_fails_and_gives_back(scene: Scene) -> None:
    """It could receive when it was checked, and can not when the payment applies."""
    withdrawal = scene.ask()
    scene.drop_trustline()
    fee_money = scene.xlm()
    scene.run(withdrawal)
    row = scene.row(withdrawal)
    assert row.status == "FAILED"
    assert row.problem is not None
    assert row.problem["code"] == "op_no_trust"
    assert row.fee == fee_money - scene.xlm() > 0
    assert row.hash == scene.attempt(withdrawal).hash
    assert scene.attempt(withdrawal).attempts == 1
    assert scene.money() == UNTOUCHED
    last = Event.objects.filter(subject=withdrawal).order_by("sequence").last()
    assert last is not None
    assert (last.type, last.payload["code"]) == ("withdrawal.failed", "op_no_trust")
    assert scene.books_are_right()


def test_the_answer_of_a_failed_withdrawal_says_why(scene: Scene) -> None:
    answers = []
    scene.while_on_its_way(
        lambda: answers.append(scene.api.post("/withdrawals", scene.body(), status=201)),
        scene.drop_trustline,
    )
    (answer,) = answers
    assert (answer["status"], answer["problem"]["code"]) == ("FAILED", "op_no_trust")
    assert (answer["operation"]["status"], answer["operation"]["nextStep"]) == ("FAILED", None)
    assert answer["hash"] == answer["operation"]["hash"]
    assert answer["fee"] != "0.00"
    assert scene.money() == UNTOUCHED


def test_hash_persisted_before_submit(scene: Scene) -> None:
    """While the network holds the request, its hash, bytes and expiry are committed already."""
    withdrawal = scene.ask()
    seen: list[WithdrawalAttempt] = []
    scene.while_on_its_way(
        lambda: scene.run(withdrawal), lambda: seen.append(scene.attempt(withdrawal))
    )
    (then,) = seen
    assert (then.status, then.ledger, len(then.hash)) == ("SUBMITTED", None, 64)
    assert scene.envelope(then).hash_hex() == then.hash
    assert then.valid_until is not None
    assert scene.row(withdrawal).hash == then.hash
    assert (scene.money(), scene.payments()) == (PAID, 1)

"""Calling a withdrawal back: before its payment is signed, and never after."""

from collections import Counter
from functools import partial
from time import sleep

from offerhub.events.models import Event
from tests.payouts.chain import SUBMIT, in_background
from tests.payouts.scene import HELD, PAID, UNTOUCHED, Scene
from tests.processes.children import until

ASYNC = {"Prefer": "respond-async"}


def test_before_it_is_signed_the_money_comes_back(scene: Scene) -> None:
    withdrawal = scene.api.post("/withdrawals", scene.body(), status=202, headers=ASYNC)["id"]
    assert scene.money() == HELD
    answer = scene.api.post(f"/withdrawals/{withdrawal}/cancel", {"reason": "mistake"})
    assert (answer["status"], answer["problem"], answer["hash"]) == ("CANCELLED", None, None)
    assert answer["operation"]["status"] == "FAILED"
    assert answer["operation"]["problem"]["code"] == "cancelled"
    assert scene.money() == UNTOUCHED
    scene.world.work()
    scene.run(withdrawal)
    assert (scene.row(withdrawal).status, scene.money()) == ("CANCELLED", UNTOUCHED)
    assert scene.payments() == 0
    last = Event.objects.filter(subject=withdrawal).order_by("sequence").last()
    assert last is not None
    assert (last.type, last.sequence, last.payload) == (
        "withdrawal.cancelled",
        2,
        {"status": "CANCELLED", "reason": "mistake"},
    )
    assert scene.books_are_right()


def test_its_lane_is_given_back(scene: Scene) -> None:
    """A payment that waits with nothing signed keeps nobody else from using the account."""
    scene.drain_xlm(leave=100)
    withdrawal = scene.ask()
    scene.run(withdrawal)
    assert scene.attempt(withdrawal).status == "PENDING"
    assert scene.wallet.lane == ""
    scene.cancel(withdrawal)
    assert scene.wallet.lane == ""


def test_once_signed_it_is_refused_and_says_why(scene: Scene) -> None:
    withdrawal = scene.ask()
    scene.fault("504-before", SUBMIT)
    scene.run(withdrawal)
    problem = scene.api.post(f"/withdrawals/{withdrawal}/cancel", status=409)
    assert (problem["code"], problem["currentStatus"]) == ("wrong_state", "SUBMITTED")
    assert problem["operationId"] == scene.attempt(withdrawal).id
    assert "UNKNOWN" in problem["detail"]
    assert scene.money() == HELD
    scene.run(withdrawal)
    problem = scene.api.post(f"/withdrawals/{withdrawal}/cancel", status=409)
    assert problem["currentStatus"] == "COMPLETED"
    assert scene.money() == PAID


def test_an_expired_envelope_does_not_make_it_cancellable(scene: Scene) -> None:
    withdrawal = scene.ask()
    scene.fault("504-before", SUBMIT)
    scene.run(withdrawal)
    scene.expire(withdrawal)
    assert scene.api.post(f"/withdrawals/{withdrawal}/cancel", status=409)["code"] == "wrong_state"
    scene.run(withdrawal)
    assert (scene.money(), scene.payments()) == (PAID, 1)


def test_twice_is_refused_the_second_time_and_gives_back_once(scene: Scene) -> None:
    withdrawal = scene.ask()
    scene.api.post(f"/withdrawals/{withdrawal}/cancel")
    problem = scene.api.post(f"/withdrawals/{withdrawal}/cancel", status=409)
    assert problem["currentStatus"] == "CANCELLED"
    assert scene.money() == UNTOUCHED


def test_an_unknown_one_is_404(scene: Scene) -> None:
    path = "/withdrawals/wdr_00000000000000000000000000"
    assert scene.api.get(path, status=404)["code"] == "not_found"
    assert scene.api.post(f"{path}/cancel", status=404)["code"] == "not_found"


def test_cancel_wins_over_a_runner_that_is_just_building(scene: Scene) -> None:
    """The runner holds the lease and waits for the network: what it signs afterwards is not kept,
    so it is never sent."""
    withdrawal = scene.ask()
    scene.network.fault("", f"/accounts/{scene.wallet.address}", delay=1.5)
    runner = in_background(lambda: scene.run(withdrawal))
    until(lambda: not scene.network.control("faults")["faults"], 10)
    assert scene.attempt(withdrawal).lease != ""
    scene.cancel(withdrawal)
    runner.join()
    attempt = scene.attempt(withdrawal)
    assert (attempt.status, attempt.attempts, attempt.hash) == ("FAILED", 0, "")
    assert (scene.row(withdrawal).status, scene.money()) == ("CANCELLED", UNTOUCHED)
    assert scene.payments() == 0
    assert scene.books_are_right()


def test_cancel_races_the_runner_and_exactly_one_wins(scene: Scene) -> None:
    outcomes: Counter[str] = Counter()
    for delay in [0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04]:
        withdrawal = scene.ask("1")
        answers: list[int] = []
        racing = in_background(partial(_cancel_after, delay, scene, withdrawal, answers))
        scene.run(withdrawal, patience=5)
        racing.join()
        scene.world.work()
        row, attempt = scene.row(withdrawal), scene.attempt(withdrawal)
        assert (answers, row.status, attempt.status) in [
            ([200], "CANCELLED", "FAILED"),
            ([409], "COMPLETED", "CONFIRMED"),
        ]
        outcomes[row.status] += 1
        paid = outcomes["COMPLETED"]
        assert scene.payments() == paid
        left = f"{100 - paid}.00"
        assert scene.money() == (left, "0.00", left, f"{paid}.00")
    assert scene.books_are_right()


def _cancel_after(delay: float, scene: Scene, withdrawal: str, answers: list[int]) -> None:
    sleep(delay)
    answer = scene.api.request("POST", f"/withdrawals/{withdrawal}/cancel")
    answers.append(answer.status_code)

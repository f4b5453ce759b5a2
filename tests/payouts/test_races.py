"""Many at once: the balance is spent once, and every request has one effect."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import requests

from offerhub.core.money import format_amount
from payouts.models import Withdrawal
from tests.payouts.chain import SUBMIT
from tests.payouts.scene import PAID, Scene


def at_once(calls: list[Callable[[], requests.Response]]) -> list[tuple[int, dict[str, Any]]]:
    """Run the calls from as many threads, started together; statuses and bodies."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], requests.Response]) -> tuple[int, dict[str, Any]]:
        barrier.wait()
        answer = call()
        return answer.status_code, answer.json()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_of_8_parallel_withdrawals_of_one_balance_exactly_one_succeeds(scene: Scene) -> None:
    body = scene.body(amount="100")
    answers = at_once([lambda: scene.api.request("POST", "/withdrawals", body)] * 8)
    assert Counter(status for status, _ in answers) == {201: 1, 422: 7}
    assert {b["code"] for status, b in answers if status == 422} == {"insufficient_funds"}
    assert scene.money() == ("0.00", "0.00", "0.00", "100.00")
    assert scene.payments() == 1
    assert Withdrawal.objects.filter(marketplace=scene.world.marketplace).count() == 1
    assert scene.books_are_right()


def test_8_parallel_withdrawals_that_the_balance_covers_all_arrive(scene: Scene) -> None:
    """They share one account, whose transactions are numbered: each takes its turn."""
    amounts = [format_amount(10_000_000 * n + n) for n in range(1, 9)]
    bodies = [scene.body(amount=amount) for amount in amounts]
    post = partial(scene.api.request, "POST", "/withdrawals")
    answers = at_once([partial(post, body, {"Prefer": "wait=30"}) for body in bodies])
    assert {status for status, _ in answers} <= {201, 202}
    scene.world.work()
    rows = Withdrawal.objects.filter(marketplace=scene.world.marketplace)
    assert Counter(rows.values_list("status", flat=True)) == {"COMPLETED": 8}
    assert scene.money() == ("63.9999964", "0.00", "63.9999964", "36.0000036")
    assert scene.payments() == 8
    assert scene.books_are_right()


def test_one_idempotency_key_has_one_effect(scene: Scene) -> None:
    headers = {"Idempotency-Key": "payout-1"}
    answers = at_once(
        [lambda: scene.api.request("POST", "/withdrawals", scene.body(), headers)] * 8
    )
    assert {status for status, _ in answers} <= {201, 202, 409}
    assert len({body["id"] for status, body in answers if status != 409}) == 1
    assert (scene.money(), scene.payments()) == (PAID, 1)


def test_a_repeat_is_answered_whatever_the_network_says_by_now(scene: Scene) -> None:
    """The destination can not receive any more; the first request with the key was carried out."""
    headers = {"Idempotency-Key": "payout-1"}
    first = scene.api.request("POST", "/withdrawals", scene.body(), headers)
    assert first.status_code == 201
    scene.network.control("trustline", {"address": scene.destination, "authorized": False})
    scene.network.fault("503", f"/accounts/{scene.destination}", times=100)
    again = scene.api.request("POST", "/withdrawals", scene.body(), headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.content == first.content
    other = scene.api.request("POST", "/withdrawals", scene.body(amount="26"), headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    scene.network.heal()
    assert (scene.money(), scene.payments()) == (PAID, 1)


def test_a_repeat_while_it_is_uncertain_follows_the_first(scene: Scene) -> None:
    headers = {"Idempotency-Key": "payout-1", "Prefer": "wait=1"}
    scene.fault("503", SUBMIT, times=100)
    first = scene.api.request("POST", "/withdrawals", scene.body(), headers)
    assert (first.status_code, first.json()["status"]) == (202, "SUBMITTED")
    scene.network.heal()
    scene.run(first.json()["id"], patience=5)
    again = scene.api.request("POST", "/withdrawals", scene.body(), headers)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert again.json()["status"] == "COMPLETED"
    assert (scene.money(), scene.payments()) == (PAID, 1)


def test_a_refused_request_may_be_sent_again_with_its_key(scene: Scene) -> None:
    headers = {"Idempotency-Key": "payout-1"}
    scene.network.fault("503", f"/accounts/{scene.destination}")
    assert scene.api.request("POST", "/withdrawals", scene.body(), headers).status_code == 503
    assert scene.api.request("POST", "/withdrawals", scene.body(), headers).status_code == 201
    assert (scene.money(), scene.payments()) == (PAID, 1)


def test_withdrawals_reservations_and_deposits_at_once_lose_nothing(scene: Scene) -> None:
    """24 changes of one balance at once: 8 of each kind, more than the money is enough for."""
    scene.world.user("bob")
    sale = {"buyerId": "ann", "sellerId": "bob", "amount": 15}
    orders = [scene.api.post("/orders", sale, status=201)["id"] for _ in range(8)]
    post = partial(scene.api.request, "POST")
    mint = partial(requests.post, f"{scene.network.url}/control/mint")
    answers = at_once(
        [
            *[partial(post, "/withdrawals", scene.body(amount="15"))] * 8,
            *[partial(post, f"/orders/{order}/reserve") for order in orders],
            *[partial(mint, json={"address": scene.wallet.address, "amount": "3"})] * 8,
        ]
    )
    withdrawn, reserved, minted = answers[:8], answers[8:16], answers[16:]
    assert {status for status, _ in withdrawn} <= {201, 202, 422}
    assert {status for status, _ in reserved} <= {200, 422}
    assert {status for status, _ in minted} == {200}
    scene.world.work()
    scene.world.watch()
    out = 15 * sum(status != 422 for status, _ in withdrawn)
    kept = 15 * sum(status == 200 for status, _ in reserved)
    assert out + kept == 90  # of 100; what was deposited was seen only afterwards
    balance = scene.world.balance(scene.ann)
    assert (balance["available"], balance["reserved"], balance["pendingWithdrawal"]) == (
        f"{100 + 24 - 90}.00",
        f"{kept}.00",
        "0.00",
    )
    assert scene.money()[2:] == (f"{124 - out}.00", f"{out}.00")
    assert scene.books_are_right()

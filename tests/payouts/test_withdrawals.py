"""The happy path, exact on both sides: our books and the chain."""

from collections import Counter

import pytest

from ledger.models import Entry, Posting
from offerhub.core.money import from_chain
from offerhub.events.models import Event
from payouts.memos import Memo
from payouts.models import Withdrawal
from tests.payouts.scene import HELD, PAID, Scene


def test_a_withdrawal_reaches_the_address_outside_and_the_books_say_so(scene: Scene) -> None:
    fee_money = scene.xlm()
    answer = scene.api.post("/withdrawals", scene.body(), status=201)
    assert {
        name: answer[name]
        for name in ("userExternalId", "amount", "destination", "memo", "status", "problem")
    } == {
        "userExternalId": "ann",
        "amount": "25.00",
        "destination": scene.destination,
        "memo": None,
        "status": "COMPLETED",
        "problem": None,
    }
    assert answer["userId"] == scene.ann.id
    assert (answer["operation"]["status"], answer["operation"]["attempts"]) == ("CONFIRMED", 1)
    assert answer["hash"] == answer["operation"]["hash"]
    assert scene.money() == PAID
    assert scene.payments() == 1
    row = scene.row(answer["id"])
    assert row.fee == fee_money - scene.xlm() > 0
    assert from_chain(answer["fee"]) == row.fee
    assert scene.books_are_right()


def test_the_entries_name_the_operation_and_the_transaction(scene: Scene) -> None:
    withdrawal = scene.api.post("/withdrawals", scene.body(), status=201)
    source = f"withdrawal:{withdrawal['id']}:"
    entries = Entry.objects.filter(source__startswith=source).order_by("id")
    assert list(entries.values_list("source", "kind", "operation", "chain_hash")) == [
        (f"{source}request", "withdrawal_requested", "", ""),
        (
            f"{source}confirm",
            "withdrawal_confirmed",
            withdrawal["operation"]["id"],
            withdrawal["hash"],
        ),
    ]
    postings = Posting.objects.filter(entry__source=f"{source}confirm")
    assert Counter(postings.values_list("asset", flat=True)) == {"USDC": 2, "XLM": 2}


def test_every_change_is_an_event_without_a_gap(scene: Scene) -> None:
    withdrawal = scene.api.post("/withdrawals", scene.body(), status=201)["id"]
    events = Event.objects.filter(subject=withdrawal).order_by("sequence")
    assert list(events.values_list("sequence", "type")) == [
        (1, "withdrawal.requested"),
        (2, "withdrawal.submitted"),
        (3, "withdrawal.completed"),
    ]


def test_the_smallest_amount_and_everything_there_is(scene: Scene) -> None:
    scene.api.post("/withdrawals", scene.body(amount="0.0000001"), status=201)
    assert scene.money() == ("99.9999999", "0.00", "99.9999999", "0.0000001")
    answer = scene.api.post("/withdrawals", scene.body(amount="99.9999999"), status=201)
    assert answer["status"] == "COMPLETED"
    assert scene.money() == ("0.00", "0.00", "0.00", "100.00")
    assert scene.books_are_right()


def test_without_patience_the_answer_is_202_and_the_worker_finishes(scene: Scene) -> None:
    headers = {"Prefer": "respond-async"}
    answer = scene.api.post("/withdrawals", scene.body(), status=202, headers=headers)
    assert (answer["status"], answer["operation"]["status"]) == ("REQUESTED", "PENDING")
    assert answer["hash"] is None
    assert scene.money() == HELD
    scene.world.work()
    now = scene.api.get(f"/withdrawals/{answer['id']}")
    assert now["status"] == "COMPLETED"
    assert scene.money() == PAID


MEMOS = [
    (Memo("text", "invoice 7, Zürich"), "text", "invoice 7, Zürich"),
    (Memo("id", str(2**64 - 1)), "id", str(2**64 - 1)),
    (Memo("hash", "ab" * 32), "hash", "ab" * 32),
]


@pytest.mark.parametrize(("memo", "kind", "value"), MEMOS)
def test_a_memo_reaches_the_chain(scene: Scene, memo: Memo, kind: str, value: str) -> None:
    body = scene.body(memo=memo.value) | ({"memoType": memo.type} if memo.type != "text" else {})
    answer = scene.api.post("/withdrawals", body, status=201)
    assert (answer["memo"], answer["memoType"]) == (value, kind)
    assert scene.memo_on_chain(answer["hash"]) == (kind, value)


def test_a_muxed_address_is_paid_under_its_own_id(scene: Scene) -> None:
    muxed = scene.muxed(scene.destination, 7)
    answer = scene.api.post("/withdrawals", scene.body(destination=muxed), status=201)
    assert (answer["status"], answer["destination"]) == ("COMPLETED", muxed)
    assert scene.money() == PAID
    assert scene.last_payment()["to_muxed_id"] == "7"


def test_two_withdrawals_of_one_user_take_turns(scene: Scene) -> None:
    first, second = scene.ask("25"), scene.ask("30")
    scene.run(first, patience=5)
    scene.run(second, patience=5)
    assert {scene.row(w).status for w in (first, second)} == {"COMPLETED"}
    assert scene.money() == ("45.00", "0.00", "45.00", "55.00")


def test_a_list_filters_by_user_status_and_reference(scene: Scene) -> None:
    scene.world.user("bob")
    first = scene.api.post("/withdrawals", scene.body(externalRef="payout-1"), status=201)["id"]
    second = scene.ask("5")

    def ids(query: str) -> list[str]:
        return [row["id"] for row in scene.api.get(f"/withdrawals?{query}")["data"]]

    assert ids("") == [second, first]
    assert ids("userId=ann") == ids(f"userId={scene.ann.id}") == [second, first]
    assert ids("userId=bob") == []
    assert ids("status=COMPLETED") == ids("externalRef=payout-1") == [first]
    assert ids("status=REQUESTED") == [second]
    assert scene.api.get("/withdrawals?userId=nobody", status=404)["code"] == "not_found"
    assert scene.api.get("/withdrawals?status=LOST", status=400)["code"] == "invalid_request"


def test_another_marketplace_sees_nothing_of_it(scene: Scene) -> None:
    from tests.http import Api
    from tests.world import World

    other = Api(scene.api.url.removesuffix("/api/v1"), World(scene.network).key())
    withdrawal = scene.ask()
    assert other.get("/withdrawals")["data"] == []
    for method, path in [("GET", ""), ("POST", "/cancel")]:
        answer = other.request(method, f"/withdrawals/{withdrawal}{path}", {} if path else None)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    body = scene.body(userId=scene.ann.id)
    assert other.post("/withdrawals", body, status=422)["code"] == "invalid_reference"
    assert Withdrawal.objects.get(pk=withdrawal).status == "REQUESTED"

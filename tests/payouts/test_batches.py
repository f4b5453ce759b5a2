"""Batches: each item by itself, the good ones together on the chain, each exactly once."""

from typing import Any

from stellar_sdk import Keypair

from offerhub.events.models import Event
from offerhub.users.models import Wallet
from payouts.models import Batch, Withdrawal
from tests.http import Api
from tests.payouts.crowd import Crowd


def test_every_item_is_answered_by_itself_and_the_good_ones_arrive(crowd: Crowd) -> None:
    nowhere, untrusting = Keypair.random().public_key, crowd.outsider(trust=False).public_key
    exchange = crowd.outsider(memo_required=True).public_key
    before, fee_money = crowd.sequences(), crowd.network.held(crowd.wallet("u0").address, "native")
    items = [
        crowd.item("u0", "10", externalRef="a"),
        crowd.item("u0", "200"),
        crowd.item("u1", "20.0000001", destination=crowd.muxed(crowd.destination, 7)),
        crowd.item("u1", destination="GNOTANADDRESS"),
        crowd.item("u1", destination=nowhere),
        crowd.item("u1", destination=untrusting),
        crowd.item("u2", destination=exchange),
        crowd.item("u2", destination=exchange, memo="1" * 29),
        crowd.item("u2", "30", destination=exchange, memo="77", memoType="id"),
        crowd.item("nobody"),
        crowd.item("u2", destination=crowd.wallet("u0").address),
        crowd.item("u2", "1", externalRef="a"),
    ]
    answer = crowd.post(items, externalRef="payday")
    assert (answer["status"], answer["itemsTotal"]) == ("FINISHED", 12)
    assert (answer["amount"], answer["paid"]) == ("331.0000001", "60.0000001")
    assert {k: v for k, v in answer["counts"].items() if v} == {"completed": 3, "refused": 9}
    told = [item["withdrawal"] and item["withdrawal"]["status"] for item in answer["items"]]
    assert [i for i, status in enumerate(told) if status == "COMPLETED"] == [0, 2, 8]
    problems = {i: item["problem"] for i, item in enumerate(answer["items"]) if item["problem"]}
    assert {i: problem["code"] for i, problem in problems.items()} == {
        1: "insufficient_funds",
        3: "destination_cannot_receive",
        4: "destination_cannot_receive",
        5: "destination_cannot_receive",
        6: "destination_cannot_receive",
        7: "invalid_request",
        9: "invalid_reference",
        10: "destination_cannot_receive",
        11: "duplicate_reference",
    }
    reasons = {i: problems[i]["errors"][0]["code"] for i in (3, 4, 5, 6, 7, 10)}
    assert reasons == {
        3: "invalid_address",
        4: "not_found",
        5: "no_trustline",
        6: "memo_required",
        7: "memo_too_long",
        10: "own_wallet",
    }
    first, second, with_memo = (answer["items"][i]["withdrawal"] for i in (0, 2, 8))
    assert first["hash"] == second["hash"] != with_memo["hash"]  # one memo a transaction
    assert crowd.memo_on_chain(with_memo["hash"]) == ("id", "77")
    assert (crowd.arrived(), crowd.arrived(exchange)) == ("30.0000001", "30.00")
    assert crowd.available() == {"u0": "90.00", "u1": "79.9999999", "u2": "70.00"}
    # The channel gave the sequence numbers and paid: of the users' accounts only USDC moved.
    assert crowd.sequences() == before
    assert crowd.network.held(crowd.wallet("u0").address, "native") == fee_money
    fees = [item["withdrawal"]["fee"] for item in answer["items"] if item["withdrawal"]]
    assert fees == ["0.00001"] * 3
    assert crowd.books_are_right()
    one = crowd.api.get(f"/withdrawals/{first['id']}")
    assert (one["batchId"], one["operation"]["kind"]) == (answer["id"], "BATCH_PAYMENT")
    assert (one["operation"]["status"], one["hash"]) == ("CONFIRMED", first["hash"])


def test_the_whole_batch_is_asked_for_once(crowd: Crowd) -> None:
    items, key = [crowd.item("u0"), crowd.item("u1")], {"Idempotency-Key": "payday-1"}
    first = crowd.post(items, externalRef="payday", headers=key)
    again = crowd.post(items, externalRef="payday", headers=key)
    assert again == first
    assert crowd.post(items, externalRef="payday", status=409)["code"] == "duplicate_reference"
    assert Batch.objects.filter(marketplace=crowd.world.marketplace).count() == 1
    assert (crowd.arrived(), crowd.received()) == ("20.00", 2)
    listed = crowd.api.get("/withdrawals/batches?externalRef=payday")["data"]
    assert [(row["id"], row["counts"]["completed"]) for row in listed] == [(first["id"], 2)]
    of_it = crowd.api.get(f"/withdrawals?batchId={first['id']}")["data"]
    assert {row["userExternalId"] for row in of_it} == {"u0", "u1"}
    assert crowd.api.get(f"/withdrawals/batches/{first['id']}") == first


def test_what_is_no_list_of_withdrawals_is_refused_as_a_whole(crowd: Crowd) -> None:
    both = {**crowd.item(), "destinationId": "dst_1"}
    for items, field in [
        ([], "items"),
        ([crowd.item()] * 501, "items"),
        ([crowd.item(amount="-1")], "items.0.amount"),
        ([crowd.item(), {**crowd.item(), "memos": ""}], "items.1.memos"),
        ([crowd.item(), both], "items.1.destinationId"),
        ([{"userId": "u0", "amount": "1"}], "items.0.destination"),
    ]:
        refused = crowd.post(items, status=400)
        assert [error["field"] for error in refused["errors"]] == [field]
    assert not Batch.objects.filter(marketplace=crowd.world.marketplace).exists()


def test_another_marketplaces_user_or_batch_is_nobodys(crowd: Crowd, server: str) -> None:
    from tests.world import World

    mine = crowd.post([crowd.item()])
    stranger = Api(server, World(crowd.network).key())
    stranger.get(f"/withdrawals/batches/{mine['id']}", status=404)
    assert stranger.get("/withdrawals/batches")["data"] == []
    ours = crowd.item(crowd.users["u1"].id)
    answer = stranger.post("/withdrawals/batch", {"items": [ours]}, status=201)
    assert answer["items"][0]["problem"]["code"] == "invalid_reference"
    assert crowd.available()["u1"] == "100.00"


def test_every_change_is_an_event_and_nobody_is_left_on_the_way(crowd: Crowd) -> None:
    answer = crowd.post([crowd.item("u0"), crowd.item("nobody")])

    def events(subject: str) -> list[Any]:
        rows = Event.objects.filter(subject=subject).order_by("sequence")
        assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
        return [row.type for row in rows]

    names = ("received", "checked", "finished")
    assert events(answer["id"]) == [f"withdrawal_batch.{name}" for name in names]
    names = ("requested", "submitted", "completed")
    assert events(answer["items"][0]["withdrawal"]["id"]) == [f"withdrawal.{n}" for n in names]
    row = Withdrawal.objects.get(pk=answer["items"][0]["withdrawal"]["id"])
    assert row.version == 3
    assert not Wallet.objects.filter(marketplace=crowd.world.marketplace).exclude(lane="").exists()

"""The address book: labelled, immutable, waited for, and the only way out where so wished."""

from typing import Any

import pytest
from django.db import DatabaseError, transaction
from stellar_sdk import Keypair

from offerhub.events.models import Event
from payouts.models import PayoutPolicy, SavedDestination
from tests.payouts.crowd import Crowd

BOOK = "/users/u0/destinations"


def allow(crowd: Crowd, **rules: Any) -> None:
    PayoutPolicy.objects.update_or_create(marketplace=crowd.world.marketplace, defaults=rules)


def save(crowd: Crowd, status: int = 201, **more: Any) -> Any:
    body = {"label": "My exchange", "destination": crowd.destination, **more}
    return crowd.api.post(BOOK, body, status=status)


def withdraw(crowd: Crowd, status: int = 201, **more: Any) -> Any:
    return crowd.api.post("/withdrawals", {"userId": "u0", "amount": "5", **more}, status=status)


def reason(refused: Any) -> tuple[str, str]:
    return refused["code"], refused["errors"][0]["code"]


def test_an_address_is_saved_renamed_paid_by_its_id_and_archived(crowd: Crowd) -> None:
    entry = save(crowd, memo="77", memoType="id")
    assert (entry["label"], entry["memo"], entry["archivedAt"]) == ("My exchange", "77", None)
    assert entry["usableAt"] == entry["createdAt"]  # the sandbox has no waiting time of its own
    path = f"{BOOK}/{entry['id']}"
    renamed = crowd.api.request("PATCH", path, {"label": "Exchange"}).json()
    assert renamed == entry | {"label": "Exchange"}
    assert crowd.api.request("PATCH", path, {}).json() == renamed  # only what is sent changes
    refused = crowd.api.request("PATCH", path, {"label": "x", "memo": "78"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "unknown_field")
    paid = withdraw(crowd, destinationId=entry["id"])
    assert (paid["status"], paid["destinationId"]) == ("COMPLETED", entry["id"])
    assert (paid["destination"], paid["memo"]) == (crowd.destination, "77")
    assert crowd.memo_on_chain(paid["hash"]) == ("id", "77")
    assert [row["id"] for row in crowd.api.get(BOOK)["data"]] == [entry["id"]]
    archived = crowd.api.request("DELETE", path)
    assert archived.status_code == 200 and archived.json()["archivedAt"]
    assert crowd.api.get(BOOK)["data"] == []
    assert reason(withdraw(crowd, 422, destinationId=entry["id"])) == (
        "invalid_reference",
        "unknown_destination",
    )
    assert crowd.api.request("DELETE", path).status_code == 404
    rows = Event.objects.filter(subject=entry["id"]).order_by("sequence")
    told = [f"destination.{word}" for word in ("added", "renamed", "archived")]
    assert [row.type for row in rows] == told


def test_what_can_never_be_paid_is_not_saved_and_nothing_twice(crowd: Crowd) -> None:
    for address, code in [("GABC", "invalid_address"), ("C" + "A" * 55, "invalid_address")]:
        assert reason(save(crowd, 422, destination=address))[1] == code
    muxed = crowd.muxed(crowd.destination, 7)
    assert reason(save(crowd, 400, destination=muxed, memo="1"))[1] == "memo_not_allowed"
    first = save(crowd)
    assert save(crowd, 409)["errors"][0]["code"] == "duplicate_destination"
    assert save(crowd, memo="other")["id"] != first["id"]
    both = withdraw(crowd, 400, destinationId=first["id"], destination=crowd.destination)
    assert reason(both)[1] == "one_of_two"
    with_memo = withdraw(crowd, 400, destinationId=first["id"], memo="x")
    assert reason(with_memo)[1] == "memo_not_allowed"
    assert reason(withdraw(crowd, 400))[1] == "required"


def test_somebody_elses_entry_is_nobodys(crowd: Crowd) -> None:
    entry = save(crowd)["id"]
    body = {"userId": "u1", "amount": "5", "destinationId": entry}
    refused = crowd.api.post("/withdrawals", body, status=422)
    assert reason(refused) == ("invalid_reference", "unknown_destination")
    crowd.api.get(f"/users/u1/destinations/{entry}", status=404)


def test_a_new_address_waits_and_another_memo_is_a_new_address(crowd: Crowd) -> None:
    """By the product's clock: the marketplace says an hour."""
    allow(crowd, address_book_only=True, cooling_hours=1)
    assert reason(withdraw(crowd, 422, destination=crowd.destination)) == (
        "destination_cannot_receive",
        "not_in_address_book",
    )
    entry = save(crowd)
    refused = withdraw(crowd, 422, destinationId=entry["id"])
    assert (reason(refused)[1], refused["usableAt"][:16]) == ("cooling", entry["usableAt"][:16])
    assert reason(withdraw(crowd, 422, destination=crowd.destination))[1] == "cooling"
    crowd.network.advance("PT61M")
    crowd.world.watch()
    assert withdraw(crowd, destinationId=entry["id"])["status"] == "COMPLETED"
    by_address = withdraw(crowd, destination=crowd.destination)
    assert (by_address["status"], by_address["destinationId"]) == ("COMPLETED", entry["id"])
    with_memo = {"destination": crowd.destination, "memo": "5"}
    assert reason(withdraw(crowd, 422, **with_memo))[1] == "not_in_address_book"
    save(crowd, memo="5")
    assert reason(withdraw(crowd, 422, **with_memo))[1] == "cooling"
    # Archived and added again it waits anew.
    crowd.api.request("DELETE", f"{BOOK}/{entry['id']}")
    again = save(crowd)["id"]
    assert reason(withdraw(crowd, 422, destinationId=again))[1] == "cooling"
    batch = crowd.post([crowd.item(), {"userId": "u0", "amount": "1", "destinationId": again}])
    codes = [item["problem"]["errors"][0]["code"] for item in batch["items"]]
    assert codes == ["cooling", "cooling"]
    assert crowd.received() == 2


def test_off_the_sandbox_a_new_address_waits_for_a_day(crowd: Crowd, settings: Any) -> None:
    settings.ADDRESS_COOLING_HOURS = 24
    entry = save(crowd)
    assert reason(withdraw(crowd, 422, destinationId=entry["id"]))[1] == "cooling"
    allow(crowd, cooling_hours=0)
    assert withdraw(crowd, destinationId=entry["id"])["status"] == "COMPLETED"


def test_the_database_keeps_what_is_paid_as_it_was_saved(crowd: Crowd) -> None:
    rows = SavedDestination.objects.filter(pk=save(crowd)["id"])
    for change in ({"address": Keypair.random().public_key}, {"memo": "1", "memo_type": "id"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)

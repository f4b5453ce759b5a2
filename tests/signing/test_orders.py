"""Parties that hold their own keys complete every step by signing what they are handed."""

from typing import Any

from ledger.models import Account, Entry, Posting
from orders.models import ReleaseWindow
from tests.signing.scene import Market

NOTHING = {"available": "0.00", "reserved": "0.00", "inEscrow": "0.00", "pendingWithdrawal": "0.00"}


def _lines(market: Market, source: str) -> dict[str, int]:
    entry = Entry.objects.get(marketplace=market.world.marketplace, source=source)
    lines = Posting.objects.filter(entry=entry, asset="USDC").select_related("account")
    return {line.account.kind: line.amount for line in lines}


def test_a_sale_between_two_parties_with_their_own_keys(market: Market) -> None:
    eva, sam = market.party("eva", "150"), market.party("sam")
    order = market.order("eva", "sam")
    # Nothing of Eva's is ours to set aside, and the marketplace deployed the contract.
    assert (order["status"], order["operation"]) == ("ESCROW_CREATED", None)
    assert market.world.balance(eva) == NOTHING
    order_id = order["id"]
    asked = market.api.post(f"/escrow/{order['escrowId']}/fund", status=202)
    operation = asked["operation"]
    assert operation["status"] == "AWAITING_SIGNATURE"
    assert operation["signer"] == {
        "userId": eva.id,
        "address": market.keys["eva"].public_key,
    }
    assert operation["unsignedXdr"] == market.asked(order_id, "eva")["unsignedXdr"]
    assert operation["expiresAt"] < operation["signBy"]

    assert market.signs(order_id, "eva", "FUND")["status"] == "CONFIRMED"
    assert market.api.get(f"/orders/{order_id}")["status"] == "IN_PROGRESS"
    assert market.world.balance(eva) == {**NOTHING, "inEscrow": "100.00"}
    amount = 100 * 10**7
    assert _lines(market, f"order:{order_id}:fund") == {"contract": amount, "escrow": -amount}
    assert market.held("eva") == "50.0000000"

    # The three steps of a release: the seller's, and twice the buyer's.
    market.api.post("/resolution/release", {"orderId": order_id}, status=202)
    market.signs(order_id, "sam", "COMPLETE")
    market.signs(order_id, "eva", "APPROVE")
    assert market.signs(order_id, "eva", "RELEASE")["status"] == "CONFIRMED"
    done = market.api.get(f"/orders/{order_id}")
    assert (done["status"], done["milestones"][0]["status"]) == ("COMPLETED", "RELEASED")
    assert done["settlement"]["seller"] == "100.00"
    assert market.held("sam") == "100.0000000"
    # It left the books: no wallet of theirs was ever in them, and no fee of theirs is ours.
    assert market.world.balance(sam) == market.world.balance(eva) == NOTHING
    addresses = [key.public_key for key in market.keys.values()]
    assert not Account.objects.filter(owner__in=addresses).exists()
    market.assert_sound()


def test_a_managed_buyer_and_a_seller_with_their_own_key(market: Market) -> None:
    ann, sam = market.world.user("ann", money="100"), market.party("sam")
    order_id = market.funded("ann", "sam")
    market.api.post("/resolution/release", {"orderId": order_id}, status=202)
    market.signs(order_id, "sam", "COMPLETE")  # Ann's two steps follow by themselves
    market.world.settle()
    assert market.api.get(f"/orders/{order_id}")["status"] == "COMPLETED"
    assert market.held("sam") == "100.0000000"
    assert market.world.balance(ann) == market.world.balance(sam) == NOTHING
    body = {"userId": "sam", "amount": 10, "destination": market.world.stranger()}
    refused = market.api.post("/withdrawals", body, status=422)
    assert refused["code"] == "wallet_not_managed"
    market.assert_sound()


def test_one_request_goes_as_far_as_the_buyers_signature(market: Market) -> None:
    market.party("eva", "40")
    market.world.user("bob")
    sale = {"buyerId": "eva", "sellerId": "bob", "amount": 40, "autoFund": True}
    order = market.api.post("/orders", sale, status=202)
    assert order["status"] == "ESCROW_CREATED"
    assert order["operation"]["kind"] == "FUND"
    market.signs(order["id"], "eva", "FUND")
    released = market.api.post("/resolution/release", {"orderId": order["id"]}, status=202)
    assert released["operation"]["kind"] == "APPROVE"  # Bob's step was ours to sign
    market.signs(order["id"], "eva", "APPROVE")
    market.signs(order["id"], "eva", "RELEASE")
    assert market.api.get("/users/bob/balance")["available"] == "40.00"
    market.assert_sound()


def test_a_dispute_of_a_party_with_its_own_key_is_split_and_each_is_paid_where_they_are(
    market: Market,
) -> None:
    eva, bob = market.party("eva", "100"), market.world.user("bob")
    order_id = market.funded("eva", "bob")
    body = {"orderId": order_id, "openedBy": "buyer", "reason": "late"}
    dispute = market.api.post("/disputes", body, status=202)
    assert dispute["operation"]["kind"] == "DISPUTE"
    assert not dispute["frozen"]
    market.signs(order_id, "eva", "DISPUTE")
    market.world.work()
    assert market.api.get(f"/disputes/{dispute['id']}")["frozen"]
    verdict: Any = {"decision": "SPLIT", "split": {"seller": 30, "buyer": 70}, "note": "agreed"}
    market.api.post(f"/disputes/{dispute['id']}/resolve", verdict)
    market.world.settle()
    assert market.held("eva") == "70.0000000"
    assert market.world.balance(bob)["available"] == "30.00"
    assert market.world.balance(eva) == NOTHING
    market.assert_sound()


def test_a_refund_needs_no_signature_where_the_other_party_can_freeze(market: Market) -> None:
    market.party("eva", "100")
    market.world.user("bob")
    order_id = market.funded("eva", "bob")
    refunded = market.api.post("/resolution/refund", {"orderId": order_id})
    assert refunded["status"] == "REFUNDED"
    assert market.held("eva") == "100.0000000"
    market.assert_sound()


def test_a_window_that_ends_pays_the_seller_though_the_buyer_does_not_sign(market: Market) -> None:
    market.party("eva", "100")
    market.world.user("bob")
    policy = {"after": "PT1H", "from": "FUNDED"}
    order_id = market.funded("eva", "bob", releasePolicy=policy)
    # An approval waits for her, and does not keep the money back.
    market.api.post("/resolution/release", {"orderId": order_id}, status=202)
    market.asked(order_id, "eva")
    market.advance("PT2H")
    for _ in range(3):
        ReleaseWindow.objects.filter(order=order_id).exclude(next_at=None).update(
            next_at="2020-01-01T00:00:00Z"
        )
        market.look()
        market.advance("PT1M")
    order = market.api.get(f"/orders/{order_id}")
    assert (order["status"], order["milestones"][0]["status"]) == ("COMPLETED", "RELEASED")
    assert market.api.get("/users/bob/balance")["available"] == "100.00"
    market.assert_sound()

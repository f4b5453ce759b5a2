"""Fees are shown before and after, and an order may bring its own within what is allowed."""

from collections.abc import Callable

from tests.fees.scene import Market


def test_fees_are_shown_before_and_after_wherever_money_leaves(
    market: Callable[[str], Market],
) -> None:
    shop = market("BUYER")
    parts = [{"id": f"m{i}", "description": "x", "amount": a} for i, a in ((1, "40"), (2, "60"))]
    before = shop.api.post(
        "/orders",
        {
            "buyerId": "ann",
            "sellerId": "bob",
            "amount": 100,
            "milestones": parts,
            "platformFeePercent": 7,
            "autoFund": True,
        },
        status=201,
    )
    assert before["fees"] == {
        "platformPercent": 7,
        "protocolBps": 30,
        "refundFeesBorneBy": "BUYER",
        "expected": {
            "gross": "100.00",
            "fees": {"platform": "7.00", "protocol": "0.30"},
            "net": "92.70",
        },
    }
    assert before["settlement"] is None
    first = before["milestones"][0]
    assert first["settlement"] is None
    # 0.3 % and 7 % of 40.
    assert first["expected"] == {
        "gross": "40.00",
        "fees": {"platform": "2.80", "protocol": "0.12"},
        "net": "37.08",
    }
    order, escrow = before["id"], before["escrowId"]
    assert shop.api.get(f"/escrow/{escrow}")["settlement"] is None
    half = shop.api.post("/resolution/release", {"orderId": order, "milestoneId": "m1"})
    paid = {**first["expected"], "seller": "37.08", "buyer": "0.00"}
    assert half["milestones"][0]["expected"] is None
    assert half["milestones"][0]["settlement"] == paid
    assert half["settlement"] == paid == shop.api.get(f"/escrow/{escrow}")["settlement"]
    assert half["fees"]["expected"] == {
        "gross": "60.00",
        "fees": {"platform": "4.20", "protocol": "0.18"},
        "net": "55.62",
    }
    whole = shop.api.post("/resolution/release", {"orderId": order})
    assert whole["settlement"] == {
        "gross": "100.00",
        "fees": {"platform": "7.00", "protocol": "0.30"},
        "net": "92.70",
        "seller": "92.70",
        "buyer": "0.00",
    }
    assert shop.api.get(f"/escrow/{escrow}")["settlement"] == whole["settlement"]
    assert whole["fees"]["expected"]["gross"] == "0.00"
    assert shop.world.balance(shop.bob)["available"] == "92.70"
    assert shop.booked("revenue:platform_fee") == 70_000_000
    shop.assert_sound()


def test_an_order_asks_for_no_more_than_the_marketplace_allows(
    market: Callable[[str], Market],
) -> None:
    shop = market("MARKETPLACE")
    sale = {"buyerId": "ann", "sellerId": "bob", "amount": 10}
    assert shop.api.post("/orders", sale, status=201)["fees"]["platformPercent"] == 5
    none = shop.api.post("/orders", {**sale, "platformFeePercent": 0}, status=201)
    assert none["fees"]["platformPercent"] == 0
    refused = shop.api.post("/orders", {**sale, "platformFeePercent": 11}, status=422)
    assert [(e["field"], e["code"]) for e in refused["errors"]] == [
        ("platformFeePercent", "fee_too_high")
    ]
    for wrong in (-1, 2.5, "x", 91):
        shop.api.post("/orders", {**sale, "platformFeePercent": wrong}, status=400)
    marketplace = shop.api.get("/me")["marketplace"]
    assert marketplace == {
        "id": shop.world.marketplace.id,
        "name": "Market with a fee",
        "platformFeePercent": 5,
        "maxPlatformFeePercent": 10,
        "refundFeesBorneBy": "MARKETPLACE",
    }

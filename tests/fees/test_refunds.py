"""Who bears the fees of a refund: exact amounts on both sides, and books that equal the chain."""

from collections.abc import Callable

import pytest

from offerhub.chain import stellar
from offerhub.core.errors import WrongState
from offerhub.desk import home
from offerhub.events.models import Event
from orders import outcomes
from orders.models import EscrowOperation
from orders.reimbursements import services
from orders.reimbursements.models import Reimbursement
from tests.fees.scene import Market
from tests.world import ACTOR

# 5 % and 0.3 % of 100, in stroops.
PLATFORM, PROTOCOL = 50_000_000, 3_000_000


def test_the_buyer_bears_the_fees_where_the_marketplace_says_so(
    market: Callable[[str], Market],
) -> None:
    shop = market("BUYER")
    order = shop.refund(shop.order())
    assert (order["status"], order["reimbursements"]) == ("REFUNDED", [])
    assert shop.world.balance(shop.ann)["available"] == "294.70"
    assert shop.booked("revenue:platform_fee") == PLATFORM
    assert shop.booked("expense:protocol_fee") == 0
    shop.assert_sound()


def test_the_marketplace_makes_a_refund_whole_once_it_has_the_money(
    market: Callable[[str], Market],
) -> None:
    shop = market("MARKETPLACE")
    ours = shop.held(shop.platform)
    shop.api.post("/resolution/refund", {"orderId": (order_id := shop.order())})
    shop.world.work()
    order = shop.api.get(f"/orders/{order_id}")
    # The platform wallet got 5.00 of the refund itself, and 5.30 are needed.
    assert order["status"] == "REFUNDED"
    (waiting,) = order["reimbursements"]
    assert waiting["operation"]["status"] == "PENDING"
    assert waiting["operation"]["problem"]["code"] == "op_underfunded"
    assert "5.00 USDC, 5.30 are needed" in waiting["operation"]["problem"]["detail"]
    assert shop.world.balance(shop.ann)["available"] == "294.70"
    assert list(Reimbursement.objects.need_an_eye().filter(order=order_id).values_list("amount"))
    card = next(q for q in home._fees_to_give_back() if q.label == "Fees to give back")
    assert (card.number >= 1, card.tone) == (True, "bad")
    assert shop.platform.lane == ""  # it keeps nobody else from using the wallet meanwhile

    shop.give_money("1")
    shop.look_again()
    order = shop.api.get(f"/orders/{order_id}")
    (done,) = order["reimbursements"]
    assert (done["milestoneId"], done["amount"]) == ("m1", "5.30")
    assert done["fees"] == {"platform": "5.00", "protocol": "0.30"}
    assert done["operation"]["status"] == "CONFIRMED"
    assert shop.world.balance(shop.ann)["available"] == "300.00"
    assert shop.held(shop.world.wallet(shop.ann)) == 300 * 10**7
    assert shop.held(shop.platform) - ours == 10**7 - PROTOCOL
    assert shop.booked("revenue:platform_fee") == 0
    assert shop.booked("expense:protocol_fee") == PROTOCOL
    assert not Reimbursement.objects.need_an_eye().filter(order=order_id).exists()
    kinds = Event.objects.filter(subject=order_id).order_by("sequence").values_list("type")
    assert [k for (k,) in kinds][-3:] == [
        "escrow.resolve_confirmed",
        "order.reimbursement_requested",
        "order.reimbursed",
    ]
    shop.assert_sound()


def test_a_refund_is_made_whole_once_however_often_it_is_told_or_its_answer_is_lost(
    market: Callable[[str], Market],
) -> None:
    shop = market("MARKETPLACE")
    shop.give_money("50")
    order_id = shop.order()
    shop.world.network.fault("504-after", "/transactions", method="POST")
    order = shop.refund(order_id)
    shop.look_again()
    resolved = EscrowOperation.objects.get(order=order_id, kind="RESOLVE")
    fact = stellar.look_up(resolved.hash).fact
    assert fact is not None
    outcomes.confirm(resolved.id, fact)  # told again
    shop.world.settle()
    row = Reimbursement.objects.get(order=order_id)
    assert row.request_id == resolved.request_id != ""
    payment = stellar.look_up(row.hash).fact
    assert payment is not None
    services.confirm(row.id, payment)
    with pytest.raises(WrongState, match="did not fail"):
        services.request_again(operation_id=row.id, actor=ACTOR)
    assert len(order["reimbursements"]) == 1
    assert shop.world.balance(shop.ann)["available"] == "300.00"
    assert shop.held(shop.world.wallet(shop.ann)) == 300 * 10**7
    shop.assert_sound()


def test_of_a_division_the_buyers_part_is_made_whole_and_a_release_is_not(
    market: Callable[[str], Market],
) -> None:
    shop = market("MARKETPLACE")
    shop.give_money("50")
    order_id = shop.order()
    dispute = shop.api.post(
        "/disputes", {"orderId": order_id, "openedBy": "buyer", "reason": "late"}, status=201
    )
    shop.world.settle()
    shop.api.post(
        f"/disputes/{dispute['id']}/resolve",
        {"decision": "SPLIT", "split": {"seller": "60", "buyer": "40"}, "note": "agreed"},
    )
    shop.world.settle()
    order = shop.api.get(f"/orders/{order_id}")
    # Fees of 5.30 on 100; the buyer's 40 bore 2.12 of them, the seller's 60 bore 3.18.
    assert order["settlement"]["seller"] == "56.82"
    (paid,) = order["reimbursements"]
    assert paid["amount"] == "2.12"
    assert paid["fees"] == {"platform": "2.00", "protocol": "0.12"}
    assert shop.world.balance(shop.ann)["available"] == "240.00"
    assert shop.world.balance(shop.bob)["available"] == "56.82"
    assert shop.booked("revenue:platform_fee") == 30_000_000
    assert shop.booked("expense:protocol_fee") == 1_200_000
    second = shop.order(50)
    released = shop.api.post("/resolution/release", {"orderId": second})
    assert released["reimbursements"] == []
    shop.assert_sound()


def test_a_payment_that_the_buyers_wallet_refuses_is_the_desks_and_can_be_asked_for_again(
    market: Callable[[str], Market],
) -> None:
    shop = market("MARKETPLACE")
    shop.give_money("50")
    order_id = shop.order()
    shop.world.network.fault("503", "/transactions", method="POST", times=1000)
    shop.api.post("/resolution/refund", {"orderId": order_id})
    shop.world.work()
    row = Reimbursement.objects.get(order=order_id)
    assert row.is_live
    # The issuer freezes the wallet before the payment gets through.
    wallet = shop.world.wallet(shop.ann)
    line = {"address": wallet.address, "authorized": False}
    shop.world.network.control("trustline", line)
    shop.world.network.heal()
    shop.look_again()
    row = Reimbursement.objects.get(order=order_id)
    assert (row.status, (row.problem or {})["code"]) == ("FAILED", "op_not_authorized")
    assert Reimbursement.objects.need_an_eye().filter(pk=row.pk).exists()
    shop.world.network.control("trustline", {**line, "authorized": True})
    services.request_again(operation_id=row.id, actor=ACTOR)
    with pytest.raises(WrongState, match="followed"):
        services.request_again(operation_id=row.id, actor=ACTOR)
    shop.world.settle()
    assert shop.world.balance(shop.ann)["available"] == "300.00"
    assert not Reimbursement.objects.need_an_eye().filter(order=order_id).exists()
    shop.assert_sound()

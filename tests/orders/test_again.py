"""A call to a contract that failed is asked for again by the order's own rules, or refused."""

from typing import Any

import pytest

from offerhub.core.errors import Refusal, WrongState
from offerhub.users.models import Wallet
from orders.again import request_again
from orders.models import Escrow, EscrowOperation, Milestone, Order
from tests.desk import rows
from tests.world import ACTOR

pytestmark = pytest.mark.django_db


def failed(**changes: Any) -> EscrowOperation:
    """The deployment of an order's contract that failed for good."""
    market = rows.market()
    Wallet.objects.filter(marketplace=market).update(status="ACTIVE")
    buyer, seller = rows.user(market, "buyer"), rows.user(market, "seller")
    order = Order.objects.create(
        marketplace=market,
        buyer=buyer,
        seller=seller,
        amount=10_000_000,
        milestones_left=1,
        status="RESERVED",
    )
    Milestone.objects.create(order=order, position=0, ref="m1", amount=10_000_000)
    wallets = {wallet.kind: wallet for wallet in Wallet.objects.filter(marketplace=market)}
    Escrow.objects.create(
        marketplace=market,
        order=order,
        kind=Escrow.Kind.SINGLE,
        status="FAILED",
        buyer_wallet=buyer.wallet,
        seller_wallet=seller.wallet,
        resolver_wallet=wallets["RESOLVER"],
        amount=order.amount,
    )
    values: dict[str, Any] = {"kind": "DEPLOY", "status": "FAILED", "actor": str(ACTOR)}
    return EscrowOperation.objects.create(
        marketplace=market, order=order, source_wallet=buyer.wallet, **values | changes
    )


def test_a_failed_deployment_is_asked_for_again_once() -> None:
    old = failed()
    new = request_again(operation_id=old.pk, actor=ACTOR)
    assert (new.kind, new.status) == ("DEPLOY", "PENDING")
    assert Escrow.objects.get(order=old.order_id).status == "DEPLOYING"
    assert EscrowOperation.objects.get(pk=old.pk).status == "FAILED"
    with pytest.raises(WrongState, match="Another operation followed"):
        request_again(operation_id=old.pk, actor=ACTOR)
    assert EscrowOperation.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"status": "CONFIRMED"}, "did not fail"),
        ({"args": {"dispute": "dsp_1"}}, "on the page of the dispute"),
        ({"kind": "FUND"}, "RESERVED"),
        ({"kind": "RELEASE"}, "RESERVED"),
    ],
)
def test_what_the_order_does_not_allow_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(Refusal, match=told):
        request_again(operation_id=failed(**changes).pk, actor=ACTOR)
    assert EscrowOperation.objects.count() == 1

"""Many operations of one account: however many wait, they do not get in each other's way."""

import pytest

from offerhub.chain import crowds
from offerhub.chain.crowds import PAUSE, Crowds
from offerhub.core import jobs
from offerhub.core.actor import system
from offerhub.users.models import Wallet
from tests.budget.sales import funded, live
from tests.world import World


def test_the_more_wait_the_longer_each_waits() -> None:
    waiting = Crowds()
    assert [waiting.join("resolver", str(n)) for n in range(1, 5)] == pytest.approx(
        [PAUSE * n for n in range(1, 5)]
    )
    assert waiting.join("resolver", "2") == pytest.approx(PAUSE * 4)  # it counts once
    assert waiting.join("another", "9") == PAUSE
    for number in range(1, 5):
        waiting.leave("resolver", str(number))
    assert waiting.join("resolver", "5") == PAUSE


def test_who_does_not_come_back_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowds, "FORGET", -1.0)
    waiting = Crowds()
    for number in range(5):
        waiting.join("resolver", str(number))
    assert waiting.join("resolver", "6") == PAUSE


def test_the_sweep_leaves_out_what_waits_for_its_account(world: World) -> None:
    from orders import escrow_services

    first, second = funded(world, 1, "a") + funded(world, 1, "b")
    for order in (first, second):
        escrow_services.request_refund(
            marketplace_id=world.marketplace.id,
            order_id=order.id,
            milestone_ref="m1",
            reason="",
            actor=system("test"),
        )
        jobs.step("orders.operation", live(order).pk)  # frozen: the resolver's call comes next
    one, other = live(first), live(second)
    assert one.source_wallet_id == other.source_wallet_id
    Wallet.objects.filter(pk=one.source_wallet_id).update(lane=one.pk)
    found = {row for _, row in jobs.SWEEPS["orders.operations"].find()}
    assert (one.pk in found, other.pk in found) == (True, False)
    assert jobs.step("orders.operation", other.pk).later == PAUSE
    world.settle()
    assert world.differences() == []

"""Our own movements are booked by whoever made them, never as deposits, however early they are
seen: the monitor may be ahead of the confirmation in our books."""

from typing import Any

import pytest

from offerhub.chain.submission import LIVE
from offerhub.core import jobs
from offerhub.core.money import UNIT
from offerhub.users.models import User
from orders import escrow_services, services
from orders.models import EscrowOperation, Order
from tests.deposits.scene import Scene

LOOK_UP = "*/transactions/*/operations"


class Sale:
    """Ann buys from Bob for 100; each step can be stopped before our books know of it."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.world = scene, scene.world
        self.tenant = scene.world.marketplace.id
        self.bob: User = scene.world.user("bob")
        scene.network.mint(scene.address, "100")
        scene.watch()
        new = services.NewOrder(buyer="ann", seller="bob", amount=100 * UNIT)
        with jobs.held():
            order = services.create_order(
                marketplace_id=self.tenant, new=new, actor=scene.world.actor
            )
            self.id = order.id
            self._ask(services.reserve)

    def _ask(self, service: Any, **more: Any) -> Any:
        return service(marketplace_id=self.tenant, order_id=self.id, actor=self.world.actor, **more)

    @property
    def order(self) -> Order:
        """As it is now."""
        return Order.objects.select_related("escrow").get(pk=self.id)

    def deploy(self) -> None:
        with jobs.held():
            self._ask(escrow_services.request_deploy)

    def fund(self) -> None:
        with jobs.held():
            escrow_services.request_fund(
                marketplace_id=self.tenant,
                escrow_id=self.order.escrow.id,
                actor=self.world.actor,
            )

    def release(self) -> None:
        with jobs.held():
            self._ask(escrow_services.request_release, milestone_ref=None, action="release")

    def happen_unseen(self) -> EscrowOperation:
        """The live operation reaches a ledger, and our books can not learn of it yet."""
        self.scene.network.fault("503", LOOK_UP, times=1000)
        live = EscrowOperation.objects.get(order_id=self.id, status__in=LIVE)
        with pytest.raises(jobs.Later):
            jobs.JOBS["orders.operation"](live.id)
        live.refresh_from_db()
        assert live.is_live
        assert live.hash
        return live

    def learn(self) -> None:
        """Our books learn of everything."""
        self.scene.network.heal()
        EscrowOperation.objects.filter(order_id=self.id).update(
            next_attempt_at="2020-01-01T00:00:00Z"
        )
        self.world.work()


@pytest.fixture
def sale(scene: Scene) -> Sale:
    """An order with its money reserved."""
    return Sale(scene)


def test_a_funding_that_is_seen_before_it_is_confirmed_is_no_dust(sale: Sale) -> None:
    sale.deploy()
    sale.learn()
    sale.fund()
    sale.happen_unseen()
    contract = sale.order.escrow.contract_id
    assert sale.scene.network.held(contract) == "100.0000000"
    sale.scene.watch()
    assert [row[:2] for row in sale.scene.told()] == [("CREDITED", "")]  # what Ann brought
    sale.learn()
    assert sale.order.status == "IN_PROGRESS"
    assert sale.scene.posted("contract", contract) == 100 * UNIT
    assert sale.world.differences() == []


def test_a_settlement_that_is_seen_before_it_is_confirmed_is_no_deposit(sale: Sale) -> None:
    sale.deploy()
    sale.learn()
    sale.fund()
    sale.learn()
    sale.release()
    for _ in range(3):  # complete, approve, release
        operation = sale.happen_unseen()
        sale.scene.watch()
        sale.scene.network.heal()
        EscrowOperation.objects.filter(pk=operation.pk).update(
            next_attempt_at="2020-01-01T00:00:00Z"
        )
        with jobs.held():
            jobs.JOBS["orders.operation"](operation.id)
    assert sale.order.status == "COMPLETED"
    sale.scene.watch()
    assert (sale.scene.available(sale.bob), len(sale.scene.deposits())) == ("100.00", 1)
    assert sale.scene.posted("wallet", sale.world.wallet(sale.bob).address) == 100 * UNIT


def test_dust_in_a_contract_whose_deployment_is_not_confirmed_yet_is_seen(sale: Sale) -> None:
    """The ledger shows the contract to everybody before our books have opened its account."""
    sale.deploy()
    operation = sale.happen_unseen()
    contract = operation.envelope_meta["contract_id"]
    sale.scene.network.mint(contract, "0.0000001")
    sale.scene.watch()
    (dust,) = sale.scene.deposits(holder="contract")
    assert (dust.address, dust.reason, dust.amount) == (contract, "contract_dust", 1)
    sale.learn()
    assert (sale.order.status, sale.order.escrow.contract_id) == ("ESCROW_CREATED", contract)
    assert sale.scene.posted("contract", contract) == 1


def test_dust_stays_apart_from_the_orders_money(sale: Sale) -> None:
    sale.deploy()
    sale.learn()
    sale.fund()
    sale.learn()
    contract = sale.order.escrow.contract_id
    sale.scene.token_transfer(sale.scene.player.person("1"), contract, 3)
    sale.scene.watch()
    assert sale.scene.posted("contract", contract) == 100 * UNIT + 3
    assert sale.scene.posted("escrow", sale.id) == -100 * UNIT
    assert sale.scene.posted("suspense", "") == -3
    sale.release()
    sale.learn()
    assert sale.order.status == "COMPLETED"
    assert sale.scene.available(sale.bob) == "100.00"
    assert sale.world.differences() == []


def test_a_withdrawal_is_no_deposit_of_anybody(scene: Scene) -> None:
    """Seen before or after our books confirm it: the sender's wallet is ours."""
    from payouts import destinations
    from payouts import services as payouts
    from payouts.memos import Memo

    scene.network.mint(scene.address, "20")
    scene.watch()
    outside = scene.world.stranger()
    checked = destinations.check(
        marketplace_id=scene.world.marketplace.id,
        user_reference="ann",
        destination=outside,
        memo=Memo(),
        amount=5 * UNIT,
    )
    with jobs.held():
        payouts.request_withdrawal(checked=checked, actor=scene.world.actor)
    scene.world.work()
    scene.watch()
    assert (scene.available(), len(scene.deposits())) == ("15.00", 1)
    assert scene.world.differences() == []

"""Campaigns, subscriptions, batches, reimbursements and parties with their own keys beside each
other: nothing is wrong while nothing is, and an older backup takes all of it in again."""

from pathlib import Path

from offerhub.chain.tables import concrete_tables
from offerhub.management.commands.catch_up import DRIVERS
from offerhub.reconciliation import funds, proofs
from offerhub.reconciliation.facts import MOVE_NOTHING
from offerhub.reconciliation.recovery import catch_up
from offerhub.reconciliation.verification import Wanted, verify
from offerhub.reconciliation.verify_proof import check
from orders.campaigns.models import Campaign
from orders.models import EscrowOperation, Order, Reimbursement
from payouts.models import BatchPayment, Withdrawal
from tests.defects.conftest import world_with_fees as world_with_fees
from tests.http import Api
from tests.reconciliation.copied import copied_database, dumped, restored
from tests.reconciliation.rooms import Rooms
from tests.world import ACTOR, World

EVERYBODY = ("ann", "bob", "u0", "u1", "u2", "eva", "sam")


def test_every_table_of_operations_can_be_caught_up_and_says_whether_it_moves_money() -> None:
    assert set(DRIVERS) == set(concrete_tables())
    kinds = {str(kind) for kind in EscrowOperation.Kind}
    moving = {"FUND", "RELEASE", "RESOLVE", "SWEEP"}
    assert kinds - set(MOVE_NOTHING) == moving
    assert not {BatchPayment.KIND, Reimbursement.KIND} & set(MOVE_NOTHING)


def test_nothing_is_wrong_with_everything_there_is_and_a_backup_takes_in_what_followed(
    world_with_fees: World, server: str, scratch: str
) -> None:
    world = world_with_fees
    api = Api(server, world.key())
    rooms = Rooms(world, api)
    crowd, tenant = rooms.crowd, world.marketplace.id
    # One of each that is over, and one of each that goes on.
    paid = crowd.post([crowd.item("u0", "5"), crowd.item("u1", "6"), crowd.item("nobody")])
    assert paid["counts"]["completed"] == 2
    api.post("/resolution/refund", {"orderId": rooms.sale()})
    world.settle()
    assert Reimbursement.objects.get(marketplace=tenant).status == "CONFIRMED"
    over = rooms.subscription()
    api.post(f"/subscriptions/{over}/cancel", {"when": "NOW"})
    world.settle()
    called_off = rooms.campaign(10, 20)
    api.post(f"/campaigns/{called_off}/cancel")
    goes_on = rooms.campaign(7, 8)
    rooms.campaign(9, holds="RESERVATION")
    rooms.subscription()
    sold = rooms.keys.funded("eva", "sam", 40)
    rooms.keys.order("eva", "bob", 30)  # its contract waits for her money
    released = rooms.keys.funded("eva", "sam", 50)
    api.post("/resolution/release", {"orderId": released}, status=202)
    rooms.sign_everything()
    world.watch()
    wanted = Wanted(marketplace_id=tenant, limit=100, patience=10)
    assert [(each.name, each.rows) for each in verify(wanted).broken] == []
    measured = funds.measure(tenant)
    assert check(proofs.for_auditor(proofs.keep(funds=measured, actor=ACTOR)))
    assert measured.held == measured.books_held

    # What a backup may meet: a payment that is not signed, withdrawals that wait, and a signature.
    first = crowd.ask(crowd.wish("u0", 10_000_000), crowd.wish("u1", 20_000_000))
    crowd.pack()
    second = crowd.ask(crowd.wish("u2", 30_000_000), crowd.wish("u2", 40_000_000))
    assert sorted(row.state for row in crowd.items(first)) == ["CARRIED", "CARRIED"]
    assert {row.state for row in crowd.items(second)} == {"READY"}
    api.post("/resolution/release", {"orderId": sold}, status=202)
    rooms.keys.asked(sold, "sam")
    refunded = rooms.sale(60)
    backup = dumped(Path(scratch) / "rooms.dump")

    rooms.keys.signs(sold, "sam", "COMPLETE")
    api.post("/resolution/refund", {"orderId": refunded})
    api.post(f"/campaigns/{goes_on}/settle")
    for _ in range(10):
        rooms.keys.look()
        crowd.pack()
    assert [Campaign.objects.get(pk=goes_on).status] == ["SUCCEEDED"]
    for batch in (first, second):
        assert set(crowd.statuses(batch)) == {"COMPLETED"}
    world.watch()
    assert [(each.name, each.rows) for each in verify(wanted).broken] == []
    truth, arrived = [rooms.total(name) for name in EVERYBODY], crowd.received()

    with copied_database(template=""):
        restored(backup)
        assert verify(wanted).broken
        taken = list(catch_up(DRIVERS))
        assert [(each.what, each.outcome) for each in taken if not each.done] == []
        assert [(each.name, each.rows) for each in verify(wanted).broken] == []
        assert [rooms.total(name) for name in EVERYBODY] == truth
        for batch in (first, second):
            rows = Withdrawal.objects.filter(batch=batch.pk)
            assert {row.status for row in rows} == {"COMPLETED"}
        assert Order.objects.get(pk=refunded).status == "REFUNDED"
        for _ in range(3):
            rooms.keys.look()  # workers start again
            crowd.pack()
        assert crowd.received() == arrived
        assert [rooms.total(name) for name in EVERYBODY] == truth
        assert Campaign.objects.get(pk=goes_on).status in ("OPEN", "SETTLING", "SUCCEEDED")

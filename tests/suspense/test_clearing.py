"""What is in suspense goes to a user or back to its sender, once, whatever the network answers."""

import pytest

from ledger.balances import account_balance
from ledger.invariants import violations
from offerhub.core.money import from_chain
from offerhub.deposits.models import Deposit
from offerhub.events.models import Event
from offerhub.suspense import services
from offerhub.suspense.models import Clearance
from offerhub.users.models import Wallet
from tests.payouts.chain import LOOK_UP, SUBMIT, Chain
from tests.world import World

LOST = ["504-before", "drop", "503"]
LANDED = ["504-after", "drop-after"]


class Scene(Chain):
    """Somebody outside sent ten USDC to the marketplace's own wallet."""

    def __init__(self, world: World) -> None:
        super().__init__(world.network)
        self.world = world
        self.platform = Wallet.objects.get(marketplace=world.marketplace, kind="PLATFORM")
        self.sender = self.outsider()
        self.network.mint(self.sender.public_key, "10")
        self.as_outsider(
            self.sender,
            lambda builder, usdc: builder.append_payment_op(self.platform.address, usdc, "10"),
        )
        world.watch()
        self.deposit = Deposit.objects.get(marketplace=world.marketplace, status="SUSPENSE")

    def assign(self) -> Clearance:
        """To Ann."""
        self.ann = self.world.user("ann")
        return services.request_assignment(
            deposit_id=self.deposit.pk,
            user_id=self.ann.pk,
            reason="she says so",
            actor=self.world.actor,
        )

    def send_back(self) -> Clearance:
        """To the sender."""
        return services.request_return(
            checked=services.check_return(deposit_id=self.deposit.pk),
            reason="nobody's",
            actor=self.world.actor,
        )

    def now(self) -> tuple[str, int]:
        """The deposit's status, and what is in suspense."""
        held = account_balance(
            marketplace_id=self.world.marketplace.id, kind="suspense", asset="USDC"
        )
        return Deposit.objects.get(pk=self.deposit.pk).status, held

    def usdc(self, address: str) -> int:
        """What an account holds on the chain, in stroops."""
        balances = self.network.control("state")["accounts"][address]
        return sum(from_chain(v) for k, v in balances.items() if k.startswith("USDC"))

    def assert_sound(self) -> None:
        """Books and chain agree to the stroop."""
        self.world.watch()
        assert self.world.differences() == []
        assert violations(self.world.marketplace.id) == []


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)


def test_an_assigned_deposit_is_the_users_money_in_their_own_wallet(scene: Scene) -> None:
    assert scene.now() == ("SUSPENSE", 100_000_000)
    scene.assign()
    scene.world.settle()
    assert scene.now() == ("CREDITED", 0)
    assert scene.world.balance(scene.ann)["available"] == "10.00"
    assert Deposit.objects.get(pk=scene.deposit.pk).user == scene.ann
    types = Event.objects.filter(subject=scene.deposit.pk).order_by("sequence")
    assert [event.type for event in types][-2:] == [
        "deposit.assignment_requested",
        "deposit.assigned",
    ]
    scene.assert_sound()


def test_a_returned_deposit_is_with_its_sender(scene: Scene) -> None:
    scene.send_back()
    scene.world.settle()
    assert scene.now() == ("RETURNED", 0)
    assert scene.usdc(scene.sender.public_key) == 100_000_000
    market = scene.world.marketplace
    assert Deposit.objects.filter(marketplace=market, asset_code="USDC").count() == 1
    scene.assert_sound()


@pytest.mark.parametrize("answer", [*LOST, *LANDED])
def test_a_lost_answer_pays_once(scene: Scene, answer: str) -> None:
    made = scene.send_back()
    scene.fault(answer, SUBMIT)
    scene.world.settle()
    after = Clearance.objects.get(pk=made.pk)
    assert (after.status, after.attempts) == ("CONFIRMED", 1)
    assert scene.now() == ("RETURNED", 0)
    assert scene.usdc(scene.sender.public_key) == 100_000_000
    scene.assert_sound()


def test_what_is_not_known_stays_in_suspense(scene: Scene) -> None:
    made = scene.send_back()
    scene.fault("504-after", SUBMIT)
    scene.fault("504-before", LOOK_UP)
    scene.world.work()
    assert Clearance.objects.get(pk=made.pk).status == "UNKNOWN"
    assert scene.now() == ("SUSPENSE", 100_000_000)
    scene.world.settle()
    assert scene.now() == ("RETURNED", 0)
    scene.assert_sound()


def test_a_proven_failure_leaves_it_to_be_decided_anew(scene: Scene) -> None:
    made = scene.send_back()
    scene.as_outsider(scene.sender, lambda builder, usdc: builder.append_change_trust_op(usdc, "0"))
    scene.world.settle()
    assert Clearance.objects.get(pk=made.pk).status == "FAILED"
    assert scene.now() == ("SUSPENSE", 100_000_000)
    scene.assign()
    scene.world.settle()
    assert scene.now() == ("CREDITED", 0)
    scene.assert_sound()

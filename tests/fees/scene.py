"""A marketplace with fees, and what each side has in the books and on the chain."""

from typing import Any

from django.db.models.functions import Now

from ledger.balances import account_balance
from ledger.invariants import violations
from offerhub.core.money import from_chain
from offerhub.marketplaces import services as marketplaces
from offerhub.users.models import Wallet
from orders.reimbursements.models import Reimbursement
from tests.http import Api
from tests.world import ACTOR, World


class Market:
    """Takes 5 % of what leaves a contract, and lets an order ask for up to 10 %."""

    def __init__(self, world: World, api: Api, borne_by: str) -> None:
        self.world, self.api = world, api
        marketplaces.update_marketplace(
            marketplace_id=world.marketplace.id,
            name="Market with a fee",
            platform_fee_percent=5,
            max_platform_fee_percent=10,
            refund_fees_borne_by=borne_by,
            release_policy=None,
            actor=ACTOR,
        )
        self.ann, self.bob = world.user("ann", money="300"), world.user("bob")

    def order(self, amount: Any = 100, **more: Any) -> str:
        """A funded order; its id."""
        return self.world.funded(
            self.api, {"buyerId": "ann", "sellerId": "bob", "amount": amount, **more}
        )

    def refund(self, order: str) -> Any:
        """All of it back to Ann; the order when every operation has ended."""
        self.api.post("/resolution/refund", {"orderId": order})
        self.world.settle()
        return self.api.get(f"/orders/{order}")

    def give_money(self, amount: str) -> None:
        """USDC on the platform wallet, which nobody can be credited for."""
        self.world.network.mint(self.platform.address, amount)
        self.world.watch()

    @property
    def platform(self) -> Wallet:
        return Wallet.objects.get(marketplace=self.world.marketplace, kind="PLATFORM")

    def look_again(self) -> None:
        """What was put off is due, and done."""
        Reimbursement.objects.filter(marketplace=self.world.marketplace).update(
            next_attempt_at=Now()
        )
        self.world.settle()

    def booked(self, kind: str) -> int:
        """What an account of the marketplace itself shows, in stroops."""
        return account_balance(marketplace_id=self.world.marketplace.id, kind=kind, asset="USDC")

    def held(self, wallet: Wallet) -> int:
        """What a wallet holds on the chain, in stroops."""
        return from_chain(self.world.network.held(wallet.address))

    def assert_sound(self) -> None:
        """Books and chain agree, and the books with themselves."""
        self.world.watch()
        assert self.world.differences() == []
        assert violations(self.world.marketplace.id) == []

"""A marketplace that sells in every way there is, beside each other."""

from decimal import Decimal
from typing import Any

from offerhub.marketplaces import services as marketplaces
from offerhub.users.models import Wallet
from orders.models import EscrowOperation
from tests.campaigns.scene import in_ten_days
from tests.http import Api
from tests.payouts.crowd import Crowd
from tests.signing.scene import Market
from tests.world import ACTOR, World


class Rooms:
    """u0 to u2 have 100 USDC each, Ann has 1000; Eva and Sam hold their own keys. The marketplace
    takes 5 % and bears the fees of refunds."""

    def __init__(self, world: World, api: Api) -> None:
        self.world, self.api = world, api
        marketplaces.update_marketplace(
            marketplace_id=world.marketplace.id,
            name="Everything",
            platform_fee_percent=5,
            refund_fees_borne_by="MARKETPLACE",
            release_policy=None,
            actor=ACTOR,
        )
        self.crowd = Crowd(world, api)
        world.user("ann", money="1000")
        world.user("bob")
        platform = Wallet.objects.get(marketplace=world.marketplace, kind="PLATFORM")
        world.network.mint(platform.address, "50")
        world.watch()
        self.keys = Market(world, api)
        self.keys.party("eva", "300")
        self.keys.party("sam")

    def sale(self, amount: int = 100) -> str:
        """Ann buys from Bob; the order, funded."""
        sale = {"buyerId": "ann", "sellerId": "bob", "amount": amount}
        return self.world.funded(self.api, sale)

    def campaign(self, *amounts: int, **more: Any) -> str:
        """Bob's, with pledges of u0, u1, …; its id. The goal is what they pledge."""
        body = {
            "creatorId": "bob",
            "title": "Project X",
            "goal": sum(amounts),
            "deadline": in_ten_days(),
            "holds": "ESCROW",
            **more,
        }
        name = str(self.api.post("/campaigns", body, status=201)["id"])
        for place, amount in enumerate(amounts):
            pledge = {"buyerId": f"u{place}", "sellerId": "bob", "amount": amount}
            self.api.post("/orders", {**pledge, "campaignId": name}, status=201)
        return name

    def subscription(self) -> str:
        """Ann's to Bob, its first month paid; its id."""
        body = {"buyerId": "ann", "sellerId": "bob", "amount": 30, "interval": "month"}
        name = str(self.api.post("/subscriptions", body, status=201)["id"])
        self.world.settle()
        return name

    def sign_everything(self) -> None:
        """Eva and Sam sign whatever waits for them, until nothing does."""
        for _ in range(10):
            self.keys.look()
            waiting = EscrowOperation.objects.filter(
                marketplace=self.world.marketplace, status="AWAITING_SIGNATURE"
            )
            if not waiting:
                return
            for row in waiting:
                party = row.source_wallet.user
                assert party is not None
                self.keys.signs(row.order_id, party.external_id, row.kind)
        raise AssertionError("signatures keep being asked for")

    def total(self, name: str) -> Decimal:
        """All that a user has here."""
        return Decimal(self.api.get(f"/users/{name}/balance")["total"])

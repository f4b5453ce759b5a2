"""A creator, backers with money, and campaigns of theirs over the API."""

import time
from datetime import timedelta
from typing import Any

from offerhub.core import clock
from orders.campaigns.models import Campaign, Pledge
from tests.http import Api
from tests.world import World

GOING = ("OPEN", "SETTLING")


def in_ten_days() -> str:
    """By the product's clock."""
    return (clock.now() + timedelta(days=10)).isoformat()


class Backed:
    """The world's creator and so many backers, each with so much money."""

    def __init__(self, world: World, api: Api, backers: int, money: str = "100") -> None:
        self.world, self.api = world, api
        self.creator = world.user("creator_456")
        self.backers = [world.user(f"backer_{n}") for n in range(1, backers + 1)]
        for backer in self.backers:
            world.network.mint(world.wallet(backer).address, money)
        world.watch()

    def campaign(self, goal: int, **more: Any) -> str:
        """An open campaign with a deadline in ten days; its id."""
        body = {
            "creatorId": "creator_456",
            "title": "Project X",
            "goal": goal,
            "deadline": in_ten_days(),
            "holds": "ESCROW",
            **more,
        }
        return str(self.api.post("/campaigns", body, status=201)["id"])

    def pledge(
        self, campaign: str, backer: int, amount: float, *, status: int = 201, **more: Any
    ) -> Any:
        """As the mission writes it: an order of the backer."""
        body = {
            "buyerId": f"backer_{backer}",
            "sellerId": "creator_456",
            "amount": amount,
            "description": "Pledge for Project X",
            "campaignId": campaign,
            **more,
        }
        return self.api.post("/orders", body, status=status)

    def read(self, campaign: str) -> Any:
        return self.api.get(f"/campaigns/{campaign}")

    def pass_deadline(self) -> None:
        """Ten days and an hour pass."""
        self.world.network.advance("P10DT1H")
        self.world.watch()

    def until_settled(self, campaign: str, seconds: float = 60.0) -> Any:
        """Let the workers work until the settlement is over or needs somebody."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.world.work()
            self.world.settle()
            Campaign.objects.filter(pk=campaign, status="SETTLING").update(
                next_at="2000-01-01T00:00:00Z"  # nobody waits for the next step
            )
            state = self.read(campaign)
            if state["status"] not in GOING:
                return state
        raise AssertionError(f"still {state['status']}: {state['progress']}")

    def available(self, *names: str) -> list[str]:
        """What these users can dispose of."""
        path = "/users/{}/balance"
        return [self.api.get(path.format(name))["available"] for name in names]

    def states(self, campaign: str) -> list[str]:
        """Of its pledges, oldest first."""
        rows = Pledge.objects.filter(campaign=campaign).order_by("pk")
        return list(rows.values_list("state", flat=True))

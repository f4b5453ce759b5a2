"""A marketplace whose every text comes from somebody who wants scripts to run at the desk.

Each text closes what it might stand in and then asks this server for `/xss/…`: whichever way out
works, the browser asks, and the answer is a 404 that the test sees. The mark in front says which
field it was.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.test import override_settings
from stellar_sdk import Claimant

from disputes import resolution, services, shares
from disputes.evidence import keeping, reading
from disputes.evidence import services as evidence
from disputes.models import Dispute, Reason
from disputes.states import Party
from offerhub.claims import watching
from offerhub.claims.models import ClaimableBalance
from offerhub.core import clock, jobs
from offerhub.core.actor import Actor, ActorKind
from offerhub.core.money import parse_amount
from offerhub.deposits.models import Deposit
from offerhub.events.models import Event
from offerhub.marketplaces import services as marketplaces
from offerhub.marketplaces import staff
from offerhub.marketplaces.models import Marketplace, StaffUser
from offerhub.users.models import User, Wallet
from orders.models import Milestone
from payouts.memos import Memo
from payouts.models import MemoType
from tests.disputes.evidence import files
from tests.http import Api
from tests.payouts.scene import Scene
from tests.sandbox.player import Player
from tests.world import World

MOST = 100


def hostile(mark: str, most: int = MOST) -> str:
    """A text that begins with its mark, as long as the field takes."""
    ways = (
        f'{mark}"><img src=/xss/{mark}>',
        f"</textarea></title></template><script src=/xss/{mark}></script>",
        f"' onfocus=alert(1) autofocus x='<iframe src=/xss/{mark}></iframe><svg onload=alert(1)>",
        "{{ 7|add:7 }}<a href=javascript:alert(1)>x</a><img src=x onerror=alert(1)>" + "w" * 60,
    )
    text = ""
    for way in ways:
        if len(text) + len(way) <= most:
            text += way
    assert text, f"{mark} does not fit into {most}"
    return text


# What must be seen on at least one page, or the test tests nothing.
MARKS = {
    *("market", "buyer", "seller", "name", "email", "note1", "title", "about", "order1", "meta"),
    *("m1", "part", "reason", "detail", "words", "talk", "remark", "decided", "file", "memo"),
    *("cancelled", "work", "key", "worker", "plan", "coaching", "again", "project", "pitch"),
    "hook",
}


class Corpus:
    """Orders, disputes in several states, withdrawals, a deposit nobody knows."""

    def __init__(self, world: World, api: Api) -> None:
        self.world, self.api = world, api
        Marketplace.objects.filter(pk=world.marketplace.pk).update(name=hostile("market"))
        self.tag = uuid4().hex[:6]
        self.buyer = self._user("buyer", "2000")
        self.seller = self._user("seller", "")
        self.addresses = list(self._make())

    def _user(self, role: str, money: str) -> str:
        name = f"{hostile(role, 60)}{self.tag}"
        body = {"name": hostile("name", 200), "metadata": {"note": hostile("meta", 400)}}
        user = self.world.user(name, money=money)
        User.objects.filter(pk=user.pk).update(email='email"><b>@a.example', **body)
        return name

    def _order(self, *parts: str) -> dict[str, Any]:
        milestones = [
            {
                "id": f'm{i}"><img src=/xss/m{i}>',
                "description": hostile("part", 500),
                "amount": part,
            }
            for i, part in enumerate(parts, 1)
        ]
        return {
            "buyerId": self.buyer,
            "sellerId": self.seller,
            "amount": f"{sum(map(float, parts)):.2f}",
            "title": hostile("title"),
            "description": hostile("about", 500),
            "milestones": milestones,
            "externalRef": f"{hostile('order1', 60)}{uuid4().hex[:8]}",
            "metadata": {hostile("note1", 40): [hostile("meta", 400)]},
        }

    def _make(self) -> Iterator[str]:
        for state in ("open", "proposed", "settled"):
            dispute = self._dispute()
            self._decide(dispute, state)
            yield f"/admin/cases/{dispute.id}/"
            yield f"/admin/order/{dispute.order_id}/"
        yield from self._orders()
        yield self._subscription()
        yield from self._withdrawals()
        yield self._unknown_deposit()
        yield from self._set_aside()
        yield self._campaign()
        yield self._webhook()
        self._key()
        self.world.settle()

    def _orders(self) -> Iterator[str]:
        """One that was cancelled, one with a part that was paid."""
        order = self.api.post("/orders", self._order("5", "6"), status=201)["id"]
        self.api.post(f"/orders/{order}/cancel", {"reason": hostile("cancelled", 500)})
        done = self.world.funded(self.api, self._order("7", "8"))
        self.api.post(
            "/resolution/release",
            {"orderId": done, "milestoneId": self._order("7")["milestones"][0]["id"],
             "evidence": hostile("work", 500)},
        )  # fmt: skip
        paid = Milestone.objects.get(order=done, ref__startswith="m1")
        cancelled = Event.objects.get(subject=order, type="order.cancelled")
        yield from (f"/admin/order/{order}/", f"/admin/order/{done}/")
        yield f"/admin/orders/milestone/{paid.pk}/change/"
        yield f"/admin/events/event/{cancelled.pk}/change/"

    def _subscription(self) -> str:
        body = {
            "buyerId": self.buyer,
            "sellerId": self.seller,
            "amount": 9,
            "interval": "month",
            "title": hostile("plan"),
            "description": hostile("coaching", 400),
            "externalRef": f"{hostile('again', 60)}{uuid4().hex[:8]}",
        }
        made = self.api.post("/subscriptions", body, status=201)["id"]
        self.api.post(f"/subscriptions/{made}/cancel", {"when": "PERIOD_END"})
        return f"/admin/subscription/{made}/"

    def _dispute(self) -> Dispute:
        order = self.world.funded(self.api, self._order("300", "12.34"))
        body = {
            "orderId": order,
            "reason": hostile("reason", 500),
            "description": hostile("detail", 4000),
        }
        made = Dispute.objects.get(pk=self.api.post("/disputes", body, status=201)["id"])
        path = f"/disputes/{made.id}"
        self.api.post(f"{path}/statements", {"by": "buyer", "text": hostile("words", 900)},
                      status=201)  # fmt: skip
        self.api.post(f"{path}/messages", {"by": "seller", "text": hostile("talk", 900)},
                      status=201)  # fmt: skip
        self._file(made)
        author = StaffUser.objects.create(username=f"worker{uuid4().hex[:8]}", is_staff=True)
        services.write_note(dispute_id=made.id, author=author, text=hostile("remark", 900))
        return made

    def _file(self, dispute: Dispute) -> None:
        """Under a name that handing in would have made harmless."""
        file = reading.read(files.image(), "a.png")
        evidence.add_evidence(
            marketplace_id=self.world.marketplace.id,
            dispute_id=dispute.id,
            party=Party.SELLER,
            received=replace(file, name=hostile("file")),
            stored_as=keeping.keep(file.file),
            actor=self.world.actor,
        )

    def _decide(self, dispute: Dispute, state: str) -> None:
        if state == "open":
            return
        proposal = resolution.propose(
            dispute_id=dispute.id,
            marketplace_id=None,
            shares=shares.decided(
                {row.milestone_id: row.milestone.amount for row in dispute.milestones.all()},
                "SPLIT",
                {"seller": parse_amount("100.34"), "buyer": parse_amount("212")},
            ),
            text=hostile("decided", 900),
            note=hostile("remark", 900),
            reason_code=Reason.objects.filter(use=Reason.Use.DECISION).values_list("pk")[0][0],
            actor=_person(),
        )
        if state == "settled":
            resolution.approve(proposal_id=proposal.id, digest=proposal.digest, actor=_person())
            self.world.settle()

    def _withdrawals(self) -> Iterator[str]:
        scene = Scene(self.world, self.api)
        memo = Memo(MemoType.TEXT.value, 'memo"><img src=/xss/me>')
        scene.run(scene.ask("3", memo=memo))
        with override_settings(WITHDRAWAL_APPROVAL_THRESHOLD="1"):
            yield f"/admin/payouts/withdrawal/{scene.ask('30')}/change/"
        scene.in_state("FAILED")

    def _unknown_deposit(self) -> str:
        """Money at the marketplace's own wallet, which is no user's."""
        own = Wallet.objects.get(marketplace=self.world.marketplace, kind=Wallet.Kind.PLATFORM)
        self.world.network.mint(own.address, "5")
        self.world.watch()
        found = Deposit.objects.get(address=own.address, status=Deposit.Status.SUSPENSE)
        return f"/admin/deposit/{found.pk}/"

    def _set_aside(self) -> Iterator[str]:
        """A crumb for the same wallet, which only a person would claim."""
        own = Wallet.objects.get(marketplace=self.world.marketplace, kind=Wallet.Kind.PLATFORM)
        with Player(self.world.network.url) as player:
            eve, mine = player.person("1"), Claimant(own.address)
            builder = player.builder(eve)
            builder.append_create_claimable_balance_op(player.usdc, "0.5", [mine])
            assert player.submit(builder, eve).ok
        with jobs.held() as rings:
            watching.look_now(wallet_id=own.pk)
        for ring in rings:
            jobs.run(*ring)
        found = ClaimableBalance.objects.get(wallet=own)
        yield f"/admin/claimable/{found.pk}/"
        yield f"/admin/claimable/{found.pk}/claim/"

    def _campaign(self) -> str:
        """Open, with a pledge."""
        body = {
            "creatorId": self.seller,
            "title": hostile("project"),
            "description": hostile("pitch", 500),
            "goal": 50,
            "deadline": (clock.now() + timedelta(days=9)).isoformat(),
            "holds": "RESERVATION",
        }
        made = self.api.post("/campaigns", body, status=201)["id"]
        pledge = {"buyerId": self.buyer, "sellerId": self.seller, "amount": 3, "campaignId": made}
        self.api.post("/orders", pledge, status=201)
        return f"/admin/campaign/{made}/"

    def _webhook(self) -> str:
        """Switched off, so that nothing waits to be sent."""
        body = {"url": "https://example.com/", "description": hostile("hook", 200)}
        made = self.api.post("/webhook-endpoints", body, status=201)["id"]
        self.api.request("PATCH", f"/webhook-endpoints/{made}", {"status": "DISABLED"})
        return f"/admin/webhook/{made}/"

    def _key(self) -> None:
        marketplaces.create_api_key(
            marketplace_id=self.world.marketplace.id,
            name=hostile("key"),
            scopes=(),
            actor=self.world.actor,
        )


def _person() -> Actor:
    made = staff.create_staff(
        username=f'worker"><img src=/xss/p>{uuid4().hex[:8]}', password="correct horse battery"
    )
    return Actor(ActorKind.STAFF, made.user.public_id)

"""Somebody outside sets money aside for one of our wallets."""

from typing import Any

from django.db.models.functions import Now
from stellar_sdk import Asset, Claimant, ClaimPredicate, Keypair

from offerhub.claims import watching
from offerhub.claims.models import Claim, ClaimableBalance, ClaimWatch
from offerhub.core import jobs
from offerhub.deposits.models import Deposit
from offerhub.events.models import Event
from tests.sandbox.player import Player
from tests.world import World

SUBMIT = "/transactions"


class Scene:
    """Ann's wallet is alive and empty; Eve is a stranger with a hundred USDC."""

    def __init__(self, world: World) -> None:
        self.world, self.network = world, world.network
        self.player = Player(world.network.url)
        self.ann = world.user("ann")
        self.wallet = world.wallet(self.ann)
        self.eve = self.player.person("100")
        world.watch()

    def set_aside(self, amount: str, *others: Keypair, **more: Any) -> str:
        """Eve makes a claimable balance for Ann's wallet, and others; its id."""
        asset, maker = more.get("asset", self.player.usdc), more.get("maker", self.eve)
        predicate = more.get("predicate", ClaimPredicate.predicate_unconditional())
        claimants = [
            Claimant(self.wallet.address, predicate),
            *(Claimant(each.public_key) for each in others),
        ]
        builder = self.player.builder(maker)
        builder.append_create_claimable_balance_op(asset, amount, claimants)
        answer = self.player.submit(builder, maker)
        assert answer.ok, answer.text
        return self.there()[-1]

    def there(self) -> list[str]:
        """The ids of what there is to claim for Ann's wallet on the network, as it was made."""
        query = {"claimant": self.wallet.address, "limit": "200"}
        found = self.player.get("/claimable_balances", **query).json()
        return [row["id"] for row in found["_embedded"]["records"]]

    def foreign(self, amount: str) -> tuple[Asset, Keypair]:
        """Another asset that is called USDC, and somebody who holds it."""
        other = self.player.friend()
        issuer = self.player.friend()
        asset = Asset("USDC", issuer.public_key)
        self.player.submit(self.player.builder(other).append_change_trust_op(asset), other)
        assert self.player.pay(issuer, other.public_key, amount, asset=asset).ok
        return asset, other

    def claim_as(self, keypair: Keypair, balance: str) -> None:
        """Somebody else claims it."""
        builder = self.player.builder(keypair).append_claim_claimable_balance_op(balance)
        answer = self.player.submit(builder, keypair)
        assert answer.ok, answer.text

    def look(self) -> None:
        """The round comes to Ann's wallet."""
        watching.look_now(wallet_id=self.wallet.pk)
        with jobs.held():
            jobs.step("claims.look", self.wallet.pk)

    def ask(self) -> Claim:
        """Let the claim of the one balance be asked for, and not run."""
        (balance,) = self.rows()
        with jobs.held():
            jobs.step("claims.begin", balance.pk)
        return Claim.objects.get(balance=balance)

    def rows(self) -> list[ClaimableBalance]:
        """What is listed for Ann's wallet, as it was found."""
        return list(ClaimableBalance.objects.filter(wallet=self.wallet).order_by("ledger", "pk"))

    def states(self) -> list[tuple[str, str, int]]:
        """State, reason and amount of each."""
        return [(row.state, row.reason, row.amount) for row in self.rows()]

    def events(self, row: ClaimableBalance) -> list[str]:
        """What was told of one, in order, without a gap."""
        found = list(Event.objects.filter(subject=row.pk).order_by("sequence"))
        assert [one.sequence for one in found] == list(range(1, len(found) + 1))
        return [one.type.removeprefix("claimable_balance.") for one in found]

    def deposits(self) -> list[tuple[str, int, str]]:
        """Status, amount and user of each deposit at Ann's wallet."""
        found = Deposit.objects.filter(address=self.wallet.address).order_by("id")
        return [(d.status, d.amount, str(d.user_id)) for d in found]

    def available(self) -> str:
        """What Ann may spend."""
        return self.world.balance(self.ann)["available"]

    def make_due(self) -> None:
        """As if the pause before the next look at Ann's wallet were over."""
        ClaimWatch.objects.filter(wallet=self.wallet).update(due_at=Now())

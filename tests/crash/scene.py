"""Ann has 100 USDC and may buy from Bob: every operation can be brought to where it is asked for
and not run yet."""

from typing import Any

import requests
from django.db.models import F

from disputes import resolution
from disputes import services as disputes
from disputes.models import Dispute
from disputes.states import Party
from offerhub.chain.submission import LIVE, Submission
from offerhub.core import jobs
from offerhub.core.actor import system
from offerhub.core.money import parse_amount
from offerhub.deposits.models import Deposit
from offerhub.marketplaces import services as marketplaces
from offerhub.suspense import services as suspense
from offerhub.users import services as users
from offerhub.users.models import Wallet
from offerhub.wallets import services as wallets
from offerhub.wallets.models import WalletOperation
from orders import escrow_services, services
from orders.models import Escrow, EscrowOperation
from orders.plans import Share
from payouts import batches, destinations
from payouts import services as payouts
from payouts.batches import NewItem
from payouts.destinations import Wish
from payouts.memos import Memo
from payouts.models import Batch, BatchPayment, WithdrawalAttempt
from tests.world import ACTOR, World

START, PRICE, PARTS, OUT = "100", "60", ("25", "35"), "25"
Balances = tuple[str, str, str, str]  # available, reserved, in escrow, on the way out


class Scene:
    """One marketplace with two users, and at most one order."""

    order = destination = dispute = ""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ann = world.user("ann", money=START)
        self.bob = world.user("bob")

    # --- wallets ------------------------------------------------------------------------------
    def ask_trustline(self) -> Submission:
        """A new marketplace, whose platform wallet has XLM and wants its trustline."""
        self.world.marketplace = marketplaces.create_marketplace(name="New market", actor=ACTOR)
        users.make_own_wallets(marketplace_id=self.world.marketplace.id)
        platform = Wallet.objects.get(marketplace=self.world.marketplace, kind="PLATFORM")
        with jobs.held():
            jobs.step("wallets.bring_to_life", platform.id)
        return WalletOperation.objects.get(wallet=platform)

    def ask_activation(self) -> Submission:
        """A new user, whose wallet is to come to life."""
        with jobs.held():
            cleo, _ = users.create_user(
                marketplace_id=self.world.marketplace.id, new=users.NewUser("cleo"), actor=ACTOR
            )
        return self._ask_wallet(self.world.wallet(cleo))

    def ask_top_up(self) -> Submission:
        """Bob's wallet is low on fee money, as we count it."""
        wallet = self.world.wallet(self.bob)
        Wallet.objects.filter(pk=wallet.pk).update(fee_budget=wallets.low_water() - 1)
        return self._ask_wallet(wallet)

    def _ask_wallet(self, wallet: Wallet) -> Submission:
        with jobs.held():
            operation = wallets.request_operation(wallet_id=wallet.id)
        assert operation is not None
        return operation

    # --- one order ----------------------------------------------------------------------------
    def reserve(self, *amounts: str) -> None:
        """An order with these milestones, its money reserved."""
        parts = [
            services.NewMilestone(f"m{i}", f"Part {i}", parse_amount(amount))
            for i, amount in enumerate(amounts, 1)
        ]
        new = services.NewOrder("ann", "bob", parse_amount(PRICE), milestones=tuple(parts))
        tenant = self.world.marketplace.id
        self.order = services.create_order(marketplace_id=tenant, new=new, actor=ACTOR).id
        services.reserve(marketplace_id=tenant, order_id=self.order, actor=ACTOR)

    def ask(self, kind: str, *amounts: str, milestone: str | None = None) -> Submission:
        """Bring an order to where this call to the contract is asked for and not run yet."""
        if not self.order:
            self.reserve(*amounts)
        before = _BEFORE.get(kind)
        if before is not None:
            self.ask(before, milestone=milestone)
            if kind == "RESOLVE":  # asked for by the confirmation of the dispute
                with jobs.held():
                    jobs.step("orders.operation", self._live().id)
                return self._live()
            self.world.settle()
        with jobs.held():
            self._request(kind, milestone)
        return self._live()

    def ask_whole_release(self) -> Submission:
        """The release of an open milestone: three calls, of which the first is asked for now."""
        self.ask("FUND", PRICE)
        self.world.settle()
        with jobs.held():
            self._request("RELEASE", None)
        return self._live()

    def _live(self) -> EscrowOperation:
        return EscrowOperation.objects.get(order=self.order, status__in=LIVE)

    def _request(self, kind: str, milestone: str | None) -> None:
        common: dict[str, Any] = {"marketplace_id": self.world.marketplace.id, "actor": ACTOR}
        one: dict[str, Any] = {"order_id": self.order, "milestone_ref": milestone}
        if kind == "DEPLOY":
            escrow_services.request_deploy(order_id=self.order, **common)
        elif kind == "FUND":
            escrow = Escrow.objects.get(order=self.order)
            escrow_services.request_fund(escrow_id=escrow.id, **common)
        elif kind == "DISPUTE":
            escrow_services.request_refund(reason="late", **one, **common)
        else:
            escrow_services.request_release(action=kind.lower(), **one, **common)

    # --- a dispute ------------------------------------------------------------------------------
    def ask_freeze(self) -> Submission:
        """Bob disputes the order."""
        self.ask("FUND", PRICE)
        self.world.settle()
        new = disputes.NewDispute(self.order, Party.SELLER, "Not accepted")
        with jobs.held():
            self.dispute = disputes.open_dispute(
                marketplace_id=self.world.marketplace.id, new=new, actor=ACTOR
            ).id
        return self._live()

    def ask_settlement(self) -> Submission:
        """The desk gives Bob 40 of the 60."""
        self.ask_freeze()
        self.world.settle()
        return self._settle()

    def _settle(self) -> Submission:
        (row,) = Dispute.objects.get(pk=self.dispute).milestones.all()
        bob, ann = parse_amount("40"), parse_amount("20")
        with jobs.held():
            resolution.propose(
                dispute_id=self.dispute,
                marketplace_id=None,
                shares=[Share(row.milestone_id, bob, ann)],
                text="So",
                actor=system(self.dispute),  # one who has decided nothing else today
            )
        return self._live()

    def ask_sweep(self) -> Submission:
        """The same with a stranger's money in the contract, which leaves first."""
        self.ask_freeze()
        self.world.settle()
        contract = Escrow.objects.get(order=self.order).contract_id
        self.world.network.mint(contract, "0.0000001")
        self.world.watch()
        return self._settle()

    # --- money that is nobody's -----------------------------------------------------------------
    def ask_assignment(self) -> Submission:
        """Five USDC at the marketplace's own wallet were meant for Bob."""
        tenant = self.world.marketplace.id
        platform = Wallet.objects.get(marketplace=tenant, kind="PLATFORM")
        self.world.network.mint(platform.address, "5")
        self.world.watch()
        deposit = Deposit.objects.get(marketplace=tenant, status="SUSPENSE")
        with jobs.held():
            return suspense.request_assignment(
                deposit_id=deposit.pk, user_id=self.bob.id, reason="Meant for Bob", actor=ACTOR
            )

    # --- a withdrawal ---------------------------------------------------------------------------
    def ask_withdrawal(self) -> Submission:
        """Ann wants some of her money outside."""
        self.destination = self.world.stranger()
        checked = destinations.check(
            marketplace_id=self.world.marketplace.id,
            user_reference="ann",
            destination=self.destination,
            memo=Memo(),
            amount=parse_amount(OUT),
        )
        with jobs.held():
            withdrawal = payouts.request_withdrawal(checked=checked, actor=ACTOR)
        return WithdrawalAttempt.objects.get(withdrawal=withdrawal)

    # --- a batch --------------------------------------------------------------------------------
    def ask_batch(self) -> Submission:
        """Ann wants two parts of her money outside, by one transaction through a channel."""
        batch = self.ask_for_a_batch("15", "10")
        with jobs.held():
            jobs.step("payouts.batch", batch.id)
            jobs.step("payouts.pack", self.world.marketplace.id)
        return BatchPayment.objects.get(marketplace=self.world.marketplace)

    def ask_for_a_batch(self, *amounts: str) -> Batch:
        """Received, and nothing of it checked."""
        tenant = self.world.marketplace.id
        users.make_managed_wallet(marketplace_id=tenant, kind=Wallet.Kind.CHANNEL)
        self.world.settle()
        self.destination = self.world.stranger()
        wishes = [Wish("ann", parse_amount(text), self.destination) for text in amounts]
        with jobs.held():
            return batches.request_batch(
                marketplace_id=tenant, items=[NewItem(wish) for wish in wishes], actor=ACTOR
            )

    # --- what there is ------------------------------------------------------------------------
    def balances(self) -> tuple[Balances, Balances]:
        """Ann's and Bob's."""
        ann, bob = (tuple(self.world.balance(user).values()) for user in (self.ann, self.bob))
        return ann, bob  # type: ignore[return-value]

    def sequences(self) -> dict[str, int]:
        """How far each of our accounts has counted its transactions, failed ones included.

        The network adds one for every transaction of an account that reaches a ledger, so a call
        that was made twice shows here whatever our books say.
        """
        found = {}
        for wallet in Wallet.objects.filter(marketplace=self.world.marketplace):
            answer = requests.get(f"{self.world.network.url}/accounts/{wallet.address}", timeout=10)
            if answer.ok:
                name = wallet.user.external_id if wallet.user else wallet.kind
                found[name] = int(answer.json()["sequence"])
        return found


_BEFORE = {
    "FUND": "DEPLOY",
    "COMPLETE": "FUND",
    "APPROVE": "COMPLETE",
    "RELEASE": "APPROVE",
    "DISPUTE": "FUND",
    "RESOLVE": "DISPUTE",
}


def let_the_lease_run_out(row: Submission) -> None:
    """As if the 30 seconds had passed for which a dead worker still holds the row."""
    type(row)._base_manager.filter(pk=row.pk).exclude(lease_until=None).update(
        lease_until=F("created_at")
    )

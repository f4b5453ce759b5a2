"""The escrow contract that holds an order's money, and the calls to it."""

import functools
from typing import ClassVar

from django.db import models
from django_fsm import FSMField, transition

from offerhub.chain.submission import LIVE, SignatureAsked, Status
from offerhub.chain.turns import Turn
from offerhub.chain.types import ChainFact
from offerhub.core import clock
from offerhub.core.clock import ProductNow
from offerhub.core.db import AmountField, PublicIdField
from offerhub.core.fsm import guard
from offerhub.core.ids import new_id
from offerhub.marketplaces.models import Marketplace
from offerhub.users.models import Wallet, WalletSubmission
from orders.models.orders import Milestone, Order
from orders.states import ESCROW_EDGES, EscrowStatus

escrow_id = functools.partial(new_id, "esc")

_E = EscrowStatus


class Escrow(models.Model):
    """The contract of one order. One milestone makes a single-release contract, more a multi."""

    class Kind(models.TextChoices):
        SINGLE = "single-release"
        MULTI = "multi-release"

    id = PublicIdField(primary_key=True, default=escrow_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=models.PROTECT, related_name="+")
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="escrow")
    kind = models.CharField(max_length=14, choices=Kind.choices)
    status = FSMField(default=_E.DEPLOYING, choices=EscrowStatus.choices, protected=True)
    contract_id = models.CharField(max_length=56, blank=True, db_collation="C")
    # Who signs what, and the roles as they are written in the contract; they never change.
    buyer_wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+")
    seller_wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+")
    resolver_wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+")
    buyer_address = models.CharField(max_length=56)
    seller_address = models.CharField(max_length=56)
    platform_address = models.CharField(max_length=56)
    resolver_address = models.CharField(max_length=56)
    amount = AmountField()
    funded = AmountField(default=0)
    released = AmountField(default=0)  # gross
    refunded = AmountField(default=0)  # gross
    created_at = models.DateTimeField(db_default=ProductNow())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contract_id"],
                condition=~models.Q(contract_id=""),
                name="escrow_contract_once",
            ),
            models.CheckConstraint(
                condition=models.Q(funded__gte=models.F("released") + models.F("refunded")),
                name="escrow_pays_no_more_than_it_got",
            ),
        ]
        triggers: ClassVar = [guard("escrow_edges", "status", ESCROW_EDGES)]

    def __str__(self) -> str:
        return self.id

    @property
    def balance(self) -> int:
        """What the contract still holds of the order's money, in stroops."""
        return self.funded - self.released - self.refunded

    @transition(field=status, source=_E.DEPLOYING, target=_E.DEPLOYED)
    def deployed(self) -> None:
        """The contract is on the chain."""

    @transition(field=status, source=_E.DEPLOYING, target=_E.FAILED)
    def deploy_failed(self) -> None:
        """Proven: there is no contract."""

    @transition(field=status, source=_E.FAILED, target=_E.DEPLOYING)
    def deploy_again(self) -> None:
        """Asked for once more."""

    @transition(field=status, source=_E.DEPLOYED, target=_E.FUNDED)
    def fund(self) -> None:
        """The order's money is in it."""

    @transition(field=status, source=[_E.DEPLOYED, _E.FUNDED], target=_E.CLOSED)
    def close(self) -> None:
        """Nothing of the order is left in it."""


class EscrowOperation(WalletSubmission):
    """One call to an escrow contract. `then` lists the steps that follow once it is confirmed."""

    class Kind(models.TextChoices):
        DEPLOY = "DEPLOY"
        FUND = "FUND"
        COMPLETE = "COMPLETE"
        APPROVE = "APPROVE"
        RELEASE = "RELEASE"
        DISPUTE = "DISPUTE"
        RESOLVE = "RESOLVE"
        SWEEP = "SWEEP"  # what a stranger sent into the contract goes out before it is divided

    # A plan keeps its turn from step to step, so that orders end one after the other.
    TURN = Turn(
        "t.order_id", "COALESCE((t.args->>'lane')::integer, 2)", 'jsonb_array_length(t."then")'
    )

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="operations")
    milestone = models.ForeignKey(Milestone, on_delete=models.PROTECT, null=True, related_name="+")
    # Further steps: [{"kind", "milestone", …}], each requested in the confirmation of the one
    # before it, so that a plan survives any crash between its steps.
    then = models.JSONField(default=list)
    args = models.JSONField(default=dict)
    actor = models.CharField(max_length=80)
    # Until when the party that holds its own key may sign; None where we sign ourselves.
    sign_by = models.DateTimeField(null=True)
    # Nobody wants it any more; an envelope that is out may still apply until it has expired.
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # A contract never sees two of our calls at once.
            models.UniqueConstraint(
                fields=["order"],
                condition=models.Q(status__in=LIVE),
                name="order_one_live_operation",
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(status__in=LIVE),
                name="escrow_operation_due",
            ),
            models.Index(fields=["order", "-id"], name="escrow_operation_by_order"),
            models.Index(
                fields=["sign_by"],
                condition=models.Q(status="AWAITING_SIGNATURE"),
                name="escrow_operation_unsigned",
            ),
            models.Index(
                fields=["-id"], condition=models.Q(status="FAILED"), name="escrow_operation_failed"
            ),
            models.Index(
                fields=["hash"], condition=~models.Q(hash=""), name="escrow_operation_by_hash"
            ),
        ]

    @property
    def signature_asked(self) -> SignatureAsked | None:
        """What the party is asked to sign, while it is."""
        if self.sign_by is None or self.status not in (Status.PENDING, Status.AWAITING_SIGNATURE):
            return None
        out = self.status == Status.AWAITING_SIGNATURE and self.withdrawn_at is None
        usable = out and self.valid_until is not None and clock.now() < self.valid_until
        return SignatureAsked(
            user_id=str(self.source_wallet.user_id),
            address=self.source_wallet.address,
            xdr=self.xdr if usable else "",
            expires_at=self.valid_until if usable else None,
            sign_by=self.sign_by,
            withdrawn=self.withdrawn_at is not None,
        )

    @property
    def party_signs(self) -> bool:
        """Whether the envelope is signed by a party that holds its own key."""
        return self.sign_by is not None

    def fee_address(self, fact: ChainFact) -> str:
        """The wallet of ours that paid the network; empty when the party paid it themselves."""
        return "" if self.party_signs else fact.fee_account

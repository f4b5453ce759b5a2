"""Looking at the chain: runs, what differs, proofs of funds; and what each seal covers."""

import functools
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from ledger.models import ASSET_LENGTH, Seal
from offerhub.approvals.models import Proposal
from offerhub.core.clock import ProductNow
from offerhub.core.db import AmountField, PublicIdField
from offerhub.core.fsm import guard
from offerhub.core.ids import new_id
from offerhub.marketplaces.models import Marketplace
from offerhub.reconciliation.states import (
    DIFFERENCE_EDGES,
    WAITING,
    DifferenceStatus,
    DifferenceType,
)
from offerhub.users.models import User

run_id = functools.partial(new_id, "rec")
difference_id = functools.partial(new_id, "dif")
proof_id = functools.partial(new_id, "prf")
PROTECT = models.PROTECT
KINDS = [(kind, kind) for kind in ("wallet", "platform", "contract", "xlm")]


class SealIndex(models.Model):
    """Of each entry that a seal covers, where it stands and a short digest: a broken seal tells
    that something was changed, this tells what. It proves nothing by itself."""

    seal = models.OneToOneField(Seal, on_delete=PROTECT, primary_key=True)
    numbers = ArrayField(models.BigIntegerField())
    entry_ids = ArrayField(PublicIdField())
    leaves = ArrayField(models.BigIntegerField())

    class Meta:
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="seal_index_stays", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return str(self.seal_id)


class Run(models.Model):
    """One comparison of books and chain: of an address, of a marketplace, or (without one) a round
    over the whole installation. It goes on where it was, in batches, whoever works on it."""

    class Status(models.TextChoices):
        RUNNING = "RUNNING"
        DONE = "DONE"

    id = PublicIdField(primary_key=True, default=run_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=PROTECT, null=True, related_name="+")
    address = models.CharField(max_length=56, blank=True, db_collation="C")
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.RUNNING)
    after = models.CharField(max_length=40, blank=True)  # "wallet:wal_…", then "contract:esc_…"
    checked = models.PositiveIntegerField(default=0)  # balances
    equal = models.PositiveIntegerField(default=0)
    undecided = models.PositiveIntegerField(default=0)  # something is on its way; looked at again
    different = models.PositiveIntegerField(default=0)
    ledger = models.PositiveBigIntegerField(default=0)  # the newest that was looked at
    problem = models.CharField(max_length=300, blank=True)
    actor = models.CharField(max_length=80)
    due_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=ProductNow())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["status"],
                condition=Q(marketplace=None, status="RUNNING"),
                name="reconciliation_one_round",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(status="RUNNING"), name="run_due"),
            models.Index(fields=["marketplace", "-id"], name="reconciliation_newest_first"),
        ]

    def __str__(self) -> str:
        return self.id


class Undecided(models.Model):
    """A balance that differs while something of it is on its way: no alarm, looked at again."""

    id = models.BigAutoField(primary_key=True)
    marketplace = models.ForeignKey(Marketplace, on_delete=PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=KINDS)
    owner = models.CharField(max_length=56, db_collation="C")
    asset = models.CharField(max_length=ASSET_LENGTH, db_collation="C")
    why = models.CharField(max_length=200)
    since = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["marketplace", "kind", "owner", "asset"], name="undecided_once"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["due_at"], name="undecided_due")]

    def __str__(self) -> str:
        return f"{self.kind}:{self.owner}"


class Difference(models.Model):
    """Books and chain differ at a stated ledger, and nothing on its way explains it. In stroops.

    `evidence` holds both sides line by line, as far as they were found: transactions that one of
    them has otherwise than the other.
    """

    Status, Type = DifferenceStatus, DifferenceType

    id = PublicIdField(primary_key=True, default=difference_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=KINDS)
    owner = models.CharField(max_length=56, db_collation="C")
    asset = models.CharField(max_length=ASSET_LENGTH, db_collation="C")
    type = models.CharField(max_length=7, choices=DifferenceType.choices)
    status = models.CharField(
        max_length=9, choices=DifferenceStatus.choices, default=DifferenceStatus.OPEN
    )
    books = AmountField()
    chain = AmountField()
    ledger = models.PositiveBigIntegerField()
    evidence = models.JSONField(default=dict)
    note = models.CharField(max_length=500, blank=True)  # what a person found out
    proposal = models.ForeignKey(Proposal, on_delete=PROTECT, null=True, related_name="+")
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=ProductNow())
    seen_at = models.DateTimeField(db_default=ProductNow())  # when it was last there
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["marketplace", "kind", "owner", "asset"],
                condition=Q(status__in=WAITING),
                name="difference_one_open",
            ),
            models.CheckConstraint(
                condition=Q(status__in=WAITING, ended_at=None)
                | (~Q(status__in=WAITING) & Q(ended_at__isnull=False)),
                name="difference_ends_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["marketplace", "-id"], name="difference_newest_first"),
            models.Index(fields=["id"], condition=Q(status__in=WAITING), name="difference_waiting"),
        ]
        triggers: ClassVar = [
            guard("difference_edges", "status", DIFFERENCE_EDGES),
            pgtrigger.ReadOnly(
                name="difference_of", fields=["marketplace", "kind", "owner", "asset"]
            ),
            pgtrigger.Protect(name="difference_stays", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def amount(self) -> int:
        """How much more (below zero: less) the chain holds than the books say, in stroops."""
        return self.chain - self.books

    @property
    def waits(self) -> bool:
        """Whether something is still to be done."""
        return self.status in WAITING


class Proof(models.Model):
    """What a marketplace owes and what is held for it, at an instant: a signed document.

    `document` is exactly what was signed; nothing of it ever changes.
    """

    id = PublicIdField(primary_key=True, default=proof_id, editable=False)
    marketplace = models.ForeignKey(Marketplace, on_delete=PROTECT, related_name="+")
    asset = models.CharField(max_length=ASSET_LENGTH, db_collation="C")
    owed = AmountField()
    held = AmountField()
    leaves = models.PositiveIntegerField()
    root_hash = models.CharField(max_length=64)
    root_sum = AmountField()
    document = models.JSONField()
    attached = models.JSONField()  # the lists that the document names by their digests
    signature = models.CharField(max_length=128)
    actor = models.CharField(max_length=80)
    created_at = models.DateTimeField(db_default=ProductNow())

    class Meta:
        indexes: ClassVar = [models.Index(fields=["marketplace", "-id"], name="proof_newest_first")]
        triggers: ClassVar = [
            pgtrigger.Protect(name="proof_stays", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return self.id


class ProofLeaf(models.Model):
    """A user's place in a proof's tree: what they were owed, and the number that hides it."""

    id = models.BigAutoField(primary_key=True)
    proof = models.ForeignKey(Proof, on_delete=PROTECT, db_index=False, related_name="+")
    position = models.PositiveIntegerField()
    user = models.ForeignKey(User, on_delete=PROTECT, db_index=False, related_name="+")
    nonce = models.CharField(max_length=32)
    balance = AmountField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["proof", "position"], name="proof_leaf_place"),
            models.UniqueConstraint(fields=["user", "proof"], name="proof_leaf_user"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="proof_leaf_stays", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.proof_id}/{self.position}"


class ProofBranch(models.Model):
    """The node above 1,024 leaves, so that a path costs one branch and not the whole tree."""

    id = models.BigAutoField(primary_key=True)
    proof = models.ForeignKey(Proof, on_delete=PROTECT, db_index=False, related_name="+")
    position = models.PositiveIntegerField()
    hash = models.CharField(max_length=64)
    total = AmountField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["proof", "position"], name="proof_branch_place")
        ]

    def __str__(self) -> str:
        return f"{self.proof_id}/{self.position}"

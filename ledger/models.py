"""The tables of the books. Rows are written by the functions in `sql/`; the models only read.

Django makes the columns and the simple constraints; `sql/tables.sql` adds what it cannot say
(composite keys, storage), `sql/guards.sql` the triggers.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from ledger.chart import HOLDS, PERSONAL, AccountKind, Mode
from ledger.kinds import EntryKind
from ledger.querysets import AccountQuerySet, EntryQuerySet, PostingQuerySet
from offerhub.core.db import AmountField, PublicIdField
from offerhub.marketplaces.models import Marketplace
from offerhub.users.models import User

ASSET_LENGTH = 72  # "CODE:ISSUER", at most 12 + 1 + 56
PROTECT = models.PROTECT


class Account(models.Model):
    """Where amounts of one asset gather: one per marketplace, kind, owner and asset.

    `open` is true for accounts that matter now: for a hold while there is money in it, for the
    others always. So a user's balance reads the live holds only, however long the history.
    """

    id = PublicIdField(primary_key=True, editable=False)
    marketplace = models.ForeignKey(
        Marketplace, on_delete=PROTECT, db_index=False, related_name="+"
    )
    kind = models.CharField(
        max_length=32, choices=[(k.value, k.value) for k in AccountKind], db_collation="C"
    )
    owner = models.CharField(max_length=128, blank=True, db_collation="C")
    asset = models.CharField(max_length=ASSET_LENGTH, db_collation="C")
    user = models.ForeignKey(User, on_delete=PROTECT, null=True, db_index=False, related_name="+")
    side = models.SmallIntegerField()
    floor = models.BigIntegerField(null=True)
    mode = models.CharField(max_length=6, choices=[(m.value, m.value) for m in Mode])
    open = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = AccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["marketplace", "kind", "owner", "asset"], name="account_identity"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=PERSONAL, user__isnull=False)
                | (~Q(kind__in=PERSONAL) & Q(user__isnull=True)),
                name="account_of_a_user",
            ),
            models.CheckConstraint(
                condition=Q(open=True) | Q(kind__in=HOLDS), name="account_only_holds_close"
            ),
        ]
        indexes = [
            models.Index(
                fields=["user"],
                condition=Q(open=True, user__isnull=False),
                name="account_open_of_user",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.owner}" if self.owner else self.kind


class Balance(models.Model):
    """The present amount of a live account, on the account's normal side, in stroops.

    `version` counts the account's postings. `side` and `floor` are the account's, kept here so
    that the row alone can be checked.
    """

    account = models.OneToOneField(Account, on_delete=PROTECT, primary_key=True)
    amount = AmountField(default=0)
    version = models.BigIntegerField(default=0)
    side = models.SmallIntegerField()
    floor = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(floor__isnull=True) | Q(amount__gte=models.F("floor")),
                name="balance_not_below_floor",
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id} at version {self.version}"


class Entry(models.Model):
    """One fact in the books, with two or more postings that sum to zero per asset.

    `effective_at` is when it happened, `recorded_at` when it was booked. `number` rises with the
    order of writing; `transaction_id` (a column Django does not know) is the transaction's own.
    """

    id = PublicIdField(primary_key=True, editable=False)
    marketplace = models.ForeignKey(
        Marketplace, on_delete=PROTECT, db_index=False, related_name="+"
    )
    number = models.BigIntegerField(editable=False)
    kind = models.CharField(max_length=32, choices=EntryKind.choices)
    source = models.CharField(max_length=200, db_collation="C")
    fingerprint = models.BinaryField(max_length=32)
    effective_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    description = models.CharField(max_length=500, blank=True)
    operation = models.CharField(max_length=64, blank=True, db_collation="C")
    chain_hash = models.CharField(max_length=64, blank=True, db_collation="C")
    chain_ledger = models.BigIntegerField(null=True)
    reverses = models.ForeignKey(
        "self", on_delete=PROTECT, null=True, db_index=False, related_name="reversals"
    )
    actor = models.CharField(max_length=128)
    request_id = models.CharField(max_length=128, blank=True)
    meta = models.JSONField(default=dict)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "entries"
        # No other index may begin with the marketplace: a plan that is made while the table is
        # empty could choose it to look for a source, and keep it.
        constraints = [
            models.UniqueConstraint(fields=["marketplace", "source"], name="entry_source_once"),
            models.UniqueConstraint(fields=["number"], name="entry_number_once"),
            models.UniqueConstraint(
                fields=["reverses"],
                condition=Q(reverses__isnull=False),
                name="entry_reversed_once",
            ),
            models.CheckConstraint(condition=~Q(source=""), name="entry_has_a_source"),
            models.CheckConstraint(
                condition=Q(chain_hash="", chain_ledger__isnull=True)
                | (~Q(chain_hash="") & Q(chain_ledger__isnull=False)),
                name="entry_hash_with_ledger",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source}"


class Posting(models.Model):
    """One line of an entry. `amount` is signed: debit > 0, credit < 0, never zero.

    On a live account `balance_after` is the account's balance, on its normal side, after this
    line, and `account_version` its place in the account's history; on a rollup both are null.
    """

    id = models.BigIntegerField(primary_key=True, editable=False)
    # The keys are composite and made in sql/tables.sql, so that marketplace and asset agree.
    marketplace = models.ForeignKey(
        Marketplace, on_delete=PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    entry = models.ForeignKey(
        Entry, on_delete=PROTECT, db_constraint=False, db_index=False, related_name="postings"
    )
    account = models.ForeignKey(
        Account, on_delete=PROTECT, db_constraint=False, db_index=False, related_name="postings"
    )
    asset = models.CharField(max_length=ASSET_LENGTH, db_collation="C")
    amount = AmountField()
    balance_after = models.BigIntegerField(null=True)
    account_version = models.BigIntegerField(null=True)

    objects = PostingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="posting_not_zero"),
            models.CheckConstraint(
                condition=Q(balance_after__isnull=True, account_version__isnull=True)
                | Q(balance_after__isnull=False, account_version__gte=1),
                name="posting_balance_with_version",
            ),
            models.UniqueConstraint(
                fields=["account", "account_version"],
                condition=Q(account_version__isnull=False),
                name="posting_version_once",
            ),
        ]
        # Live accounts are read by version, rollups by id: each line is in one of the two.
        indexes = [
            models.Index(fields=["entry"], name="posting_of_entry"),
            models.Index(
                fields=["account", "id"],
                condition=Q(account_version__isnull=True),
                name="posting_rollup",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entry_id}: {self.amount} {self.asset}"


class Checkpoint(models.Model):
    """The balance of a rollup account up to and with a posting below which nothing can appear."""

    account = models.OneToOneField(Account, on_delete=PROTECT, primary_key=True)
    posting_id = models.BigIntegerField()
    amount = AmountField()
    taken_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.account_id} up to posting {self.posting_id}"


class Period(models.Model):
    """A closed day (UTC) of a marketplace. No entry is dated into it any more."""

    id = models.BigAutoField(primary_key=True)
    marketplace = models.ForeignKey(
        Marketplace, on_delete=PROTECT, db_index=False, related_name="+"
    )
    day = models.DateField()
    closed_at = models.DateTimeField()  # the product's time, as `recorded_at` of entries
    closed_by = models.CharField(max_length=128)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["marketplace", "day"], name="period_day_once")
        ]

    def __str__(self) -> str:
        return f"{self.day}"


class Snapshot(models.Model):
    """What an account did on a closed day, on its normal side: opening, the two sides, closing."""

    id = models.BigAutoField(primary_key=True)
    period = models.ForeignKey(Period, on_delete=PROTECT, db_index=False, related_name="snapshots")
    account = models.ForeignKey(Account, on_delete=PROTECT, db_index=False, related_name="+")
    opening = AmountField()
    debit = AmountField()
    credit = AmountField()
    closing = AmountField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["period", "account"], name="snapshot_account_once"),
            models.CheckConstraint(
                condition=Q(debit__gte=0, credit__gte=0), name="snapshot_sides_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} on {self.period_id}"


class Closing(models.Model):
    """The signed totals of a closed day, made once nothing can be dated into it any more.

    `document` is the canonical JSON that was signed; it names the digest of the day before, so that
    days are a chain. A period without its closing is being closed.
    """

    period = models.OneToOneField(
        Period, on_delete=PROTECT, primary_key=True, related_name="closing"
    )
    document = models.TextField()
    sha256 = models.CharField(max_length=64)
    key_id = models.CharField(max_length=64)
    public_key = models.CharField(max_length=64)
    signature = models.CharField(max_length=128)
    signed_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.sha256


class Seal(models.Model):
    """A digest over a range of a marketplace's entries and over the seal before it.

    Changing any sealed row, or leaving one out, changes every digest from there on.
    """

    id = models.BigAutoField(primary_key=True)
    marketplace = models.ForeignKey(
        Marketplace, on_delete=PROTECT, db_index=False, related_name="+"
    )
    first_number = models.BigIntegerField()
    last_number = models.BigIntegerField()
    entries = models.PositiveIntegerField()
    previous = models.BinaryField(max_length=32)
    digest = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["marketplace", "first_number"], name="seal_starts_once"
            ),
            models.UniqueConstraint(fields=["marketplace", "previous"], name="seal_one_chain"),
            models.CheckConstraint(
                condition=Q(first_number__lte=models.F("last_number"), entries__gte=1),
                name="seal_not_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_number} to {self.last_number}"

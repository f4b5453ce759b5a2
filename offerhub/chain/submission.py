"""Submitting envelopes so that nothing is ever paid twice, whatever crashes and whenever.

A Submission row is one intended transaction. Its rule: **an envelope ends in two ways only, by
being found in a ledger, or by expiring unfound.** The signed envelope, its hash and its expiry are
committed before it is sent; after any doubtful answer the hash is looked up; while the envelope can
still apply the same one is sent again; a new one is built only when the old one cannot apply any
more. What no answer proved stays UNKNOWN, and whatever it holds stays held.

A party that holds its own key is handed the envelope unsigned. It can sign and send it without us
until it expires, so it is looked up and outlived like one that we sent. The source account's lane
is free meanwhile: one party's silence does not keep their other operations waiting.

Concrete tables inherit the row; `offerhub.chain.runner` is the algorithm.
"""

import functools
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.db import connection, models
from django.db.models.functions import Now
from psycopg.types.json import Jsonb

from offerhub.budget.requests import Allowance, limit
from offerhub.chain import turns
from offerhub.chain.types import ChainFact, Envelope
from offerhub.core.db import PublicIdField
from offerhub.core.ids import new_id
from offerhub.core.rows import Columns

operation_id = functools.partial(new_id, "opr")

# A run that takes longer than its lease loses it, and may then keep and send nothing any more.
LEASE = timedelta(seconds=30)
MAX_ENVELOPES = 5  # after so many expired or failed envelopes an operation fails
MAX_PAUSE = 15.0  # seconds between two looks at an unresolved envelope


class Status(models.TextChoices):
    """The life of a chain operation, as the API shows it."""

    PENDING = "PENDING"
    AWAITING_SIGNATURE = "AWAITING_SIGNATURE"
    SUBMITTED = "SUBMITTED"
    UNKNOWN = "UNKNOWN"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"


LIVE = (Status.PENDING, Status.AWAITING_SIGNATURE, Status.SUBMITTED, Status.UNKNOWN)
# All of them: an envelope that a party was handed out is looked up like one that was sent.
RUNNABLE = LIVE
FIRST_LOOK, LONGEST_LOOK = 2.0, 30.0  # seconds between looks at an envelope that a party has
REST = 86_400.0  # seconds until a row with no envelope out is looked at without a reason


@dataclass(frozen=True)
class SignatureAsked:
    """What a party that holds its own key is asked for. `xdr` is empty while no envelope is out
    that is still of use; `sign_by` is when the operation fails for want of a signature."""

    user_id: str
    address: str
    xdr: str
    expires_at: datetime | None
    sign_by: datetime
    withdrawn: bool


class Submission(models.Model):
    """One intended transaction and the envelope that is now its only chance to apply."""

    Status = Status

    id = PublicIdField(primary_key=True, default=operation_id, editable=False)
    kind = models.CharField(max_length=24)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    # The live envelope, without whose hash committed nothing is ever sent. Signed, but for one
    # that AWAITS the SIGNATURE of the party that holds its own key.
    xdr = models.TextField(blank=True)
    hash = models.CharField(max_length=64, blank=True)
    valid_until = models.DateTimeField(null=True)
    envelope_meta = models.JSONField(default=dict)
    attempts = models.PositiveSmallIntegerField(default=0)  # envelopes signed so far
    looks = models.PositiveIntegerField(default=0)  # runs since the last progress
    history = models.JSONField(default=list)  # envelopes that ended: hash, validUntil, ended
    problem = models.JSONField(null=True)  # {"code", "detail"}: the last thing that went wrong
    ledger = models.PositiveBigIntegerField(null=True)
    next_attempt_at = models.DateTimeField(db_default=Now(), db_index=False)
    lease = models.CharField(max_length=16, blank=True)
    lease_until = models.DateTimeField(null=True)
    # The request that set it going, however indirectly; empty where the clock did, or several.
    request_id = models.CharField(max_length=64, blank=True, db_default="")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    # Table and column of the row that stands for the source account, see `claim`; and which of its
    # columns the claimed row carries as `lane_…`, so that signing needs no further query.
    LANE: ClassVar[tuple[str, str]]
    LANE_CARRIES: ClassVar[tuple[str, ...]] = ()
    # Set where the calls go through the escrow provider, whose requests are limited.
    TURN: ClassVar[turns.Turn | None] = None
    allowance: Allowance | None = None  # the requests that were taken with the claim
    marketplace_id: str  # every concrete table has the tenant's key
    pause: float | None = None  # seconds until the row is due again, when this run put it off

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.kind} {self.id} {self.status}"

    @property
    def is_live(self) -> bool:
        """Whether this operation may still change something."""
        return self.status in LIVE

    @property
    def signature_asked(self) -> "SignatureAsked | None":
        """What a party is asked to sign; None where we sign ourselves."""
        return None

    @property
    def next_pause(self) -> float:
        """Seconds to wait before the next look: doubles with every look that proved nothing."""
        return float(min(0.25 * 2 ** min(self.looks, 10), MAX_PAUSE))

    @classmethod
    def claim(cls, row_id: str) -> Self | None:
        """Take the row and its source account's lane for a while; None when either is taken.

        An account's transactions are numbered, so only one may be on its way: the lane holds the
        id of the operation that is using the account and is given back when that operation ends.
        One statement: the row is locked first, so its state is the newest when the lane is taken.
        Raises Later when the row must wait for its turn with the escrow provider.
        """
        token = secrets.token_hex(8)
        values: Any = {"id": row_id, "runnable": list(RUNNABLE), "token": token, "lease": LEASE}
        in_turn = cls.TURN is not None and limit() > 0
        sql, columns = _claiming(cls, in_turn)
        with connection.cursor() as cursor:
            cursor.execute(sql, values | turns.values() if in_turn else values)
            found = cursor.fetchone()
        if found is None:
            return None
        allowance = None
        if in_turn:
            *found, granted, pause = found
            allowance = turns.decide(granted, pause)
        row: Self = columns.instance(found[: columns.width])
        row.allowance = allowance
        for column, value in zip(cls.LANE_CARRIES, found[columns.width :], strict=True):
            setattr(row, f"lane_{column}", value)
        return row

    def keep_envelope(self, envelope: Envelope, signed_xdr: str) -> bool:
        """Commit the signed envelope; False when the lease was lost, and then it is not sent."""
        self.xdr, self.hash = signed_xdr, envelope.hash
        self.valid_until, self.envelope_meta = envelope.valid_until, envelope.meta
        self.status, self.attempts = Status.SUBMITTED, self.attempts + 1
        sql = f"""
            UPDATE {self._meta.db_table} SET xdr = %s, hash = %s, valid_until = %s,
                envelope_meta = %s, status = %s, attempts = %s, looks = 0
            WHERE id = %s AND lease = %s"""  # noqa: S608 (our own table's name)
        meta, status = Jsonb(self.envelope_meta), self.status.value
        kept: list[Any] = [self.xdr, self.hash, self.valid_until, meta, status, self.attempts]
        with connection.cursor() as cursor:
            cursor.execute(sql, [*kept, self.pk, self.lease])
            return bool(cursor.rowcount == 1)

    def hand_out(self, envelope: Envelope) -> bool:
        """Commit an unsigned envelope for the party to sign; False when the lease was lost."""
        self.xdr, self.hash = envelope.xdr, envelope.hash
        self.valid_until, self.envelope_meta = envelope.valid_until, envelope.meta
        self.status, self.looks = Status.AWAITING_SIGNATURE, 0
        self._give_lane_back()
        return self._save_leased(
            xdr=self.xdr,
            hash=self.hash,
            valid_until=self.valid_until,
            envelope_meta=self.envelope_meta,
            status=self.status,
            problem=None,
            looks=0,
            next_attempt_at=Now() + timedelta(seconds=FIRST_LOOK),
            lease="",
            lease_until=None,
        )

    def await_signature(self) -> None:
        """Give the lease back and look again: soon while an envelope is out, which the party may
        send without us, else when somebody asks or the time to sign is over."""
        pause = min(FIRST_LOOK * 2 ** min(self.looks, 10), LONGEST_LOOK)
        self._give_lane_back()
        self._save_leased(
            status=Status.AWAITING_SIGNATURE,
            problem=None,
            looks=models.F("looks") + 1,
            next_attempt_at=Now() + timedelta(seconds=pause if self.hash else REST),
            lease="",
            lease_until=None,
        )

    def retire_envelope(self, ended: str) -> bool:
        """Put an envelope that can not apply any more into the history. A party that did not sign
        it is still awaited; every other operation is to be signed anew."""
        self.history = [
            *self.history,
            {"hash": self.hash, "validUntil": _iso(self.valid_until), "ended": ended},
        ]
        self.xdr, self.hash, self.valid_until = "", "", None
        awaited = self.status == Status.AWAITING_SIGNATURE
        status = Status.AWAITING_SIGNATURE if awaited else Status.PENDING
        return self._save_leased(
            history=self.history, xdr="", hash="", valid_until=None, status=status
        )

    def charge(self, fact: ChainFact) -> None:
        """The source's fee budget shrinks by what the network charged."""
        lane_table, lane_column = self.LANE
        sql = f"UPDATE {lane_table} SET fee_budget = fee_budget - %s WHERE id = %s"  # noqa: S608 (our own table's name)
        with connection.cursor() as cursor:
            cursor.execute(sql, [fact.fee_charged, getattr(self, lane_column)])

    def begin_anew(self, code: str, detail: str, fact: ChainFact | None, pause: float) -> None:
        """Retire an envelope that ended for a reason that passes; another one follows."""
        if fact is not None:
            self.charge(fact)
        self.retire_envelope("expired" if fact is None else code)
        self.put_off(Status.PENDING, code, detail, pause=pause)

    def put_off(self, status: str, code: str, detail: str, pause: float | None = None) -> None:
        """Give the lease back and say when to look again.

        With no envelope out there nothing is on its way from the account, so others may use it.
        """
        self.pause = self.next_pause if pause is None else pause
        if not self.hash or status == Status.AWAITING_SIGNATURE:
            self._give_lane_back()
        self._save_leased(
            status=status,
            problem={"code": code, "detail": detail[:500]} if code else None,
            looks=models.F("looks") + 1,
            next_attempt_at=Now() + timedelta(seconds=self.pause),
            lease="",
            lease_until=None,
        )

    def _give_lane_back(self) -> None:
        """Let other operations use the source account; only whoever has the lease may."""
        table, (lane_table, lane_column) = self._meta.db_table, self.LANE
        sql = f"""
            UPDATE {lane_table} SET lane = '' FROM {table} AS t
            WHERE t.id = %s AND t.lease = %s AND {lane_table}.id = t.{lane_column}
              AND {lane_table}.lane = t.id"""  # noqa: S608 (names of our own tables)
        with connection.cursor() as cursor:
            cursor.execute(sql, [self.pk, self.lease])

    def _save_leased(self, **changes: Any) -> bool:
        rows = type(self)._base_manager.filter(pk=self.pk, lease=self.lease)
        return rows.update(**changes) == 1


@functools.cache
def _claiming(model: type[Submission], in_turn: bool) -> tuple[str, Columns[Any]]:
    """The statement of `claim`, and how to read its row."""
    table, (lane_table, lane_column) = model._meta.db_table, model.LANE
    taken = "".join(f", {lane_table}.{column}" for column in model.LANE_CARRIES)
    carried = "".join(f", lane.{column}" for column in model.LANE_CARRIES)
    columns = Columns(model, "t")
    if in_turn:
        assert model.TURN is not None
        return turns.claiming(table, model.LANE, model.TURN, columns.sql, carried), columns
    sql = f"""
        WITH op AS (
            SELECT id, {lane_column} AS lane FROM {table}
            WHERE id = %(id)s AND status = ANY(%(runnable)s)
              AND (lease_until IS NULL OR lease_until < now())
              AND next_attempt_at <= now()
            FOR UPDATE SKIP LOCKED
        ), lane AS (
            UPDATE {lane_table} SET lane = op.id FROM op
            WHERE {lane_table}.id = op.lane
              AND ({lane_table}.lane = '' OR {lane_table}.lane = op.id)
            RETURNING {lane_table}.id{taken}
        )
        UPDATE {table} AS t
        SET lease = %(token)s, lease_until = now() + %(lease)s
        FROM lane WHERE t.id = %(id)s RETURNING {columns.sql}{carried}"""  # noqa: S608 (names of our own tables)
    return sql, columns


def _iso(value: Any) -> str:
    return value.isoformat() if value else ""

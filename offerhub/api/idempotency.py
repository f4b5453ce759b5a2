"""One effect and one answer per `Idempotency-Key`, scoped to marketplace, method and path.

The key's row, the change and its event are one transaction: a key without its effect, or the
reverse, can not exist, and a call that was refused leaves no key behind and may be sent again. A
duplicate that arrives while the first is running waits on the row's unique index, in the database.
Nothing here depends on a cache or a broker.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import orjson
from django.db import OperationalError, connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from offerhub.api.models import IdempotencyKey
from offerhub.api.parsing import RawNumber
from offerhub.api.refusals import InvalidIdempotencyKey
from offerhub.api.rendering import encode
from offerhub.api.requests import ApiRequest
from offerhub.api.waiting import Answer
from offerhub.core.actor import Actor
from offerhub.core.db import in_transaction, sqlstate
from offerhub.core.errors import FieldError, IdempotencyKeyReused, RequestInProgress

RETENTION = timedelta(days=30)
LONGEST_KEY = 255
# How long a duplicate waits for the first request's transaction, in milliseconds.
DUPLICATE_WAITS = 3000
LOCK_TIMEOUT = "55P03"

# The id of what was changed; with a second part, whether it was made now (201) or was there (200).
Changed = str | tuple[str, bool]
Change = Callable[[Actor], Changed]
Show = Callable[[str], Answer]


@dataclass(frozen=True)
class Call:
    """What makes a repeat a repeat."""

    marketplace_id: str
    method: str
    path: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True)
class Effect:
    """What is known once the change is committed. Without `body` the outcome is still pending."""

    subject: str
    status: int
    body: bytes | None
    row: int | None = None  # of the key, when there was one
    replayed: bool = False


def call_of(request: ApiRequest) -> Call | None:
    """The call that the header names; None without one. Raises InvalidIdempotencyKey."""
    sent = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if sent is None or request.method != "POST":
        return None
    key = _as_text(sent)
    if not key or len(key) > LONGEST_KEY or any(c < " " or c == "\x7f" for c in key):
        message = f"must be 1 to {LONGEST_KEY} characters, no control characters"
        raise InvalidIdempotencyKey(errors=[FieldError("Idempotency-Key", "invalid", message)])
    path = request.path
    if len(path) > 255:
        path = path[:190] + "#" + hashlib.sha256(path.encode()).hexdigest()
    return Call(request.marketplace_id, request.method, path, key, _fingerprint(request))


def _as_text(header: str) -> str:
    """What the caller wrote: servers hand headers on as Latin-1, most callers write UTF-8."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def _fingerprint(request: ApiRequest) -> bytes:
    """Of method, path, query and what the body says; spaces and the order of keys do not count."""
    data: Any = request.data
    if request.FILES:
        data = {name: request.POST.getlist(name) for name in request.POST} | {
            f"file:{name}": [_file_digest(file) for file in request.FILES.getlist(name)]
            for name in request.FILES
        }
    canonical = orjson.dumps(
        [request.method, request.path, request.META.get("QUERY_STRING", ""), data],
        default=_plain,
        option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS,
    )
    return hashlib.sha256(canonical).digest()


def _plain(value: Any) -> Any:
    if isinstance(value, RawNumber):
        return {"number": value.text}
    raise TypeError(type(value))


def _file_digest(file: Any) -> str:
    found = hashlib.sha256()
    for chunk in file.chunks():
        found.update(chunk)
    file.seek(0)
    return found.hexdigest()


def is_repeat(call: Call | None) -> bool:
    """Whether a call with this key was answered before; a first one may still be running."""
    return call is not None and _rows_of(call).exists()


@in_transaction
def apply(call: Call | None, change: Change, actor: Actor, show: Show, success: int) -> Effect:
    """Run the change once, in one transaction with its key; or answer what it did before.

    A final answer is kept with the key. Raises IdempotencyKeyReused, RequestInProgress, and
    whatever the change refuses.
    """
    row = None if call is None else _insert(call)
    if call is not None and row is None:
        return _repeat(call)
    changed = change(actor)
    subject, made = changed if isinstance(changed, tuple) else (changed, success == 201)
    status = 201 if made else 200
    now = show(subject)
    body = None if now.pending else encode(now.body)
    if row is not None:
        IdempotencyKey.objects.filter(pk=row).update(
            subject=subject, status=status, body=None if body is None else body.decode()
        )
    return Effect(subject, status, body, row)


def keep(effect: Effect, body: bytes) -> None:
    """Keep the final answer of an effect that was pending; the first to know it writes it."""
    if effect.row is not None:
        IdempotencyKey.objects.filter(pk=effect.row, body=None).update(body=body.decode())


def _insert(call: Call) -> int | None:
    """The id of the new row; None when the key is there already.

    While another transaction holds the key this waits, shortly: the lock timeout is lowered for
    this one statement and put back for the change.
    """
    sql = f"""
        INSERT INTO {IdempotencyKey._meta.db_table}
            (marketplace_id, method, path, key, fingerprint, subject)
        SELECT %s, %s, %s, %s, %s, '' FROM set_config('lock_timeout', %s, true)
        ON CONFLICT (marketplace_id, method, path, key) DO NOTHING
        RETURNING id, set_config('lock_timeout', %s, true)"""  # noqa: S608 (our own table's name)
    values: list[Any] = [call.marketplace_id, call.method, call.path, call.key, call.fingerprint]
    usual = _usual_lock_timeout()
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql, [*values, str(DUPLICATE_WAITS), usual])
            row = cursor.fetchone()
    except OperationalError as error:
        if sqlstate(error) == LOCK_TIMEOUT:
            raise RequestInProgress(retry_after=1) from None
        raise
    return int(row[0]) if row else None


@cache
def _usual_lock_timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return str(cursor.fetchone()[0])


def _rows_of(call: Call) -> QuerySet[IdempotencyKey]:
    """At most one."""
    return IdempotencyKey.objects.filter(
        marketplace=call.marketplace_id, method=call.method, path=call.path, key=call.key
    )


def _repeat(call: Call) -> Effect:
    row = _rows_of(call).get()
    if bytes(row.fingerprint) != call.fingerprint:
        raise IdempotencyKeyReused(
            "The first request with this key had another body; use a new key for a new request"
        )
    body = None if row.body is None else row.body.encode()
    return Effect(row.subject, row.status or 200, body, row.pk, replayed=True)


def forget_old() -> int:
    """Delete keys past their 30 days; how many. In portions, so that no lock is held for long."""
    total = 0
    while True:
        old = IdempotencyKey.objects.filter(created_at__lt=Now() - RETENTION)
        portion = list(old.order_by("created_at").values_list("pk", flat=True)[:1000])
        deleted, _ = IdempotencyKey.objects.filter(pk__in=portion).delete()
        total += deleted
        if len(portion) < 1000:
            return total

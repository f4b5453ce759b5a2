"""Writing to the books: one SQL statement per call, inside the caller's transaction.

The rules live in the database (`sql/`): this file states the call and translates refusals.
Which accounts a business fact moves is not said here but in `movements`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection

from ledger.chart import AccountKind
from ledger.errors import LedgerRefused, NoTransaction, PeriodClosed, SourceReused, Unbalanced
from ledger.legs import Leg
from offerhub.chain.types import ChainFact
from offerhub.core.actor import Actor
from offerhub.core.db import sqlstate
from offerhub.core.errors import InsufficientFunds
from offerhub.core.ids import new_id
from offerhub.core.money import format_amount

MOST_LINES = 100
MOST_ENTRIES = 1000


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An entry to be posted. Legs on one account are added up; what comes to zero is left out.

    `source` names the fact for ever within the marketplace. A `fact` dates the entry by the
    ledger's close time; otherwise `effective_at`, or now.
    """

    marketplace_id: str
    kind: str
    source: str
    legs: Sequence[Leg]
    actor: Actor
    fact: ChainFact | None = None
    operation_id: str = ""
    description: str = ""
    effective_at: datetime | None = None
    reverses: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NewAccount:
    """An account that is made before its first posting, see `open_account`."""

    kind: AccountKind | str
    owner: str
    asset: str
    user_id: str | None = None

    @property
    def line(self) -> dict[str, str | None]:
        """As the database takes it."""
        return {
            "kind": str(self.kind),
            "owner": self.owner,
            "asset": self.asset,
            "user": self.user_id,
        }


@dataclass(frozen=True)
class Posted:
    """`replayed` when the fact was in the books already; `entry_id` is then the first entry's."""

    entry_id: str
    replayed: bool


def post(
    *,
    marketplace_id: str,
    kind: str,
    source: str,
    legs: Sequence[Leg],
    actor: Actor,
    fact: ChainFact | None = None,
    operation_id: str = "",
    description: str = "",
    effective_at: datetime | None = None,
    reverses: str | None = None,
    meta: Mapping[str, Any] | None = None,
    opens: NewAccount | None = None,
) -> Posted:
    """Put one entry in the books, all of it or nothing; the arguments are those of Draft, and an
    account that is opened with it.

    Raises InsufficientFunds (with `available` and `requested`), SourceReused, PeriodClosed;
    Unbalanced, LedgerRefused and NoTransaction are defects. After a refusal the transaction is
    over. One statement.
    """
    draft = Draft(
        marketplace_id=marketplace_id,
        kind=kind,
        source=source,
        legs=legs,
        actor=actor,
        fact=fact,
        operation_id=operation_id,
        description=description,
        effective_at=effective_at,
        reverses=reverses,
        meta=meta or {},
    )
    entry = _text(_parameters(draft))
    if opens is None:
        return _call("SELECT entry_id, replayed FROM ledger_post(%s)", entry)[0]
    query = """
        SELECT posted.entry_id, posted.replayed
        FROM ledger_open_accounts(%s, %s) AS opened, ledger_post(%s) AS posted"""
    return _call(query, marketplace_id, _text([opens.line]), entry)[0]


def post_many(drafts: Iterable[Draft]) -> list[Posted]:
    """Put several entries in the books in this order, all of them or none; at most 1,000.

    Their accounts are locked together in id order, so that batches cannot deadlock. One statement.
    """
    entries = [_parameters(draft) for draft in drafts]
    if len(entries) > MOST_ENTRIES:
        raise ValueError(f"{len(entries)} entries; at most {MOST_ENTRIES} fit into one batch")
    if not entries:
        return []
    return _call("SELECT entry_id, replayed FROM ledger_post_many(%s)", _text(entries))


def open_account(
    *, marketplace_id: str, kind: AccountKind | str, owner: str, asset: str, user_id: str | None
) -> None:
    """Make an account before its first posting, so that it can be recognised; again is harmless.

    For example a contract's account at deployment: what strangers send to it is then known as
    dust in one of our contracts.
    """
    _assert_transaction()
    line = NewAccount(kind, owner, asset, user_id).line
    with connection.cursor() as cursor, _Translated():
        cursor.execute("SELECT ledger_open_accounts(%s, %s)", [marketplace_id, _text([line])])


def _assert_transaction() -> None:
    if not connection.in_atomic_block:
        raise NoTransaction("the ledger is written inside the transaction of the change it records")


def _parameters(draft: Draft) -> dict[str, Any]:
    """The entry as `ledger_post` takes it."""
    legs = _merged(draft.legs)
    _assert_balanced(legs, draft.source)
    fact = draft.fact
    effective_at = fact.closed_at if fact else draft.effective_at
    return {
        "id": new_id("ent"),
        "marketplace": draft.marketplace_id,
        "kind": draft.kind,
        "source": draft.source,
        "lines": [
            {
                "kind": leg.kind,
                "owner": leg.owner,
                "asset": leg.asset,
                "user": leg.user_id,
                "amount": leg.amount,
            }
            for leg in legs
        ],
        "effective_at": effective_at.isoformat() if effective_at else None,
        "description": draft.description,
        "operation": draft.operation_id,
        "chain_hash": fact.hash if fact else "",
        "chain_ledger": fact.ledger if fact else None,
        "reverses": draft.reverses,
        "actor": str(draft.actor),
        "request_id": draft.actor.request_id,
        "meta": dict(draft.meta),
    }


def _merged(legs: Iterable[Leg]) -> list[Leg]:
    """One leg per account, in the order given, without those that come to zero."""
    merged: dict[tuple[str, str, str], Leg] = {}
    for leg in legs:
        key = (leg.kind, leg.owner, leg.asset)
        known = merged.get(key)
        merged[key] = replace(leg, amount=known.amount + leg.amount) if known else leg
    return [leg for leg in merged.values() if leg.amount]


def _assert_balanced(legs: Sequence[Leg], source: str) -> None:
    totals: dict[str, int] = {}
    for leg in legs:
        totals[leg.asset] = totals.get(leg.asset, 0) + leg.amount
    if any(totals.values()) or len(legs) < 2:
        raise Unbalanced(f"{source} does not balance: {', '.join(map(str, legs)) or 'no legs'}")
    if len(legs) > MOST_LINES:
        raise ValueError(f"{source} has {len(legs)} legs; at most {MOST_LINES} are taken")


def _call(query: str, *parameters: str) -> list[Posted]:
    _assert_transaction()
    with connection.cursor() as cursor, _Translated():
        cursor.execute(query, parameters)
        return [Posted(entry_id, replayed) for entry_id, replayed in cursor.fetchall()]


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class _Translated:
    """Turns the database's refusals into ours; anything else passes unchanged."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> None:
        if isinstance(error, DatabaseError):
            refusal = _refusal(error)
            if refusal is not None:
                raise refusal from error


def _refusal(error: DatabaseError) -> Exception | None:
    """The refusal behind the ledger's own SQLSTATEs; `detail` of the first is JSON."""
    diagnosis = getattr(error.__cause__, "diag", None)
    message = str(getattr(diagnosis, "message_primary", "") or "")
    match sqlstate(error):
        case "OH001":
            facts = json.loads(str(getattr(diagnosis, "message_detail", "") or "{}"))
            available, requested = (
                format_amount(int(facts[name])) for name in ("available", "requested")
            )
            return InsufficientFunds(
                f"{facts['account']} holds {available} {facts['asset']}; {requested} was asked for",
                available=available,
                requested=requested,
            )
        case "OH002":
            return SourceReused(message)
        case "OH003":
            return PeriodClosed(message)
        case "OH004":
            return Unbalanced(message)
        case "OH005":
            return LedgerRefused(message)
    return None

"""What accounts hold: a user's money, one account, and the trial balance; now and in the past.

Amounts are stroops on the account's normal side. Nothing here locks; each function is one query.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db import connection

from ledger.chart import CHART, AccountKind, Element
from offerhub.core.errors import NotFound
from offerhub.core.ids import has_prefix


@dataclass(frozen=True)
class UserBalance:
    """A user's money by what it waits for, in stroops, as of an instant of the product's clock."""

    available: int
    reserved: int
    in_escrow: int
    pending_withdrawal: int
    as_of: datetime

    @property
    def total(self) -> int:
        """All that the marketplace owes the user."""
        return self.available + self.reserved + self.in_escrow + self.pending_withdrawal


_USERS = """
SELECT u.id, offerhub_now(),
       coalesce(sum(b.amount) FILTER (WHERE a.kind = 'available'), 0)::bigint,
       coalesce(sum(b.amount) FILTER (WHERE a.kind = 'reserved'), 0)::bigint,
       coalesce(sum(b.amount) FILTER (WHERE a.kind = 'escrow'), 0)::bigint,
       coalesce(sum(b.amount) FILTER (WHERE a.kind = 'pending'), 0)::bigint
FROM users_user u
LEFT JOIN ledger_account a ON a.user_id = u.id AND a.open AND a.asset = %(asset)s
LEFT JOIN ledger_balance b ON b.account_id = a.id
WHERE u.{key} = ANY (%(users)s) AND (%(marketplace)s = '' OR u.marketplace_id = %(marketplace)s)
GROUP BY u.id
"""
_BY_ID, _BY_EXTERNAL_ID = _USERS.format(key="id"), _USERS.format(key="external_id")


def balance_of(marketplace_id: str, reference: str, asset: str) -> UserBalance:
    """What a user of this marketplace has, by our id or its own; raises NotFound for any other.
    One query."""
    query = _BY_ID if has_prefix(reference, "usr") else _BY_EXTERNAL_ID
    found = _read(query, [reference], asset, marketplace_id)
    if not found:
        raise NotFound(f"There is no user {reference!r} in this marketplace")
    return next(iter(found.values()))


def user_balance(user_id: str, asset: str) -> UserBalance:
    """What a user has. It costs what their open holds cost, whatever their history. One query."""
    return _one(user_balances([user_id], asset))


def user_balances(
    user_ids: Sequence[str], asset: str, marketplace_id: str = ""
) -> dict[str, UserBalance]:
    """What several users have, by user id; those of other marketplaces are left out. One query."""
    return _read(_BY_ID, user_ids, asset, marketplace_id)


def _read(
    query: str, references: Sequence[str], asset: str, marketplace_id: str
) -> dict[str, UserBalance]:
    with connection.cursor() as cursor:
        cursor.execute(
            query, {"users": list(references), "asset": asset, "marketplace": marketplace_id}
        )
        return {
            user_id: UserBalance(available, reserved, in_escrow, pending, as_of)
            for user_id, as_of, available, reserved, in_escrow, pending in cursor.fetchall()
        }


def _one(found: dict[str, UserBalance]) -> UserBalance:
    if not found:
        raise NotFound
    return next(iter(found.values()))


_ONE = """
SELECT CASE WHEN %(at)s::timestamptz IS NOT NULL THEN ledger_balance_at(a.id, %(at)s)
            WHEN a.mode = 'live' THEN b.amount
            ELSE ledger_rollup_balance(a.id) END
FROM ledger_account a LEFT JOIN ledger_balance b ON b.account_id = a.id
WHERE a.marketplace_id = %(marketplace)s AND a.kind = %(kind)s AND a.owner = %(owner)s
  AND a.asset = %(asset)s
"""


def account_balance(
    *,
    marketplace_id: str,
    kind: AccountKind | str,
    owner: str = "",
    asset: str,
    at: datetime | None = None,
) -> int:
    """What one account holds now, or held at an instant; zero when there is no such account.

    A live account's past is an index look-up. A rollup's present is its checkpoint plus what came
    since; its past is summed.
    """
    identity = {"marketplace": marketplace_id, "kind": kind, "owner": owner, "asset": asset}
    with connection.cursor() as cursor:
        cursor.execute(_ONE, {**identity, "at": at})
        row = cursor.fetchone()
    return int(row[0]) if row else 0


@dataclass(frozen=True)
class TrialLine:
    """All accounts of a kind and asset together. `amount` is on the normal side, in stroops."""

    kind: AccountKind
    asset: str
    amount: int

    @property
    def element(self) -> Element:
        """Asset, liability, equity, revenue or expense."""
        return CHART[self.kind].element

    @property
    def debit(self) -> int:
        """What stands in the debit column, zero when the balance is a credit."""
        return max(self.amount * self.element.side, 0)

    @property
    def credit(self) -> int:
        """What stands in the credit column, zero when the balance is a debit."""
        return max(-self.amount * self.element.side, 0)


_TRIAL = """
SELECT kind, asset, amount FROM ledger_trial_balance(%s, %s, %s) ORDER BY kind, asset
"""


def trial_balance(
    marketplace_id: str,
    at: datetime | None = None,
    basis: Literal["effective", "recorded"] = "effective",
    *,
    before: datetime | None = None,
) -> list[TrialLine]:
    """Every kind of account of a marketplace per asset; debits and credits are equal per asset.

    `at` is inclusive, `before` is not; without either it is now. `basis` says whether entries
    count from when they happened (`effective`) or from when they were booked (`recorded`: what the
    books showed then). What happened before the last closed day is not summed again.
    """
    if at is not None:
        before = at + timedelta(microseconds=1)
    with connection.cursor() as cursor:
        cursor.execute(_TRIAL, [marketplace_id, before, basis])
        return [TrialLine(AccountKind(k), a, int(n)) for k, a, n in cursor.fetchall()]

"""What a user has, read from their open accounts: one query, however long their history."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from ledger.chart import AccountKind


@dataclass(frozen=True)
class UserBalance:
    """Stroops of one asset. `as_of` is the database's time of the reading."""

    available: int
    reserved: int
    in_escrow: int
    pending_withdrawal: int
    as_of: datetime

    @property
    def total(self) -> int:
        """All four together: what is owed to the user."""
        return self.available + self.reserved + self.in_escrow + self.pending_withdrawal


_QUERY = """
    SELECT coalesce(sum(b.amount) FILTER (WHERE a.kind = %s), 0)::bigint,
           coalesce(sum(b.amount) FILTER (WHERE a.kind = %s), 0)::bigint,
           coalesce(sum(b.amount) FILTER (WHERE a.kind = %s), 0)::bigint,
           coalesce(sum(b.amount) FILTER (WHERE a.kind = %s), 0)::bigint,
           now()
    FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
    WHERE a.user_id = %s AND a.open AND a.asset = %s"""

_KINDS = [AccountKind.AVAILABLE, AccountKind.RESERVED, AccountKind.ESCROW, AccountKind.PENDING]


def user_balance(user_id: str, asset: str) -> UserBalance:
    """The user's money by what it waits for."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, [*map(str, _KINDS), user_id, asset])
        return UserBalance(*cursor.fetchone())

"""What a marketplace owes and what is held for it, measured at one instant.

The chain is read first, balance by balance, each at a stated closed ledger; then, in one snapshot
of the books, what every user and order is owed and what the books say is held.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from offerhub.core.db import assert_no_transaction
from offerhub.core.errors import Unprocessable
from offerhub.reconciliation import targets, verify_proof
from offerhub.reconciliation.looking import Look, look
from orders.services import ASSET

# Of one request; the daily proof and `manage.py prove` take as many as there are.
MOST_IN_A_REQUEST = 3000


class TooMany(Unprocessable):
    """More addresses than a request can wait for."""

    code = "too_many_addresses"
    title = "Too many addresses for a request"


@dataclass(frozen=True)
class Leaf:
    """A user's place: what they are owed, and the number that hides it."""

    user_id: str
    nonce: str
    balance: int

    @property
    def node(self) -> tuple[str, int]:
        """Hash and sum."""
        hash_ = verify_proof.leaf(self.nonce, self.user_id, self.balance)
        return hash_, self.balance


@dataclass(frozen=True)
class Funds:
    """Both sides, in stroops. `leaves` stand in the order of their hashes."""

    marketplace_id: str
    asset: str
    at: datetime
    looks: list[Look]
    leaves: list[Leaf]
    of_users: dict[str, int]  # by what the money waits for
    orders: list[dict[str, Any]]
    suspense: int
    books_held: int

    @property
    def owed(self) -> int:
        """To users, and what is nobody's yet."""
        return sum(leaf.balance for leaf in self.leaves) + self.suspense

    @property
    def held(self) -> int:
        """On the chain."""
        return sum(each.chain for each in self.looks)


def measure(marketplace_id: str, *, in_a_request: bool = False) -> Funds:
    """Read both sides; no transaction may be open. Raises ChainUnavailable and TooMany."""
    assert_no_transaction()
    asset, looks = ASSET, []
    for each in _looks(marketplace_id):
        if each.target.asset == asset and not each.target.external:
            looks.append(each)
        if in_a_request and len(looks) > MOST_IN_A_REQUEST:
            raise TooMany("Use `manage.py prove`, or the proof that is made every day")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT offerhub_now()")
            (at,) = cursor.fetchone()
        leaves = sorted(_leaves(marketplace_id, asset), key=lambda leaf: leaf.node)
        of_users = dict(_read(_OF_USERS, marketplace_id, asset))
        orders = [
            {"order": order, "user": user, "state": kind, "amount": str(amount)}
            for order, user, kind, amount in _read(_ORDERS, marketplace_id, asset)
        ]
        ((suspense, books_held),) = _read(_OTHERS, marketplace_id, asset)
    return Funds(
        *(marketplace_id, asset, at, looks, leaves, of_users, orders),
        *(int(suspense or 0), int(books_held or 0)),
    )


def _looks(marketplace_id: str) -> Iterator[Look]:
    after = ""
    while True:
        chosen, after = targets.batch(after, marketplace_id)
        yield from look(chosen)
        if not after:
            return


# A party that keeps its own key holds its own money: only what is in escrow is owed to it.
_OWN_KEY = """EXISTS (
    SELECT FROM users_wallet w WHERE w.user_id = a.user_id AND w.kind = 'EXTERNAL'
) AND a.kind <> 'escrow'"""
_USERS = f"""
SELECT u.id, coalesce(sum(b.amount) FILTER (WHERE NOT ({_OWN_KEY})), 0)::bigint
FROM users_user u
LEFT JOIN ledger_account a ON a.user_id = u.id AND a.asset = %(asset)s
    AND (a.open OR a.kind = 'available')
LEFT JOIN ledger_balance b ON b.account_id = a.id
WHERE u.marketplace_id = %(marketplace)s GROUP BY u.id
"""
_OF_USERS = f"""
SELECT a.kind, sum(b.amount)::bigint FROM ledger_account a
JOIN ledger_balance b ON b.account_id = a.id
WHERE a.marketplace_id = %(marketplace)s AND a.asset = %(asset)s AND a.user_id IS NOT NULL
  AND b.amount <> 0 AND NOT ({_OWN_KEY}) GROUP BY a.kind
"""
_ORDERS = f"""
SELECT a.owner, a.user_id, a.kind, b.amount FROM ledger_account a
JOIN ledger_balance b ON b.account_id = a.id
WHERE a.marketplace_id = %(marketplace)s AND a.asset = %(asset)s AND a.open
  AND a.kind IN ('reserved', 'escrow') AND b.amount <> 0 AND NOT ({_OWN_KEY})
ORDER BY a.owner, a.kind
"""
_OTHERS = """
SELECT sum(ledger_rollup_balance(a.id)) FILTER (WHERE a.kind = 'suspense'),
       sum(b.amount) FILTER (WHERE a.kind IN ('wallet', 'platform', 'contract') AND NOT EXISTS (
           SELECT FROM users_wallet w WHERE w.address = a.owner AND w.kind = 'EXTERNAL'))
FROM ledger_account a LEFT JOIN ledger_balance b ON b.account_id = a.id
WHERE a.marketplace_id = %(marketplace)s AND a.asset = %(asset)s
  AND a.kind IN ('suspense', 'wallet', 'platform', 'contract')
"""


def _leaves(marketplace_id: str, asset: str) -> Iterator[Leaf]:
    """Every user of the marketplace, each hidden behind a number of this proof's own."""
    for user_id, balance in _read(_USERS, marketplace_id, asset):
        yield Leaf(user_id, secrets.token_hex(16), balance)


def _read(query: str, marketplace_id: str, asset: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"marketplace": marketplace_id, "asset": asset})
        return list(cursor.fetchall())

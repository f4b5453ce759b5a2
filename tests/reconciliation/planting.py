"""Fifty corruptions of ten kinds, by a hand in psql that no guard holds back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from offerhub.chain.events import newest_ledger
from offerhub.deposits.models import ChainCursor
from tests.reconciliation.market import Market

Planted = tuple[str, str]  # kind, and what a report must name
FINGERPRINT = """
    UPDATE ledger_entry e SET fingerprint = sha256(convert_to(concat_ws(
        '|', e.kind, e.chain_hash, e.reverses_id, l.accounts, l.amounts), 'UTF8'))
    FROM (SELECT array_agg(p.account_id::text ORDER BY p.account_id) AS accounts,
                 array_agg(p.amount ORDER BY p.account_id) AS amounts
          FROM ledger_posting p WHERE p.entry_id = '{entry}') AS l
    WHERE e.id = '{entry}'"""


class Hand:
    """A superuser's session in which no trigger fires."""

    def __init__(self, market: Market, other: str) -> None:
        self.market, self.other = market, other
        self.id = market.world.marketplace.id
        self._taken: set[str] = set()

    def run(self, statement: str, *values: Any) -> list[Any]:
        """Run one statement; it must find rows."""
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            assert cursor.rowcount > 0, statement
            return cursor.fetchall() if cursor.description else []

    def entry(self, kind: str, where: str = "true") -> str:
        """An entry of a kind that nothing else was done to."""
        rows = self.run(
            f"SELECT id FROM ledger_entry e WHERE marketplace_id = %s AND kind = %s AND {where}"
            " AND e.id <> ALL (%s) ORDER BY number LIMIT 1",
            self.id,
            kind,
            list(self._taken),
        )
        self._taken.add(rows[0][0])
        return str(rows[0][0])

    def deposit(self, user: int) -> tuple[str, str, str]:
        """The small deposit of a user: its id, entry and transaction."""
        rows = self.run(
            "SELECT d.id, e.id, d.tx_hash FROM deposits_deposit d JOIN ledger_entry e"
            " ON e.source = reconciliation_source(d) AND e.marketplace_id = d.marketplace_id"
            " WHERE d.user_id = %s AND d.amount = 500000001",
            self.market.users[user].id,
        )
        self._taken.add(rows[0][1])
        return tuple(rows[0])

    def account(self, kind: str, owner: str) -> str:
        """The id of an account."""
        rows = self.run(
            "SELECT id FROM ledger_account WHERE marketplace_id = %s AND kind = %s AND owner = %s",
            self.id,
            kind,
            owner,
        )
        return str(rows[0][0])


@contextmanager
def no_guards() -> Iterator[None]:
    """No trigger fires in this session."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield
        cursor.execute("SET session_replication_role = origin")


def changed_amounts(h: Hand) -> Iterator[str]:
    """A line; both lines of an entry; both with balances and fingerprint; and in the records."""
    first = h.entry("unreserve")
    h.run("UPDATE ledger_posting SET amount = amount + 1 WHERE entry_id = %s AND amount > 0", first)
    yield first
    second = h.entry("unreserve")
    h.run("UPDATE ledger_posting SET amount = amount + sign(amount) WHERE entry_id = %s", second)
    yield second
    third = h.entry("network_fee")
    h.run("UPDATE ledger_posting SET amount = amount + sign(amount) WHERE entry_id = %s", third)
    h.run(FINGERPRINT.format(entry=third))
    yield third
    deposit, _, _ = h.deposit(0)
    h.run("UPDATE deposits_deposit SET amount = amount - 1 WHERE id = %s", deposit)
    yield deposit
    order = h.market.reserved[0]
    h.run("UPDATE orders_order SET amount = amount + 1 WHERE id = %s", order)
    yield order


def deleted_postings(h: Hand) -> Iterator[str]:
    """One line; all lines; an entry of each of three kinds as if it had never been."""
    one = h.entry("reserve")
    h.run("DELETE FROM ledger_posting WHERE entry_id = %s AND amount > 0", one)
    yield one
    every = h.entry("unreserve")
    h.run("DELETE FROM ledger_posting WHERE entry_id = %s", every)
    yield every
    for kind in ("network_fee", "reserve", "withdrawal_confirmed"):
        entry = h.entry(kind)
        h.run("DELETE FROM ledger_posting WHERE entry_id = %s", entry)
        h.run("DELETE FROM ledger_entry WHERE id = %s", entry)
        yield entry


def moved_dates(h: Hand) -> Iterator[str]:
    """When it happened, when it was booked, both by a second, and in the record of a deposit."""
    for kind, change in (
        ("network_fee", "effective_at = effective_at - interval '1 month'"),
        ("unreserve", "effective_at = effective_at + interval '1 day'"),
        ("network_fee", "recorded_at = recorded_at + interval '1 second'"),
        (
            "reserve",
            (
                "effective_at = effective_at - interval '1 s',"
                " recorded_at = recorded_at - interval '1 s'"
            ),
        ),
    ):
        entry = h.entry(kind)
        h.run(f"UPDATE ledger_entry SET {change} WHERE id = %s", entry)
        yield entry
    deposit, _, _ = h.deposit(1)
    h.run("UPDATE deposits_deposit SET closed_at = closed_at - interval '1 hour' WHERE id = %s",
          deposit)  # fmt: skip
    yield deposit


def edited_balances(h: Hand) -> Iterator[str]:
    """A user's, a wallet's, a hold's and a fee wallet's amount, and a version."""
    for kind, owner, change in (
        ("available", h.market.users[2].id, "amount = amount + 1"),
        ("wallet", h.market.address(3), "amount = amount - 1"),
        ("escrow", h.market.running[0], "amount = amount + 10000000"),
        ("reserved", h.market.reserved[1], "amount = amount - 1"),
        ("available", h.market.users[4].id, "version = version + 1"),
    ):
        account = h.account(kind, owner)
        h.run(f"UPDATE ledger_balance SET {change} WHERE account_id = %s", account)
        yield account


_COPY = """
    SELECT * FROM ledger_post((
        SELECT jsonb_build_object('marketplace', e.marketplace_id, 'kind', e.kind,
            'source', e.source || %s, 'effective_at', e.effective_at, 'operation', e.operation,
            'chain_hash', e.chain_hash, 'chain_ledger', e.chain_ledger, 'actor', e.actor,
            'lines', (SELECT jsonb_agg(jsonb_build_object('kind', a.kind, 'owner', a.owner,
                'asset', a.asset, 'user', a.user_id, 'amount', p.amount))
                FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id
                WHERE p.entry_id = e.id))
        FROM ledger_entry e WHERE e.id = %s))"""


def duplicated_credits(h: Hand) -> Iterator[str]:
    """Posted again under other names, past the guards and through them; a deposit with its row."""
    _, entry, _ = h.deposit(2)
    yield str(h.run(_COPY, "0", entry)[0][0])
    deposit, entry, _ = h.deposit(3)
    yield str(h.run(_COPY, "7", entry)[0][0])
    entry = h.entry("release", f"e.source LIKE 'order:{h.market.running[0]}:%%'")
    h.run(_COPY, ":again", entry)
    yield entry
    yield str(h.run(_COPY, ":again", h.entry("capital"))[0][0])
    # A whole forgery: the deposit's record as well. Only the chain knows better.
    deposit, entry, hash = h.deposit(4)
    h.run(
        "INSERT INTO deposits_deposit SELECT (jsonb_populate_record(d, jsonb_build_object("
        "'id', 'dep_forged', 'index', 4))).* FROM deposits_deposit d WHERE id = %s",
        deposit,
    )
    (source,) = h.run(
        "SELECT reconciliation_source(d) FROM deposits_deposit d WHERE id = 'dep_forged'"
    )[0]
    forged = h.run(_COPY.replace("e.source || %s", "%s::text"), source, entry)[0][0]
    assert forged != entry
    yield hash


def missing_deposits(h: Hand) -> Iterator[str]:
    """The record; the entry; both; and two that the monitor passed over."""
    deposit, entry, _ = h.deposit(5)
    h.run("DELETE FROM deposits_deposit WHERE id = %s", deposit)
    yield entry
    deposit, entry, _ = h.deposit(6)
    h.run("DELETE FROM ledger_posting WHERE entry_id = %s", entry)
    h.run("DELETE FROM ledger_entry WHERE id = %s", entry)
    yield deposit
    deposit, entry, _ = h.deposit(7)
    h.run("DELETE FROM deposits_deposit WHERE id = %s", deposit)
    h.run("DELETE FROM ledger_posting WHERE entry_id = %s", entry)
    h.run("DELETE FROM ledger_entry WHERE id = %s", entry)
    yield entry
    network = h.market.world.network
    yield network.mint(h.market.address(8), "77")
    wallets = h.run(
        "SELECT address FROM users_wallet WHERE marketplace_id = %s AND kind = 'RESOLVER'", h.id
    )
    yield network.mint(wallets[0][0], "3")


def wrong_tenants(h: Hand) -> Iterator[str]:
    """A line, an entry, an account, an order and a deposit of another marketplace."""
    line = h.entry("unreserve")
    h.run("UPDATE ledger_posting SET marketplace_id = %s WHERE entry_id = %s AND amount > 0",
          h.other, line)  # fmt: skip
    yield line
    entry = h.entry("unreserve")
    h.run("UPDATE ledger_entry SET marketplace_id = %s WHERE id = %s", h.other, entry)
    yield entry
    account = h.account("available", h.market.users[5].id)
    h.run("UPDATE ledger_account SET marketplace_id = %s WHERE id = %s", h.other, account)
    yield account
    order = h.market.reserved[2]
    h.run("UPDATE orders_order SET marketplace_id = %s WHERE id = %s", h.other, order)
    yield order
    deposit, _, _ = h.deposit(8)
    h.run("UPDATE deposits_deposit SET marketplace_id = %s WHERE id = %s", h.other, deposit)
    yield deposit


def changed_hashes(h: Hand) -> Iterator[str]:
    """Of an entry, a deposit, an operation, a seal, and what staff did."""
    entry = h.entry("fund")
    h.run("UPDATE ledger_entry SET chain_hash = repeat('a', 64) WHERE id = %s", entry)
    yield entry
    deposit, _, _ = h.deposit(9)
    h.run("UPDATE deposits_deposit SET tx_hash = repeat('b', 64) WHERE id = %s", deposit)
    yield deposit
    operation = h.run(
        "SELECT id FROM orders_escrowoperation WHERE order_id = %s AND kind = 'RELEASE' LIMIT 1",
        h.market.completed[1],
    )[0][0]
    h.run("UPDATE orders_escrowoperation SET hash = repeat('c', 64) WHERE id = %s", operation)
    yield str(operation)
    seal = h.run(
        "UPDATE ledger_seal SET digest = sha256('x') WHERE id = (SELECT max(id) FROM ledger_seal"
        " WHERE marketplace_id = %s) RETURNING last_number",
        h.id,
    )[0][0]
    yield f"last_number {seal}"
    withdrawal = h.market.withdrawn[2]
    h.run("UPDATE payouts_withdrawal SET hash = repeat('d', 64) WHERE id = %s", withdrawal)
    yield withdrawal


def one_stroop(h: Hand) -> Iterator[str]:
    """Of the chain: in three contracts, the fee wallet and a user's wallet."""
    contracts = h.run(
        "SELECT contract_id FROM orders_escrow WHERE order_id = ANY (%s)",
        h.market.running[1:],
    )
    platform = h.run(
        "SELECT address FROM users_wallet WHERE marketplace_id = %s AND kind = 'PLATFORM'", h.id
    )
    for address in (*(row[0] for row in contracts), platform[0][0], h.market.address(9)):
        h.market.world.network.mint(address, "0.0000001")
        yield address


def swapped_accounts(h: Hand) -> Iterator[str]:
    """Lines of two users, two accounts' users, two accounts' addresses, holds, and a credit."""
    one, two = h.entry("release"), h.entry("release")
    mine, theirs = (
        h.run("SELECT p.account_id FROM ledger_posting p JOIN ledger_account a ON a.id ="
              " p.account_id WHERE a.kind = 'available' AND p.entry_id = %s", each)[0][0]
        for each in (one, two)
    )  # fmt: skip
    for entry, account in ((one, theirs), (two, mine)):
        h.run("UPDATE ledger_posting SET account_id = %s, account_version = account_version + 1000"
              " WHERE entry_id = %s AND account_id IN (%s, %s)",
              account, entry, mine, theirs)  # fmt: skip
    yield one
    for kind, column, owners in (
        ("available", "user_id", (h.market.users[6].id, h.market.users[7].id)),
        ("wallet", "owner", (h.market.address(0), h.market.address(1))),
        ("escrow", "user_id", (h.market.running[2], h.market.running[3])),
        ("reserved", "owner", (h.market.reserved[3], h.market.reserved[4])),
    ):
        first, second = (h.account(kind, owner) for owner in owners)
        values = dict(h.run(f"SELECT id, {column} FROM ledger_account WHERE id IN (%s, %s)",
                            first, second))  # fmt: skip
        if column == "owner":
            h.run("UPDATE ledger_account SET owner = 'nobody' WHERE id = %s", second)
        h.run(f"UPDATE ledger_account SET {column} = %s WHERE id = %s", values[second], first)
        h.run(f"UPDATE ledger_account SET {column} = %s WHERE id = %s", values[first], second)
        yield first


KINDS: dict[str, Callable[[Hand], Iterator[str]]] = {
    "a changed amount": changed_amounts,
    "a deleted posting": deleted_postings,
    "a moved date": moved_dates,
    "a balance row edited": edited_balances,
    "a duplicated credit": duplicated_credits,
    "a missing deposit": missing_deposits,
    "a wrong tenant": wrong_tenants,
    "a changed hash": changed_hashes,
    "a chain balance off by one stroop": one_stroop,
    "a swapped account": swapped_accounts,
}


def passed_over() -> None:
    """The monitor believes that it has read everything up to now."""
    newest, _ = newest_ledger()
    end = f"{((newest + 1) << 32) - 1:019d}-{2**32 - 1:010d}"
    ChainCursor.objects.update(cursor=end, ledger=newest, latest_ledger=newest, gap_since=None)


def plant(hand: Hand) -> list[Planted]:
    """All of them; then the monitor believes that it has read everything."""
    with no_guards():
        planted = [(kind, name) for kind, do in KINDS.items() for name in do(hand)]
    passed_over()
    return planted

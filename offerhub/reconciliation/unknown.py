"""Transactions of our own wallets that no record of ours knows: made after a backup was taken."""

from collections.abc import Iterator, Sequence

from django.db import connection

from offerhub.chain import history, told
from offerhub.chain.history import Sent
from offerhub.chain.tables import concrete_tables
from offerhub.reconciliation import targets
from offerhub.reconciliation.looking import Verdict, look


def transactions(marketplace_id: str = "") -> list[Sent]:
    """The oldest first. Raises ChainUnavailable.

    Only wallets whose balances differ are read: each transaction costs its wallet a fee, so one
    that is unknown shows in what the wallet holds.
    """
    sent: dict[str, Sent] = {}
    for address in _differing(marketplace_id):
        found, _ = history.sent_by(address)
        sent |= {one.hash: one for one in reversed(found) if _is_of(one, address)}
    known = _known(list(sent))
    unknown = [one for hash_, one in sent.items() if hash_ not in known]
    return sorted(unknown, key=lambda one: one.ledger)


def _is_of(sent: Sent, address: str) -> bool:
    """Whether the account sent it, or paid in one that another account sent."""
    if sent.source == address:
        return True
    return any(paid.source == address for paid in told.read(sent.envelope).payments)


def _differing(marketplace_id: str) -> Iterator[str]:
    after, named = "", set[str]()
    while True:
        chosen, after = targets.batch(after, marketplace_id)
        for each in look(chosen):
            mine = each.target.kind != "contract" and not each.target.external
            if each.verdict != Verdict.EQUAL and mine and each.target.owner not in named:
                named.add(each.target.owner)
                yield each.target.owner
        if not after:
            return


def _known(hashes: Sequence[str]) -> set[str]:
    """Those that an operation or an entry names. An entry of a deposit tells only that it arrived,
    as when a wallet of ours claimed it or paid another marketplace, and not who sent it."""
    parts = [
        f"SELECT hash FROM {table._meta.db_table} WHERE hash = ANY (%(hashes)s)"  # noqa: S608 (our own tables' names)
        for table in concrete_tables()
    ]
    entries = """
        SELECT chain_hash FROM ledger_entry
        WHERE chain_hash = ANY (%(hashes)s) AND source NOT LIKE 'deposit:%%'"""
    with connection.cursor() as cursor:
        cursor.execute(" UNION ".join([*parts, entries]), {"hashes": list(hashes)})
        return {row[0] for row in cursor.fetchall()}

"""Which addresses are ours: one query for wallets and two for contracts, whatever the number."""

from collections.abc import Iterable

from django.db import connection

from ledger.models import Account
from offerhub.chain.network import current
from offerhub.chain.submission import LIVE
from offerhub.chain.tables import concrete_tables
from offerhub.deposits.judgement import Owner, Role
from offerhub.marketplaces.models import Marketplace
from offerhub.users.models import Wallet


def owners_of(addresses: Iterable[str]) -> dict[str, Owner]:
    """The owners of those addresses that are ours, by address."""
    wanted = {address for address in addresses if address}
    contracts = sorted(address for address in wanted if address.startswith("C"))
    accounts = sorted(address for address in wanted if address.startswith("G"))
    return _wallets(accounts) | _contracts(contracts)


def _wallets(addresses: list[str]) -> dict[str, Owner]:
    if not addresses:
        return {}
    rows = Wallet.objects.filter(address__in=addresses).values_list(
        "address", "marketplace_id", "kind", "user_id"
    )
    return {
        address: Owner(marketplace, Role(kind), user) for address, marketplace, kind, user in rows
    }


def _contracts(addresses: list[str]) -> dict[str, Owner]:
    """Contracts that have an account in the books, and those whose deployment may have happened.

    The account is opened when the deployment is confirmed, but a stranger may send to the contract
    as soon as a ledger shows it. Nobody can know its id before we have kept the signed envelope,
    which says it; so the live operations are asked first and the accounts after them, and a
    confirmation between the two is seen by both.
    """
    if not addresses:
        return {}
    found = _being_deployed(addresses)
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [addresses, current().asset_code])
        rows = cursor.fetchall()
    return found | {address: Owner(marketplace, Role.CONTRACT) for address, marketplace in rows}


# An account is found by marketplace, kind, owner and asset: looked up once for each marketplace
# this stays on that index, however many orders there were. (OFFSET 0 keeps it from being turned
# into a join, which reads the whole table.)
_KNOWN = f"""
    SELECT a.owner, a.marketplace_id FROM {Marketplace._meta.db_table} m
    CROSS JOIN LATERAL (
        SELECT owner, marketplace_id FROM {Account._meta.db_table}
        WHERE marketplace_id = m.id AND kind = 'contract' AND owner = ANY(%s) AND asset = %s
        OFFSET 0
    ) a"""  # noqa: S608 (names of our own tables)


def _being_deployed(addresses: list[str]) -> dict[str, Owner]:
    """Contracts that a live operation's envelope makes. Few rows: the live ones have an index."""
    selects = " UNION ALL ".join(
        f"SELECT envelope_meta->>'contract_id', marketplace_id FROM {table._meta.db_table}"  # noqa: S608
        " WHERE status = ANY(%(live)s) AND envelope_meta->>'contract_id' = ANY(%(addresses)s)"
        for table in concrete_tables()
    )
    with connection.cursor() as cursor:
        cursor.execute(selects, {"live": [str(s) for s in LIVE], "addresses": addresses})
        rows = cursor.fetchall()
    return {address: Owner(marketplace, Role.CONTRACT) for address, marketplace in rows}


def our_envelopes(hashes: Iterable[str]) -> frozenset[str]:
    """Those of these transactions that are envelopes of ours. A hash is kept before its envelope
    is sent or handed out, so none can be in a ledger that is not known here. One statement."""
    wanted = sorted(set(hashes))
    if not wanted:
        return frozenset()
    selects = " UNION ALL ".join(
        f"SELECT hash FROM {table._meta.db_table} WHERE hash <> '' AND hash = ANY(%(hashes)s)"  # noqa: S608
        for table in concrete_tables()
    )
    with connection.cursor() as cursor:
        cursor.execute(selects, {"hashes": wanted})
        return frozenset(row[0] for row in cursor.fetchall())

"""How much was done: counted by the database, so that it is true for all processes together and
survives each of them."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from ledger.models import Entry, Posting
from offerhub.chain.submission import Submission
from offerhub.chain.tables import concrete_tables
from offerhub.core.ids import id_from
from offerhub.deposits.models import Deposit
from offerhub.events.models import Event, WebhookAttempt, WebhookDelivery
from offerhub.operations.live import label_of

RECENT = timedelta(minutes=5)

# What is counted by the rows that were ever written to its table. None of them is deleted, but for
# deliveries and attempts, and the count does not go down with those.
WRITTEN = {
    "entries": Entry,
    "postings": Posting,
    "events": Event,
    "deposits": Deposit,
    "deliveries": WebhookDelivery,
    "delivery_attempts": WebhookAttempt,
}


def written() -> dict[str, int]:
    """Rows written since the database's statistics began, by what they are. One statement."""
    rows = _inserted(model._meta.db_table for model in WRITTEN.values())
    return {name: rows.get(model._meta.db_table, 0) for name, model in WRITTEN.items()}


def submitted() -> dict[str, int]:
    """Chain operations ever asked for, by domain; as `written`. One statement."""
    tables = concrete_tables()
    rows = _inserted(table._meta.db_table for table in tables)
    found: Counter[str] = Counter()
    for table in tables:
        found[label_of(table)] += rows.get(table._meta.db_table, 0)
    return dict(found)


def _inserted(tables: Iterable[str]) -> dict[str, int]:
    """Rows ever inserted, by table.

    PostgreSQL counts them itself, rows of transactions that rolled back included, about a second
    late. It begins at zero again after a crash, as counters of Prometheus may.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins FROM pg_stat_user_tables"
            " WHERE schemaname = current_schema() AND relname = ANY(%s)",
            [list(tables)],
        )
        return dict(cursor.fetchall())


def recent() -> dict[tuple[str, str], int]:
    """What became of what was asked for in the last five minutes, by domain and status; `webhooks`
    are deliveries. One statement, over the newest rows of each table alone."""
    since = timezone.now() - RECENT
    parts = [_recent(table, since) for table in concrete_tables()]
    deliveries = f"""
        SELECT 'webhooks', status, count(*) FROM {WebhookDelivery._meta.db_table}
        WHERE id >= '{id_from("whd", since)}' GROUP BY 2"""  # noqa: S608 (an id of our own making)
    found: Counter[tuple[str, str]] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([*parts, deliveries]))
        for domain, status, count in cursor.fetchall():
            found[domain, status] += count
    return dict(found)


def _recent(table: type[Submission], since: datetime) -> str:
    """Ids sort by the time they were made, so the primary key finds the newest."""
    return f"""
        SELECT '{label_of(table)}', status, count(*) FROM {table._meta.db_table}
        WHERE id >= '{id_from("opr", since)}' GROUP BY 2"""  # noqa: S608 (an id of our own making)

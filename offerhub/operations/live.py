"""Chain operations of every table together: how many are on their way, and need a person's eye."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from offerhub.chain.submission import LIVE, Submission
from offerhub.chain.tables import concrete_tables
from offerhub.chain.turns import WAITS

# Longer than that on its way, and somebody should look: an envelope lives five minutes.
STUCK = timedelta(minutes=10)

# Waiting for a turn with the escrow provider may take long and needs nobody; a party that signs
# itself has days for it, and its operations are a list of their own.
_STUCK = f"""(status <> 'AWAITING_SIGNATURE' AND created_at < now() - %(old)s::interval
       AND problem->>'code' IS DISTINCT FROM '{WAITS}')"""
_COUNTS = """
SELECT {label} AS domain,
       count(*) FILTER (WHERE status = 'UNKNOWN'),
       count(*) FILTER (WHERE {stuck}),
       count(*),
       min(created_at) FILTER (WHERE status = 'UNKNOWN' OR {stuck}),
       count(*) FILTER (WHERE problem->>'code' LIKE 'books%%'),
       count(*) FILTER (WHERE status = 'AWAITING_SIGNATURE')
FROM {table} WHERE status IN ({live})"""


@dataclass(frozen=True)
class Live:
    """What is on its way in one domain. `oldest` is of those that need an eye."""

    unknown: int = 0
    stuck: int = 0
    all: int = 0
    oldest: datetime | None = None
    behind: int = 0  # done on the chain, and the books can not take it yet
    unsigned: int = 0  # a party that holds its own key has the envelope

    @property
    def needing(self) -> bool:
        """Whether a person should look."""
        return bool(self.unknown or self.stuck)


def live_counts() -> dict[str, Live]:
    """By app label (orders, payouts, wallets …). One statement, over the live rows alone."""
    live = ", ".join(f"'{status}'" for status in LIVE)  # as the partial indexes write it
    parts = [
        _COUNTS.format(
            label=f"'{label_of(table)}'", table=table._meta.db_table, live=live, stuck=_STUCK
        )
        for table in concrete_tables()
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), {"old": f"{STUCK.total_seconds()} seconds"})
        rows = cursor.fetchall()
    labels = dict.fromkeys(row[0] for row in rows)
    return {label: _added(Live(*row[1:]) for row in rows if row[0] == label) for label in labels}


def label_of(table: type[Submission]) -> str:
    """The domain that an operation belongs to."""
    return table._meta.app_label


def together(counts: dict[str, Live], *labels: str) -> Live:
    """Those of some domains, added up; of all without a name."""
    return _added(row for label, row in counts.items() if not labels or label in labels)


def _added(several: Iterable[Live]) -> Live:
    chosen = list(several)
    return Live(
        unknown=sum(row.unknown for row in chosen),
        stuck=sum(row.stuck for row in chosen),
        all=sum(row.all for row in chosen),
        oldest=min((row.oldest for row in chosen if row.oldest), default=None),
        behind=sum(row.behind for row in chosen),
        unsigned=sum(row.unsigned for row in chosen),
    )

"""What `/metrics` shows, in Prometheus' own text format.

Gauges and counters are read from the database when they are asked for, so every web process shows
the same. Only the requests are counted where they happen: see decision 0032.
"""

import os
from collections.abc import Iterator

from django.db import DatabaseError
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from offerhub.api import timings
from offerhub.operations import figures, health, live, waiting

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition() -> bytes:
    """Everything, measured now. Nine statements."""
    registry = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(timings.ALONE)
    registry.register(FromDatabase())
    return bytes(generate_latest(registry))


class FromDatabase(Collector):
    """Facts and figures. Without a database `offerhub_database_up` is all that is known."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("offerhub_database_up", "Whether the database answers.")
        try:
            found = [*_health(), *_live(), *_waiting(), *_written(), *_recent()]
        except DatabaseError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from found


# What each fact is called here, and what a person reads beside it.
GAUGES = {
    "chain_lag": ("offerhub_chain_lag_ledgers", "Ledgers that are closed and not read yet."),
    "cursor_age": ("offerhub_cursor_age_seconds", "Since the monitor last read the chain."),
    "oldest_due": ("offerhub_oldest_due_seconds", "Since the oldest due row is due."),
    "oldest_unknown": (
        "offerhub_oldest_unknown_seconds",
        "Age of the oldest operation of which no answer proved the outcome.",
    ),
    "events_outbox": (
        "offerhub_events_outbox_age_seconds",
        "Age of the oldest event that has no place in the log yet.",
    ),
    "webhooks_outbox": (
        "offerhub_webhooks_outbox_age_seconds",
        "Since the oldest webhook to an endpoint that answers is due.",
    ),
}


def _health() -> Iterator[Metric]:
    limit = GaugeMetricFamily(
        "offerhub_health_limit", "What a fact may be at the most.", labels=["fact"]
    )
    warning = GaugeMetricFamily(
        "offerhub_health_warning", "1 where a fact is over its limit.", labels=["fact"]
    )
    reading = health.read()
    for fact in reading.facts:
        name, about = GAUGES[fact.name]
        if fact.value is not None:
            yield GaugeMetricFamily(name, about, fact.value)
        limit.add_metric([fact.name], fact.limit)
        warning.add_metric([fact.name], fact.state is health.State.WARNING)
    halted = reading.cursor is not None and reading.cursor.state == "HALTED"
    yield GaugeMetricFamily(
        "offerhub_monitor_halted", "1 when the monitor waits for a person.", int(halted)
    )
    yield limit
    yield warning


def _live() -> Iterator[Metric]:
    families = {
        "all": ("offerhub_operations_live", "Chain operations on their way."),
        "unknown": ("offerhub_operations_unknown", "Those whose outcome no answer proved."),
        "stuck": ("offerhub_operations_stuck", "Those that take over ten minutes."),
        "behind": (
            "offerhub_operations_books_behind",
            "Those that the chain has done and the books can not take.",
        ),
    }
    counts = live.live_counts()
    for part, (name, about) in families.items():
        family = GaugeMetricFamily(name, about, labels=["domain"])
        for domain, row in sorted(counts.items()):
            family.add_metric([domain], getattr(row, part))
        yield family


def _waiting() -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "offerhub_waiting", "What waits for a person of the desk.", labels=["queue"]
    )
    family.add_metric(["differences"], waiting.differing().number)
    family.add_metric(["suspense"], waiting.suspense().number)
    family.add_metric(["unread_events"], waiting.unread().number)
    yield family


def _written() -> Iterator[Metric]:
    titles = {
        "entries": "Entries of the ledger.",
        "postings": "Postings of the ledger.",
        "events": "Events.",
        "deposits": "Deposits seen on the chain.",
        "deliveries": "Webhooks to be sent.",
        "delivery_attempts": "Tries to send one.",
    }
    for name, count in figures.written().items():
        yield CounterMetricFamily(f"offerhub_{name}", titles[name], count)
    submissions = CounterMetricFamily(
        "offerhub_submissions", "Chain operations asked for.", labels=["domain"]
    )
    for domain, count in sorted(figures.submitted().items()):
        submissions.add_metric([domain], count)
    yield submissions


def _recent() -> Iterator[Metric]:
    operations = GaugeMetricFamily(
        "offerhub_operations_recent",
        "Chain operations asked for in the last five minutes, by what became of them.",
        labels=["domain", "status"],
    )
    deliveries = GaugeMetricFamily(
        "offerhub_deliveries_recent",
        "Webhooks of the last five minutes, by what became of them.",
        labels=["status"],
    )
    for (domain, status), count in sorted(figures.recent().items()):
        if domain == "webhooks":
            deliveries.add_metric([status], count)
        else:
            operations.add_metric([domain, status], count)
    yield operations
    yield deliveries

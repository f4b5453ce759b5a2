"""The rows that a page leaves: deposits, their first events, and what could not be read.

Each kind is written with one statement, whatever the number of rows.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from offerhub.chain.events import Quarantined, Seen
from offerhub.chain.types import Transfer
from offerhub.core.actor import system
from offerhub.core.money import format_amount
from offerhub.deposits.judgement import Owner, Role, Verdict, asset_of
from offerhub.deposits.models import Deposit, QuarantinedEvent, source_of
from offerhub.events.models import Event
from offerhub.events.services import first

ACTOR = system("monitor")


@dataclass(frozen=True)
class Finding:
    """A movement that is a deposit, with its number (see `numbered`) and what to do with it."""

    id: str
    seen: Seen
    index: int
    owner: Owner
    verdict: Verdict

    @property
    def transfer(self) -> Transfer:
        """What moved."""
        return self.seen.transfer

    def source(self, network: str) -> str:
        """The name of this fact in the books."""
        transfer = self.transfer
        return source_of(
            network, transfer.operation, transfer.recipient, asset_of(transfer), self.index
        )


_COLUMNS = {
    "id": "text",
    "marketplace_id": "text",
    "user_id": "text",
    "network": "text",
    "operation": "text",
    "index": "int",
    "address": "text",
    "holder": "text",
    "asset_code": "text",
    "asset_issuer": "text",
    "amount": "bigint",
    "status": "text",
    "reason": "text",
    "sender": "text",
    "muxed_id": "text",
    "tx_hash": "text",
    "ledger": "bigint",
    "closed_at": "timestamptz",
}
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)
_TYPED = ", ".join(f'"{name}" {kind}' for name, kind in _COLUMNS.items())
_INSERT = f"""
    INSERT INTO {Deposit._meta.db_table} ({_NAMES}, version)
    SELECT {_NAMES}, 1 FROM jsonb_to_recordset(%s) AS row({_TYPED})
    ON CONFLICT DO NOTHING RETURNING id"""  # noqa: S608 (names of our own columns)


def insert(network: str, findings: Sequence[Finding]) -> list[Finding]:
    """Write the rows; those that were not there yet. One statement.

    The rows come before the entries: whoever else books the same movements at this moment waits
    here, on the unique key, and then finds them known.
    """
    if not findings:
        return []
    rows = [_row(network, finding) for finding in findings]
    rows.sort(key=lambda row: (row["operation"], row["address"], row["asset_code"], row["index"]))
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [json.dumps(rows)])
        made = {row[0] for row in cursor.fetchall()}
    return [finding for finding in findings if finding.id in made]


def _row(network: str, finding: Finding) -> dict[str, Any]:
    seen, transfer = finding.seen, finding.transfer
    contract = finding.owner.role == Role.CONTRACT
    return {
        "id": finding.id,
        "marketplace_id": finding.owner.marketplace_id,
        "user_id": finding.owner.user_id,
        "network": network,
        "operation": transfer.operation,
        "index": finding.index,
        "address": transfer.recipient,
        "holder": Deposit.Holder.CONTRACT if contract else Deposit.Holder.WALLET,
        "asset_code": transfer.asset_code,
        "asset_issuer": transfer.asset_issuer,
        "amount": transfer.amount,
        "status": finding.verdict.status,
        "reason": finding.verdict.reason,
        "sender": transfer.sender,
        "muxed_id": _printable(transfer.recipient_muxed_id)[:64],
        "tx_hash": seen.hash,
        "ledger": seen.ledger,
        "closed_at": seen.closed_at.isoformat(),
    }


def _printable(text: str) -> str:
    """A memo may hold any bytes; zeros and the like have no place in a text column."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _event_type(finding: Finding) -> str:
    if finding.verdict.status == Deposit.Status.SUSPENSE:
        return "deposit.suspended"
    if finding.verdict.reason == Deposit.Reason.PLATFORM_CAPITAL:
        return "deposit.capital_received"
    return "deposit.credited"


def record_events(findings: Sequence[Finding]) -> None:
    """The first event of each new row, all in one statement: nobody else knows the rows yet."""
    Event.objects.bulk_create(
        first(
            finding.id,
            _event_type(finding),
            marketplace_id=finding.owner.marketplace_id,
            actor=ACTOR,
            payload=_payload(finding),
        )
        for finding in findings
    )


def _payload(finding: Finding) -> dict[str, Any]:
    transfer = finding.transfer
    payload = {
        "userId": finding.owner.user_id,
        "amount": format_amount(transfer.amount),
        "asset": {"code": transfer.asset_code, "issuer": transfer.asset_issuer},
        "address": transfer.recipient,
        "hash": finding.seen.hash,
        "ledger": finding.seen.ledger,
    }
    return payload | ({"reason": finding.verdict.reason} if finding.verdict.reason else {})


def quarantine(network: str, events: Sequence[Quarantined]) -> int:
    """Keep events that could not be read, each once; how many there are. One statement."""
    QuarantinedEvent.objects.bulk_create(
        (
            QuarantinedEvent(
                network=network,
                event=_printable(event.id)[:160],
                ledger=event.ledger,
                tx_hash=_printable(event.hash)[:64],
                problem=_printable(event.reason)[:300],
                raw=_printable(json.dumps(event.raw, default=str)[:4000]),
            )
            for event in events
        ),
        ignore_conflicts=True,
    )
    return len(events)


def set_aside(network: str, movements: Sequence[Seen], problem: str) -> int:
    """The same for movements that were read but can not be booked."""
    return quarantine(network, [_as_event(network, seen, problem) for seen in movements])


def _as_event(network: str, seen: Seen, problem: str) -> Quarantined:
    transfer = seen.transfer
    name = source_of(
        network, transfer.operation, transfer.recipient, asset_of(transfer), transfer.index
    )
    raw = {"sender": transfer.sender, "amount": str(transfer.amount)}
    return Quarantined(name, seen.hash, seen.ledger, problem, raw)

"""How runs, differences, heads and proofs look in answers."""

from typing import Any

from offerhub.core.money import format_amount
from offerhub.reconciliation.models import Difference, Proof, Run
from offerhub.reconciliation.seals import Head


def run_body(run: Run) -> dict[str, Any]:
    """A comparison, finished or not."""
    return {
        "id": run.id,
        "status": run.status,
        "address": run.address or None,
        "checked": run.checked,
        "equal": run.equal,
        "undecided": run.undecided,
        "different": run.different,
        "ledger": run.ledger,
        "problem": run.problem or None,
        "createdAt": run.created_at,
        "finishedAt": run.finished_at,
    }


def difference_body(row: Difference) -> dict[str, Any]:
    """A difference with both sides' transactions."""
    return {
        "id": row.id,
        "status": row.status,
        "type": row.type,
        "account": f"{row.kind}:{row.owner}",
        "address": row.owner,
        "asset": row.asset,
        "books": format_amount(row.books),
        "chain": format_amount(row.chain),
        "amount": format_amount(row.amount),
        "ledger": row.ledger,
        "note": row.note or None,
        "lines": [_line(line) for line in row.evidence.get("lines", [])],
        "createdAt": row.created_at,
        "seenAt": row.seen_at,
        "endedAt": row.ended_at,
    }


def _line(line: dict[str, Any]) -> dict[str, Any]:
    return {
        "hash": line.get("hash"),
        "ledger": line["ledger"],
        "books": format_amount(line["books"]),
        "chain": format_amount(line["chain"]),
        "entryId": line.get("entry_id"),
        "operationId": line.get("operation_id"),
        "what": line.get("what", ""),
    }


def head_body(head: Head) -> dict[str, Any]:
    """A day's last seal."""
    return {
        "id": str(head.day),
        "day": str(head.day),
        "marketplaceId": head.marketplace_id,
        "entry": head.number,
        "digest": head.digest,
    }


def proof_body(proof: Proof) -> dict[str, Any]:
    """A proof in short; its document is another route's."""
    return {
        "id": proof.id,
        "asset": proof.asset,
        "owed": format_amount(proof.owed),
        "held": format_amount(proof.held),
        "ledger": proof.document["ledger"],
        "tree": proof.document["tree"],
        "key": proof.document["key"],
        "createdAt": proof.created_at,
    }

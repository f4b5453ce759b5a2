"""Ending a submission: its final state, and its source account given back, in one statement."""

import functools
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from offerhub.chain.submission import Status, Submission
from offerhub.chain.types import ChainFact


def finish(row: Submission, status: Status, fact: ChainFact | None) -> None:
    """End an operation that the caller has locked: final state, and the source account given back.

    One statement for both. The wallet's fee budget shrinks by what the network charged it.
    """
    values = finished(row, status, fact)
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {finishing(type(row))} SELECT", values)


@functools.cache
def finishing(model: type[Submission]) -> str:
    """The parts `op` and `lane` of a statement that ends an operation, with `finished`'s values."""
    table, (lane_table, lane_column) = model._meta.db_table, model.LANE
    return f"""
        op AS (
            UPDATE {table} SET status = %(op_status)s, ledger = %(op_ledger)s,
                lease = '', lease_until = NULL, finished_at = now(), problem = %(op_problem)s
            WHERE id = %(op_id)s RETURNING id, {lane_column} AS lane
        ), lane AS (
            UPDATE {lane_table} SET lane = '', fee_budget = fee_budget - %(op_fee)s
            FROM op WHERE {lane_table}.id = op.lane AND {lane_table}.lane = op.id
        )"""  # noqa: S608 (names of our own tables)


def finished(row: Submission, status: Status, fact: ChainFact | None) -> dict[str, Any]:
    """The values of `finishing`; the row has them too."""
    row.status, row.lease, row.lease_until = status, "", None
    row.ledger = fact.ledger if fact else None
    problem = row.problem if status == Status.FAILED else None
    return {
        "op_id": row.pk,
        "op_status": status.value,
        "op_ledger": row.ledger,
        "op_problem": Jsonb(problem) if problem else None,
        "op_fee": fact.fee_charged if fact else 0,
    }

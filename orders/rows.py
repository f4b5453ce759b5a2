"""Orders with what belongs to them, each read in one statement and under the order's lock.

A statement that waited for a lock shows the newest version of the rows that it locks, and an older
one of all others: so what a decision rests on is locked as well, or read afterwards.
"""

from typing import Any

from django.db import connection

from offerhub.core.rows import Columns, remember
from orders.models import Escrow, EscrowOperation, Milestone, Order

_ORDER, _ESCROW = Columns(Order, "o"), Columns(Escrow, "e")
_MILESTONE, _OPERATION = Columns(Milestone, "m"), Columns(EscrowOperation, "p")
_SALE = _ORDER.width + _ESCROW.width

# S608 below: the texts are put together from names of our own columns.
_ONE = (
    f"SELECT {_ORDER.sql} FROM orders_order o WHERE o.id = %s AND o.marketplace_id = %s FOR UPDATE"  # noqa: S608
)
_FUNDABLE = f"""
    SELECT {_ORDER.sql}, {_ESCROW.sql}
    FROM orders_escrow e JOIN orders_order o ON o.id = e.order_id
    WHERE e.id = %s AND e.marketplace_id = %s FOR UPDATE OF o, e"""  # noqa: S608
_WHOLE = f"""
    SELECT {_ORDER.sql}, {_ESCROW.sql}, {_MILESTONE.sql}
    FROM orders_order o
    JOIN orders_escrow e ON e.order_id = o.id JOIN orders_milestone m ON m.order_id = o.id
    WHERE o.id = %s AND o.marketplace_id = %s
    ORDER BY m.position FOR UPDATE OF o, e, m"""  # noqa: S608
_TERMS = f"""
    SELECT {_ORDER.sql}, {_ESCROW.sql}, {_MILESTONE.sql}
    FROM orders_order o
    JOIN orders_escrow e ON e.order_id = o.id JOIN orders_milestone m ON m.order_id = o.id
    WHERE o.id = %s ORDER BY m.position"""  # noqa: S608
# A milestone changes only in the transaction that writes or ends its order's one live operation.
_CALL = f"""
    SELECT {_ORDER.sql}, {_ESCROW.sql}, {_OPERATION.sql}, {_MILESTONE.sql}
    FROM orders_escrowoperation p
    JOIN orders_order o ON o.id = p.order_id JOIN orders_escrow e ON e.order_id = o.id
    LEFT JOIN orders_milestone m ON m.id = p.milestone_id
    WHERE p.id = %s FOR UPDATE OF o, e, p"""  # noqa: S608


def locked(order_id: str, marketplace_id: str) -> Order | None:
    """The order alone; its escrow is read when it is asked for."""
    rows = _rows(_ONE, order_id, marketplace_id)
    return _ORDER.instance(rows[0]) if rows else None


def locked_by_escrow(escrow_id: str, marketplace_id: str) -> Order | None:
    """The order of an escrow, and that escrow."""
    rows = _rows(_FUNDABLE, escrow_id, marketplace_id)
    return _sale(rows[0]) if rows else None


def locked_whole(order_id: str, marketplace_id: str) -> tuple[Order, list[Milestone]] | None:
    """The order, its escrow and its milestones; None without an escrow, too."""
    return _whole(_rows(_WHOLE, order_id, marketplace_id))


def terms(order_id: str) -> tuple[Order, list[Milestone]]:
    """The same for reading, when the escrow is there."""
    found = _whole(_rows(_TERMS, order_id))
    assert found is not None
    return found


def locked_call(operation_id: str) -> EscrowOperation:
    """An operation, its order with the escrow, and its milestone."""
    (row,) = _rows(_CALL, operation_id)
    operation = _OPERATION.instance(row[_SALE : _SALE + _OPERATION.width])
    remember(operation, "order", _sale(row))
    remember(operation, "milestone", _MILESTONE.found(row[_SALE + _OPERATION.width :]))
    return operation


def _rows(statement: str, *values: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _sale(row: tuple[Any, ...]) -> Order:
    order = _ORDER.instance(row[: _ORDER.width])
    remember(order, "escrow", _ESCROW.instance(row[_ORDER.width : _SALE]))
    return order


def _whole(rows: list[tuple[Any, ...]]) -> tuple[Order, list[Milestone]] | None:
    if not rows:
        return None
    return _sale(rows[0]), [_MILESTONE.instance(row[_SALE:]) for row in rows]

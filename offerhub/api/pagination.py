"""Lists: newest first, cut by the id of the last row seen, so that a page costs the same at any
depth and nothing is skipped or repeated when rows are added meanwhile."""

import base64
import binascii
from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict

from offerhub.api.refusals import InvalidCursor
from offerhub.core.errors import FieldError, InvalidRequest

M = TypeVar("M", bound=Model)

DEFAULT_LIMIT, MOST = 20, 100
_VERSION = b"1:"


def page(
    rows: "QuerySet[M]",
    query: QueryDict,
    body: Callable[[M], dict[str, Any]],
    *,
    key: str = "pk",
    parse: Callable[[str], Any] = str,
    newest_first: bool = True,
) -> dict[str, Any]:
    """`{"data": […], "hasMore", "nextCursor"}` of a queryset, by `limit` and `cursor` of the query.

    `key` is a unique column that orders the rows (a time-ordered id, a position); `parse` turns
    its text back into a value and raises ValueError for what is none. Raises InvalidRequest for a
    limit outside 1..100 and InvalidCursor. One query, whatever the size.
    """
    limit = limit_of(query)
    cursor = query.get("cursor")
    if cursor:
        comparison = "lt" if newest_first else "gt"
        rows = rows.filter(**{f"{key}__{comparison}": _position(cursor, parse)})
    found = list(rows.order_by(f"-{key}" if newest_first else key)[: limit + 1])
    shown = found[:limit]
    more = len(found) > limit
    return {
        "data": [body(row) for row in shown],
        "hasMore": more,
        "nextCursor": _cursor(getattr(shown[-1], key)) if more else None,
    }


def page_of(
    rows: "QuerySet[M]", query: QueryDict, bodies: Callable[[list[str]], list[dict[str, Any]]]
) -> dict[str, Any]:
    """The same for rows that are shown all at once, by their ids; `bodies` keeps newest first."""
    found = page(rows, query, lambda row: {"id": row.pk})
    ids = [row["id"] for row in found["data"]]
    return found | {"data": bodies(ids) if ids else []}


def page_at_hand(
    rows: list[dict[str, Any]], query: QueryDict, *, key: str = "id"
) -> dict[str, Any]:
    """The same of bodies that are at hand already, in their own order: `key` is a text that rises
    from one to the next."""
    limit, cursor = limit_of(query), query.get("cursor")
    if cursor:
        last = _position(cursor, str)
        rows = [row for row in rows if row[key] > last]
    shown, more = rows[:limit], len(rows) > limit
    last_shown = _cursor(shown[-1][key]) if more else None
    return {"data": shown, "hasMore": more, "nextCursor": last_shown}


def limit_of(query: QueryDict) -> int:
    """How many rows are wanted."""
    text = query.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MOST):
        raise InvalidRequest(
            errors=[
                FieldError("limit", "invalid_limit", f"must be a whole number from 1 to {MOST}")
            ]
        )
    return int(text)


def _cursor(position: Any) -> str:
    return base64.urlsafe_b64encode(_VERSION + str(position).encode()).decode().rstrip("=")


def _position(cursor: str, parse: Callable[[str], Any]) -> Any:
    try:
        raw = base64.b64decode(
            cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        )
        text = raw.removeprefix(_VERSION).decode("ascii")
        if not raw.startswith(_VERSION) or not text.isprintable() or len(text) > 64:
            raise ValueError(cursor)
        return parse(text)
    except (ValueError, binascii.Error):
        raise InvalidCursor(
            errors=[FieldError("cursor", "invalid_cursor", "is not one that this list answered")]
        ) from None

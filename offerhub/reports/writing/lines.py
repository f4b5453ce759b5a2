"""CSV and JSON Lines: the database writes each row, and here they only pass through.

CSV is RFC 4180 in UTF-8. Its last lines begin with `#`: what the file is of, the control totals,
and `#end` with the number of rows. A file without that line is not whole.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable
from typing import Any

from offerhub.reports.writing.export import BLOCK, Export, Sink

_CSV = "COPY ({query}) TO STDOUT (FORMAT csv)"
# A column of JSON holds no control character, so that these two never occur and nothing is quoted.
_JSON = (
    "COPY (SELECT row_to_json(r) FROM ({query}) r) TO STDOUT"
    " (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
)


def write_csv(export: Export, sink: Sink) -> int:
    """Write all of it; how many rows there were."""
    sink.write(_record([column.name for column in export.columns]))
    rows = _stream(export, sink, _CSV.format(query=export.query), b"\r\n")
    width = len(export.columns)
    for name, value in export.facts():
        sink.write(_record([f"#{name}", value], width))
    for asset, name, value in export.figures():
        sink.write(_record(["#total", asset, name, value], width))
    sink.write(_record(["#end", str(rows)], width))
    return rows


def write_jsonl(export: Export, sink: Sink) -> int:
    """Write all of it; how many rows there were."""
    rows = _stream(export, sink, _JSON.format(query=export.query), b"\n")
    totals: dict[str, dict[str, str]] = {}
    for asset, name, value in export.figures():
        totals.setdefault(asset, {})[name] = value
    end = {"#facts": dict(export.facts()), "#totals": totals, "#end": rows}
    sink.write(json.dumps(end, ensure_ascii=False).encode() + b"\n")
    return rows


def _stream(export: Export, sink: Sink, statement: str, ending: bytes) -> int:
    """Pass rows through, a block at a time. The server sends each row as one piece."""
    rows = 0
    block: list[Any] = []
    with export.session.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for piece in copy:
            block.append(piece[:-1])  # its line end
            if len(block) == BLOCK:
                rows += _pass_on(block, sink, ending, export.tick, rows)
    return rows + _pass_on(block, sink, ending, export.tick, rows)


def _pass_on(
    block: list[Any], sink: Sink, ending: bytes, tick: Callable[[int], None], before: int
) -> int:
    written = len(block)
    if block:
        sink.write(ending.join(block) + ending)
        block.clear()
    tick(before + written)
    return written


def _record(cells: Iterable[str], width: int = 0) -> bytes:
    """One line, filled up to the width of the table."""
    line = io.StringIO()
    found = list(cells)
    csv.writer(line).writerow(found + [""] * (width - len(found)))
    return line.getvalue().encode()

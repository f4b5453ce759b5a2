"""Lists of withdrawals as files: reading what people upload, and writing what became of it.

A cell that begins like a formula is refused when it is read and defused when it is written: who
opens the file in a spreadsheet must not run what somebody else wrote.
"""

import codecs
import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from offerhub.api.serializers import complain
from offerhub.core.errors import FieldError, InvalidRequest
from payouts.batches import MOST

MOST_BYTES = 512 * 1024
# As a spreadsheet reads them, full-width forms too.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
DELIMITERS = (",", ";", "\t")
# What a column may be called, and the field of `POST /withdrawals` that it is.
COLUMNS = {
    "userid": "userId",
    "user": "userId",
    "amount": "amount",
    "destination": "destination",
    "address": "destination",
    "destinationid": "destinationId",
    "memo": "memo",
    "memotype": "memoType",
    "reference": "externalRef",
    "externalref": "externalRef",
}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Line:
    """One line of a file: its number there, and its cells by the fields of a request; `surplus`
    when there are more cells than columns."""

    number: int
    cells: dict[str, str]
    surplus: bool = False


def decode(content: bytes) -> tuple[str, str]:
    """The text of a file, and how it was read: by its mark, else UTF-8, else Windows-1252.

    Raises InvalidRequest.
    """
    if len(content) > MOST_BYTES:
        raise _refuse("too_large", f"is over {MOST_BYTES // 1024} KB")
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), "")
    for name in [marked] if marked else ["utf-8", "cp1252"]:
        try:
            text = content.decode(name)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text, {"utf-8-sig": "utf-8"}.get(name, name)
    raise _refuse("not_text", "is no text in UTF-8, UTF-16 or Windows-1252; save it as CSV UTF-8")


def read(text: str) -> list[Line]:
    """The lines of a list, empty ones left out. Raises InvalidRequest when it is no such list."""
    head = text.lstrip().partition("\n")[0]
    delimiter = max(DELIMITERS, key=head.count)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        found = [(rows.line_num, [cell.strip(" ") for cell in row]) for row in rows]
    except csv.Error as error:
        raise _refuse("not_csv", f"can not be read as CSV ({error})") from None
    found = [(number, row) for number, row in found if any(row)]
    if len(found) < 2:
        raise _refuse("empty", "has no lines below its first one")
    (_, names), *lines = found
    if len(lines) > MOST:
        raise _refuse("too_many", f"has {len(lines)} lines; at most {MOST} are taken at a time")
    fields = _fields(names)
    return [
        Line(number, dict(zip(fields, row, strict=False)), any(row[len(fields) :]))
        for number, row in lines
    ]


def _fields(names: Sequence[str]) -> list[str]:
    """What each column is; the first line names them."""
    plain = [name.lower().replace(" ", "").replace("_", "") for name in names]
    unknown = [name for name, key in zip(names, plain, strict=True) if key not in COLUMNS]
    if unknown:
        known = "userId, amount, destination or destinationId, memo, memoType, reference"
        raise _refuse("unknown_column", f"has a column {unknown[0][:40]!r}; known are {known}")
    fields = [COLUMNS[key] for key in plain]
    if len(set(fields)) < len(fields):
        raise _refuse("column_twice", "has a column twice")
    whereto = {"destination", "destinationId"} & set(fields)
    if not whereto or not {"userId", "amount"} <= set(fields):
        raise _refuse("column_missing", "needs the columns userId, amount and destination")
    return fields


def refuse_strange_cells(line: Line) -> None:
    """Raise InvalidRequest for a cell that a spreadsheet would run, or that has no column."""
    if line.surplus:
        raise complain("line", "surplus", "has more cells than there are columns")
    for field, cell in line.cells.items():
        if cell.startswith(FORMULA):
            raise complain(field, "formula", "begins like a formula of a spreadsheet")


def write(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A CSV file that spreadsheets open as UTF-8 and run nothing of."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([defused(cell) for cell in row] for row in rows)
    return codecs.BOM_UTF8 + out.getvalue().encode()


def defused(cell: Any) -> str:
    """A cell as text: with an apostrophe before what would be a formula."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text


def _refuse(code: str, message: str) -> InvalidRequest:
    return InvalidRequest(errors=[FieldError("file", code, message)])

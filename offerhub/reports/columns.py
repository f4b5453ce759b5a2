"""Columns of reports: what each value means, and how it is written in each format.

A column is written by the database itself, so that a million rows never become Python values.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """How a file is written; the values are the endings of names."""

    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"
    BEANCOUNT = "beancount"


TABLES = (Format.CSV, Format.XLSX, Format.JSONL)

MEDIA_TYPES = {
    Format.CSV: "text/csv; charset=utf-8; header=present",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.JSONL: "application/x-ndjson",
    Format.BEANCOUNT: "text/plain; charset=utf-8",
}


class Kind(StrEnum):
    """What a value is. Only TEXT can hold what strangers wrote."""

    WORD = "word"  # our ids, states and names, addresses and hashes: no spaces, no signs in front
    TEXT = "text"
    AMOUNT = "amount"  # stroops in the database, decimal with seven places in a file
    COUNT = "count"
    INSTANT = "instant"  # in the zone of the run, with its offset
    DAY = "day"


@dataclass(frozen=True)
class Column:
    """One column. `sql` is its value in the database; `unit` is of amounts."""

    name: str
    kind: Kind
    sql: str
    meaning: str
    unit: str = ""


# What a spreadsheet may take for the beginning of a formula, and what it may overlook before it.
_SIGNS = "=+\\-@|%" + "\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b"
_OVERLOOKED = (
    "\\u0001-\\u0020\\u007f-\\u00a0\\u00ad\\u034f\\u061c\\u1680\\u180b-\\u180e\\u2000-\\u200f"
    "\\u2028-\\u202f\\u205f-\\u206f\\u3000\\ufe00-\\ufe0f\\ufeff"
)
# A sign that comes first in the text, or in a piece of it where a program splits at semicolons.
_FIRST = f"(^|;)([{_OVERLOOKED}]*[{_SIGNS}])".replace("%", "%%")
_LATER = _FIRST.replace("(^|;)", "(;)")
_BLANK = "^[\\t\\r\\n\\v\\f]"  # dangerous by itself
_APOSTROPHE = "'\\1''\\2', 'g'"


def defused(sql: str) -> str:
    """The text with an apostrophe wherever a spreadsheet would begin to read a formula.

    For queries that have values: signs of per cent are doubled.
    Nearly every text begins with a letter or a digit, which is cheaper to see than a pattern.
    """
    return (
        f"CASE WHEN (ascii({sql}) BETWEEN 97 AND 122 OR ascii({sql}) BETWEEN 48 AND 57"
        f" OR ascii({sql}) BETWEEN 65 AND 90) AND strpos({sql}, ';') = 0 THEN {sql}"
        f" WHEN {sql} ~ '{_BLANK}' THEN"
        f" '''' || regexp_replace({sql}, '{_LATER}', {_APOSTROPHE})"
        f" ELSE regexp_replace({sql}, '{_FIRST}', {_APOSTROPHE}) END"
    )


_IN_PYTHON = re.compile(f"(^|;)([{_OVERLOOKED}]*[{_SIGNS}])")


def safe(line: str) -> str:
    """The same for the few texts of one line that do not come from the database."""
    return _IN_PYTHON.sub(r"\1'\2", line)


def decimal(sql: str) -> str:
    """Stroops as a decimal with seven places."""
    return f"({sql}) * 0.0000001"


def written(column: Column, form: Format) -> str:
    """The SQL that writes a column's value in a format."""
    if column.kind == Kind.AMOUNT:
        # A spreadsheet keeps 15 digits of a number, and JSON readers no more: there it is text.
        return decimal(column.sql) if form == Format.CSV else f"({decimal(column.sql)})::text"
    if column.kind == Kind.TEXT and form != Format.JSONL:
        return defused(f"({column.sql})")
    if column.kind == Kind.INSTANT and form == Format.XLSX:
        return f"({column.sql})::text"
    return column.sql


def select(columns: Sequence[Column], form: Format) -> str:
    """The list of a SELECT."""
    return ", ".join(f'{written(column, form)} AS "{column.name}"' for column in columns)

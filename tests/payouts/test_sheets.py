"""Files of withdrawals: encodings, delimiters, and cells that a spreadsheet would run."""

import csv
import io

import pytest

from offerhub.core.errors import InvalidRequest
from payouts import sheets
from payouts.batches import MOST

HEAD = "userId,amount,destination,memo,reference"


@pytest.mark.parametrize(
    ("content", "read_as"),
    [
        ("userId,amount,destination\nzoë,1,G".encode(), "utf-8"),
        ("userId,amount,destination\nzoë,1,G".encode("utf-8-sig"), "utf-8"),
        ("userId,amount,destination\nzoë,1,G".encode("cp1252"), "cp1252"),
        ("userId\tamount\tdestination\nzoë\t1\tG".encode("utf-16"), "utf-16"),
        ("﻿User ID;Amount;Address\r\nzoë;1;G\r\n".encode(), "utf-8"),
    ],
)
def test_a_list_is_read_whatever_program_saved_it(content: bytes, read_as: str) -> None:
    text, encoding = sheets.decode(content)
    assert encoding == read_as
    (line,) = sheets.read(text)
    assert line.cells == {"userId": "zoë", "amount": "1", "destination": "G"}
    assert line.number == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0", "not_text"),
        (b"a" * (sheets.MOST_BYTES + 1), "too_large"),
        (b"", "empty"),
        (HEAD.encode(), "empty"),
        (b"userId,amount\nann,1", "column_missing"),
        (b"userId,amount,destination,salary\nann,1,G,9", "unknown_column"),
        (b"userId,user,amount,destination\na,b,1,G", "column_twice"),
        (b'userId,amount,destination\n"ann,1,G', "not_csv"),
        (f"{HEAD}\n{'ann,1,G,,' + chr(10)}".encode() * 1 + b"ann,1,G,,\n" * MOST, "too_many"),
    ],
)
def test_what_is_no_list_is_refused_by_name(content: bytes, code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        sheets.read(sheets.decode(content)[0])
    assert [error.code for error in refused.value.errors] == [code]


def test_empty_lines_are_nothing_and_quoted_cells_hold_commas() -> None:
    text = f'{HEAD}\n\nann,1,G,"a, b",r1\n,,,,\n\nbob,2,G,,\n'
    assert [(line.number, line.cells["memo"]) for line in sheets.read(text)] == [
        (3, "a, b"),
        (6, ""),
    ]


@pytest.mark.parametrize("first", sheets.FORMULA)
def test_a_cell_that_a_spreadsheet_would_run_is_refused_and_defused(first: str) -> None:
    cell = f"{first}HYPERLINK(1)"
    with pytest.raises(InvalidRequest, match="formula"):
        sheets.refuse_strange_cells(sheets.Line(2, {"memo": cell}))
    written = sheets.write(["memo"], [[cell], ["plain"], [None], [7]])
    rows = list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline="")))
    assert rows == [["memo"], [f"'{cell}"], ["plain"], [""], ["7"]]


def test_more_cells_than_columns_are_not_dropped_silently() -> None:
    (line,) = sheets.read(f"{HEAD}\nann,1,G,,r,lost")
    with pytest.raises(InvalidRequest, match="more cells"):
        sheets.refuse_strange_cells(line)

"""XLSX with constant memory: sheets of rows, and a last sheet that says what they are.

A sheet ends at 1,048,576 rows and the report goes on in the next one. Amounts are text, because a
spreadsheet keeps 15 digits of a number; text is never taken for a formula or a link.
"""

import hashlib
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from offerhub.reports.columns import Kind
from offerhub.reports.writing.export import BLOCK, Export

ROWS = 1_048_576  # of a sheet, its head included


class CellRefused(Exception):
    """A value that no cell can hold; nothing is left out silently."""


class Sheets:
    """The sheets of rows, each with the head of the table."""

    def __init__(self, book: xlsxwriter.Workbook, export: Export, most: int) -> None:
        self.book, self.most, self.columns = book, most, export.columns
        self.head = book.add_format({"bold": True})
        self.day = book.add_format({"num_format": "yyyy-mm-dd"})
        self.number, self.place = 0, most
        self.sheet: Worksheet | None = None

    def add(self, row: tuple[Any, ...]) -> None:
        """The next row, on the next sheet when this one is full."""
        if self.place >= self.most or self.sheet is None:
            self.begin()
        assert self.sheet is not None
        for column, value in enumerate(row):
            if value is not None and value != "":
                self._cell(column, value)
        self.place += 1

    def begin(self) -> None:
        """A new sheet."""
        self.number += 1
        name = "Rows" if self.number == 1 else f"Rows {self.number}"
        self.sheet = self.book.add_worksheet(name)
        self.sheet.freeze_panes(1, 0)
        for place, column in enumerate(self.columns):
            self.sheet.set_column(place, place, 14 if column.kind != Kind.TEXT else 28)
            self.sheet.write_string(0, place, column.name, self.head)
        self.place = 1

    def _cell(self, column: int, value: Any) -> None:
        assert self.sheet is not None
        kind = self.columns[column].kind
        if kind == Kind.COUNT:
            done = self.sheet.write_number(self.place, column, value)
        elif kind == Kind.DAY:
            done = self.sheet.write_datetime(self.place, column, value, self.day)
        else:
            done = self.sheet.write_string(self.place, column, value)
        if done != 0:
            raise CellRefused(f"{self.columns[column].name} in row {self.place}: {done}")


def write_xlsx(export: Export, path: Path, *, most: int = ROWS) -> int:
    """Write a whole file; how many rows there were."""
    options = {"constant_memory": True, "tmpdir": str(path.parent), "in_memory": False}
    book = xlsxwriter.Workbook(str(path), options)
    book.set_properties({"title": export.type.title, "comments": export.type.name})
    try:
        sheets, rows = Sheets(book, export, most), 0
        with export.session.cursor(name="report") as cursor:
            cursor.itersize = BLOCK
            cursor.execute(export.query.encode())
            for row in cursor:
                sheets.add(row)
                rows += 1
                if rows % BLOCK == 0:
                    export.tick(rows)
        if rows == 0:
            sheets.begin()
        _tell(book, export, rows)
    finally:
        book.close()
    export.tick(rows)
    return rows


def _tell(book: xlsxwriter.Workbook, export: Export, rows: int) -> None:
    """The last sheet: what the report is of, its totals, and its end."""
    sheet = book.add_worksheet("Totals")
    sheet.set_column(0, 3, 24)
    lines: list[tuple[str, ...]] = [(f"#{name}", value) for name, value in export.facts()]
    lines += [("#total", *figure) for figure in export.figures()]
    lines.append(("#end", str(rows)))
    for place, line in enumerate(lines):
        for column, value in enumerate(line):
            sheet.write_string(place, column, value)


def digest_of(path: Path) -> tuple[str, int]:
    """SHA-256 and size of a file that was written out of order."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size

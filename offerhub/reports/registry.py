"""The report types: one list, and what each of them is made of.

A type is columns with their SQL, one FROM, an order, filters as conditions, and control totals.
Its name ends with a version: a column that changes its meaning makes a new type.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from offerhub.reports.columns import TABLES, Column, Format
from offerhub.reports.parameters import Parameters
from offerhub.reports.periods import complaint

# How filters are called outside (camelCase, as the API takes them) and inside.
FILTERS = {
    "marketplace": "marketplace",
    "from": "since",
    "to": "until",
    "at": "at",
    "basis": "basis",
    "userId": "user",
    "orderId": "order",
    "accountId": "account",
    "asset": "asset",
    "status": "status",
    "kind": "kind",
}


class ReportType:
    """One kind of report. Subclasses are registered by `register` and never changed."""

    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]
    columns: ClassVar[Sequence[Column]]
    formats: ClassVar[Sequence[Format]] = TABLES
    tables: ClassVar[str]  # what follows FROM
    alone: ClassVar[str] = ""  # the table of the rows, for totals whose conditions need no other
    order: ClassVar[str]  # what follows ORDER BY
    # Filters that it takes, each as the condition that it makes.
    conditions: ClassVar[Mapping[str, str]]
    always: ClassVar[str] = ""  # a condition that is not asked for
    needs: ClassVar[Sequence[str]] = ()  # filters without which there is no report
    # Control totals per asset: the asset's SQL, and what is summed (stroops), by name.
    asset: ClassVar[str] = "'USDC'"
    totals: ClassVar[Mapping[str, str]] = {}
    # The list of the desk that this is the export of: model, and the SQL of its key.
    model: ClassVar[str] = ""
    key: ClassVar[str] = ""
    defaults: ClassVar[Mapping[str, str]] = {}

    def where(self, asked: Parameters, narrowed: str = "") -> str:
        """The conditions that were asked for, with named values. `narrowed` is a query of keys:
        the rows of a list of the desk."""
        found = [
            condition.format(basis=f"{asked.basis}_at")
            for name, condition in self.conditions.items()
            if getattr(asked, name)
        ]
        found += [self.always] if self.always else []
        found += [f"{self.key} IN ({narrowed})"] if narrowed else []
        return " AND ".join(found) or "true"

    def rows(self, selected: str, asked: Parameters, narrowed: str = "") -> str:
        """The one query of the report."""
        where = self.where(asked, narrowed)
        return f"SELECT {selected} FROM {self.tables} WHERE {where} ORDER BY {self.order}"

    def sums(self, asked: Parameters, narrowed: str = "") -> str:
        """The control totals: asset, rows, then a sum for each name of `totals`."""
        sums = "".join(f", coalesce(sum({sql}), 0)" for sql in self.totals.values())
        where = self.where(asked, narrowed)
        needed = {self.alone[-1:], *re.findall(r"\b([a-z])\.", where)}
        tables = self.alone if needed == {self.alone[-1:]} and self.alone else self.tables
        return (
            f"SELECT {self.asset} AS asset, count(*){sums} FROM {tables}"
            f" WHERE {where} GROUP BY 1 ORDER BY 1"
        )

    @property
    def filters(self) -> list[str]:
        """The names of its filters, as the API takes them."""
        return [
            outside
            for outside, inside in FILTERS.items()
            if inside in self.conditions or inside in self.defaults
        ]

    def refuse_unfit(self, asked: Parameters, form: str) -> None:
        """Raise InvalidRequest for filters that it does not take, and for a format it has not."""
        if form not in self.formats:
            names = ", ".join(self.formats)
            raise complaint("format", "unsupported_format", f"of {self.name} is one of {names}")
        asked.check()
        for outside, inside in FILTERS.items():
            value = getattr(asked, inside)
            unfit = outside not in self.filters and value and value != getattr(Parameters, inside)
            if unfit and inside != "marketplace":
                raise complaint(outside, "unsupported_filter", f"is no filter of {self.name}")
            if inside in self.needs and not value:
                raise complaint(outside, "required", f"is required for {self.name}")
        if asked.view and asked.view != self.model:
            raise complaint("view", "unsupported_filter", f"is no list of {self.name}")


TYPES: dict[str, ReportType] = {}


def register(cls: type[ReportType]) -> type[ReportType]:
    """Put a type into the list."""
    assert cls.name not in TYPES, cls.name
    TYPES[cls.name] = cls()
    return cls


def report_type(name: Any) -> ReportType:
    """The type of a name; raises InvalidRequest."""
    found = TYPES.get(str(name))
    if found is None:
        raise complaint("type", "unknown_type", f"must be one of {', '.join(TYPES)}")
    return found


def type_of_list(model: str) -> ReportType | None:
    """The type that exports a list of the desk, by the model's label in lower case."""
    return next((each for each in TYPES.values() if each.model == model), None)

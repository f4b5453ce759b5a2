"""The page that documents every report type, written from the types themselves (`TYPES.md`)."""

from collections.abc import Iterator

from offerhub.reports.registry import FILTERS, TYPES, ReportType


def page() -> str:
    """The whole page. A test compares it with the file; `manage.py report_types` writes it."""
    return "\n".join([*_head(), *(line for kind in TYPES.values() for line in _type(kind))])


def _head() -> Iterator[str]:
    yield "# Report types"
    yield ""
    yield "Written by `manage.py report_types` from the types themselves. A name ends with a"
    yield "version: a column that changes its meaning makes a new type."
    yield ""


def _type(kind: ReportType) -> Iterator[str]:
    yield f"## {kind.name}"
    yield ""
    yield f"**{kind.title}.** {kind.about}"
    yield ""
    yield f"Formats: {', '.join(kind.formats)}. Filters: {_filters(kind)}."
    yield f"Control totals per asset: {', '.join(['rows', *kind.totals])}."
    yield ""
    yield "| Column | Type | Unit | Meaning |"
    yield "|---|---|---|---|"
    for column in kind.columns:
        yield f"| `{column.name}` | {column.kind} | {column.unit} | {column.meaning} |"
    yield ""


def _filters(kind: ReportType) -> str:
    return ", ".join(
        f"`{name}`{' (required)' if FILTERS[name] in kind.needs else ''}" for name in kind.filters
    )

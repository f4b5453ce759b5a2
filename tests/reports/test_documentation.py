"""The documentation of the types is what the types are."""

from pathlib import Path

import pytest
from django.db import connection

from offerhub import reports
from offerhub.reports.columns import Format, select
from offerhub.reports.documenting import page
from offerhub.reports.parameters import Parameters
from offerhub.reports.registry import FILTERS, TYPES


def test_the_page_of_types_is_written_from_the_types() -> None:
    found = Path(reports.__file__).with_name("TYPES.md").read_text()
    assert found == page(), "run manage.py report_types"


def test_every_column_says_what_it_means_and_amounts_say_of_what() -> None:
    for kind in TYPES.values():
        assert kind.name.rpartition(".v")[2].isdecimal()
        names = [column.name for column in kind.columns]
        assert len(names) == len(set(names)) >= 4
        for column in kind.columns:
            assert column.meaning.endswith(".") or column.meaning.endswith("…"), column
            assert bool(column.unit) == (column.kind == "amount"), column
        assert set(kind.needs) <= {FILTERS[name] for name in kind.filters}


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(name for name in TYPES if "beancount" not in name))
def test_the_columns_of_the_database_are_of_their_kinds(name: str) -> None:
    """What a column is said to be is what PostgreSQL answers for it."""
    kind, asked = TYPES[name], Parameters()
    types = {
        "amount": {"numeric"},
        "count": {"int2", "int4", "int8"},
        "instant": {"timestamptz"},
        "day": {"date"},
        "word": {"varchar", "text"},
        "text": {"text", "varchar"},
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"{kind.rows(select(kind.columns, Format.CSV), asked)} LIMIT 0", asked.values
        )
        described = cursor.description or []
        cursor.execute("SELECT oid, typname FROM pg_type")
        names = dict(cursor.fetchall())
    for column, found in zip(kind.columns, described, strict=True):
        assert found.name == column.name
        assert names[found.type_code] in types[column.kind], column

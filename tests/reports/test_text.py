"""What strangers write arrives in a file as they wrote it, and no spreadsheet runs it."""

import csv
import io
import json

import openpyxl
import pytest
from beancount import loader
from beancount.core.data import Transaction
from django.db import connection

from offerhub.reports.columns import defused
from offerhub.reports.writing.beancount import quoted
from orders.models import Order
from tests.ledger.conftest import Books
from tests.reports.conftest import content, make, records, table

pytestmark = pytest.mark.usefixtures("kept")

RUN = [
    *("=1+1", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x","y")', "@SUM(1+1)", "+1+1", "-1+1"),
    *("-2+3+cmd|' /C calc'!D2", "+49 1234", "-", "=", "@", "%0A=1", "|calc", "\t=1+1", "\r=1+1"),
    *("\n=1+1", "\ttabbed", "\rreturned", "\nline", "\x0b=1", "\x0c=1", " =1+1", "   @SUM(1)"),
    *("\u00a0=1+1", "\ufeff=1+1", "\u200b=1+1", "\u202e=1+1", "\u2066=1+1", "\u00ad=1+1"),
    *(
        "＝1+1",
        "＋1",
        "－1",
        "＠SUM(1)",
        "−1",
        "﹣1",
        "\u3000＝1",
        "\u200f@x",
        '=1","=2',
        "\u061c-1",
    ),
]
HARMLESS = [
    *("Design", "1+1", "a=b", "x@y.example", "'=1+1", "", " ", "100 %", "Größe", "مرحبا", "שלום"),
    *(
        'say "hi"',
        "a,b;c",
        "two\nlines",
        "two\r\nlines",
        "\U0001f3fa vase",
        "_x000D_",
        "\\N",
        "\\.",
    ),
    *("\u202eabc", "NULL", "1e5", "0x1", "00123", "2026-10-01", "TRUE"),
]


def written(texts: list[str]) -> list[str]:
    """As the database writes them for a spreadsheet."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {defused('t.text')} FROM unnest(%s::text[]) WITH ORDINALITY AS t(text, place)"
            " ORDER BY t.place",
            [texts],
        )
        return [text for (text,) in cursor.fetchall()]


@pytest.mark.django_db
def test_every_payload_is_defused_and_nothing_else_is_touched() -> None:
    assert len(RUN) >= 30
    assert written(RUN) == [f"'{text}" for text in RUN]
    assert written(HARMLESS) == HARMLESS


@pytest.fixture
def shop(books: Books) -> Books:
    """An order for each text, with the text wherever people may write; and one that is long."""
    for place, text in enumerate([*RUN, *HARMLESS, "=" + "x" * 499]):
        Order.objects.create(
            marketplace=books.marketplace,
            buyer=books.buyer,
            seller=books.seller,
            external_ref=f"{text}{place}"[:128],
            title=text[:100],
            description=text,
            amount=10_000_000,
            milestones_left=1,
        )
    return books


def test_what_was_asked_for_is_told_and_runs_neither(books: Books) -> None:
    for form in ("csv", "xlsx"):
        run = make("ledger.entries.v1", form, marketplace=books.id, kind="=1+1", asset="\t@x\n;=2")
        if form == "csv":
            told = {line[0]: line[1] for line in table(run)[1]}
        else:
            book = openpyxl.load_workbook(io.BytesIO(content(run)))
            told = {str(row[0].value): str(row[1].value) for row in book["Totals"].iter_rows()}
        assert (told["#kind"], told["#asset"]) == ("'=1+1", "'@x ;'=2")


def test_csv_keeps_every_text_and_its_apostrophe(shop: Books) -> None:
    rows, _ = table(make("orders.v1", marketplace=shop.id))
    texts = [*RUN, *HARMLESS, "=" + "x" * 499]
    expected = [f"'{text}" if text in RUN or text.startswith("=x") else text for text in texts]
    assert [row["description"] for row in rows] == expected
    assert {row["amount"] for row in rows} == {"1.0000000"}
    for row in rows:
        for name in ("description", "title", "externalRef"):
            assert not row[name].startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "−"))


def test_csv_is_read_the_same_where_semicolons_separate(shop: Books) -> None:
    for text in ("a;=1+1;b", "\t;=2", "=1;@x", "a; \u200b-3"):
        shop.deposit(7, description=text)
    run = make("ledger.entries.v1", marketplace=shop.id)
    lines = csv.reader(io.StringIO(content(run).decode()), delimiter=";")
    cells = [cell.strip(" \u200b\t") for line in lines for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "@", "-3"))]
    rows, _ = table(run)
    told = [row["description"] for row in rows[::2]]
    assert told == ["a;'=1+1;b", "'\t;'=2", "'=1;'@x", "a;' \u200b-3"]


def test_a_spreadsheet_holds_every_text_as_text(shop: Books) -> None:
    book = openpyxl.load_workbook(
        io.BytesIO(content(make("orders.v1", "xlsx", marketplace=shop.id)))
    )
    head, *rows = book["Rows"].iter_rows()
    place = next(i for i, cell in enumerate(head) if cell.value == "description")
    texts = [*RUN, *HARMLESS, "=" + "x" * 499]
    for row, text in zip(rows, texts, strict=True):
        assert row[place].data_type in ("s", "n", "inlineStr")
        assert not str(row[place].value or "").startswith(("=", "+", "-", "@"))
        if text.strip() and text.isprintable() and text in HARMLESS and "_x" not in text:
            assert row[place].value == text


def test_json_keeps_every_text_exactly(shop: Books) -> None:
    rows, _ = records(make("orders.v1", "jsonl", marketplace=shop.id))
    assert [row["description"] for row in rows] == [*RUN, *HARMLESS, "=" + "x" * 499]


def test_ten_thousand_characters_are_not_cut(books: Books) -> None:
    from disputes.models import Dispute
    from offerhub.core import clock

    order = Order.objects.create(
        marketplace=books.marketplace,
        buyer=books.buyer,
        seller=books.seller,
        amount=1,
        milestones_left=1,
    )
    text = "=" + 'ä,"\n' * 2499 + "end"
    Dispute.objects.create(
        marketplace=books.marketplace,
        order=order,
        opened_by="BUYER",
        reason="x",
        decision_text=text,
        amount=1,
        first_answer_due_at=clock.now(),
        decision_due_at=clock.now(),
        party_spoke_at=clock.now(),
    )
    (row,), _ = table(make("disputes.v1", marketplace=books.id))
    assert row["decisionText"] == f"'{text}"
    (record,), _ = records(make("disputes.v1", "jsonl", marketplace=books.id))
    assert record["decisionText"] == text
    book = openpyxl.load_workbook(
        io.BytesIO(content(make("disputes.v1", "xlsx", marketplace=books.id)))
    )
    assert f"'{text}" in [cell.value for cell in book["Rows"][2]]


def test_texts_stay_one_string_in_a_journal(books: Books) -> None:
    texts = [text[:400] for text in [*RUN, *HARMLESS, 'a"b\\c\nd', "\\", '"']]
    for text in texts:
        books.deposit(5, description=text)
    path = content(make("journal.beancount.v1", "beancount", marketplace=books.id)).decode()
    entries, errors, _ = loader.load_string(path)
    assert errors == []
    told = [e.narration for e in entries if isinstance(e, Transaction)]
    assert len(told) == len(texts)
    assert 'a"b\\c\nd' in told


def test_quoting_is_one_line() -> None:
    assert quoted('a"b\\\n') == '"a\\"b\\\\\\n"'
    assert json.loads(quoted("plain")) == "plain"

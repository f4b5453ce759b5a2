"""Files that hide what they do behind references, at their end, or in a second part."""

import io
from datetime import UTC, datetime

import pytest
from django.core.files.base import ContentFile
from pypdf import PdfReader

from disputes.evidence import keeping
from disputes.evidence.clean import clean
from disputes.evidence.kinds import Kind
from disputes.evidence.refusals import EvidenceRefused
from tests.disputes.evidence import files

LINK = b"/Annots [ << /Type /Annot /Subtype /Link /Rect [0 0 9 9] %s >> ]"


def pdf(page: bytes = b"", content: bytes = b"0 0 m", root: bytes = b"", **objects: bytes) -> bytes:
    """A PDF as text: one page, with more entries and with objects `o10`, `o11`, …"""
    parts = {
        1: b"<< /Type /Catalog /Pages 2 0 R %s >>" % root,
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R %s >>" % page,
        4: b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        **{int(name[1:]): body for name, body in objects.items()},
    }
    out, at = b"%PDF-1.7\n", {}
    for number, body in sorted(parts.items()):
        at[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    size, start = max(parts) + 1, len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        out += b"%010d 00000 %s \n" % (at.get(number, 0), b"n" if number in at else b"f")
    return out + b"trailer << /Root 1 0 R /Size %d >>\nstartxref\n%d\n%%%%EOF\n" % (size, start)


HIDDEN = {
    "javascript link": pdf(LINK % b"/A 10 0 R", o10=b"<< /S /URI /URI (javascript:x) >>"),
    "file link": pdf(LINK % b"/A 10 0 R", o10=b"<< /S /URI /URI (file:///etc/passwd) >>"),
    "launch": pdf(LINK % b"/A 10 0 R", o10=b"<< /S 11 0 R /F (cmd.exe) >>", o11=b"/Launch"),
    "form": pdf(LINK % b"/A 10 0 R", o10=b"<< /S 11 0 R /F (x) >>", o11=b"/SubmitForm"),
    "on opening": pdf(root=b"/OpenAction 10 0 R", o10=b"<< /S 11 0 R >>", o11=b"/Launch"),
    "in a second step": pdf(
        LINK % b"/A << /S /URI /URI (https://x) /Next << /S /URI /URI (javascript:x) >> >>"
    ),
    "in a list of steps": pdf(
        LINK % b"/A << /S /URI /URI (https://x) /Next [ 10 0 R ] >>",
        o10=b"<< /S /URI /URI (javascript:x) >>",
    ),
    "in the older entry": pdf(LINK % b"/PA << /S /URI /URI (javascript:x) >>"),
    "unknown": pdf(LINK % b"/A 10 0 R", o10=b"<< /S /Unheard >>"),
    "film": pdf(b"/Annots [ << /Type /Annot /Subtype 10 0 R /Rect [0 0 9 9] >> ]", o10=b"/Movie"),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_an_action_behind_a_reference_is_found(name: str) -> None:
    with pytest.raises(EvidenceRefused) as refused:
        clean(HIDDEN[name])
    assert refused.value.code == "pdf_active"


def test_a_link_to_the_web_behind_a_reference_is_taken() -> None:
    made = clean(pdf(LINK % b"/A 10 0 R", o10=b"<< /S /URI /URI (https://example.com) >>"))
    notes = PdfReader(io.BytesIO(made.content)).pages[0]["/Annots"]
    assert notes[0].get_object()["/A"]["/URI"] == "https://example.com"  # type: ignore[index]


def test_a_pdf_that_is_an_archive_too_is_refused() -> None:
    with pytest.raises(EvidenceRefused) as refused:
        clean(pdf(content=files.archive()))
    assert refused.value.code == "file_is_archive"


def test_what_tells_of_people_behind_a_page_does_not_survive() -> None:
    told = b"<< /Type /Metadata /Subtype /XML /Length 8 >>\nstream\nJane Doe\nendstream"
    made = clean(pdf(b"/Metadata 10 0 R /PieceInfo << /X << /Who (Jane Doe) >> >>", o10=told))
    assert b"Jane Doe" not in made.content


@pytest.mark.parametrize(
    "text",
    [
        "From: Ann <a@example.com>\nHello",
        "Hello\n<p.smith@example.com> wrote:",
        "<ann@example.com> wrote:",
        "if x <b then",
        "see <link below",
        "BMW delivered damaged",
        "<3",
    ],
)
def test_honest_text_with_angle_brackets_is_taken(text: str) -> None:
    assert clean(text.encode()).kind == Kind.TEXT


@pytest.mark.django_db
def test_a_file_of_a_second_before_midnight_outlives_the_sweep_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Late(datetime):
        at = datetime(2031, 3, 1, 23, 59, 59, tzinfo=UTC)

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return cls.at

    monkeypatch.setattr(keeping, "datetime", Late)
    name = "2031-03-01/waiting"
    keeping.storage().save(name, ContentFile(b"x"))
    Late.at = datetime(2031, 3, 2, 0, 0, 1, tzinfo=UTC)
    assert (keeping.sweep_orphans(), keeping.storage().exists(name)) == (0, True)
    Late.at = datetime(2031, 3, 4, 0, 0, 1, tzinfo=UTC)
    assert (keeping.sweep_orphans(), keeping.storage().exists(name)) == (1, False)

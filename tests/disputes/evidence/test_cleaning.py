"""What is taken, what it becomes, and what is refused: no file that could run anywhere gets in."""

import io
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

from disputes.evidence import child, reading
from disputes.evidence.clean import LARGEST, clean
from disputes.evidence.kinds import Kind, kind_of
from disputes.evidence.names import LONGEST, clean_name
from disputes.evidence.refusals import REFUSALS, EvidenceRefused
from offerhub.core.errors import Unavailable
from tests.disputes.evidence import files

JS = files.action("/JavaScript", JS="app.alert(1)")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
Make = Callable[[], bytes]


def _names_tree(kind: str) -> dict[Any, Any]:
    tree = DictionaryObject({NameObject(kind): DictionaryObject(files.named("/Names", JS))})
    return files.named("/Names", tree)


HOSTILE: list[tuple[str, Make, str]] = [
    ("empty", lambda: b"", "file_empty"),
    ("11 MB of text", lambda: b"a" * (11 << 20), "file_too_large"),
    ("one byte too many", lambda: b"a" * (LARGEST + 1), "file_too_large"),
    ("svg with script", lambda: SVG, "file_is_markup"),
    ("svg after an xml head", lambda: b'<?xml version="1.0"?>' + SVG, "file_is_markup"),
    ("svg after spaces", lambda: b"\n\t  " + SVG, "file_is_markup"),
    ("html", lambda: b"<!DOCTYPE html><p>hi", "file_is_markup"),
    ("html after a mark", lambda: b"\xef\xbb\xbf<html>", "file_is_markup"),
    ("html after words", lambda: b"Dear all, " + files.SCRIPT, "file_is_markup"),
    ("html in UTF-16", lambda: files.SCRIPT.decode().encode("utf-16"), "file_is_markup"),
    ("unknown element", lambda: b"<custom-element onclick=x>", "file_is_markup"),
    ("zip", files.archive, "file_is_archive"),
    ("zip bomb", files.zip_bomb, "file_is_archive"),
    ("office file", lambda: files.archive("[Content_Types].xml"), "file_is_archive"),
    (
        "old office file",
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
        "file_is_archive",
    ),
    ("gzip", lambda: b"\x1f\x8b\x08\x00" + bytes(20), "file_is_archive"),
    ("7z", lambda: b"7z\xbc\xaf\x27\x1c" + bytes(20), "file_is_archive"),
    ("tar", lambda: b"a".ljust(257, b"\0") + b"ustar\0" + bytes(250), "file_is_archive"),
    ("gif and js", lambda: b"GIF89a=1;alert(1)//", "file_type_not_allowed"),
    ("true gif", lambda: files.image("GIF"), "file_type_not_allowed"),
    ("bmp", lambda: files.image("BMP"), "file_type_not_allowed"),
    ("tiff", lambda: files.image("TIFF"), "file_type_not_allowed"),
    ("program", lambda: b"MZ\x90\x00" + bytes(60), "file_type_not_allowed"),
    ("shell script", lambda: b"#!/bin/sh\nrm -rf ~", "file_type_not_allowed"),
    ("postscript", lambda: b"%!PS-Adobe-3.0\nquit", "file_type_not_allowed"),
    ("rtf", lambda: rb"{\rtf1 \object}", "file_type_not_allowed"),
    ("letter with parts", lambda: b"MIME-Version: 1.0\n\nhi", "file_type_not_allowed"),
    ("text with NUL", lambda: b"hello\x00world", "file_type_not_allowed"),
    ("text with escapes", lambda: b"\x1b[2Jhello", "file_type_not_allowed"),
    ("latin-1", lambda: "caf\u00e9".encode("latin-1"), "file_type_not_allowed"),
    ("spaces alone", lambda: b"  \n ", "file_type_not_allowed"),
    ("png, zip behind", lambda: files.image() + files.archive(), "file_has_data_after_end"),
    ("png, html behind", lambda: files.image() + files.SCRIPT, "file_has_data_after_end"),
    ("jpeg, zip behind", lambda: files.image("JPEG") + files.archive(), "file_has_data_after_end"),
    ("jpeg, pdf behind", lambda: files.image("JPEG") + files.pdf(), "file_has_data_after_end"),
    ("webp, js behind", lambda: files.image("WEBP") + b";alert(1)", "file_has_data_after_end"),
    (
        "two jpegs, zip behind",
        lambda: files.image("JPEG") * 2 + files.archive(),
        "file_has_data_after_end",
    ),
    ("png cut short", lambda: files.image()[:-20], "file_damaged"),
    ("jpeg cut short", lambda: files.image("JPEG")[:-200], "file_damaged"),
    ("webp cut short", lambda: files.image("WEBP")[:-10], "file_damaged"),
    ("png, wrong checksum", lambda: files.image().replace(b"IDATx", b"IDATy"), "file_damaged"),
    ("png head alone", lambda: b"\x89PNG\r\n\x1a\n", "file_damaged"),
    ("jpeg head alone", lambda: b"\xff\xd8\xff\xe0", "file_damaged"),
    ("html in png's coat", lambda: b"\x89PNG\r\n\x1a\n" + files.SCRIPT, "file_damaged"),
    ("text bomb in a png", files.png_text_bomb, "file_damaged"),
    ("100 megapixels", lambda: files.png_of_zeros(10_000, 10_000), "image_too_large"),
    ("2 gigapixels", lambda: files.png_of_zeros(50_000, 40_000), "image_too_large"),
    ("one very long line", lambda: files.png_of_zeros(60_000, 8), "image_too_large"),
    ("moving png", lambda: files.animated("PNG"), "image_animated"),
    ("moving webp", lambda: files.animated("WEBP"), "image_animated"),
    ("pdf opens js", lambda: files.pdf(root=files.named("/OpenAction", JS)), "pdf_active"),
    ("pdf js by name", lambda: files.pdf(root=_names_tree("/JavaScript")), "pdf_active"),
    (
        "pdf js, name escaped",
        lambda: files.pdf(root=files.named("/OpenAction", JS)).replace(
            b"/JavaScript", b"/J#61vaScript"
        ),
        "pdf_active",
    ),
    (
        "pdf launches",
        lambda: files.pdf(page=files.annotated("/Link", files.action("/Launch", F="cmd.exe"))),
        "pdf_active",
    ),
    (
        "pdf js link",
        lambda: files.pdf(
            page=files.annotated("/Link", files.action("/URI", URI="javascript:alert(1)"))
        ),
        "pdf_active",
    ),
    (
        "pdf form sends",
        lambda: files.pdf(page=files.annotated("/Widget", files.action("/SubmitForm", F="x"))),
        "pdf_active",
    ),
    (
        "pdf acts on a page's opening",
        lambda: files.pdf(page=files.named("/AA", DictionaryObject(files.named("/O", JS)))),
        "pdf_active",
    ),
    (
        "pdf, file inside",
        lambda: files.pdf(writer=lambda w: w.add_attachment("a.exe", b"MZ")),
        "pdf_active",
    ),
    (
        "pdf, file pinned on",
        lambda: files.pdf(page=files.annotated("/FileAttachment")),
        "pdf_active",
    ),
    ("pdf with media", lambda: files.pdf(page=files.annotated("/RichMedia")), "pdf_active"),
    (
        "pdf with an xml form",
        lambda: files.pdf(
            root=files.named(
                "/AcroForm", DictionaryObject(files.named("/XFA", TextStringObject("x")))
            )
        ),
        "pdf_active",
    ),
    (
        "pdf, js after a harmless step",
        lambda: files.pdf(
            root=files.named(
                "/OpenAction",
                DictionaryObject(files.action("/GoTo") | files.named("/Next", ArrayObject([JS]))),
            )
        ),
        "pdf_active",
    ),
    ("pdf locked", lambda: files.pdf(writer=lambda w: w.encrypt("secret")), "pdf_encrypted"),
    ("pdf, zip behind", lambda: files.pdf() + files.archive(), "file_has_data_after_end"),
    ("pdf not at 0", lambda: b"GIF89a\n" + files.pdf(), "file_type_not_allowed"),
    ("pdf after words", lambda: b"hello\n%PDF-1.7 ...", "file_type_not_allowed"),
    ("pdf cut short", lambda: files.pdf()[:200], "file_damaged"),
    ("pdf head alone", lambda: b"%PDF-1.7\n%%EOF", "file_damaged"),
    ("501 pages", lambda: files.pdf(501), "pdf_too_long"),
]


@pytest.mark.parametrize(("make", "code"), [h[1:] for h in HOSTILE], ids=[h[0] for h in HOSTILE])
def test_a_hostile_file_is_refused_by_name(make: Make, code: str) -> None:
    with pytest.raises(EvidenceRefused) as refused:
        clean(make())
    assert [(e.field, e.code) for e in refused.value.errors] == [("file", code)]


def test_every_refusal_is_tested_or_ends_a_process() -> None:
    elsewhere = {"file_type_mismatch", "file_too_complex"}
    assert {code for _, _, code in HOSTILE} | elsewhere == set(REFUSALS)


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    started = time.process_time()
    with pytest.raises(EvidenceRefused):
        clean(files.png_of_zeros(50_000, 40_000))
    assert time.process_time() - started < 3


# --- what becomes of honest files ---------------------------------------------------------------
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_kept_in_its_format_with_its_pixels_and_a_preview(kind: str) -> None:
    made = clean(files.image(kind, (3000, 300)))
    with Image.open(io.BytesIO(made.content)) as picture:
        assert (picture.format, picture.size, made.kind) == (kind, (3000, 300), kind.lower())
        left, right = picture.convert("RGB").getpixel((10, 10)), picture.getpixel((2900, 10))
    assert left[0] > 200 and left[2] < 60  # type: ignore[index]
    assert right[2] > 200 and right[0] < 60  # type: ignore[index]
    with Image.open(io.BytesIO(made.previews[0])) as preview:
        assert (preview.format, preview.size) == ("WEBP", (1200, 120))


def test_place_camera_and_comments_are_gone_and_the_picture_stands_upright() -> None:
    sent = files.located_jpeg()
    assert b"SpyPhone" in sent and b"<script>" in sent and b"Jane Doe" in sent
    made = clean(sent)
    for gone in (b"SpyPhone", b"Exif", b"<script>", b"Jane Doe", b"xmp"):
        assert gone not in made.content + made.previews[0]
    with Image.open(io.BytesIO(made.content)) as picture:
        assert picture.size == (40, 60)
        assert dict(picture.getexif()) == {}
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert picture.getpixel((20, 5))[0] > 200  # type: ignore[index]


def test_what_hides_inside_a_picture_does_not_survive() -> None:
    assert files.SCRIPT in files.commented_png()
    assert files.SCRIPT not in clean(files.commented_png()).content


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_kind_of_png_is_taken(mode: str) -> None:
    sink = io.BytesIO()
    Image.new(mode, (20, 10)).save(sink, "PNG")
    assert clean(sink.getvalue()).kind == Kind.PNG


def test_a_cmyk_picture_and_one_with_more_pictures_behind_are_taken() -> None:
    sink = io.BytesIO()
    Image.new("CMYK", (20, 10)).save(sink, "JPEG")
    behind = clean(sink.getvalue() + files.image("JPEG") + bytes(7))
    assert behind.content.count(b"\xff\xd8\xff") == 1


def test_a_pdf_keeps_its_pages_and_loses_the_rest() -> None:
    made = clean(files.pdf(7, page=files.annotated("/Link", files.action("/URI", URI="https://x"))))
    reader = PdfReader(io.BytesIO(made.content))
    assert (len(reader.pages), len(made.previews)) == (7, 5)
    assert b"Jane Doe" not in made.content
    with Image.open(io.BytesIO(made.previews[0])) as preview:
        assert (preview.format, preview.size) == ("WEBP", (800, 1200))


def test_text_is_kept_as_it_is_and_has_no_preview() -> None:
    text = "Zażółć 5 < 7 & \u202eabc\r\n\tend".encode()
    assert clean(b"\xef\xbb\xbf" + text) == clean(text)
    assert (clean(text).content, list(clean(text).previews)) == (text, [])


# --- names --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("photo.JPG", "photo.jpg"),
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("C:\\Users\\x\\a.jpeg", "a.jpeg"),
        ("a\x00.jpg", "a.jpg"),
        ("a\r\nSet-Cookie: x.jpg", "a Set-Cookie_ x.jpg"),
        ("\u202egpj.exe.jpg", "gpj.exe.jpg"),
        ('"><img src=x>.jpg', "___img src=x_.jpg"),
        ("...jpg", "jpg.jpg"),
        ("", "file.jpg"),
        (".htaccess.jpg", "htaccess.jpg"),
        ("photo", "photo.jpg"),
        ("ąę 日本.jpg", "ąę 日本.jpg"),
    ],
)
def test_a_name_is_made_harmless(given: str, kept: str) -> None:
    assert clean_name(given, Kind.JPEG) == kept


def test_a_long_name_keeps_its_ending() -> None:
    name = clean_name("x" * 5000 + ".jpeg", Kind.JPEG)
    assert (len(name), name[-6:]) == (LONGEST, "x.jpeg")


@pytest.mark.parametrize(
    "name", ["a.png", "a.html", "a.jpg.exe", "a.jpg.svg", "a.pdf", "a\u202e.js"]
)
def test_a_name_that_lies_is_refused(name: str) -> None:
    with pytest.raises(EvidenceRefused) as refused:
        clean_name(name, Kind.JPEG)
    assert refused.value.code == "file_type_mismatch"


# --- the process that decodes -------------------------------------------------------------------
def test_the_process_answers_what_the_function_does() -> None:
    sent = files.located_jpeg()
    received = reading.read(sent, "../a.jpg")
    assert (received.file, received.name) == (clean(sent), "a.jpg")
    assert received.sha256 == reading.digest(received.file.content)
    assert received.received_sha256 == reading.digest(sent) != received.sha256


def test_a_refusal_comes_out_of_the_process_with_its_words() -> None:
    with pytest.raises(EvidenceRefused) as refused:
        reading.read(files.pdf(root=files.named("/OpenAction", JS)), "a.pdf")
    assert refused.value.code == "pdf_active"
    assert "print it to a new PDF" in refused.value.errors[0].message


def test_a_file_that_takes_too_long_or_kills_the_process_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "SECONDS", 0.001)
    with pytest.raises(EvidenceRefused) as refused:
        reading.read(files.image(), "a.png")
    assert refused.value.code == "file_too_complex"


def test_when_too_many_are_read_the_next_is_asked_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "PATIENCE", 0.01)
    monkeypatch.setattr(reading, "_slots", threading.BoundedSemaphore(1))
    with reading._slots, pytest.raises(Unavailable) as refused:
        reading.read(files.image(), "a.png")
    assert refused.value.retry_after == 5
    assert reading.read(files.image(), "a.png").name == "a.png"


def test_the_process_has_limits_on_time_memory_files_and_processes() -> None:
    program = (
        "from disputes.evidence.child import limit; limit(); import resource as r;"
        "print([r.getrlimit(x) for x in (r.RLIMIT_CPU, r.RLIMIT_AS, r.RLIMIT_FSIZE,"
        " r.RLIMIT_NPROC)])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    limits = [(most, most) for most in (child.CPU_SECONDS, child.MEMORY, 0, 0)]
    assert said.stdout.strip() == str(limits)


def test_kinds_are_told_by_content() -> None:
    assert kind_of(files.pdf()) == Kind.PDF
    assert kind_of(b"hello") == Kind.TEXT

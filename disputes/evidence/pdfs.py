"""PDFs: only pages are taken over into a new file.

A PDF with scripts, actions that start something, media or other files inside is refused rather than
emptied: what a party hands in as evidence should look the same to everybody, and without such
parts it might not. What nothing refers to (older versions, hidden objects) does not survive.
"""

import io
from collections.abc import Iterator
from typing import Any

import pypdfium2
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from disputes.evidence.images import PREVIEW_SIDE, preview_of
from disputes.evidence.kinds import LARGEST_WRITTEN, Clean, Kind
from disputes.evidence.refusals import (
    DataAfterEnd,
    EvidenceRefused,
    FileDamaged,
    FileTooComplex,
    PdfActive,
    PdfEncrypted,
    PdfTooLong,
)

MOST_PAGES = 500
MOST_OBJECTS = 200_000
PREVIEW_PAGES = 5
_ACTIVE_KEYS = {
    "/JS",
    "/JavaScript",
    "/EmbeddedFiles",
    "/EmbeddedFile",
    "/EF",
    "/XFA",
    "/RichMediaContent",
    "/AA",
}
# Going to a page and opening a web address are harmless; everything else is not taken.
_HARMLESS_ACTIONS = {"/GoTo", "/URI", "/Named"}
_ACTIONS = {
    "/GoTo3DView",
    "/GoToE",
    "/GoToR",
    "/Hide",
    "/ImportData",
    "/JavaScript",
    "/Launch",
    "/Movie",
    "/Rendition",
    "/ResetForm",
    "/RichMediaExecute",
    "/SetOCGState",
    "/Sound",
    "/SubmitForm",
    "/Thread",
}
_ACTIVE_SUBTYPES = {"/FileAttachment", "/RichMedia", "/Movie", "/Screen", "/Sound", "/3D"}
# What tells of people, places and programs, and is not seen on a page.
_TOLD = ("/Metadata", "/PieceInfo", "/Thumb", "/LastModified")
_WEB = ("http://", "https://", "mailto:", "tel:")


def clean_pdf(data: bytes) -> Clean:
    """The pages in a new file, and pictures of the first five.

    Raises FileDamaged, DataAfterEnd, PdfEncrypted, PdfActive, PdfTooLong or FileTooComplex.
    """
    if not data.rstrip(b"\x00\t\n\f\r ").endswith(b"%%EOF"):
        raise DataAfterEnd if b"%%EOF" in data else FileDamaged
    try:
        content = _rewritten(data)
        return Clean(Kind.PDF, content, list(_previews(content)))
    except EvidenceRefused:
        raise
    except (MemoryError, RecursionError):
        raise FileTooComplex from None
    except Exception:  # whatever a hostile file makes a decoder raise, the file is not readable
        raise FileDamaged from None


def _rewritten(data: bytes) -> bytes:
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
    except PyPdfError:
        raise FileDamaged from None
    if reader.is_encrypted:
        raise PdfEncrypted
    if len(reader.pages) > MOST_PAGES:
        raise PdfTooLong
    if not reader.pages:
        raise FileDamaged
    _refuse_active(reader.trailer)
    for each in [*_dictionaries(reader.trailer), *reader.pages]:  # a page is a copy of its object
        for key in _TOLD:
            each.pop(key, None)
    writer = PdfWriter()
    for page in reader.pages:
        writer.add_page(page)
    writer.metadata = None
    sink = io.BytesIO()
    writer.write(sink)
    content = sink.getvalue()
    if len(content) > LARGEST_WRITTEN:
        raise FileTooComplex
    _refuse_active(PdfReader(io.BytesIO(content)).trailer)
    return content


def _refuse_active(root: Any) -> None:
    """Look at every object that can be reached; names are compared after their escapes."""
    for found in _dictionaries(root):
        _refuse_active_dictionary(found)


def _dictionaries(root: Any) -> Iterator[DictionaryObject]:
    """Every dictionary that can be reached, once."""
    seen: set[tuple[int, int]] = set()
    waiting: list[Any] = [root]
    looked_at = 0
    while waiting:
        looked_at += 1
        if looked_at > MOST_OBJECTS * 10 or len(seen) > MOST_OBJECTS:
            raise FileTooComplex
        found = waiting.pop()
        if isinstance(found, IndirectObject):
            if (found.idnum, found.generation) in seen:
                continue
            seen.add((found.idnum, found.generation))
            found = found.get_object()
        if isinstance(found, DictionaryObject):
            yield found
            waiting.extend(found.raw_get(key) for key in found)
        elif isinstance(found, ArrayObject):
            waiting.extend(list.__iter__(found))


def _refuse_active_dictionary(found: DictionaryObject) -> None:
    if not _ACTIVE_KEYS.isdisjoint(found) or _value(found, "/Subtype") in _ACTIVE_SUBTYPES:
        raise PdfActive
    if _value(found, "/S") in _ACTIONS:  # whoever leads to it
        raise PdfActive
    for key in ("/A", "/PA", "/OpenAction", "/Next"):
        led_to = _value(found, key)
        for one in led_to if isinstance(led_to, ArrayObject) else [led_to]:
            action = one.get_object() if isinstance(one, IndirectObject) else one
            if isinstance(action, DictionaryObject):
                _refuse_action(action)


def _value(found: DictionaryObject, key: str) -> Any:
    """What an entry means: `get` would answer a reference as it stands, and hide what it names."""
    return found.raw_get(key).get_object() if key in found else None


def _refuse_action(action: Any) -> None:
    if "/S" not in action:
        return  # an attribute of another kind that has the same name
    if action["/S"] not in _HARMLESS_ACTIONS:
        raise PdfActive
    if action["/S"] == "/URI" and not str(_value(action, "/URI")).lower().startswith(_WEB):
        raise PdfActive("holds a link that is no web address; print it to a new PDF")


def _previews(content: bytes) -> Iterator[bytes]:
    document = pypdfium2.PdfDocument(content)
    try:
        for number in range(min(len(document), PREVIEW_PAGES)):
            page = document[number]
            longer = max(page.get_size())
            if not 1 <= longer <= 20_000:
                raise FileDamaged
            picture = page.render(scale=min(PREVIEW_SIDE / longer, 4)).to_pil()
            yield preview_of(picture.convert("RGB"))
    finally:
        document.close()

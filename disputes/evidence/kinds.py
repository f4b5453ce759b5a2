"""What a file is, by its first bytes alone: neither its name nor what the sender says counts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from disputes.evidence.refusals import ArchiveNotAllowed, MarkupNotAllowed, TypeNotAllowed


class Kind(StrEnum):
    """The kinds that are taken."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    PDF = "pdf"
    TEXT = "text"


MEDIA_TYPES: dict[str, str] = {
    Kind.PNG: "image/png",
    Kind.JPEG: "image/jpeg",
    Kind.WEBP: "image/webp",
    Kind.PDF: "application/pdf",
    Kind.TEXT: "text/plain; charset=utf-8",
}
# The first ending is given to a name that has none.
ENDINGS: dict[str, tuple[str, ...]] = {
    Kind.PNG: (".png",),
    Kind.JPEG: (".jpg", ".jpeg", ".jpe", ".jfif"),
    Kind.WEBP: (".webp",),
    Kind.PDF: (".pdf",),
    Kind.TEXT: (".txt", ".text", ".log", ".md"),
}
PREVIEW_TYPE = "image/webp"
LARGEST_WRITTEN = 40 * 1024 * 1024  # bytes of a clean file; some grow when they are written anew


@dataclass(frozen=True)
class Clean:
    """A file that was read to its end and written anew, and its previews (WebP)."""

    kind: Kind
    content: bytes
    previews: Sequence[bytes] = ()


_ARCHIVES = (
    b"PK\x03\x04",  # ZIP, and with it office files and programs
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",  # the older office files
)
_MARKUP = re.compile(
    # Followed as a tag is: "<a@example.com>" in a letter and "if x <b then" are plain text.
    rb"<(\?xml|!doctype|html|head|body|svg|script|iframe|style|title|img|a|b|p|h1|div|table"
    rb"|br|form|meta|link|object|embed|math|video|audio)(\s*/?>|\s+[\w:-]+\s*=|\s+html\b"
    rb"|/\w)|<!--|<\?xml\b|<!doctype\b",
    re.IGNORECASE,
)
_STARTS_AS_MARKUP = re.compile(rb"\s*<[a-z!?/][^@<>]*>", re.IGNORECASE)
# Plain letters at the start, and yet a program, a page description or a letter with markup.
_PROGRAMS = (b"MZ", b"\x7fELF", b"#!", b"%!PS", b"{\\rtf", b"GIF87a", b"GIF89a", b"MIME-Version:")
_LOOKED_AT = 2048


def kind_of(data: bytes) -> Kind:
    """The kind; raises ArchiveNotAllowed, MarkupNotAllowed or TypeNotAllowed."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind.PNG
    if data.startswith(b"\xff\xd8\xff"):
        return Kind.JPEG
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return Kind.WEBP
    if data.startswith(b"%PDF-"):
        return Kind.PDF
    if data.startswith(_ARCHIVES) or data[257:262] == b"ustar":
        raise ArchiveNotAllowed
    head = data[:_LOOKED_AT].removeprefix(b"\xef\xbb\xbf")
    # UTF-16 has a NUL in every other byte: markup is found in it too.
    plain = head.replace(b"\x00", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    if _STARTS_AS_MARKUP.match(plain) or _MARKUP.search(plain):
        raise MarkupNotAllowed
    if head.startswith(_PROGRAMS) or b"%PDF-" in head or b"\x00" in data:
        raise TypeNotAllowed
    return Kind.TEXT

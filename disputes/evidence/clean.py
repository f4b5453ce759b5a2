"""From bytes that somebody sent to a clean file: a pure function."""

import io
import zipfile

from disputes.evidence.kinds import Clean, Kind, kind_of
from disputes.evidence.refusals import ArchiveNotAllowed, FileEmpty, FileTooLarge

LARGEST = 10 * 1024 * 1024


def clean(data: bytes) -> Clean:
    """The clean file; raises one of `disputes.evidence.refusals`.

    The decoders are imported where they are needed: whoever only looks at sizes and first bytes
    does not load them. Hostile bytes are decoded in a process of its own (`reading.read`).
    """
    file = _cleaned(data, inspect(data))
    if _opens_as_archive(file.content):
        raise ArchiveNotAllowed
    return file


def _cleaned(data: bytes, kind: Kind) -> Clean:
    if kind == Kind.TEXT:
        from disputes.evidence.texts import clean_text

        return clean_text(data)
    if kind == Kind.PDF:
        from disputes.evidence.pdfs import clean_pdf

        return clean_pdf(data)
    from disputes.evidence.images import clean_image

    return clean_image(data, kind)


def _opens_as_archive(content: bytes) -> bool:
    """Whether an archive stands in it, too: a ZIP is read from its end, whatever comes before."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as found:
            return bool(found.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return False


def inspect(data: bytes) -> Kind:
    """What it is, by size and first bytes; nothing is decoded."""
    if not data:
        raise FileEmpty
    if len(data) > LARGEST:
        raise FileTooLarge
    return kind_of(data)

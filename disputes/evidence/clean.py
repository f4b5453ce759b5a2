"""From bytes that somebody sent to a clean file: a pure function."""

from disputes.evidence.kinds import Clean, Kind, kind_of
from disputes.evidence.refusals import FileEmpty, FileTooLarge

LARGEST = 10 * 1024 * 1024


def clean(data: bytes) -> Clean:
    """The clean file; raises one of `disputes.evidence.refusals`.

    The decoders are imported where they are needed: whoever only looks at sizes and first bytes
    does not load them. Hostile bytes are decoded in a process of its own (`reading.read`).
    """
    kind = inspect(data)
    if kind == Kind.TEXT:
        from disputes.evidence.texts import clean_text

        return clean_text(data)
    if kind == Kind.PDF:
        from disputes.evidence.pdfs import clean_pdf

        return clean_pdf(data)
    from disputes.evidence.images import clean_image

    return clean_image(data, kind)


def inspect(data: bytes) -> Kind:
    """What it is, by size and first bytes; nothing is decoded."""
    if not data:
        raise FileEmpty
    if len(data) > LARGEST:
        raise FileTooLarge
    return kind_of(data)

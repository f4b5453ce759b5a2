"""Plain text: UTF-8, without control characters. It is kept byte by byte, but for a leading mark
of its encoding."""

import re

from disputes.evidence.kinds import Clean, Kind
from disputes.evidence.refusals import TypeNotAllowed

_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f]")


def clean_text(data: bytes) -> Clean:
    """The text; raises TypeNotAllowed when it is none."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TypeNotAllowed from None
    if _CONTROL.search(text) or not text.strip():
        raise TypeNotAllowed
    return Clean(Kind.TEXT, text.encode())

"""The name that a party gave a file, made harmless."""

import re
import unicodedata

from disputes.evidence.kinds import ENDINGS, Kind
from disputes.evidence.refusals import TypeMismatch

LONGEST = 100
_NOT_IN_NAMES = re.compile(r'[<>:"|?*]')
# Control and format characters (NUL, right-to-left marks), halves of pairs, private ones.
_DROPPED = {"Cc", "Cf", "Cs", "Co", "Cn"}
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}$", re.ASCII)


def clean_name(name: str, kind: Kind) -> str:
    """The last part of a path, in plain characters, at most 100 long, with a right ending.

    Raises TypeMismatch when the ending names another kind than what the file holds.
    """
    text = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    text = "".join(c for c in text if unicodedata.category(c) not in _DROPPED or c in "\t\n")
    text = _NOT_IN_NAMES.sub("_", " ".join(text.split())).strip(" .")
    found = _ENDING.search(text)
    if found is None:
        return (text[: LONGEST - 5] or "file") + ENDINGS[kind][0]
    ending = found.group()
    if ending.lower() not in ENDINGS[kind]:
        raise TypeMismatch(f"is named {ending}, but holds {_WORDS[kind]}")
    stem = text.removesuffix(ending).strip(" .") or "file"
    return stem[: LONGEST - len(ending)] + ending.lower()


_WORDS = {
    Kind.PNG: "a PNG picture",
    Kind.JPEG: "a JPEG picture",
    Kind.WEBP: "a WebP picture",
    Kind.PDF: "a PDF",
    Kind.TEXT: "plain text",
}

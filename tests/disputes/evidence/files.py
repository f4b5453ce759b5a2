"""Files to hand in, honest and hostile, made by code."""

import io
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image, PngImagePlugin
from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    TextStringObject,
)

SCRIPT = b"<script>alert(1)</script>"


def image(kind: str = "PNG", size: tuple[int, int] = (60, 40), **options: Any) -> bytes:
    """A picture, red on its left half and blue on its right."""
    picture = Image.new("RGB", size, "red")
    picture.paste("blue", (size[0] // 2, 0, *size))
    sink = io.BytesIO()
    picture.save(sink, kind, **options)
    return sink.getvalue()


def located_jpeg() -> bytes:
    """A JPEG as phones make them: place, camera, a turn, a comment and an embedded name."""
    exif = Image.Exif()
    exif[0x0110] = "SpyPhone 9"
    exif[0x0112] = 6  # lies on its side
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.5), 3: "E", 4: (13.0, 24.0, 18.0)})
    return image("JPEG", exif=exif, comment=SCRIPT, xmp=b"<x:xmpmeta>Jane Doe</x:xmpmeta>")


def commented_png() -> bytes:
    """A PNG with a script in a text chunk."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SCRIPT.decode())
    return image("PNG", pnginfo=info)


def animated(kind: str) -> bytes:
    """Two frames."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    sink = io.BytesIO()
    frames[0].save(sink, kind, save_all=True, append_images=frames[1:], duration=100)
    return sink.getvalue()


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of_zeros(width: int, height: int) -> bytes:
    """A bomb: a few kilobytes that say they are this many pixels."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * ((width // 8 + 1) * min(height, 10_000)), 9)
    start = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head)
    return start + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def png_text_bomb() -> bytes:
    """A compressed text of 200 MB inside a small picture."""
    whole = image()
    bomb = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * 200_000_000, 9))
    return whole[:33] + bomb + whole[33:]


def archive(name: str = "a.txt") -> bytes:
    """A ZIP with one member."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as made:
        made.writestr(name, "hello")
    return sink.getvalue()


def zip_bomb() -> bytes:
    """100 MB of zeros in 100 kB."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("zeros", b"\0" * 100_000_000)
    return sink.getvalue()


def pdf(pages: int = 1, **change: Any) -> bytes:
    """A PDF with empty pages. `root`: into the catalogue; `page`: into the first page;
    `writer`: a function of the writer."""
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 300)
    writer.add_metadata({"/Author": "Jane Doe"})
    writer.root_object.update(change.get("root", {}))
    writer.pages[0].update(change.get("page", {}))
    change.get("writer", lambda _: None)(writer)
    sink = io.BytesIO()
    writer.write(sink)
    return sink.getvalue()


def action(kind: str, **more: str) -> DictionaryObject:
    """A PDF action of a kind."""
    texts = {NameObject(f"/{key}"): TextStringObject(value) for key, value in more.items()}
    return DictionaryObject(
        {NameObject("/Type"): NameObject("/Action"), NameObject("/S"): NameObject(kind), **texts}
    )


def named(key: str, value: Any) -> dict[Any, Any]:
    """One entry of a PDF dictionary."""
    return {NameObject(key): value}


def annotated(subtype: str, does: DictionaryObject | None = None) -> dict[Any, Any]:
    """A page entry with one annotation."""
    note = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject(subtype),
            NameObject("/Rect"): ArrayObject([FloatObject(n) for n in (0, 0, 50, 50)]),
        }
    )
    if does is not None:
        note[NameObject("/A")] = does
    return named("/Annots", ArrayObject([note]))

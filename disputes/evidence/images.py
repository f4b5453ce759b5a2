"""Pictures: read to the last byte, turned upright, written anew without anything but pixels.

What stands after a picture's end is refused, because another program would read it as another kind
of file. What hides inside it (comments, metadata, unknown chunks) does not survive the writing.
"""

import io
import re
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress

from PIL import Image, ImageCms, ImageOps

from disputes.evidence.kinds import LARGEST_WRITTEN, Clean, Kind
from disputes.evidence.refusals import (
    DataAfterEnd,
    FileDamaged,
    FileTooComplex,
    ImageAnimated,
    ImageTooLarge,
)

MOST_PIXELS = 40_000_000
LONGEST_SIDE = 16_000
PREVIEW_SIDE = 1200
Image.MAX_IMAGE_PIXELS = MOST_PIXELS  # ours is asked first; this is the second lock
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def clean_image(data: bytes, kind: Kind) -> Clean:
    """The same picture in the same format, pixels only, and one preview.

    Raises FileDamaged, DataAfterEnd, ImageTooLarge, ImageAnimated or FileTooComplex.
    """
    try:
        end = _ENDS[kind](data)
    except (struct.error, IndexError, ValueError):
        raise FileDamaged from None
    _refuse_tail(data[end:], kind)
    try:
        picture = _decoded(data, kind)
    except MemoryError:
        raise FileTooComplex from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageTooLarge from None
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, EOFError, struct.error):
        raise FileDamaged from None
    written = _written(picture, kind)
    if len(written) > LARGEST_WRITTEN:
        raise FileTooComplex
    return Clean(kind, written, [preview_of(picture)])


def _decoded(data: bytes, kind: Kind) -> Image.Image:
    """Upright, in sRGB, 8 bits, with nothing beside the pixels."""
    with Image.open(io.BytesIO(data), formats=[kind.value]) as opened:
        width, height = opened.size
        if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
            raise ImageTooLarge  # before a pixel is decoded
        if getattr(opened, "n_frames", 1) > 1 and kind != Kind.JPEG:
            raise ImageAnimated
        opened.load()
        profile = opened.info.get("icc_profile")
        upright = ImageOps.exif_transpose(opened)
        plain = _in_srgb(_eight_bits(upright), profile)
    bare = Image.new(plain.mode, plain.size)
    bare.paste(plain)
    return bare


def _eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.mode in ("1", "L", "RGB", "RGBA", "CMYK"):
        return picture.convert("L") if picture.mode == "1" else picture
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Colours as the camera's own profile means them; a profile that is broken is left out."""
    if profile and picture.mode in ("RGB", "CMYK"):
        with suppress(ImageCms.PyCMSError, OSError, ValueError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            turned = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
            if turned is not None:
                return turned
    return picture.convert("RGB") if picture.mode == "CMYK" else picture


def _written(picture: Image.Image, kind: Kind) -> bytes:
    sink = io.BytesIO()
    if kind == Kind.JPEG:
        flat = picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
        flat.save(sink, "JPEG", quality=92)
    elif kind == Kind.WEBP:
        picture.save(sink, "WEBP", quality=92, method=3)
    else:
        picture.save(sink, "PNG")
    return sink.getvalue()


def preview_of(picture: Image.Image) -> bytes:
    """A small WebP of a picture, at most 1200 pixels on its longer side."""
    small = picture.copy()
    small.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    sink = io.BytesIO()
    small.save(sink, "WEBP", quality=80, method=3)
    return sink.getvalue()


# --- where a picture ends ----------------------------------------------------------------------
def _refuse_tail(tail: bytes, kind: Kind) -> None:
    """Zeros are padding. Phones put more whole pictures after a JPEG; those are dropped."""
    tail = tail.strip(b"\x00")
    while kind == Kind.JPEG and tail.startswith(b"\xff\xd8\xff"):
        try:
            tail = tail[_jpeg_end(tail) :].strip(b"\x00")
        except (struct.error, IndexError, ValueError):
            break
    if tail:
        raise DataAfterEnd


def _png_end(data: bytes) -> int:
    """After IEND; every chunk's checksum must be right."""
    at = 8
    while True:
        size, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 4 : at + 8 + size]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + size)
        if zlib.crc32(body) != checksum:
            raise ValueError(name)
        at += 12 + size
        if name == b"IEND":
            return int(at)


def _jpeg_end(data: bytes) -> int:
    """After the end marker, segment by segment."""
    at = 2
    while True:
        while data[at] == 0xFF and data[at + 1] == 0xFF:
            at += 1
        if data[at] != 0xFF:
            raise ValueError("no marker")
        marker = data[at + 1]
        if marker == 0xD9:
            return at + 2
        (size,) = struct.unpack_from(">H", data, at + 2)
        at += 2 + size
        if marker == 0xDA:  # the picture itself, up to the next marker
            found = _MARKER.search(data, at)
            if found is None:
                raise ValueError("no end")
            at = found.start()


def _webp_end(data: bytes) -> int:
    size: int = struct.unpack_from("<I", data, 4)[0]
    end = 8 + size + size % 2
    if end > len(data) + 1:
        raise ValueError("cut short")
    return end


_ENDS: dict[Kind, Callable[[bytes], int]] = {
    Kind.PNG: _png_end,
    Kind.JPEG: _jpeg_end,
    Kind.WEBP: _webp_end,
}

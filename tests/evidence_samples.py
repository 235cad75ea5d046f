"""Files as people send them for evidence, and as nobody should."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pillow_heif
from PIL import Image

GPS = 0x8825
"""The EXIF tag under which cameras keep where a photo was taken."""
SECRET = b"taken at 6.2088 S 106.8456 E"
PDF = (
    b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\nxref\n0 1\n0000000000 65535 f \ntrailer<</Root 1 0 R>>\n"
    b"startxref\n9\n%%EOF\n"
)
"""A document that asks its reader to run a script."""


def photo(kind: str = "JPEG", size: tuple[int, int] = (640, 480), colour: str = "teal", **more: Any) -> bytes:
    """A photo of one colour, whose file tells where it was taken."""
    if kind == "HEIF":
        pillow_heif.register_heif_opener()
    picture = Image.new("RGB", size, colour)
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(GPS)[1] = "S"
    out = io.BytesIO()
    picture.save(out, kind, exif=exif.tobytes(), **more)
    return out.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG of so many pixels, all alike, that has few bytes; not all of them are there."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + check


def opened(data: bytes) -> Image.Image:
    """The picture in a file."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture

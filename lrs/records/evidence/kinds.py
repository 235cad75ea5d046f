"""What may be evidence: which kinds of file, told from what is in them, and why one is refused."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

PDF: Final = "application/pdf"
JPEG: Final = "image/jpeg"
HEAD: Final = 1024
"""Bytes at the beginning, and at the end, by which a kind is told."""
_HEIC: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
"""Brands of a file of HEIF whose pictures are coded as HEVC, or may be (ISO/IEC 23008-12)."""
_PDF_HEAD: Final = re.compile(rb"%PDF-[12]\.\d")


class Why(StrEnum):
    """Why a file cannot be kept as evidence."""

    EMPTY = "empty"
    TOO_LARGE = "too-large"
    """It has more bytes than a file may have."""
    OTHER_KIND = "other-kind"
    """It is no picture that is taken and no PDF, whatever its name says."""
    BROKEN = "broken"
    """It begins like one, and cannot be read."""
    TOO_MANY_PIXELS = "too-many-pixels"
    TOO_MUCH_A_DAY = "too-much-a-day"
    """The person has sent as much as one may within a day."""
    TOO_MANY_UNFINISHED = "too-many-unfinished"
    """The person, or the agency, has too many uploads under way."""


class EvidenceError(ValueError):
    """A file that cannot be kept; `why` says the reason."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


def kind_of(data: bytes) -> str:
    """The media type of a whole file, from its content alone; EvidenceError when it is none that is taken."""
    if not data:
        raise EvidenceError(Why.EMPTY)
    kind = _begins_as(data[:HEAD])
    if kind is None:
        raise EvidenceError(Why.OTHER_KIND)
    if kind == PDF and not (b"%%EOF" in data[-HEAD:] and b"startxref" in data[-HEAD:]):
        # Where a reader of PDF begins: what was cut off has lost it.
        raise EvidenceError(Why.BROKEN)
    return kind


def _begins_as(head: bytes) -> str | None:
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC:
        return "image/heic"
    return PDF if _PDF_HEAD.match(head) else None

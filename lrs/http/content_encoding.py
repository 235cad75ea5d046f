"""Bodies that arrive compressed (RFC 9110, 8.4): decoded as they are read, and never beyond a limit."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final

from lrs.http.problems import RefusalError, broken, too_large
from statements.rules.request_rules import problem

MOST_TIMES: Final = 100
"""What is decoded may be so many times as long as what came, beyond the first bytes.

A few hundred kilobytes could become hundreds of megabytes on the disk otherwise; statements are some twenty
times as long as their compressed form.
"""
AT_FIRST: Final = 1024 * 1024
"""Bytes that may be decoded of however few."""
SUPPORTED: Final = "gzip, deflate"
_GZIP: Final = 16 + zlib.MAX_WBITS
_ZLIB: Final = zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS
_PIECE: Final = 65_536
MOST_MEMBERS: Final = 64
"""Compressed files in a row that one gzip body may be made of (RFC 1952, 2.2)."""

Read = Callable[[], bytes]


def coding_of(header: str | None) -> str | None:
    """The one coding that a Content-Encoding header names, None for none; RefusalError 415 for any other."""
    if not header:
        return None
    names = [name for name in (each.strip().lower() for each in header.split(",")) if name]
    codings = [name.removeprefix("x-") for name in names if name != "identity"]
    if not codings:
        return None
    if len(codings) > 1 or codings[0] not in ("gzip", "deflate"):
        hint = f"send the body as it is, or in one Content-Encoding of these: {SUPPORTED}"
        problems = [problem("request.content-encoding", "", hint)]
        raise RefusalError(415, hint, problems=problems, headers=[("Accept-Encoding", SUPPORTED)])
    return codings[0]


def decoded(read: Read, coding: str, limit: int) -> Read:
    """Reads what `read` gives, decoded; RefusalError 413 past `limit` or `MOST_TIMES`, 400 when it is broken.

    No more is ever decoded at once than a piece, however much a few bytes would become.
    """
    return _Decoder(read, coding, limit).read


class _Decoder:
    def __init__(self, read: Read, coding: str, limit: int) -> None:
        self._read = read
        self._coding = coding
        self._limit = limit
        self._pending = b""
        self._came = 0
        self._taken = 0
        self._members = 0
        self._ended = False
        self._inflate: zlib._Decompress | None = None

    def read(self) -> bytes:
        """The next decoded bytes, b"" at their end."""
        while not self._ended:
            data = self._pending or self._fetched()
            self._pending = b""
            if not data and self._inflate is None:
                if not self._members:
                    raise self._broken()
                break
            piece = self._decode(data)
            self._taken += len(piece)
            if self._taken > self._limit:
                raise too_large(self._limit)
            if self._taken > AT_FIRST + MOST_TIMES * (self._came - len(self._pending)):
                hint = (
                    f"the body becomes more than {MOST_TIMES} times as long as it came; send it uncompressed"
                )
                raise broken("request.content-encoding", hint, status=413)
            if piece:
                return piece
            if not data and self._inflate is not None:
                raise self._broken()
        self._ended = True
        return b""

    def _fetched(self) -> bytes:
        data = self._read()
        self._came += len(data)
        return data

    def _decode(self, data: bytes) -> bytes:
        """What some bytes become, at most a piece; without bytes, what earlier ones still become."""
        inflate = self._inflate
        if inflate is None:
            if len(data) < 2 and (more := self._fetched()):
                data += more  # two bytes tell the two forms of deflate apart
            inflate = self._inflate = self._begin(data)
        try:
            piece = inflate.decompress(data, _PIECE)
        except zlib.error:
            raise self._broken() from None
        if inflate.eof:
            self._next_member(inflate.unused_data)
        else:
            self._pending = inflate.unconsumed_tail
        return piece

    def _begin(self, data: bytes) -> zlib._Decompress:
        if self._coding == "gzip":
            return zlib.decompressobj(_GZIP)
        # RFC 9110 means the form of zlib; some senders leave its two bytes of header out.
        is_zlib = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
        return zlib.decompressobj(_ZLIB if is_zlib else _RAW)

    def _next_member(self, rest: bytes) -> None:
        self._members += 1
        self._inflate = None
        if self._coding == "deflate" or self._members > MOST_MEMBERS:
            if rest or self._read():
                raise self._broken()
            self._ended = True
            return
        self._pending = rest

    def _broken(self) -> RefusalError:
        hint = f"the body is not whole and valid {self._coding}, as its Content-Encoding says"
        return broken("request.content-encoding", hint)

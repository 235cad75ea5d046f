"""multipart/mixed in both directions (RFC 2046), a chunk at a time: memory stays flat at any size.

A part ends at a line break and a boundary. Widely used clients (TinCanJS 0.50, @xapi/xapi, ADL's xAPIWrapper)
leave out the line break after the data of an attachment, so whoever can tell whether the data is whole is
asked at each boundary without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from lrs.http.problems import RefusalError, broken

HEADER_BYTES = 16_384
MOST_ATTACHMENTS = 100
"""Parts after the first: each is made durable by itself, and may be read by its own documents."""
MOST_CUTS, MOST_CUTS_OF_ALL = 1_000, 10_000
"""Boundaries without a line break at which a part, or all parts of a body, may turn out to end."""
_BREAK = b"\r\n"


@dataclass(slots=True)
class Part:
    """One part. Its `chunks` must be read to their end before the next part is asked for."""

    headers: dict[str, str]
    """Names in lower case."""
    chunks: Iterator[bytes]
    is_whole: Callable[[], bool] | None = None
    """Set by whoever reads, before the first chunk, and can tell: whether the chunks so far are all."""
    bare: int = 0
    """Boundaries without a line break before them that did not end this part."""


def malformed(what: str) -> RefusalError:
    """400: the body does not have the structure that its content type promises."""
    return broken("request.multipart", f"the multipart body {what} (RFC 2046, 5.1)")


def boundary_of(parameters: dict[str, str]) -> bytes:
    """The boundary named in the content type; RefusalError when there is none that may be used."""
    boundary = parameters.get("boundary", "")
    if not 1 <= len(boundary) <= 70 or not boundary.isascii() or not boundary.isprintable():
        raise malformed("needs a boundary of 1 to 70 characters in the Content-Type header")
    return boundary.encode()


class _Source:
    """The bytes still to come, with what has been read ahead."""

    def __init__(self, read: Callable[[], bytes], boundary: bytes) -> None:
        self._read = read
        self._boundary = b"--" + boundary
        self._delimiter = _BREAK + self._boundary
        # The first boundary may stand at the very start, where no line break goes before it.
        self.buffer = bytearray(_BREAK)
        self._cuts = 0

    def fill(self, hint: str = "") -> None:
        """Read some more; RefusalError at the end of the body, which no caller expects."""
        data = self._read()
        if not data:
            raise malformed("ends before its closing boundary" + hint)
        self.buffer += data

    def until_boundary(self, part: Part | None = None) -> Iterator[bytes]:
        """The bytes before the next boundary, which is consumed with the line break before it.

        Where a part says that it is whole, a boundary without a line break ends it, too.
        """
        buffer, boundary, delimiter = self.buffer, self._boundary, self._delimiter
        keep = len(delimiter) - 1
        begin = 0
        while True:
            asks = self._may_cut(part)
            found = buffer.find(boundary if asks else delimiter, begin)
            if found < 0:
                passed = len(buffer) - keep
                if passed > 0:
                    yield self._take(passed)
                    begin = max(0, begin - passed)
                self.fill(_missing_break(part))
                continue
            ends = not asks
            if asks and found >= len(_BREAK) and buffer.startswith(_BREAK, found - len(_BREAK)):
                found -= len(_BREAK)
                ends = True
            if found:
                yield self._take(found)
            whole = part is None or part.is_whole is None or part.is_whole()
            if ends and not whole:
                yield _BREAK  # it may belong to the data, and the one before the boundary be missing
            if ends or whole:
                del buffer[: len(delimiter if ends else boundary)]
                return
            if part is not None:
                part.bare += 1
            self._cuts += 1
            begin = 1

    def _take(self, size: int) -> bytes:
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def _may_cut(self, part: Part | None) -> bool:
        """Whether a boundary without a line break is still to be looked for."""
        if part is None or part.is_whole is None:
            return False
        return part.bare < MOST_CUTS and self._cuts < MOST_CUTS_OF_ALL

    def at_end(self) -> bool:
        """After a delimiter: whether it closes the body. Consumes the rest of its line otherwise."""
        while len(self.buffer) < 2:
            self.fill()
        if self.buffer.startswith(b"--"):
            return True
        while (found := self.buffer.find(b"\r\n")) < 0:
            if len(self.buffer) > HEADER_BYTES:
                break
            self.fill()
        if found < 0 or self.buffer[:found].strip(b" \t"):
            raise malformed("has text after a boundary on the same line")
        # The line break stays: it may itself begin the empty line that ends the headers.
        del self.buffer[:found]
        return False

    def headers(self) -> dict[str, str]:
        """The header lines of a part, consumed with the empty line after them."""
        while (found := self.buffer.find(b"\r\n\r\n")) < 0 and len(self.buffer) <= HEADER_BYTES:
            self.fill()
        if not 0 <= found <= HEADER_BYTES:
            raise malformed(f"has a part with more than {HEADER_BYTES} bytes of headers")
        lines = bytes(self.buffer[:found]).decode("latin-1").replace("\r\n ", " ").replace("\r\n\t", " ")
        del self.buffer[: found + 4]
        headers: dict[str, str] = {}
        for line in filter(None, lines.split("\r\n")):
            name, colon, value = line.partition(":")
            if not colon:
                raise malformed("has a header line without a colon")
            headers[name.strip().lower()] = value.strip()
        return headers


def _missing_break(part: Part | None) -> str:
    if part is None or not part.bare:
        return ""
    return "; is a line break (CRLF) missing between the data of a part and the boundary after it?"


def read_parts(read: Callable[[], bytes], boundary: bytes) -> Iterator[Part]:
    """The parts of a body, in order. `read` gives the next bytes, b"" at the end of the body.

    RefusalError 413 when there are more than the first and `MOST_ATTACHMENTS`, 400 when they are malformed.
    """
    source = _Source(read, boundary)
    for _ in source.until_boundary():
        pass  # a preamble says nothing
    for count in range(MOST_ATTACHMENTS + 2):
        if source.at_end():
            return
        if count > MOST_ATTACHMENTS:
            break
        part = Part(source.headers(), iter(()))
        part.chunks = source.until_boundary(part)
        yield part
        if next(part.chunks, None) is not None:
            raise AssertionError("a part was left half read")
    hint = (
        f"a request may bring the data of at most {MOST_ATTACHMENTS} attachments: send the statements in"
        " several requests, or give attachments a fileUrl instead of data"
    )
    raise broken("request.too-large", hint, status=413)


def write_parts(
    boundary: str, parts: Iterable[tuple[list[tuple[str, str]], Iterable[bytes]]]
) -> Iterator[bytes]:
    """A body of parts, each with its headers and the chunks of its content."""
    for headers, chunks in parts:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        yield f"--{boundary}\r\n{lines}\r\n".encode()
        yield from chunks
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()

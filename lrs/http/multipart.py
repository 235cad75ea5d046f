"""multipart/mixed in both directions (RFC 2046), a chunk at a time: memory stays flat at any size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from lrs.http.problems import Refusal, broken

HEADER_BYTES = 16_384
MOST_PARTS = 1_000


@dataclass(slots=True)
class Part:
    """One part. Its `chunks` must be read to their end before the next part is asked for."""

    headers: dict[str, str]
    """Names in lower case."""
    chunks: Iterator[bytes]


def malformed(what: str) -> Refusal:
    """400: the body does not have the structure that its content type promises."""
    return broken("request.multipart", f"the multipart body {what} (RFC 2046, 5.1)")


def boundary_of(parameters: dict[str, str]) -> bytes:
    """The boundary named in the content type; Refusal when there is none that may be used."""
    boundary = parameters.get("boundary", "")
    if not 1 <= len(boundary) <= 70 or not boundary.isascii() or not boundary.isprintable():
        raise malformed("needs a boundary of 1 to 70 characters in the Content-Type header")
    return boundary.encode()


class _Source:
    """The bytes still to come, with what has been read ahead."""

    def __init__(self, read: Callable[[], bytes], boundary: bytes) -> None:
        self._read = read
        self.delimiter = b"\r\n--" + boundary
        # The first delimiter may stand at the very start, where no line break goes before it.
        self.buffer = bytearray(b"\r\n")

    def fill(self) -> None:
        """Read some more; Refusal at the end of the body, which no caller expects."""
        data = self._read()
        if not data:
            raise malformed("ends before its closing boundary")
        self.buffer += data

    def until_delimiter(self) -> Iterator[bytes]:
        """The bytes before the next delimiter, which is consumed."""
        delimiter, keep = self.delimiter, len(self.delimiter) - 1
        while (found := self.buffer.find(delimiter)) < 0:
            if len(self.buffer) > keep:
                yield bytes(self.buffer[:-keep])
                del self.buffer[:-keep]
            self.fill()
        if found:
            yield bytes(self.buffer[:found])
        del self.buffer[: found + len(delimiter)]

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


def read_parts(read: Callable[[], bytes], boundary: bytes) -> Iterator[Part]:
    """The parts of a body, in order. `read` gives the next bytes, b"" at the end of the body."""
    source = _Source(read, boundary)
    for _ in source.until_delimiter():
        pass  # a preamble says nothing
    for count in range(MOST_PARTS + 1):
        if source.at_end():
            return
        if count == MOST_PARTS:
            break
        headers = source.headers()
        chunks = source.until_delimiter()
        yield Part(headers, chunks)
        if next(chunks, None) is not None:
            raise AssertionError("a part was left half read")
    raise malformed(f"has more than {MOST_PARTS} parts")


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

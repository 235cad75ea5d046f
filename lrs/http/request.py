"""A request as the resources see it: thin, and read only once."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from os import SEEK_END
from typing import IO, Any
from urllib.parse import parse_qsl

from lrs.access import Access
from lrs.http.content_encoding import coding_of, decoded
from lrs.http.headers import content_type
from lrs.http.parse_budget import ELSEWHERE, VALUE_COST, ParseBudget
from lrs.http.problems import RefusalError, broken, too_large
from lrs.xapi.spool import full_without_room, spool
from statements.data_types.json_cost import LARGE, separators
from statements.data_types.versions import Version

CHUNK = 65_536
MOST_PARAMETERS = 100
LENGTH_DIGITS = 18
"""A length of more digits is more than anybody takes, however it goes on."""

_SLASHES = re.compile("/{2,}")

Parameters = dict[str, list[str]]


class Request:
    """One request. `params` maps each query parameter to its values, in order."""

    __slots__ = (
        "_content",
        "_overrides",
        "_taken",
        "access",
        "budget",
        "cleanup",
        "environ",
        "held",
        "method",
        "params",
        "path",
        "root",
        "through",
        "version",
    )

    access: Access
    """Set by the application before a resource that needs it is called."""
    version: Version
    """Set by the application; the fallback where the resource takes any version."""

    def __init__(self, environ: Mapping[str, Any], budget: ParseBudget | None = None) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ.get("PATH_INFO", "").rstrip("/")
        if "//" in self.path:
            # Clients join an endpoint that ends in a slash with a path that begins with one.
            self.path = _SLASHES.sub("/", self.path)
        self.root: str = environ.get("SCRIPT_NAME", "")
        self.params: Parameters = {}
        self.through: int | None = None
        """The consistency watermark that holds for what was read for this request."""
        self.cleanup = contextlib.ExitStack()
        """Closed when the answer is complete."""
        self.budget = budget
        self.held = contextlib.ExitStack()
        """What this request holds of the budget; closed when its answer is made."""
        self._overrides: dict[str, str | None] = {}
        self._content: bytes | None = None
        self._taken = 0

    def parse_query(self) -> None:
        """Fill `params` from the query string; RefusalError when it is not text."""
        query: str = self.environ.get("QUERY_STRING", "")
        if query:
            self.params = parameters(query)

    def replace(
        self, method: str, params: Parameters, headers: Mapping[str, str | None], content: bytes
    ) -> None:
        """Become the request that a form described (alternate request syntax).

        `headers` count instead of those that were sent; one that is None counts as not sent.
        """
        self.method, self.params, self._content = method, params, content
        self._overrides = {_variable(name): value for name, value in headers.items()}

    def header(self, name: str) -> str | None:
        """The value of a header, or None."""
        variable = _variable(name)
        if variable in self._overrides:
            return self._overrides[variable]
        return self.environ.get(variable)

    def content_type(self) -> tuple[str, dict[str, str]]:
        """The media type in lower case ("" when there is none) and its parameters."""
        return content_type(self.header("Content-Type") or "")

    def declared_length(self) -> int | None:
        """The length of the body, or None when it is only known at its end."""
        if self._content is not None:
            return len(self._content)
        text = self.environ.get("CONTENT_LENGTH") or ""
        if text:
            if not (text.isascii() and text.isdigit()):
                raise RefusalError(400, "Content-Length must be a whole number of bytes.")
            return int(text[:LENGTH_DIGITS])
        streamed = "HTTP_TRANSFER_ENCODING" in self.environ or self.environ.get("wsgi.input_terminated")
        return None if streamed else 0

    def body(self, limit: int) -> bytes:
        """The whole body, decoded; RefusalError 413 when it is longer than `limit` bytes.

        A large one waits for its part of the budget.
        """
        if self._content is not None and len(self._content) <= limit:
            return self._content
        length = self.declared_length()
        if length == 0:
            return b""
        if length is None or length > LARGE or self._is_coded():
            with spool() as file:
                read = self.reader(limit)
                return self.gather(iter(read, b""), file, limit).read()
        if length > limit:
            raise too_large(limit)
        source: IO[bytes] = self.environ["wsgi.input"]
        body = source.read(length)
        if len(body) < length and body:
            parts = [body]
            missing = length - len(body)
            while missing and (more := source.read(missing)):
                parts.append(more)
                missing -= len(more)
            body = b"".join(parts)
        self._taken = len(body)
        if len(body) < length:
            raise _cut_short()
        return body

    def reader(self, limit: int) -> Callable[[], bytes]:
        """A function that gives the next bytes of the body, b"" at its end; RefusalError 413 past `limit`.

        They are decoded as `Content-Encoding` says.
        """
        length = self.declared_length()
        if length is not None and length > limit:
            raise too_large(limit)
        if self._content is not None:
            chunks = iter((self._content,))
            return lambda: next(chunks, b"")
        source: IO[bytes] = self.environ["wsgi.input"]

        def read() -> bytes:
            wanted = CHUNK if length is None else min(CHUNK, length - self._taken)
            data = source.read(wanted) if wanted > 0 else b""
            self._taken += len(data)
            if self._taken > limit:
                raise too_large(limit)
            if not data and length is not None and self._taken < length:
                raise _cut_short()
            return data

        if self._is_coded() and (coding := coding_of(self.environ.get("HTTP_CONTENT_ENCODING"))):
            return decoded(read, coding, limit)
        return read

    def _is_coded(self) -> bool:
        """Whether a header says that the bytes of the body are an encoding of what is meant.

        RefusalError for a range: no resource takes a part of a body.
        """
        if "HTTP_CONTENT_RANGE" in self.environ:
            hint = "send the whole body, without the header Content-Range"
            raise broken("request.content-range", hint)
        return "HTTP_CONTENT_ENCODING" in self.environ

    def gather(self, chunks: Iterable[bytes], file: IO[bytes], limit: int) -> Gathered:
        """Receive bytes to the end of a file, to be read at once later; RefusalError 413 past `limit`."""
        start = file.seek(0, SEEK_END)
        size = values = 0
        with full_without_room():
            for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise too_large(limit)
                values += separators(chunk)
                file.write(chunk)
            file.flush()
        return Gathered(self, file, start, size, values)

    def hold(self, size: int, values: int) -> None:
        """Wait for a part of the budget, kept until `held` is closed; RefusalError 429 or 503 without one."""
        if self.budget is not None and size > LARGE:
            access = getattr(self, "access", None)
            tenant = "" if access is None else access.tenant
            elsewhere = self.environ.get(ELSEWHERE, contextlib.nullcontext)
            self.held.enter_context(self.budget.held(tenant, size + VALUE_COST * values, elsewhere))

    def drain(self, most: int) -> None:
        """Read on, up to `most` bytes, and forget them.

        A client that is still sending when the connection closes never sees why it was refused.
        """
        length = self.declared_length() if self._content is None else 0
        left = most if length is None else min(most, length - self._taken)
        while left > 0 and (data := self.environ["wsgi.input"].read(min(CHUNK, left))):
            left -= len(data)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Bytes that were received into a file."""

    request: Request
    file: IO[bytes]
    start: int
    size: int
    values: int
    """At most so many JSON values are in them."""

    def read(self) -> bytes:
        """All of them, in memory, once they have their part of the budget."""
        self.request.hold(self.size, self.values)
        self.file.seek(self.start)
        return self.file.read(self.size)


def _cut_short() -> RefusalError:
    return RefusalError(400, "The body ended before the length that the request declared.")


def parameters(encoded: str) -> Parameters:
    """Decode a query string or a form; RefusalError when it is not UTF-8 or has too many fields."""
    try:
        if not encoded.isascii():
            # Some clients send characters that should have been percent-encoded; WSGI shows their bytes.
            encoded = encoded.encode("latin-1").decode("utf-8")
        pairs = parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except UnicodeError:
        raise broken("request.parameter", "the parameters are not UTF-8 text") from None
    except ValueError:
        raise broken("request.parameter", f"there are more than {MOST_PARAMETERS} parameters") from None
    found: Parameters = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _variable(name: str) -> str:
    variable = name.upper().replace("-", "_")
    return variable if variable in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{variable}"

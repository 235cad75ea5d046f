"""Statements out of the body of a request: JSON, or multipart/mixed with the data of attachments."""

from __future__ import annotations

import re
from typing import IO, Any

from lrs.http.headers import content_type
from lrs.http.multipart import Part, boundary_of, malformed, read_parts
from lrs.http.problems import RefusalError, broken
from lrs.http.request import Request
from lrs.http.xapi.services import Limits
from lrs.xapi.attachments import Received, Receiver, WrongHashError
from lrs.xapi.spool import spool
from statements.data_types.exact_json import dumps, loads
from statements.data_types.json_cost import LARGE, TooManyValuesError, check_values
from statements.rules.request_rules import problem

JSON = "application/json"
MIXED = "multipart/mixed"
HASH = "x-experience-api-hash"
_OBJECT = re.compile(rb"(?:\xef\xbb\xbf)?\s*+\{").match


def read(request: Request, limits: Limits, *, single: bool) -> tuple[list[Any], list[Received] | None]:
    """The statements, not yet checked, and the data of attachments (None when the body is JSON alone).

    RefusalError when the body is not what its type says, too large or too deep. `single`: exactly one
    statement is expected. The temporary file is closed when the answer is complete.
    """
    kind, parameters = request.content_type()
    if kind == JSON:
        return values_of(request.body(limits.max_body_bytes), limits, single=single), None
    if kind != MIXED:
        raise broken("request.content-type", f"send statements as {JSON} or {MIXED}")
    parts = read_parts(request.reader(limits.max_attachment_bytes), boundary_of(parameters))
    first = next(parts, None)
    if first is None or content_type(first.headers.get("content-type", ""))[0] != JSON:
        raise malformed(f"needs a first part of type {JSON} that holds the statements")
    _check_plain(first)
    file = request.cleanup.enter_context(spool())
    gathered = request.gather(first.chunks, file, limits.max_body_bytes)
    received = [_attachment(place, part, file) for place, part in enumerate(parts, start=2)]
    # Only now: nothing large is held while a client takes its time to send the rest.
    return values_of(gathered.read(), limits, single=single), received


def _check_plain(part: Part) -> None:
    if part.headers.get("content-encoding", "identity").lower() != "identity":
        raise malformed("has a part with a Content-Encoding: send the data of each part as it is")


def _attachment(place: int, part: Part, file: IO[bytes]) -> Received:
    _check_plain(part)
    sha2 = part.headers.get(HASH)
    if sha2 is None:
        raise broken("attachment.hash", f"part {place} needs the header X-Experience-API-Hash")
    if part.headers.get("content-transfer-encoding", "").lower() != "binary":
        raise broken(
            "attachment.encoding", f"part {place} needs the header Content-Transfer-Encoding: binary"
        )
    try:
        receiver = Receiver(sha2, part.headers.get("content-type", "application/octet-stream"), file)
        part.is_whole = receiver.is_whole
        for chunk in part.chunks:
            receiver.add(chunk)
        return receiver.received()
    except WrongHashError as error:
        hint = f"part {place}: {error}"
        if part.bare:
            hint += ", up to any boundary in it: a line break (CRLF) goes before the boundary after the data"
        raise broken("attachment.hash", hint) from None


def values_of(body: bytes, limits: Limits, *, single: bool) -> list[Any]:
    """The statements of a JSON body, one or an array; RefusalError when it is none, or too much."""
    if not body:
        raise broken("request.json", "the body is empty; one or more statements are expected")
    is_large = len(body) > limits.max_statement_bytes
    if is_large and _OBJECT(body):
        raise _statement_too_large(limits.max_statement_bytes, None)
    value = _read(body, limits.max_values)
    may_be_deep = _brackets(body) > limits.max_depth
    if not isinstance(value, list):
        if may_be_deep:
            _check_depth(value, limits.max_depth)
        return [value]
    if single:
        raise broken("statement.put-id", "PUT takes one statement, not an array of them")
    if len(value) > limits.max_batch:
        hint = f"a request may hold at most {limits.max_batch} statements; send several"
        raise broken("request.too-large", hint, status=413)
    if is_large or may_be_deep:
        for index, each in enumerate(value):
            _check_one(each, index, limits)
    return value


def _check_one(value: Any, index: int, limits: Limits) -> None:
    """RefusalError when one statement of an array is too large or nested too deep.

    Most statements are found small and flat by their text alone.
    """
    if not isinstance(value, (dict, list)):
        return
    try:
        text = dumps(value)
    except ValueError:  # too deep to be written, or no text
        text = None
    if text is not None and len(text) > limits.max_statement_bytes:
        raise _statement_too_large(limits.max_statement_bytes, index)
    if text is None or _brackets(text) >= limits.max_depth:
        _check_depth([value], limits.max_depth)


def _statement_too_large(most: int, index: int | None) -> RefusalError:
    hint = f"one statement may have at most {most} bytes; send large data as an attachment"
    return RefusalError(413, hint, problems=[problem("request.too-large", "", hint, index=index)])


def parse(body: bytes, max_depth: int, max_values: int) -> Any:
    """The JSON value of a body.

    RefusalError when it is not JSON, is nested too deep or holds too many values.
    """
    value = _read(body, max_values)
    # What has few brackets cannot be deep; most bodies are spared the walk.
    if _brackets(body) > max_depth:
        _check_depth(value, max_depth)
    return value


def _read(body: bytes, max_values: int) -> Any:
    try:
        if len(body) > LARGE:
            check_values(body, max_values)
        return loads(body)
    except TooManyValuesError as error:
        hint = f"the body is too much to read at once: {error}"
        raise broken("request.too-large", hint, status=413) from None
    except ValueError as error:
        raise broken("request.json", f"the body is {error}") from None


def _brackets(text: bytes) -> int:
    return text.count(b"{") + text.count(b"[")


def _check_depth(value: Any, limit: int) -> None:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            if isinstance(parent, (dict, list))
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise broken("request.too-deep", f"the JSON is nested deeper than {limit} levels")

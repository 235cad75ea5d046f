"""Documents of the State and Profile resources: entity tags, preconditions, and the merge of JSON documents.

Rules: xAPI 1.0.3 Part 3, 2.2 (documents) and 3.1 (concurrency); for 2.0 IEEE 9274.1.1, 4.1.4. All are pure
functions. What `check_write` decided holds for the entity tag that it was given.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

from statements.data_types.exact_json import dumps, loads
from statements.data_types.versions import Version
from statements.errors import InvalidError, Problem
from statements.rules.request_rules import problem


class Resource(StrEnum):
    """The three document resources; the value is also the kind under which the store keeps them."""

    STATE = "state"
    ACTIVITY_PROFILE = "activity-profile"
    AGENT_PROFILE = "agent-profile"


class Refusal(StrEnum):
    """Why a write of a document is refused; named after the HTTP status that says so."""

    FAILED = "precondition-failed"
    """412: the document is not what If-Match or If-None-Match asks for."""
    CONFLICT = "conflict"
    """409: the document exists, and the request does not say which version of it is meant."""
    REQUIRED = "precondition-required"
    """400: the request needs If-Match or If-None-Match."""


class PreconditionFailedError(Exception):
    """A write of a document is refused, and nothing may change."""

    def __init__(self, kind: Refusal, problem: Problem) -> None:
        super().__init__(problem.hint)
        self.kind = kind
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The two headers as they came (None when absent), and what the client may leave out."""

    if_match: str | None = None
    if_none_match: str | None = None
    may_create: bool = False
    """Whether a new profile needs neither under 1.0.3: the request names an earlier version."""


_TAG: Final = re.compile(r'(?:W/)?"([^"]*)"|([^",\s]+)')
_CODED: Final = re.compile(r"-(?:gzip|deflate|br|zstd)\Z")
"""What web servers in front add to the tag of an answer that they compress."""


def etag(body: bytes) -> str:
    """The entity tag of a document: the SHA-1 of its bytes in lower case hexadecimal, in quotes."""
    return f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"'


def matches(header: str, current: str | None) -> bool:
    """Whether a header's list of entity tags names the current one; `*` names any that exists.

    Tags without quotes and weak tags are taken as the plain tag: older clients send the one, and proxies
    that compress make the other, or append the name of the compression to the tag.
    """
    if current is None:
        return False
    if header.strip() == "*":
        return True
    bare = current.strip('"')
    return any(_CODED.sub("", quoted or plain) == bare for quoted, plain in _TAG.findall(header))


def check_write(
    method: Literal["PUT", "POST", "DELETE"],
    resource: Resource,
    version: Version,
    preconditions: Preconditions,
    current: str | None,
) -> None:
    """Let a write of a document pass, or raise `PreconditionFailedError`.

    `current` is the entity tag of the document, None when it is new. Failed preconditions are refused for
    every method and resource. A PUT with neither header is refused when the document exists, but for State in
    1.0.3; there, a new profile needs a header, too, unless the request names a version before 1.0.3.
    """
    if preconditions.if_match is not None and not matches(preconditions.if_match, current):
        hint = "the document has changed, or is gone, since its If-Match tag was current; get it again"
        raise _refused(Refusal.FAILED, "document.if-match", hint)
    if preconditions.if_none_match is not None and matches(preconditions.if_none_match, current):
        hint = "If-None-Match asks that this document does not exist yet, and it does"
        raise _refused(Refusal.FAILED, "document.if-none-match", hint)
    if method != "PUT" or (preconditions.if_match, preconditions.if_none_match) != (None, None):
        return
    if version is Version.V1 and resource is Resource.STATE:
        return
    if current is not None:
        hint = "the document exists: get its current state, and send its ETag in an If-Match header"
        raise _refused(Refusal.CONFLICT, "document.unconditional-put", hint)
    if version is Version.V1 and not preconditions.may_create:
        hint = (
            "the header If-None-Match is missing: send If-None-Match: * to create this document, or If-Match"
            " with its ETag to replace it"
        )
        raise _refused(Refusal.REQUIRED, "document.precondition-required", hint)


def _refused(kind: Refusal, rule: str, hint: str) -> PreconditionFailedError:
    return PreconditionFailedError(kind, problem(rule, "", hint))


def is_json(content_type: str) -> bool:
    """Whether a Content-Type is application/json, with or without parameters."""
    return content_type.partition(";")[0].strip().lower() == "application/json"


def merge(
    existing: bytes | None,
    existing_type: str,
    posted: bytes,
    posted_type: str,
    read: Callable[[bytes], Any] | None = None,
) -> bytes:
    """The document that a POST leaves behind. Raises `InvalidError` when the two cannot be merged.

    A new document is stored as it was sent. Onto an existing one the posted members are set, at the top level
    only; both must be JSON objects (XAPI-00229 to XAPI-00235 and the like). Numbers keep their digits. `read`
    gives the value of the posted JSON; the default is `statements.data_types.exact_json.loads`.
    """
    if existing is None and not is_json(posted_type):
        return posted
    problems: list[Problem] = []
    new = _object(posted, posted_type, "the posted document", problems, read or loads)
    old = {} if existing is None else _object(existing, existing_type, "the document that is there", problems)
    if problems:
        raise InvalidError(problems)
    if existing is None:
        return posted
    try:
        return dumps({**old, **new})
    except ValueError as error:
        raise InvalidError([_unmergeable(f"the merged document {error}")]) from None


def _object(
    body: bytes,
    content_type: str,
    which: str,
    problems: list[Problem],
    read: Callable[[bytes], Any] = loads,
) -> dict[str, object]:
    reason = "its Content-Type is not application/json"
    if is_json(content_type):
        try:
            value = read(body)
        except ValueError as error:
            reason = str(error)
        else:
            if isinstance(value, dict):
                return value
            reason = "it is JSON but no object"
    problems.append(_unmergeable(f"only JSON objects can be merged, and {which} is none: {reason}"))
    return {}


def _unmergeable(hint: str) -> Problem:
    return problem("document.merge", "", hint)

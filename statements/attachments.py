"""Attachments: what statements declare, and whether the parts of a request satisfy it.

Rules: xAPI 1.0.3 Part 2, 2.4.11 and Part 3, 1.5; XAPI-00127 to XAPI-00135. Data and declarations match by
their SHA-2 hash and in no other way. `length` is not compared (clients get it wrong; the hash proves more).
Reading and hashing the parts is the caller's; this module has no I/O.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from statements.errors import Problem
from statements.rules.request_rules import problem

if TYPE_CHECKING:
    from hashlib import _Hash

SIGNATURE_USAGE: Final = "http://adlnet.gov/expapi/attachments/signature"
"""The usageType of an attachment that signs its statement (xAPI 1.0.3 Part 2, 2.6)."""

SIGNATURE_TYPE: Final = "application/octet-stream"
"""The contentType of such an attachment (XAPI-00115)."""

_ALGORITHM: Final = {56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment as a statement declares it."""

    pointer: str
    """JSON pointer of the declaration inside the statement."""
    sha2: str
    """Lower case hexadecimal."""
    usage_type: str
    content_type: str
    file_url: str | None

    @property
    def is_signature(self) -> bool:
        """Whether it signs the statement that declares it."""
        return self.usage_type == SIGNATURE_USAGE


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart request after the first, as far as matching needs it."""

    sha2: str
    """Value of the part's X-Experience-API-Hash header, which the caller has found to be true."""
    size: int = 0
    content_type: str = "application/octet-stream"


def declared(statement: Mapping[str, Any]) -> tuple[Attachment, ...]:
    """The attachments of a statement and of its SubStatement, in order. It has passed the rules."""
    target = statement["object"]
    inner = target.get("attachments", ()) if target.get("objectType") == "SubStatement" else ()
    outer = statement.get("attachments", ())
    if not outer and not inner:
        return ()
    return (*_read(outer, "/attachments"), *_read(inner, "/object/attachments"))


def _read(listed: Sequence[Mapping[str, Any]], pointer: str) -> Iterable[Attachment]:
    for place, each in enumerate(listed):
        yield Attachment(
            pointer=f"{pointer}/{place}",
            sha2=each["sha2"].lower(),
            usage_type=each["usageType"],
            content_type=each["contentType"],
            file_url=each.get("fileUrl"),
        )


def match(batch: Sequence[Sequence[Attachment]], parts: Sequence[Part]) -> list[Problem]:
    """What is wrong between the declarations of a batch, one sequence per statement, and the parts sent.

    Without parts (a request of type application/json) every attachment needs a `fileUrl`. With parts, each
    attachment needs a `fileUrl` or a part, and each part must be declared. A signature always needs a part,
    and the contentType of signatures; `statements.signatures` checks the data itself.
    """
    sent = {part.sha2.lower() for part in parts}
    problems = [
        problem(
            "attachment.data-missing",
            attachment.pointer,
            "send the data of this attachment as a part of a multipart/mixed request whose"
            " X-Experience-API-Hash equals its sha2"
            + ("" if attachment.is_signature else ", or give it a fileUrl"),
            index=index,
        )
        for index, attachments in enumerate(batch)
        for attachment in attachments
        if attachment.sha2 not in sent and (attachment.file_url is None or attachment.is_signature)
    ]
    problems += (
        problem(
            "signature.content-type",
            f"{attachment.pointer}/contentType",
            f"the contentType of a signature is {SIGNATURE_TYPE}",
            index=index,
        )
        for index, attachments in enumerate(batch)
        for attachment in attachments
        if attachment.is_signature
        and attachment.content_type.partition(";")[0].strip().lower() != SIGNATURE_TYPE
    )
    known = {attachment.sha2 for attachments in batch for attachment in attachments}
    problems += (
        problem(
            "attachment.part-not-declared",
            "",
            f"part {place} is the data of no attachment: its X-Experience-API-Hash equals no sha2",
        )
        for place, part in enumerate(parts, start=2)
        if part.sha2.lower() not in known
    )
    return problems


def hasher(sha2: str) -> _Hash | None:
    """An empty hash of the SHA-2 algorithm that produced this hexadecimal text; None when none did."""
    algorithm = _ALGORITHM.get(len(sha2))
    if algorithm is None or not all(digit in "0123456789abcdefABCDEF" for digit in sha2):
        return None
    return hashlib.new(algorithm)

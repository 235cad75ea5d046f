"""The signatures of one request, checked within bounds: in bytes, in values, and in turns of the tenant.

A signature brings JSON of its own, which no budget for the body of a request has seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Final

from lrs.tenant_turns import TenantTurns
from lrs.xapi.attachments import Received
from statements.attachments import Attachment
from statements.data_types.versions import Version
from statements.errors import Problem
from statements.rules.request_rules import problem
from statements.signatures import LARGEST, Allowance, check_signature

MOST_SIGNED = 8 * LARGEST
"""Bytes of the signatures of one request, one that signs several statements counted for each."""
MOST_VALUES = 100_000
"""Values in the JSON of the signatures of one request, counted in the same way."""
MOST_WRONG = 10
"""After so many wrong signatures the others are not looked at."""
LARGE: Final = 65_536
"""Signatures of more bytes, those of a request together, are checked in turns."""

_Signature = tuple[int, Attachment, Mapping[str, Any], Received]
"""Index and value of the statement, where the signature is declared, and its data."""


def check_signatures(
    turns: TenantTurns,
    tenant: str,
    declared: Sequence[Sequence[Attachment]],
    values: Sequence[Mapping[str, Any]],
    received: Mapping[str, Received],
    version: Version,
) -> list[Problem]:
    """What is wrong with the signatures among the attachments that these statements declare.

    `received` has the data by its hash. Nothing is said of signatures without data. BusyError when the tenant
    has enough of such work under way.
    """
    found = list(_signatures(declared, values, received))
    is_large = sum(part.size for _, _, _, part in found) > LARGE
    with turns.turn(tenant) if is_large else nullcontext():
        return _check(found, version)


def _signatures(
    declared: Sequence[Sequence[Attachment]],
    values: Sequence[Mapping[str, Any]],
    received: Mapping[str, Received],
) -> Iterator[_Signature]:
    for index, (attachments, value) in enumerate(zip(declared, values, strict=True)):
        for each in attachments:
            if each.is_signature and (part := received.get(each.sha2)) is not None:
                yield index, each, value, part


def _check(found: Sequence[_Signature], version: Version) -> list[Problem]:
    problems: list[Problem] = []
    left = MOST_SIGNED
    allowance = Allowance(MOST_VALUES)
    for index, attachment, value, part in found:
        left -= part.size
        if left < 0:
            hint = f"the signatures of a request may have at most {MOST_SIGNED} bytes together; send fewer"
            return [*problems, problem("signature.jws", attachment.pointer, hint, index=index)]
        jws = part.read(LARGEST)
        if jws is None:
            hint = f"a signature may have at most {LARGEST} bytes"
            problems.append(problem("signature.jws", attachment.pointer, hint, index=index))
        else:
            problems += check_signature(
                jws, value, version, pointer=attachment.pointer, index=index, allowance=allowance
            )
        if allowance.is_used_up or len(problems) >= MOST_WRONG:
            break
    return problems

"""The two versions of xAPI that are spoken here, and how a request names one."""

from __future__ import annotations

import re
from enum import StrEnum


class Version(StrEnum):
    """A version of the specification; the value is what `X-Experience-API-Version` answers with."""

    V1 = "1.0.3"
    V2 = "2.0.0"


_FAMILY = re.compile(r"([12])\.0(?:\.[0-9]{1,9})?")


def negotiate(header: str | None) -> Version | None:
    """The version a request's `X-Experience-API-Version` header asks for; None when it names no known one.

    "1.0" and "1.0.x" mean 1.0.3, "2.0" and "2.0.x" mean 2.0.0 (xAPI 1.0.3 Part 3, 3.3).
    """
    found = _FAMILY.fullmatch(header) if header is not None else None
    if found is None:
        return None
    return Version.V1 if found[1] == "1" else Version.V2

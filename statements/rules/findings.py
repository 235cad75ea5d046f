"""How checks report: a finding's path grows as it climbs out of the value, so a valid value costs nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

Path = tuple[str | int, ...]
Finding = tuple[Path, str, str]
"""Path from the checked value, slug of the broken rule, hint."""
Findings = list[Finding]
Check = Callable[[Any], "Findings | None"]
"""A compiled check: None when the value is valid."""

MOST: Final = 100
"""A check stops after so many findings: a hostile statement must not be answered with a larger body."""
_LONGEST_KEY: Final = 100
_SURROGATES = re.compile("[\ud800-\udfff]")


def well_formed(text: str) -> bool:
    """Whether the text can be written as UTF-8: it has no lone surrogates."""
    return text.isascii() or _SURROGATES.search(text) is None


def climb(found: Findings | None, step: str | int, deeper: Findings) -> Findings:
    """`found` and, one step further from the root, what was found deeper."""
    lifted = [((step, *path), slug, hint) for path, slug, hint in deeper]
    return lifted[:MOST] if found is None else (found + lifted)[:MOST]


def add(found: Findings | None, path: Path, slug: str, hint: str) -> Findings:
    """`found` and one more."""
    return [(path, slug, hint)] if found is None else [*found, (path, slug, hint)][:MOST]


def full(found: Findings) -> bool:
    """Whether there is no room for another finding."""
    return len(found) >= MOST


def mismatch(value: object, slug: str, expected: str) -> Findings:
    """The finding for a value that is not what its place asks for."""
    if value is None:
        return [
            ((), "json.no-null", f"Leave the member out, or give {expected}; null stands only in extensions.")
        ]
    return [((), slug, f"Expected {expected}; found {json_type(value)}.")]


def json_type(value: object) -> str:
    """What JSON calls a value, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float | Decimal):
        return "a number"
    if isinstance(value, str):
        return "other text" if value else "an empty string"
    if isinstance(value, list):
        return "an array"
    return "an object" if isinstance(value, Mapping) else "no JSON value"


def shown_key(key: object) -> str:
    """A member's name as it may appear in a pointer or hint: well-formed and cut short."""
    text = _SURROGATES.sub("\ufffd", key if isinstance(key, str) else str(type(key).__name__))
    return text if len(text) <= _LONGEST_KEY else f"{text[:_LONGEST_KEY]}\u2026"


def pointer(path: Iterable[str | int]) -> str:
    """A path as a JSON Pointer (RFC 6901); names longer than 100 characters are cut."""
    return "".join(
        f"/{step}" if isinstance(step, int) else f"/{shown_key(step).replace('~', '~0').replace('/', '~1')}"
        for step in path
    )

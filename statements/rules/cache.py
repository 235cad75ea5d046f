"""Remembers what was found valid: statements name the same actors, verbs and activities again and again.

To write such a value as JSON and look for that takes a tenth of checking it.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from statements.rules.findings import Check, Findings

LONGEST: Final = 400
"""Longer texts (bytes) are not worth the memory."""
MOST: Final = 4_000
"""So many texts of one place are remembered; then it begins anew."""

_EXACTLY: Final = (
    orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
)
"""What is no JSON value has no text, and so is checked each time."""


def remembering(check: Check) -> Check:
    """The same check, not made again for a value that has passed it. Safe to use from many threads."""
    valid: set[bytes] = set()

    def quick(value: Any) -> Findings | None:
        try:
            text = orjson.dumps(value, None, _EXACTLY)
        except TypeError:  # not JSON, a lone surrogate, a very large number
            return check(value)
        if text in valid:
            return None
        found = check(value)
        # Numbers that are not finite are written as null, but are not valid wherever null is.
        if found is None and len(text) <= LONGEST and b"null" not in text:
            if len(valid) >= MOST:
                valid.clear()
            valid.add(text)
        return found

    return quick

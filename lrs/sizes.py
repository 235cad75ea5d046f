"""How large one thing may be that a store keeps whole; the same for every engine."""

from __future__ import annotations

MOST_BYTES = 12 * 1024 * 1024
"""Bytes of one statement or document. A MongoDB document holds 16 MiB, index keys included."""


class TooLarge(ValueError):
    """One statement or document is larger than the store keeps; nothing of the request was kept."""


def check_size(size: int) -> None:
    """TooLarge when a statement or document of `size` bytes cannot be kept."""
    if size > MOST_BYTES:
        raise TooLarge(f"one statement or document may have at most {MOST_BYTES} bytes")

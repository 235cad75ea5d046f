"""How large one thing may be that a store keeps whole; the same for every engine."""

from __future__ import annotations

from collections.abc import Collection

from lrs.xapi.statement_keys import STATEMENT_KEYS

MOST_BYTES = 12 * 1024 * 1024
"""Bytes of one statement or document. A MongoDB document holds 16 MiB, index keys included."""
SAFE_BYTES = 1024 * 1024
"""The keys of a statement of up to so many bytes need not be counted: they cannot be too large."""
MOST_KEYS = 20_000
"""Index keys of the statements of one request together. Each is a row or two that the store's writing thread
adds; while it does so for one request, all others wait: about 0.3 s for so many, on either engine. An
ordinary statement has 7 to 11."""
USUAL_KEYS = 12
"""Index keys of a statement that is more than usual: where batches may be larger, so many for each."""
KEY_BYTES = 20
"""What one index key takes beside its text."""
PAIR_BYTES = 16
"""What a pair of a lead and a facet takes, see `IndexKeys`."""


class TooLargeError(ValueError):
    """One statement or document is larger than the store keeps; nothing of the request was kept."""


def check_keys(size: int, keys: Collection[str]) -> None:
    """TooLargeError when a statement of `size` bytes cannot be kept together with its index keys."""
    if size > SAFE_BYTES:
        texts = sum(len(key.encode()) + KEY_BYTES for key in keys)
        check_size(size + texts + PAIR_BYTES * len(STATEMENT_KEYS.compound_keys(keys)))


def check_all_keys(count: int, statements: int) -> None:
    """TooLargeError when so many statements of one request have so many index keys together."""
    if count > max(MOST_KEYS, USUAL_KEYS * statements):
        raise TooLargeError(
            f"the statements of one request may have at most {MOST_KEYS} index keys together (an agent or an"
            " activity is two or three, a member of a group too); send fewer at once"
        )


def check_size(size: int) -> None:
    """TooLargeError when a statement or document of `size` bytes cannot be kept."""
    if size > MOST_BYTES:
        raise TooLargeError(f"one statement or document may have at most {MOST_BYTES} bytes")

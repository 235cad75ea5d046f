"""Pages of records: how many fit, and what is sent of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from lrs.store.log import Position, Record


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page of records as it will be sent: their bodies with a comma between them."""

    body: bytes
    last: Position | None
    """Where the page ends; None when it is empty."""
    more: bool
    """Whether something comes after it."""


def fitting(sizes: Iterable[int], limit: int, most_bytes: int | None) -> int:
    """How many of the records with bodies of these sizes make a page.

    `limit` of them at most, and no more than have `most_bytes` together; but always one, however large.
    """
    count = total = 0
    for size in islice(sizes, limit):
        total += size
        if most_bytes is not None and total > most_bytes and count:
            break
        count += 1
    return count


def enough(sizes: Iterable[int], most_bytes: int | None) -> int | None:
    """After how many records of these sizes a `find` ends for its `most_bytes`; None when it does not."""
    if most_bytes is None:
        return None
    total = 0
    for count, size in enumerate(sizes, start=1):
        total += size
        if total > most_bytes and count > 1:
            return count
    return None


def raw_page(found: Sequence[Record], limit: int, most_bytes: int | None = None) -> RawPage:
    """The page of `limit` records at most, of a `find` that asked for one more and for as many bytes."""
    page = found[: fitting((len(record.body) for record in found), limit, most_bytes)]
    last = Position(page[-1].stored, page[-1].id) if page else None
    return RawPage(b",".join([record.body for record in page]), last, len(found) > len(page))

"""The log: its records, places in it, and what it is asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import KW_ONLY, dataclass

Views = tuple[frozenset[str], ...]
"""A record's key sets: its own keys first, then one set per record that it reaches by reference."""


@dataclass(frozen=True, slots=True)
class Record:
    """One immutable record of the log."""

    tenant: str
    id: str
    """Canonical UUID (36 characters, lower case), unique within the tenant."""
    stored: int
    """Microseconds; strictly increasing in commit order within one SQLite file, see `Store`."""
    body: bytes
    """The bytes to give back."""
    digest: bytes
    """Opaque to the engine: equal digests mean the same content."""
    views: Views
    hidden: bool = False
    """A hidden record is never found by `find` (unless asked for) but still read by `get`."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the log; pages resume strictly after it, in the direction they walk."""

    stored: int
    id: str


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which records of the log are asked for: those of which ONE view holds ALL `keys`.

    They come in the order of (stored, id), the newest first.
    """

    tenant: str | None
    """None: the records of all tenants; then there are no keys (ValueError)."""
    keys: Collection[str] = ()
    _: KW_ONLY
    limit: int
    """Records at most."""
    since: int | None = None
    """Microseconds; records stored later than this."""
    until: int | None = None
    """Microseconds; records stored then or earlier."""
    after: Position | None = None
    """Records strictly beyond this place, in the direction of the walk."""
    ascending: bool = False
    """The oldest first."""
    include_hidden: bool = False
    most_bytes: int | None = None
    """Bytes of all bodies together, from which on no more records are wanted; see `Reader.find`."""

    def __post_init__(self) -> None:
        if self.tenant is None and self.keys:
            raise ValueError("a walk over all tenants takes no keys")

    def matches(self, record: Record) -> bool:
        """Whether this is one of the records that are asked for, whatever the limit."""
        after = self.after
        return (
            (self.tenant is None or record.tenant == self.tenant)
            and (not self.keys or any(view.issuperset(self.keys) for view in record.views))
            and (self.since is None or record.stored > self.since)
            and (self.until is None or record.stored <= self.until)
            and (self.include_hidden or not record.hidden)
            and (
                after is None
                or is_beyond((record.stored, record.id), (after.stored, after.id), self.ascending)
            )
        )


def is_beyond(place: tuple[int, str], border: tuple[int, str], ascending: bool) -> bool:
    """Whether a walk in that direction comes to a record's (stored, id) after that of another."""
    return place > border if ascending else place < border

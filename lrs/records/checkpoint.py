"""How far the follower has come, and who follows: one document, changed by compare-and-set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import orjson

from lrs import document_kinds
from lrs.store.documents import Document
from lrs.store.log import Position
from lrs.store.port import Reader, Writer

CHECKPOINT: Final = document_kinds.CHECKPOINT
NAME: Final = "records"
LEASE: Final = 5_000_000
"""Microseconds for which whoever wrote the checkpoint may expect to be alone."""


class CheckpointLostError(Exception):
    """Somebody else moved the checkpoint: what was worked out meanwhile must not be written."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The follower's place."""

    safe: Position | None = None
    """Everything up to here is done, and nothing can appear before it any more."""
    ahead: Position | None = None
    """Done beyond `safe` as far as it was visible."""
    holder: str = ""
    until: int = 0
    """Until when (microseconds) the holder may expect to be alone."""
    moves: int = 0
    """Counts the changes; what the compare-and-set compares."""
    early: dict[str, Position] = field(default_factory=dict)
    """By tenant: everything of it up to there is done, beyond `front`; see `lrs.records.projection.early`."""

    @property
    def front(self) -> Position | None:
        """Where to look for what is new."""
        return self.safe if self.ahead is None else self.ahead

    def held_by_another(self, holder: str, now: int) -> bool:
        """Whether somebody else is at work."""
        return self.holder not in ("", holder) and now < self.until


def read(reader: Reader) -> Checkpoint:
    """The checkpoint as it is kept; the beginning when there is none."""
    document = reader.document(CHECKPOINT, "", NAME)
    if document is None:
        return Checkpoint()
    held = orjson.loads(document.body)
    return Checkpoint(
        _position(held["safe"]),
        _position(held["ahead"]),
        held["holder"],
        held["until"],
        held["moves"],
        {tenant: Position(*pair) for tenant, pair in held.get("early", {}).items()},
    )


def move(writer: Writer, seen: Checkpoint, to: Checkpoint) -> None:
    """Write `to` in place of `seen`; CheckpointLostError when something else is there."""
    if read(writer).moves != seen.moves:
        raise CheckpointLostError
    body = {
        "safe": _pair(to.safe),
        "ahead": _pair(to.ahead),
        "holder": to.holder,
        "until": to.until,
        "moves": to.moves,
        "early": {tenant: _pair(place) for tenant, place in to.early.items()},
    }
    writer.put(Document(CHECKPOINT, "", NAME, orjson.dumps(body), etag=str(to.moves)))


def _pair(position: Position | None) -> list[object] | None:
    return None if position is None else [position.stored, position.id]


def _position(pair: list[object] | None) -> Position | None:
    return None if pair is None else Position(int(str(pair[0])), str(pair[1]))

"""What a verifier may want to know about an entry before deciding: facts beside it, never a judgement.

Each is found by index keys, for the few entries of one page. None of them decides anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

from lrs.records.entries import ENTRY, Entry, Status, certificate_key, entry_of, evidence_key, owned_key
from lrs.records.waiting import KIND, LISTED, Waiting, owner_key
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Reader, Store

BURST, BURST_SECONDS = 5, 600
"""So many entries of one learner within so many seconds are told of."""
BACKDATED: Final = timedelta(days=60)
"""An entry that was sent later than so long after its last day is told of."""
ALIKE: Final = 0.8
"""Titles of which at least this share is the same are alike."""
_LOOKED: Final = 30
"""Entries with overlapping dates that are looked at for one entry."""
_LONGEST: Final = 200
"""Characters of a title that are compared."""
_SAME: Final = 4
"""Entries with the same certificate or file that are looked at."""


class Fact(StrEnum):
    """What is told."""

    BURST = "burst"
    BACKDATED = "backdated"
    OVERLAPS = "overlaps"
    ALIKE = "alike"
    """Same form, overlapping dates and a title that is alike: perhaps the same activity twice."""
    CERTIFICATE = "certificate"
    """Another entry has the same certificate number."""
    FILE = "file"
    """Another entry has the very same file as evidence."""


@dataclass(frozen=True, slots=True)
class Hint:
    """One fact beside an entry."""

    fact: Fact
    count: int = 0
    """How many entries or, for `BACKDATED`, how many days."""
    other: Entry | None = None
    """The other entry, where it is the same learner's; never anybody else's."""


class Hints:
    """Finds the facts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def about(self, tenant: str, entries: Sequence[tuple[Waiting, Entry]]) -> dict[str, list[Hint]]:
        """What there is to know about these entries, by entry id; an entry without anything is missing."""
        found: dict[str, list[Hint]] = {}
        with self._store.reading() as reader:
            owners = {owner_key(one.persona) for one, _ in entries}
            sent = reader.find_many_documents(KIND, tenant, owners, limit=LISTED) if owners else {}
            keys = {key for _, entry in entries for key in _shared(entry)}
            same = reader.find_many_documents(ENTRY, tenant, keys, limit=_SAME) if keys else {}
            for one, entry in entries:
                hints = [
                    *_timing(one, entry, sent[owner_key(one.persona)]),
                    *_doubles(entry, same),
                    *_overlaps(reader, entry),
                ]
                if hints:
                    found[entry.id] = hints
        return found


def _shared(entry: Entry) -> dict[str, Fact]:
    """The index keys under which other entries with the same proof stand."""
    number = (entry.details or {}).get("certificate", "")
    keys = {evidence_key(one.sha2): Fact.FILE for one in entry.evidence if one.sha2}
    return keys | ({key: Fact.CERTIFICATE} if (key := certificate_key(number)) else {})


def _timing(one: Waiting, entry: Entry, sent: Collection[Document]) -> list[Hint]:
    hints = []
    near = sum(abs(int(document.order) - one.since) <= BURST_SECONDS * 1_000_000 for document in sent)
    if near >= BURST:
        hints.append(Hint(Fact.BURST, near))
    late = datetime.fromtimestamp(one.since / 1_000_000, UTC).date() - entry.end
    if late > BACKDATED:
        hints.append(Hint(Fact.BACKDATED, late.days))
    return hints


def _doubles(entry: Entry, same: Mapping[str, Sequence[Document]]) -> list[Hint]:
    hints: list[Hint] = []
    for key, fact in _shared(entry).items():
        others = [entry_of(document) for document in same.get(key, ()) if document.name != entry.id]
        others = [other for other in others if other.status is not Status.REJECTED]
        if others and fact not in {hint.fact for hint in hints}:
            own = next((other for other in others if other.persona == entry.persona), None)
            hints.append(Hint(fact, len(others), own))
    return hints


def _overlaps(reader: Reader, entry: Entry) -> list[Hint]:
    """The entry of the same learner that is most like this one, of those whose dates overlap."""
    after = entry.start.isoformat(), ""
    page = reader.find_documents(
        DocumentQuery(ENTRY, entry.tenant, {owned_key(entry.persona)}, after=after, limit=_LOOKED)
    )
    others = [
        other
        for other in map(entry_of, page)
        if other.id != entry.id
        and not other.automatic
        and other.start <= entry.end
        and other.status in (Status.SUBMITTED, Status.VERIFIED)
    ]
    for other in others:
        if other.form == entry.form and _alike(entry, other):
            return [Hint(Fact.ALIKE, len(others), other)]
    return [Hint(Fact.OVERLAPS, len(others), others[0])] if others else []


def _alike(one: Entry, other: Entry) -> bool:
    mine = [title.casefold()[:_LONGEST] for title in one.title.values()]
    theirs = [title.casefold()[:_LONGEST] for title in other.title.values()]
    return any(SequenceMatcher(None, a, b).ratio() >= ALIKE for a in mine[:2] for b in theirs[:2])

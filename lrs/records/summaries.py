"""The sums of one person's year: one small document, so that a report over many people reads little."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

import orjson

from lrs import document_kinds
from lrs.records.entries import Entry, Status
from lrs.store.documents import Document
from lrs.store.port import Reader
from statements.profile.jp import ZERO
from statements.profile.table import PILLAR_CODES, Table, Target

SUMMARY: Final = document_kinds.SUMMARY


@dataclass(frozen=True, slots=True)
class PillarSum:
    """JP and entries of one pillar."""

    verified: Decimal = ZERO
    waiting: Decimal = ZERO
    count: int = 0
    """Entries that are verified or waiting."""


def _no_pillars() -> dict[str, PillarSum]:
    return {code: PillarSum() for code in PILLAR_CODES}


@dataclass(frozen=True, slots=True)
class Summary:
    """How one person stands in one year."""

    person: str
    year: int
    target: Target
    pillars: Mapping[str, PillarSum] = field(default_factory=_no_pillars)
    """By code, always all three, in the order 70, 20, 10."""
    waiting: int = 0
    """Entries that wait for a verifier."""
    returned: int = 0
    """Entries that wait for their owner."""
    last: date | None = None
    """Last day of the latest entry."""
    table: str = ""

    @property
    def total_verified(self) -> Decimal:
        """Verified JP of all pillars."""
        return sum((pillar.verified for pillar in self.pillars.values()), ZERO)

    @property
    def total_waiting(self) -> Decimal:
        """JP that wait for a verifier, of all pillars."""
        return sum((pillar.waiting for pillar in self.pillars.values()), ZERO)


def summarise(person: str, year: int, entries: Iterable[Entry], table: Table, employment: str) -> Summary:
    """The sums of a year from all its entries, whose awards are worked out."""
    pillars = _no_pillars()
    waiting = returned = 0
    last: date | None = None
    for entry in entries:
        last = entry.end if last is None else max(last, entry.end)
        returned += entry.status is Status.RETURNED
        so_far = pillars[entry.pillar]
        if entry.status is Status.VERIFIED:
            pillars[entry.pillar] = PillarSum(so_far.verified + entry.jp, so_far.waiting, so_far.count + 1)
        elif entry.status is Status.SUBMITTED:
            waiting += 1
            pillars[entry.pillar] = PillarSum(so_far.verified, so_far.waiting + entry.jp, so_far.count + 1)
    return Summary(person, year, table.target(employment), pillars, waiting, returned, last, table.version)


def summary_name(person: str, year: int) -> str:
    """The name of the document that holds a person's year."""
    return f"{person}:{year}"


def summarised_key(person: str) -> str:
    """Index key of all the years of a person."""
    return f"p\x1f{person}"


def document_of(summary: Summary, tenant: str, updated: int) -> Document:
    """The summary as it is stored."""
    body: dict[str, Any] = {
        "pillars": {
            code: [str(pillar.verified), str(pillar.waiting), pillar.count]
            for code, pillar in summary.pillars.items()
            if pillar.count
        },
        "target": [str(summary.target.jp), summary.target.kind],
        "waiting": summary.waiting,
        "returned": summary.returned,
        "last": None if summary.last is None else summary.last.isoformat(),
        "table": summary.table,
    }
    return Document(
        SUMMARY,
        tenant,
        summary_name(summary.person, summary.year),
        orjson.dumps(body),
        updated=updated,
        keys=frozenset((summarised_key(summary.person),)),
        order=f"{summary.year:04d}",
    )


def summary_of(document: Document) -> Summary:
    """The summary that a document holds."""
    person, _, year = document.name.rpartition(":")
    held = orjson.loads(document.body)
    told = {
        code: PillarSum(Decimal(verified), Decimal(waiting), count)
        for code, (verified, waiting, count) in held["pillars"].items()
    }
    jp, kind = held["target"]
    return Summary(
        person,
        int(year),
        Target(Decimal(jp), kind),
        _no_pillars() | told,
        held["waiting"],
        held["returned"],
        None if held["last"] is None else date.fromisoformat(held["last"]),
        held["table"],
    )


def read_summaries(reader: Reader, tenant: str, persons: Collection[str], year: int) -> dict[str, Summary]:
    """The kept summaries of a year, by person; who has no entries is missing."""
    names = {summary_name(person, year) for person in persons}
    found = map(summary_of, reader.documents(SUMMARY, tenant, names).values())
    return {summary.person: summary for summary in found}

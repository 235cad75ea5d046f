"""The body dictionary: stretches of bytes that most bodies of a tenant share, each kept once.

What an LMS sends is mostly the same again: the platform, the categories, the authority. Such a stretch is a
*phrase*, and has a *code*: a byte that JSON never has. A body is *short* when codes stand in it for phrases.
Undoing that is one `bytes.replace` for each phrase, over a whole page of bodies at once, and so costs less
than reading the longer bodies would.

Phrases are only ever added, so what was once committed may be remembered for good. The column `form` of a row
is one more than the number of its tenant's phrases that were known when the row was written. 0 says that the
body is as it came and may hold bytes that are codes elsewhere: rows older than the dictionary, bytes that are
not JSON, large bodies.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from lrs.store.errors import StoreError
from lrs.store.sqlite.dictionary_training import BETWEEN, CODES, RESERVED, train_dictionary
from lrs.store.sqlite.errors import run

T = TypeVar("T")

TOGETHER = 64
"""Bodies that are shortened in one go: it takes half as long as one by one."""

LONGEST = 262_144
"""Larger bodies stay as they came: looking for phrases in them would keep other writes waiting."""

SAMPLE = 48
SAMPLED_BYTES = 4_096
"""Larger bodies are not looked at for phrases."""

LOOKS = (128, 1_024, 4_096)
"""After so many records of a tenant, and then whenever there are four times as many, phrases are looked for
among the records since the look before."""

MOST_OF_A_LOOK = 16
"""Entries of one look: there are not so many codes that all may be spent on one time of a tenant."""

TENANTS = 1_000
"""Tenants whose phrases are remembered (some 2 KB each)."""

SAMPLES = 200
"""Tenants of whom a sample is held (some 60 KB each)."""

Phrase = tuple[bytes, bytes]
"""A code and what it stands for."""


@dataclass(slots=True)
class _Known:
    """The phrases of a tenant that are committed."""

    in_order: tuple[Phrase, ...] = ()
    by_length: tuple[Phrase, ...] = ()
    """The shortest first: what is worked on stays small for longest."""


@dataclass(slots=True)
class _Sample:
    """Records of a tenant that this process wrote, for the next look."""

    seen: int = 0
    look: int = LOOKS[0]
    every: int = max(1, LOOKS[0] // SAMPLE)
    bodies: list[bytes] = field(default_factory=list)
    found: int = 0
    """Entries that this look has found so far."""

    def notice(self, bodies: Sequence[bytes]) -> bool:
        """Count the bodies of records and keep some; whether it is time to look."""
        room = SAMPLE - len(self.bodies)
        if room > 0:
            some = bodies[-self.seen % self.every :: self.every]
            some = some[:: -(-len(some) // room) or 1]
            self.bodies += [body for body in some if len(body) <= SAMPLED_BYTES]
        self.seen += len(bodies)
        return self.seen >= self.look

    def looked(self) -> None:
        """Begin anew, until the next look."""
        self.look = next((look for look in LOOKS if look > self.look), self.look * 4)
        self.every = max(1, (self.look - self.seen) // SAMPLE)
        self.bodies = []
        self.found = 0


class BodyDictionaries:
    """The phrases of all tenants, for all threads of a store; all but `restore` is for the writing one."""

    def __init__(self) -> None:
        self._used: dict[str, _Known] = {}
        """What bodies are shortened by: all that is committed, as far as this process has looked."""
        self._known: dict[str, _Known] = {}
        """What readers have met."""
        self._samples: dict[str, _Sample] = {}
        self._due: dict[str, None] = {}
        """Tenants to look for phrases of, one phrase with each write."""
        self._added: dict[str, int] = {}
        """By tenant, the number of the phrase that the write under way has added and must not use."""

    def begin(self, connection: sqlite3.Connection) -> None:
        """At the start of a write: look for one more phrase if it is time to.

        It is used by the writes after this one, which find it in the file: this one may yet be undone.
        """
        self._added = {}
        if not self._due:
            return
        tenant = next(iter(self._due))
        known = self._used[tenant] = _read(connection, tenant, len(CODES))
        sample = self._samples[tenant]
        room = sample.found < MOST_OF_A_LOOK and len(known.in_order) < len(CODES)
        phrase = train_dictionary([_coded(known, body) for body in sample.bodies]) if room else None
        if phrase is None:
            sample.looked()
            del self._due[tenant]
            return
        sample.found += 1
        number = len(known.in_order) + 1
        self._added = {tenant: number}
        run(connection, "INSERT INTO phrase VALUES (?, ?, ?)", (tenant, number, phrase))

    def shorten(
        self, connection: sqlite3.Connection, tenant: str, bodies: Sequence[bytes]
    ) -> list[tuple[int, bytes]]:
        """The form of each body that is to be written, and the body in that form."""
        known = self._used.get(tenant)
        if known is None:
            _forget_one(self._used, TENANTS)
            known = _read(connection, tenant, self._added.get(tenant, len(CODES) + 1) - 1)
            self._used[tenant] = known
        sample = self._samples.get(tenant)
        if sample is None:
            for forgotten in _forget_one(self._samples, SAMPLES):
                self._due.pop(forgotten, None)
            sample = self._samples[tenant] = _Sample()
        if sample.notice(bodies):
            self._due[tenant] = None
        short: list[tuple[int, bytes]] = []
        for start in range(0, len(bodies), TOGETHER):
            short += _shortened(known, bodies[start : start + TOGETHER])
        return short

    def restore(self, connection: sqlite3.Connection, tenant: str, form: int, bodies: bytes) -> bytes:
        """The inverse, of one body or of several end to end.

        `form` is the highest of their forms; none may be 0. StoreError when phrases are missing.
        """
        known = self._known.get(tenant)
        if known is None or len(known.in_order) < form - 1:
            known = _read(connection, tenant, form - 1)
            if len(known.in_order) < form - 1:
                raise StoreError("phrases of stored records are missing")
            if len(self._known) >= TENANTS:
                self._known = {}
            self._known[tenant] = known
        for code, text in known.by_length:
            bodies = bodies.replace(code, text)
        return bodies


def _forget_one(held: dict[str, T], most: int) -> list[str]:
    """Make room for one by forgetting the oldest, if there is none; who was forgotten."""
    oldest = list(islice(held, len(held) >= most))
    for name in oldest:
        del held[name]
    return oldest


def _shortened(known: _Known, bodies: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """Bodies with their forms; all in one go, unless one of them has to stay as it came."""
    together = BETWEEN.join(bodies)
    if (
        len(together) <= LONGEST
        and len(together.translate(None, RESERVED)) == len(together) - len(bodies) + 1
    ):
        form = len(known.in_order) + 1
        return [(form, body) for body in _coded(known, together).split(BETWEEN)]
    if len(bodies) == 1:
        return [(0, bodies[0])]
    return [_shortened(known, (body,))[0] for body in bodies]


def _coded(known: _Known, body: bytes) -> bytes:
    for code, text in known.in_order:
        body = body.replace(text, code)
    return body


def _read(connection: sqlite3.Connection, tenant: str, until: int) -> _Known:
    """The phrases up to that number."""
    sql = "SELECT text FROM phrase WHERE tenant = ? AND number <= ? ORDER BY number"
    texts: Sequence[tuple[bytes]] = run(connection, sql, (tenant, until))
    pairs = tuple((CODES[n : n + 1], text) for n, (text,) in enumerate(texts))
    return _Known(pairs, tuple(sorted(pairs, key=lambda pair: len(pair[1]))))

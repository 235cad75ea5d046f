"""Statements go in: filling up to a size, batches of 50, single POSTs; each sent statement is counted."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import orjson

from benchmarks.client import Load, run
from benchmarks.corpus import Corpus, Happening
from benchmarks.questions import Tally
from benchmarks.report import WrongAnswers, note
from benchmarks.target import Target, insist

BATCH = 50
WRITERS = 8
SINGLES = 32
CHUNK, CHUNK_SECONDS = 20_000, 120.0
MOST_IN_BATCHES, MOST_SINGLE = 16_000, 8_000
"""Statements per second that are made ready before the clock starts: more than a server takes."""

ENOUGH_FOR_WINDOWS = 1_000
"""A filling of so many statements has full pages in any quarter of its time."""


class Supply:
    """Statements made ready before the clock starts; what a measurement leaves over, the next one sends."""

    def __init__(self, seed: int = 7) -> None:
        self._corpus = Corpus(seed)
        self._ready: deque[tuple[Happening, bytes]] = deque()
        self.tally = Tally()
        """What was sent."""

    def prepare(self, count: int) -> None:
        """Have at least `count` statements ready."""
        while len(self._ready) < count:
            happening = self._corpus.happening()
            self._ready.append((happening, orjson.dumps(self._corpus.about(happening))))

    def _next(self) -> bytes:
        happening, body = self._ready.popleft()
        self.tally.add(happening)
        return body

    def singles(self) -> Iterator[bytes]:
        """Each statement that is ready."""
        while self._ready:
            yield self._next()

    def batches(self, size: int = BATCH) -> Iterator[bytes]:
        """Arrays of the statements that are ready."""
        while self._ready:
            yield b"[" + b",".join([self._next() for _ in range(min(size, len(self._ready)))]) + b"]"


def fill(target: Target, supply: Supply, size: int) -> dict[str, Any]:
    """Add statements until there are `size`, in batches, with progress on standard error.

    Batches that are refused are told and the rest goes on; WrongAnswers when 20,000 statements
    in a row are, or all that came back in two minutes.
    """
    tally = supply.tally
    supply.prepare(min(size - tally.statements, CHUNK))
    begun, at_first = time.time(), tally.statements
    refused = 0
    while tally.statements < size:
        chunk = min(size - tally.statements, CHUNK)
        supply.prepare(chunk)
        load = _send(target, islice(supply.batches(), -(-chunk // BATCH)), WRITERS, CHUNK_SECONDS)
        wrong = load.answers - load.statuses.get(200, 0)
        if wrong == load.answers:
            raise WrongAnswers(f"while filling: {load.statuses} {load.last_body[:300]!r}")
        refused += wrong
        rate = (tally.statements - at_first) / (time.time() - begun)
        left = max(0, size - tally.statements)
        note(f"filling: {tally.statements:,} of {size:,}, {rate:,.0f}/s, {left / rate:.0f} s to go")
    figures: dict[str, Any] = {"statements_in_store": tally.statements}
    if tally.statements - at_first >= ENOUGH_FOR_WINDOWS:
        tally.filled = (begun, time.time())
    if tally.statements > at_first:
        figures["fill_statements_per_s"] = (tally.statements - at_first) / (time.time() - begun)
    return figures | ({"fill_batches_refused": refused} if refused else {})


def batches(target: Target, supply: Supply, seconds: float) -> dict[str, Any]:
    """Batches of 50 over 8 connections, after a short warm-up."""
    for lasting in (min(1.0, seconds / 2), seconds):
        supply.prepare(int(MOST_IN_BATCHES * lasting))
        load = _send(target, supply.batches(), WRITERS, lasting)
        insist(load)
    return {"batch50_statements_per_s": load.rate * BATCH}


def singles(target: Target, supply: Supply, seconds: float) -> dict[str, Any]:
    """Single POSTs over 32 connections."""
    supply.prepare(int(MOST_SINGLE * seconds))
    load = _send(target, supply.singles(), SINGLES, seconds)
    insist(load)
    return {"single_post_per_s": load.rate, "single_post_p99_ms": load.percentile(0.99) * 1000}


def _send(target: Target, bodies: Iterator[bytes], connections: int, seconds: float) -> Load:
    post: Callable[[bytes], bytes] = target.post
    return run(target.port, map(post, bodies), connections=connections, seconds=seconds)

"""Pages of 25 come out, by each kind of filter, over 8 connections."""

from __future__ import annotations

from itertools import cycle
from typing import Any

from benchmarks.client import Load, run
from benchmarks.questions import PAGE
from benchmarks.target import STORED, Target, insist

READERS = 8
WARM_SECONDS = 20.0
"""At most so long for asking each question once before the clock starts: what is measured is a warm store."""


def pages(target: Target, queries: list[str], seconds: float) -> Load:
    """Ask the questions in turns, each of them once before; every answer must hold 25 statements."""
    return repeated(target, [target.ask(query) for query in queries], seconds)


def repeated(target: Target, requests: list[bytes], seconds: float) -> Load:
    """The same requests again and again, each asked before; every answer must hold 25 statements."""
    for some, lasting in ((iter(requests), WARM_SECONDS), (cycle(requests), min(0.5, seconds / 4))):
        run(target.port, some, connections=READERS, seconds=lasting, marker=STORED)
    load = run(target.port, cycle(requests), connections=READERS, seconds=seconds, marker=STORED)
    insist(load, page=PAGE)
    return load


def by_kind(target: Target, kind: str, queries: list[str], seconds: float) -> dict[str, Any]:
    """Pages per second by one kind of filter, and the bytes of such a page."""
    load = pages(target, queries, seconds)
    return {f"get_{kind}_per_s": load.rate, f"get_{kind}_bytes": len(load.last_body)}

"""Pages of 25 come out, by each kind of filter, over 8 connections."""

from __future__ import annotations

from itertools import cycle
from typing import Any

from benchmarks.client import Load, run
from benchmarks.questions import PAGE
from benchmarks.target import STORED, Target, insist

READERS = 8


def pages(target: Target, queries: list[str], seconds: float) -> Load:
    """Ask the questions in turns, after a short warm-up; every answer must hold 25 statements."""
    return repeated(target, [target.ask(query) for query in queries], seconds)


def repeated(target: Target, requests: list[bytes], seconds: float) -> Load:
    """The same requests again and again, after a short warm-up; every answer must hold 25 statements."""
    for lasting in (min(0.5, seconds / 4), seconds):
        load = run(target.port, cycle(requests), connections=READERS, seconds=lasting, marker=STORED)
        insist(load, page=PAGE)
    return load


def by_kind(target: Target, kind: str, queries: list[str], seconds: float) -> dict[str, Any]:
    """Pages per second by one kind of filter, and the bytes of such a page."""
    load = pages(target, queries, seconds)
    return {f"get_{kind}_per_s": load.rate, f"get_{kind}_bytes": len(load.last_body)}

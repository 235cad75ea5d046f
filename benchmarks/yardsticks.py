"""What figures are compared with: the bare engine, and an endpoint that does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks import raw
from benchmarks.client import Load, run
from benchmarks.corpus import Corpus
from benchmarks.reads import READERS
from benchmarks.target import Target
from benchmarks.writes import SINGLES


class Bare:
    """Batches of 50 into an empty table of the bare engine, measured in slices around ours."""

    def __init__(self, engine: str, folder: Path, uri: str) -> None:
        self._engine = engine
        self._folder = folder
        self._uri = uri
        self._statements = 0.0
        self._seconds = 0.0

    def slice(self, seconds: float) -> dict[str, Any]:
        """Measure a little more; statements per second over all slices."""
        is_sqlite = self._engine == "sqlite"
        rate = (
            raw.sqlite_batches(self._folder, seconds) if is_sqlite else raw.mongo_batches(self._uri, seconds)
        )
        self._statements += rate * seconds
        self._seconds += seconds
        return {"raw_statements_per_s": self._statements / self._seconds}


class Noop:
    """One kind of request to the no-op, measured in slices between the figures beside it."""

    def __init__(self, port: int, requests: Iterator[bytes], connections: int) -> None:
        self._port = port
        self._requests = requests
        self._connections = connections
        self._answers = 0
        self._seconds = 0.0
        self._run(0.3)

    @classmethod
    def posts(cls, port: int) -> Noop:
        """Single POSTs over 32 connections."""
        nothing = Target(port)
        return cls(port, cycle([nothing.post(body) for body in islice(Corpus().bodies(), 2_000)]), SINGLES)

    @classmethod
    def gets(cls, port: int) -> Noop:
        """GETs over 8 connections."""
        return cls(port, cycle([Target(port).ask("limit=25")]), READERS)

    def _run(self, seconds: float) -> Load:
        return run(self._port, self._requests, connections=self._connections, seconds=seconds)

    def slice(self, seconds: float) -> None:
        """Measure a little more."""
        load = self._run(seconds)
        self._answers += load.answers
        self._seconds += load.seconds

    @property
    def rate(self) -> float:
        """Answers per second over all slices."""
        return self._answers / self._seconds if self._seconds else 0.0

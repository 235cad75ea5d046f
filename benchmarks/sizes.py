"""One size of the store: filling, then disk, reads, far pages, writes and memory, beside yardsticks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import background, disk, paging, processes, ratios, reads, writes, yardsticks
from benchmarks.questions import KINDS, questions
from benchmarks.report import Report, note
from benchmarks.servers import Server
from benchmarks.target import Target, reader

SAMPLE = 500


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured, and beside what."""

    engine: str
    store: str
    raw_uri: str
    folder: Path
    noop: Server
    server: Server
    target: Target
    supply: writes.Supply
    seconds: float
    patience: float
    """At most so many seconds are given to background work before reads are measured."""


def measure(bench: Bench, size: int) -> tuple[dict[str, Any], dict[str, str]]:
    """All figures of one size, and what failed."""
    report = Report()
    note(f"=== {size:,} statements")
    report.take("filling", lambda: writes.fill(bench.target, bench.supply, size))
    processes.reset_peaks(bench.server.pid)
    report.take("background work", lambda: settled(bench))
    report.take("disk", lambda: _disk(bench))
    report.take("reads beside the no-op", lambda: _reads(bench, report))
    report.take("writes beside the bare engine and the no-op", lambda: _writes(bench, report))
    report.figures["resident_mb"] = processes.peak_mb(bench.server.pid)
    report.figures |= ratios.to_yardsticks(report.figures)
    return report.figures, report.errors


def settled(bench: Bench) -> dict[str, Any]:
    """Let background work come to its end."""
    return background.settle(bench.store, bench.server.pid, bench.patience)


def _reads(bench: Bench, report: Report) -> dict[str, Any]:
    """Reads, with slices of the yardstick between them."""
    nothing = yardsticks.Noop.gets(bench.noop.port)
    part = bench.seconds / len(KINDS)
    for kind in KINDS:
        nothing.slice(part)
        report.take(f"GET by {kind}", partial(_read, bench, kind))
    nothing.slice(part)
    report.take("first and hundredth page", lambda: paging.first_and_far(bench.target, bench.seconds))
    return {"noop_get_per_s": nothing.rate}


def _read(bench: Bench, kind: str) -> dict[str, Any]:
    return reads.by_kind(bench.target, kind, questions(bench.supply.tally, kind), bench.seconds)


def _writes(bench: Bench, report: Report) -> dict[str, Any]:
    """Batches and single POSTs, each between two slices of their yardstick."""
    seconds = bench.seconds
    bare = yardsticks.Bare(bench.engine, bench.folder, bench.raw_uri)
    report.take("bare engine", lambda: bare.slice(seconds / 2))
    report.take("batches of 50", lambda: writes.batches(bench.target, bench.supply, seconds))
    report.take("bare engine again", lambda: bare.slice(seconds / 2))
    nothing = yardsticks.Noop.posts(bench.noop.port)
    nothing.slice(seconds / 2)
    report.take("single POSTs", lambda: writes.singles(bench.target, bench.supply, seconds))
    nothing.slice(seconds / 2)
    return {"noop_post_per_s": nothing.rate}


def _disk(bench: Bench) -> dict[str, Any]:
    """Bytes on disk, and of the JSON as it is returned: the mean of 1,000 statements times their number."""
    statements = bench.supply.tally.statements
    with reader(bench.target) as pages:
        sample = [
            pages.fetch(f"{bench.target.path}?limit={SAMPLE}&ascending={order}")
            for order in ("true", "false")
        ]
    mean = disk.mean_statement_bytes(sample)
    taken = disk.store_bytes(bench.engine, bench.store)
    return {
        "statement_bytes": mean,
        "raw_json_bytes": round(mean * statements),
        "disk_bytes": taken,
        "disk_bytes_per_statement": taken / statements,
    }

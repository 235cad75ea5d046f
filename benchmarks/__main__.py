"""`python -m benchmarks`: every figure beside its yardstick, in one run, as one JSON object."""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks import check_speed, raw, servers
from benchmarks.client import Load, request, run
from benchmarks.corpus import HOME, Corpus

BATCH = 50
WRITERS = 8
SINGLES = 32
READERS = 8


def main() -> None:
    """Measure one engine and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--engine", choices=["sqlite", "mongo"], default="sqlite")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds for each figure (default 5)")
    parser.add_argument(
        "--size",
        type=int,
        default=10_000,
        help="statements in the store before reads are measured (default 10000)",
    )
    parser.add_argument("--workers", type=int, default=1, help="server processes (default 1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    options = parser.parse_args()
    for name in ("seconds", "size", "workers"):
        if getattr(options, name) <= 0:
            parser.error(f"--{name} must be more than 0")
    with (
        tempfile.TemporaryDirectory(prefix="jejak-bench-") as folder,
        _engine(options.engine, Path(folder)) as uris,
    ):
        figures = measure(options, Path(folder), *uris)
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:34} {value}")


def measure(options: argparse.Namespace, folder: Path, store: str, raw_uri: str) -> dict[str, Any]:
    """All figures of one engine, and their ratios to the yardsticks."""
    seconds = options.seconds
    figures: dict[str, Any] = {"engine": options.engine, "machine": machine(), "seconds": seconds}
    note("checks of one statement")
    checks = check_speed.measure(min(1.0, seconds))
    figures["check_ratio"] = checks["ratio"]
    note("raw engine")
    if options.engine == "sqlite":
        figures["raw_statements_per_s"] = raw.sqlite_batches(folder, seconds)
    else:
        figures["raw_statements_per_s"] = raw.mongo_batches(raw_uri, seconds)
    note("Flask no-op")
    with servers.noop(SINGLES) as yardstick:
        figures["noop_post_per_s"] = run(
            yardstick.port, singles(yardstick.port, ""), connections=SINGLES, seconds=seconds
        ).rate
        plain = cycle([request("GET", "/xapi/statements?limit=25", "127.0.0.1", {})])
        figures["noop_get_per_s"] = run(yardstick.port, plain, connections=READERS, seconds=seconds).rate
    key, secret = servers.credentials(store)
    token = "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()
    with servers.jejak(store, workers=options.workers) as server:
        figures |= measure_writes(server.port, token, seconds)
        written = figures.pop("written")
        note(f"filling up to {options.size} statements")
        fill(server.port, token, options.size - written)
        figures["statements_in_store"] = max(written, options.size)
        figures |= measure_reads(server.port, token, seconds)
        figures["resident_mb"] = servers.resident_mb(server.pid)
    figures["batch_ratio"] = figures["batch50_statements_per_s"] / figures["raw_statements_per_s"]
    figures["single_ratio"] = figures["single_post_per_s"] / figures["noop_post_per_s"]
    for name in READS:
        figures[f"get_{name}_ratio"] = figures[f"get_{name}_per_s"] / figures["noop_get_per_s"]
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}


def measure_writes(port: int, token: str, seconds: float) -> dict[str, Any]:
    """Batches of 50 and single durable POSTs."""
    note("batches of 50")
    run(port, batches(port, token, seed=1), connections=WRITERS, seconds=min(2.0, seconds))
    load = run(port, batches(port, token, seed=2), connections=WRITERS, seconds=seconds)
    insist(load, 200)
    figures: dict[str, Any] = {"batch50_statements_per_s": load.rate * BATCH, "written": load.answers * BATCH}
    note("single POSTs")
    load = run(port, singles(port, token), connections=SINGLES, seconds=seconds)
    insist(load, 200)
    figures["single_post_per_s"] = load.rate
    figures["single_post_p99_ms"] = load.percentile(0.99) * 1000
    figures["written"] += load.answers
    return figures


def agent(number: int) -> str:
    """The `agent` parameter of a learner."""
    return quote(json.dumps({"account": {"homePage": HOME, "name": f"u{number}"}}))


READS = {
    "agent": lambda n: f"agent={agent(n)}",
    "agent_verb": lambda n: (
        f"agent={agent(n)}&verb={quote('http://adlnet.gov/expapi/verbs/completed', safe='')}"
    ),
    "activity": lambda n: f"activity={quote(Corpus().activity(n % 500), safe='')}",
    "registration": lambda n: f"registration={_registration(n)}",
    "related_agent": lambda n: f"agent={agent(n)}&related_agents=true",
    "since_until": lambda n: f"since=2026-01-01T00:00:{n % 60:02d}Z&until=2100-01-01T00:00:00Z",
}


def _registration(number: int) -> str:
    import uuid

    return str(uuid.UUID(int=number % 500 + 1, version=4))


def measure_reads(port: int, token: str, seconds: float) -> dict[str, Any]:
    """Pages of 25 by each kind of filter."""
    figures: dict[str, Any] = {}
    for name, query in READS.items():
        note(f"GET by {name}")
        pages = [
            request("GET", f"/xapi/statements?{query(n)}&limit=25", "127.0.0.1", headers(token))
            for n in range(400)
        ]
        load = run(port, cycle(pages), connections=READERS, seconds=seconds)
        insist(load, 200)
        figures[f"get_{name}_per_s"] = load.rate
    return figures


def headers(token: str) -> dict[str, str]:
    """The headers of one xAPI request."""
    given = {"X-Experience-API-Version": "1.0.3", "Content-Type": "application/json"}
    return given | ({"Authorization": token} if token else {})


def singles(port: int, token: str) -> Iterator[bytes]:
    """One statement a request; the bodies are made before the clock starts."""
    bodies = list(islice(Corpus(seed=port).bodies(), 60_000 if token else 2_000))
    made = (request("POST", "/xapi/statements", f"127.0.0.1:{port}", headers(token), body) for body in bodies)
    return made if token else cycle(list(made))


def batches(port: int, token: str, seed: int) -> Iterator[bytes]:
    """Fifty statements a request; the bodies are made before the clock starts."""
    bodies = list(islice(Corpus(seed=seed + port).batches(BATCH), 2_000))
    return (request("POST", "/xapi/statements", f"127.0.0.1:{port}", headers(token), body) for body in bodies)


def fill(port: int, token: str, count: int) -> None:
    """Add statements up to `count`, in large batches, with progress on standard error."""
    corpus = Corpus(seed=port + 1000)
    while count > 0:
        chunk = min(count, 20_000)
        sizes = [500] * (chunk // 500) or [chunk]
        bodies = [next(corpus.batches(size)) for size in sizes]
        made = (
            request("POST", "/xapi/statements", f"127.0.0.1:{port}", headers(token), body) for body in bodies
        )
        insist(run(port, made, connections=4, seconds=600), 200)
        count -= sum(sizes)
        if count > 0:
            note(f"{count} to go")


def insist(load: Load, status: int) -> None:
    """A figure counts only when every answer was the right one."""
    if set(load.statuses) != {status}:
        raise SystemExit(f"wrong answers: {load.statuses} {load.last_body[:300]!r}")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}


@contextlib.contextmanager
def _engine(name: str, folder: Path) -> Iterator[tuple[str, str]]:
    if name == "sqlite":
        yield f"sqlite:///{folder}/jejak.db", ""
        return
    from tests.mongod import replica_set

    with replica_set() as replicas:
        yield replicas.address("bench"), replicas.address("raw")


def note(text: str) -> None:
    """Progress, on standard error."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

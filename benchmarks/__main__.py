"""`python -m benchmarks`: every figure beside its yardstick, in one run, as one JSON object.

One store is filled up to each size in turn. The figures of the smallest size stand at the top; with more
sizes, `sizes` holds those of each, and `worst_...` the worst of all. What failed stands under `errors`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import check_speed, paging, peer, ratios, servers, sizes
from benchmarks.report import Report, note
from benchmarks.target import Target
from benchmarks.writes import SINGLES, Supply

if TYPE_CHECKING:
    from tests.mongod import ReplicaSet


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--engine", choices=["sqlite", "mongo"], default="sqlite")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds for each figure (default 5)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--size", type=int, help="statements in the store when it is measured (default 10000)")
    which.add_argument("--sizes", type=_sizes, help="several sizes, such as 10000,100000,1000000")
    parser.add_argument("--workers", type=int, default=1, help="server processes (default 1)")
    parser.add_argument(
        "--settle", type=float, default=600.0, help="at most so many seconds for background work before reads"
    )
    parser.add_argument(
        "--mongo-cache-gb", type=float, default=1.0, help="the MongoDB server's cache, in GB (default 1)"
    )
    parser.add_argument("--folder", type=Path, help="where the store is made (default a temporary folder)")
    parser.add_argument("--peer", choices=["ralph"], help="measure this record store on the same mongod too")
    parser.add_argument("--peer-venv", type=Path, help="its virtual environment (default a temporary one)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    given = parser.parse_args()
    given.sizes = given.sizes or [given.size or 10_000]
    if given.seconds <= 0 or given.workers <= 0 or min(given.sizes) <= 0:
        parser.error("--seconds, --size, --sizes and --workers must be more than 0")
    return given


def _sizes(text: str) -> list[int]:
    return sorted({int(part) for part in text.split(",")})


def main() -> None:
    """Measure one engine and print the figures."""
    given = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped, too
    with tempfile.TemporaryDirectory(prefix="jejak-bench-", dir=given.folder) as name:
        figures = measure(given, Path(name))
    if given.json:
        print(json.dumps(figures))
    else:
        show(figures)


def measure(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All figures of one engine, and their ratios."""
    report = Report({"engine": given.engine, "machine": machine(), "seconds": given.seconds})
    report.take("checks of one statement", lambda: _checks(given.seconds))
    programs: Path | None = None
    if given.peer:
        note("installing the peer")
        try:
            programs = peer.install(given.peer_venv or folder / "peer-venv")
        except peer.NoPeer as error:
            report.figures["peer_error"] = str(error)
    with contextlib.ExitStack() as running:
        mongod: ReplicaSet | None = None
        if given.engine == "mongo" or programs:
            mongod = running.enter_context(_mongod(given.mongo_cache_gb))
            report.figures["mongo_cache_gb"] = given.mongo_cache_gb
        store = f"sqlite:///{folder}/jejak.db"
        if given.engine == "mongo" and mongod:
            store = mongod.address("bench")
        key, secret = servers.credentials(store)
        noop = running.enter_context(servers.noop(SINGLES))
        server = running.enter_context(servers.jejak(store, workers=given.workers))
        bench = sizes.Bench(
            engine=given.engine,
            store=store,
            raw_uri=mongod.address("raw") if mongod else "",
            folder=folder,
            noop=noop,
            server=server,
            target=Target(server.port, key, secret),
            supply=Supply(),
            seconds=given.seconds,
            patience=given.settle,
        )
        _all_sizes(given, bench, report, programs, mongod)
        report.take("background work", lambda: _last(sizes.settled(bench)))
        report.take(
            "paging through everything",
            lambda: paging.everything(bench.target, server.pid, bench.supply.tally.statements),
        )
    return report.told()


def _all_sizes(
    given: argparse.Namespace,
    bench: sizes.Bench,
    report: Report,
    programs: Path | None,
    mongod: ReplicaSet | None,
) -> None:
    """Measure each size, and the peer at the smallest; the smallest size's figures go to the top."""
    measured: dict[str, dict[str, Any]] = {}
    for size in given.sizes:
        figures, errors = sizes.measure(bench, size)
        report.errors |= {f"{size}: {what}": why for what, why in errors.items()}
        if not measured:
            report.figures |= figures
            if programs and mongod:
                beside = peer.measure(
                    programs, bench.folder / "peer", mongod.address("peer"), size=size, seconds=given.seconds
                )
                report.figures |= beside | ratios.to_peer(figures, beside)
        else:
            figures |= ratios.to_smallest(figures, next(iter(measured.values())))
        measured[str(size)] = figures
    report.figures |= ratios.worst(measured.values())
    if len(measured) > 1:
        report.figures["sizes"] = measured


def _last(figures: dict[str, Any]) -> dict[str, Any]:
    return {f"last_{name}": value for name, value in figures.items()}


def _checks(seconds: float) -> dict[str, Any]:
    figures = check_speed.measure(min(1.0, seconds))
    return {"check_ratio": figures["ratio"], "check_ratio_remembering": figures["ratio_remembering"]}


def show(figures: dict[str, Any], before: str = "") -> None:
    """Print one figure a line."""
    for name, value in figures.items():
        if name in {"sizes", "errors"}:
            for inner, more in value.items():
                show(more if isinstance(more, dict) else {inner: more}, f"{before}{inner}: ")
        else:
            print(f"{before + name:48} {value}")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}


@contextlib.contextmanager
def _mongod(cache_gb: float) -> Iterator[ReplicaSet]:
    """A server of one member whose cache is larger than the tests' small one."""
    from tests.mongod import replica_set

    with replica_set() as replicas:
        with replicas.client() as client:
            cache = f"cache_size={round(cache_gb * 1024)}M"
            client.admin.command("setParameter", 1, wiredTigerEngineRuntimeConfig=cache)
        yield replicas


if __name__ == "__main__":
    main()

"""`python -m benchmarks.neighbours`: how one tenant is served while another does its worst.

Each attack of `tests/faults/test_noisy_neighbour_*.py` that needs no learning platform is repeated for some
seconds on a server of its own with one worker, beside a second tenant that stores a statement, reads a page
and asks `/health/ready`, in turns. Told of the second tenant: seconds of its answers (half of them, 99 of a
hundred, the slowest) and how many were refused; of the server: memory of its largest process, in MiB.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.__main__ import machine
from benchmarks.report import Report, note
from tests import mongod
from tests.faults import test_noisy_neighbour_reader as reader
from tests.faults import test_noisy_neighbour_record as record
from tests.faults import test_noisy_neighbour_writer as writer
from tests.faults.neighbour import Tenants, observed, two_tenants
from tests.faults.references import fat, refer
from tests.faults.server import Caller
from tests.lrs.samples import statement

WRITERS = 32
REFERRERS = 1_000
COSTLY = ("numbers, too many", "statements full of numbers")
SETTLE_SECONDS = 10.0
"""Seconds that memory is given to come back."""

Round = Callable[[Tenants], object]
"""One round of an attack; it ends by itself."""


def nothing(_: Tenants) -> None:
    """No attack: what the others are compared with."""
    time.sleep(0.1)


def batches(size: int, served: Tenants) -> Counter[int]:
    """New statements of many clients at once."""
    return writer.at_once(
        served,
        lambda caller, _: caller.post("/statements", [statement() for _ in range(size)]).status,
        WRITERS,
    )


def members(served: Tenants) -> Counter[int]:
    """As many index keys as one request may bring, from several clients at once."""
    return writer.at_once(served, writer.store_groups, 4)


def merges(served: Tenants) -> Counter[int]:
    """Merging into a document of 2 MB, by several clients at once."""
    with Caller(served.server.port, served.attacker, patience=60) as caller:
        caller.call("PUT", "/activities/state", {**writer.STATE, "stateId": "s"}, writer.DOCUMENT)
    return writer.at_once(
        served,
        lambda caller, number: (
            caller.post("/activities/state", {"b": number}, **writer.STATE, stateId="s").status
        ),
    )


def costly(name: str, served: Tenants) -> Counter[int]:
    """JSON that costs much to read."""
    body, headers, _ = reader.STATEMENTS[name]
    return reader.attack(served, "/statements", {}, body, headers)


def records(attack: Callable[[], list[dict[str, Any]]], served: Tenants) -> None:
    """Statements that cost the learning record much."""
    with Caller(served.server.port, served.attacker, patience=60) as caller:
        caller.post("/statements", attack())


def references(served: Tenants) -> None:
    """Many statements that refer to one that comes after them."""
    target = fat(50)
    with Caller(served.server.port, served.attacker, patience=60) as caller:
        refer(caller, target, REFERRERS)
        caller.post("/statements", target)


ATTACKS: dict[str, Round] = {
    "nothing": nothing,
    "batches of 3, 32 clients": partial(batches, 3),
    "batches of 250, 32 clients": partial(batches, 250),
    "12,000 index keys in a request": members,
    "merging into 2 MB": merges,
    **{
        f"JSON: {name}": partial(costly, name) for name in ("numbers, too many", "statements full of numbers")
    },
    "a thousand that refer to one": references,
    **{f"record: {attack.__name__}": partial(records, attack) for attack in record.ATTACKS},
}


def measure(address: str, attack: Round, seconds: float) -> dict[str, Any]:
    """Figures of the second tenant and of the server, while the attack is repeated for so many seconds."""
    with two_tenants(address) as served:
        with observed(served, patience=SETTLE_SECONDS) as victim:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                attack(served)
        return {
            "answers": len(victim.answers),
            "p50": victim.percentile(50),
            "p99": victim.percentile(99),
            "slowest": victim.slowest,
            "refused": victim.refused.total(),
            "peak_mib": victim.peak_mib,
            "after_mib": victim.after_mib,
        }


@contextmanager
def store(engine: str) -> Iterator[str]:
    """The address of an empty store."""
    if engine == "mongo":
        with mongod.database() as address:
            yield address
    else:
        with tempfile.TemporaryDirectory(prefix="jejak-bench-") as folder:
            yield f"sqlite:///{Path(folder) / 'jejak.db'}"


def main() -> None:
    """Measure one engine and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neighbours", description=__doc__)
    parser.add_argument("--engine", choices=["sqlite", "mongo"], default="sqlite")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds for each attack (default 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    given = parser.parse_args()
    report = Report({"engine": given.engine, "machine": machine(), "seconds": given.seconds})
    for name, attack in ATTACKS.items():
        with store(given.engine) as address:
            report.take(name, lambda a=address, b=attack, n=name: {n: measure(a, b, given.seconds)})  # type: ignore[misc]
    note("done")
    told = report.told()
    if given.json:
        print(json.dumps(told))
    else:
        for name, value in told.items():
            print(f"{name:40} {value}")


if __name__ == "__main__":
    main()

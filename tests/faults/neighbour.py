"""Two tenants on one worker: while one does its worst, the other must be served as if it were alone.

    with two_tenants(address) as served, undisturbed(served) as victim:
        attack(served.server.port, served.attacker)

The victim asks one thing after another for as long as the block runs: it stores a statement, reads a page of
25 and asks `/health/ready`, in turns over a kept connection and over new ones. At the end of the block its
answers and the memory of every process of the server are checked. The bounds are generous: tests run on small
shared machines; what the product reaches is measured in `benchmarks/`.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.server import GONE, Caller, Server, credential, serving
from tests.lrs.samples import statement

MIB = 1024 * 1024
PAGE = 25
PATIENCE = 60.0
"""Seconds after which the victim gives up on an answer, and that memory is given to come back."""
LONGEST_SECONDS = 5.0
PEAK_MIB, AFTER_MIB = 500, 250
"""Resident memory of the largest process of the server: while it is attacked, and once that is over."""


@dataclass(frozen=True)
class Tenants:
    """A running server, and a credential (key, secret) of each of two tenants."""

    server: Server
    attacker: tuple[str, str]
    victim: tuple[str, str]


@contextmanager
def two_tenants(address: str, **settings: Any) -> Iterator[Tenants]:
    """`jejak serve` with one worker; `settings` are variables of its environment."""
    attacker = credential(address, "attacker")
    victim = credential(address, "victim")
    with serving(address, **settings) as server:
        with Caller(server.port, victim) as caller:
            assert caller.post("/statements", [statement() for _ in range(PAGE)]).status == 200
        yield Tenants(server, attacker, victim)


@dataclass
class Victim:
    """What the second tenant was answered: each request with its status (0: no answer) and its seconds."""

    answers: list[tuple[str, int, float]] = field(default_factory=list)
    rounds: int = 0
    """How often everything was asked."""
    peak_mib: int = 0
    after_mib: int = 0

    @property
    def slowest(self) -> float:
        """Seconds of the slowest answer."""
        return max(seconds for _, _, seconds in self.answers)

    def percentile(self, percent: float) -> float:
        """Seconds within which so many percent of the answers came."""
        times = sorted(seconds for _, _, seconds in self.answers)
        return times[min(len(times) - 1, int(len(times) * percent / 100))]

    @property
    def refused(self) -> Counter[tuple[str, int]]:
        """The requests that were not answered 2xx, by status."""
        return Counter((what, status) for what, status, _ in self.answers if status // 100 != 2)

    def stay(self, rounds: int = 5) -> None:
        """Wait until the victim has asked everything so many times more (the attack may go on meanwhile)."""
        wanted = self.rounds + rounds
        deadline = time.monotonic() + 2 * PATIENCE
        while self.rounds < wanted:
            assert time.monotonic() < deadline, self
            time.sleep(0.01)

    def __str__(self) -> str:
        """For whoever reads why a test failed, or writes down figures."""
        slowest = sorted(self.answers, key=lambda each: -each[2])[:3]
        return (
            f"{len(self.answers)} answers, "
            f"50 %: {self.percentile(50):.3f} s, 99 %: {self.percentile(99):.3f} s, "
            f"slowest: {slowest}, refused: {dict(self.refused)}, "
            f"memory: {self.peak_mib} MiB at most, {self.after_mib} MiB after"
        )


@contextmanager
def undisturbed(
    served: Tenants,
    *,
    seconds: float = LONGEST_SECONDS,
    peak_mib: int = PEAK_MIB,
    after_mib: int = AFTER_MIB,
) -> Iterator[Victim]:
    """Fail unless the victim is answered 2xx each time and within `seconds`, and memory comes back."""
    with observed(served, after_mib=after_mib) as seen:
        yield seen
    print(seen)
    assert not seen.refused, seen
    assert seen.slowest < seconds, seen
    assert seen.peak_mib <= peak_mib, seen
    assert seen.after_mib <= after_mib, seen


@contextmanager
def observed(served: Tenants, *, after_mib: int = AFTER_MIB, patience: float = PATIENCE) -> Iterator[Victim]:
    """What the victim is answered, and at the end the server's memory, whatever it is.

    Memory is looked at again until no process has more than `after_mib`, for `patience` seconds at most.
    """
    seen = Victim()
    ended = threading.Event()
    _forget_peaks(served.server)
    thread = threading.Thread(target=_ask, args=(served, seen, ended))
    thread.start()
    try:
        seen.stay(1)
        yield seen
        seen.stay(1)
    finally:
        ended.set()
        thread.join()
    seen.peak_mib = _memory(served.server, "VmHWM")
    deadline = time.monotonic() + patience
    while (now := _memory(served.server, "VmRSS")) > after_mib and time.monotonic() < deadline:
        time.sleep(0.2)
    seen.after_mib = now


def _ask(served: Tenants, seen: Victim, ended: threading.Event) -> None:
    port = served.server.port
    with Caller(port, served.victim, patience=PATIENCE) as kept:
        while not ended.is_set():
            with Caller(port, served.victim, patience=PATIENCE) as new:
                for caller in (kept, new):
                    _ask_everything(caller, seen)
            seen.rounds += 1


def _ask_everything(caller: Caller, seen: Victim) -> None:
    for what, method, path, body in (
        ("store", "POST", "/statements", statement()),
        ("page", "GET", f"/statements?limit={PAGE}", None),
        ("ready", "GET", "/health/ready", None),
    ):
        begun = time.monotonic()
        try:
            status = caller.call(method, path, body=body).status
        except GONE:
            status = 0
        seen.answers.append((what, status, time.monotonic() - begun))


def _memory(server: Server, figure: str) -> int:
    """A figure of `/proc/PID/status`, of the process of the server that has most of it, in MiB."""
    found = [0]
    for pid in server.pids():
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            continue
        found += [int(line.split()[1]) // 1024 for line in lines if line.startswith(figure + ":")]
    return max(found)


def _forget_peaks(server: Server) -> None:
    """Have the kernel measure the most memory that each process has had anew, from here on."""
    for pid in server.pids():
        Path(f"/proc/{pid}/clear_refs").write_text("5")

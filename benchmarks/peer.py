"""Ralph, an LRS in Python on MongoDB, as a peer: installed from PyPI apart from us, on the same `mongod`.

It runs under uvicorn with two workers, basic authentication from a file, its asynchronous backend, and no
indexes but those that it makes itself. Filters that it does not have (registration) are not asked for; its
`since` and `until` look at `timestamp`, ours at `stored`, so each is asked for a quarter of what it has.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import reads, writes
from benchmarks.questions import PAGE, Tally, questions
from benchmarks.report import Report
from benchmarks.servers import Server, free_port, running, wait_until_ready
from benchmarks.target import Target

PACKAGES = ("ralph-malph[backend-mongo,lrs,cli]==5.1.0", "requests")
"""Version 5.1.0 imports `requests` and does not ask for it."""
BACKEND = "async_mongo"
"""Faster than `mongo`; both read the settings of `mongo`."""
USER = ("bench", "bench-bench")
WORKERS = 2
INSTALL_SECONDS = 600


class NoPeer(RuntimeError):
    """The peer cannot be installed or started."""


def install(folder: Path) -> Path:
    """A virtual environment with the peer in `folder`, made when it is not there; its `bin`."""
    programs = folder / "bin"
    if not (programs / "ralph").exists():
        _done([sys.executable, "-m", "venv", str(folder)])
        _done([str(programs / "python"), "-m", "pip", "install", "--quiet", *PACKAGES])
    return programs


def version(programs: Path) -> str:
    """The installed version."""
    code = "import importlib.metadata as m; print(m.version('ralph-malph'))"
    return _done([str(programs / "python"), "-c", code]).strip()


@contextmanager
def ralph(programs: Path, folder: Path, uri: str) -> Iterator[Server]:
    """The peer on an empty database of the given MongoDB server."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RALPH_")} | {
        "RALPH_APP_DIR": str(folder),
        "RALPH_AUTH_FILE": str(folder / "auth.json"),
        "RALPH_RUNSERVER_BACKEND": BACKEND,
        "RALPH_BACKENDS__LRS__MONGO__CONNECTION_URI": uri,
        "RALPH_BACKENDS__LRS__MONGO__DEFAULT_DATABASE": "peer",
        "RALPH_BACKENDS__LRS__MONGO__DEFAULT_COLLECTION": "statements",
    }
    user = ("-u", USER[0], "-p", USER[1], "-s", "all", "-M", "mailto:bench@example.org")
    _done([str(programs / "ralph"), "auth", *user, "--write-to-disk"], environment)
    port = free_port()
    command = [
        *(str(programs / "python"), "-m", "uvicorn", "ralph.api:app", "--workers", str(WORKERS)),
        *("--host", "127.0.0.1", "--port", str(port), "--no-access-log", "--log-level", "warning"),
    ]
    with running(command, port, environment, folder=folder, log=folder / "peer.log") as server:
        wait_until_ready(f"http://127.0.0.1:{port}/__lbheartbeat__")
        yield server


def measure(programs: Path, folder: Path, uri: str, *, size: int, seconds: float) -> dict[str, Any]:
    """The peer's figures at `size` statements, as `peer_...`; `peer_error` says what failed."""
    report = Report()
    found: dict[str, Any] = {}
    try:
        found = {"peer": "ralph", "peer_version": version(programs), "peer_workers": WORKERS}
        with ralph(programs, folder, uri) as server:
            _figures(Target(server.port, *USER, path="/xAPI/statements"), report, size, seconds)
    except Exception as error:
        report.errors["peer"] = f"{type(error).__name__}: {error} {_last_words(folder / 'peer.log')}".strip()
    found |= {f"peer_{name}": value for name, value in report.figures.items()}
    if report.errors:
        found["peer_error"] = "; ".join(f"{what}: {why}" for what, why in report.errors.items())
    return found


def _figures(target: Target, report: Report, size: int, seconds: float) -> None:
    supply = writes.Supply()
    report.take("peer: filling", lambda: writes.fill(target, supply, size))
    for kind in ("agent", "verb", "activity", "since_until"):
        report.take(
            f"peer: GET by {kind}",
            partial(_read, target, supply.tally, kind, seconds),
        )
    report.take("peer: batches of 50", lambda: writes.batches(target, supply, seconds))
    report.take("peer: single POSTs", lambda: writes.singles(target, supply, seconds))


def _read(target: Target, tally: Tally, kind: str, seconds: float) -> dict[str, Any]:
    quarters = [
        f"since=2026-{month:02d}-{day:02d}T00:00:00Z&until=2026-{month + 3:02d}-{day:02d}T00:00:00Z"
        for month in range(1, 10)
        for day in range(1, 29)
    ]
    asked = (
        [f"{query}&limit={PAGE}" for query in quarters] if kind == "since_until" else questions(tally, kind)
    )
    return reads.by_kind(target, kind, asked, seconds)


def _done(command: list[str], environment: dict[str, str] | None = None) -> str:
    """What a command prints; NoPeer tells how it ended when it failed."""
    try:
        ended = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoPeer(f"{' '.join(command[:3])}: {error}") from error
    if ended.returncode:
        raise NoPeer(f"{' '.join(command[:3])} ended with {ended.returncode}: {ended.stderr.strip()[-300:]}")
    return ended.stdout


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace").strip()[-300:] if log.exists() else ""

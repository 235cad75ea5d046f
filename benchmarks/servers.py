"""Starts the servers that are measured: the product and the yardstick, each as its own process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its port and process id."""

    port: int
    pid: int


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def noop(threads: int) -> Iterator[Server]:
    """The Flask no-op on granian with the same number of threads."""
    port = free_port()
    command = [
        *(str(BIN / "granian"), "--interface", "wsgi", "--factory", "--workers", "1"),
        *("--blocking-threads", str(threads), "--no-ws", "--log-level", "error"),
        *("--host", "127.0.0.1", "--port", str(port), "benchmarks.noop:application"),
    ]
    with running(command, port, dict(os.environ)) as server:
        yield server


@contextmanager
def jejak(store: str, *, workers: int = 1, settings: dict[str, str] | None = None) -> Iterator[Server]:
    """The product itself on `store`."""
    port = free_port()
    environment = environment_for(store, port) | (settings or {})
    command = [str(BIN / "jejak"), "serve", "--bind", f"127.0.0.1:{port}", "--workers", str(workers)]
    with running(command, port, environment) as server:
        wait_until_ready(f"http://127.0.0.1:{port}/health/ready")
        yield server


def environment_for(store: str, port: int) -> dict[str, str]:
    """The product's settings for a run."""
    return dict(os.environ) | {
        "JEJAK_STORE": store,
        "JEJAK_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "JEJAK_LOG_LEVEL": "error",
    }


def credentials(store: str, scope: str = "all") -> tuple[str, str]:
    """A fresh key and secret on `store`."""
    out = subprocess.run(
        [
            str(BIN / "jejak"),
            "credentials",
            "create",
            *("--tenant", "bench", "--name", "bench"),
            "--scope",
            scope,
            "--json",
        ],
        env=environment_for(store, 1),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    made = json.loads(out)
    return made["key"], made["secret"]


def wait_until_ready(address: str, seconds: float = 60) -> None:
    """Return when `address` answers 200; TimeoutError says that it did not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"{address} did not become ready in {seconds} seconds")


@contextmanager
def running(
    command: list[str],
    port: int,
    environment: dict[str, str],
    *,
    folder: Path = ROOT,
    log: Path | None = None,
) -> Iterator[Server]:
    """A server that was started by `command` and takes connections; terminated on exit.

    Its standard error goes to the file `log`, or else to ours.
    """
    with log.open("wb") if log else nullcontext() as errors:
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=errors, cwd=folder
        )
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended with {process.returncode}")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

"""Child processes of the demo: started in the background, watched, and stopped together."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

START_SECONDS = 60.0
STOP_SECONDS = 10.0
LOG_TAIL = 15


class DemoError(RuntimeError):
    """The demo cannot go on; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running process and its log file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """DemoError, with the end of the log, when the process has ended."""
        code = self.process.poll()
        if code is not None:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL:]
            raise DemoError("\n".join([f"{self.name} ended (exit code {code}). Its last lines:", *lines]))

    def wait_for(self, url: str) -> None:
        """Until `url` answers 200. DemoError when the process ends, or after a minute."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            self.check()
            try:
                if requests.get(url, timeout=2, allow_redirects=False).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise DemoError(f"{self.name} does not answer at {url}; see {self.log}")


def start(name: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Child:
    """Run `python <arguments>` with its output in `log`.

    The child gets a session of its own, so that Ctrl-C in the terminal reaches the parent alone, which then
    stops its children in order.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own modules, no shell
            [sys.executable, *arguments],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Child(name, process, log)


def stop(children: Sequence[Child]) -> None:
    """Ask all to end, the youngest first; after ten seconds, make them."""
    for child in reversed(children):
        if child.process.poll() is None:
            child.process.terminate()
    for child in reversed(children):
        try:
            child.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()


def check_port(port: int, option: str) -> None:
    """DemoError when something else listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoError(f"Port {port} is in use; choose another with {option}.") from error

"""The product as its users run it, `jejak serve` in processes that can be killed; and its callers."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jejak.clock import now
from lrs.access import Credentials
from lrs.store.open import open_store
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests import mongod

BOOT_SECONDS = 60
ROUNDS = int(os.environ.get("JEJAK_FAULT_ROUNDS", "3"))
V1, V2 = "1.0.3", "2.0.0"
ROOTS = ("/xapi/", "/api/", "/health/", "/lti/")
"""Paths that `Caller` takes as they are; others it takes for resources of the xAPI."""
GONE = (OSError, HTTPException)
"""What a caller meets when the server dies under it."""


def credential(address: str, tenant: str = "one", scopes: Sequence[str] = ("all",)) -> tuple[str, str]:
    """A credential of a tenant, with every scope unless told otherwise, made straight in the store."""
    store = open_store(address, STATEMENT_KEYS)
    try:
        return Credentials(store, now).create(tenant, "everything", scopes)
    finally:
        store.close()


class Server:
    """`jejak serve` on a loopback port that stays the same over restarts."""

    def __init__(self, address: str, *, workers: int = 1, **settings: str) -> None:
        """`settings` are variables of the environment, beside those that are needed anyway."""
        self.port = mongod.free_port()
        self._workers = workers
        # Settings of the tests themselves (JEJAK_FAULT_ROUNDS) would be refused as unknown.
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("JEJAK_")},
            "JEJAK_STORE": address,
            "JEJAK_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "JEJAK_LOG_LEVEL": "warning",
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [sys.executable, "-m", "jejak.cli.main", "serve", "--bind", f"127.0.0.1:{self.port}"]
        command += ["--workers", str(self._workers)]
        self.process = subprocess.Popen(command, env=self._environment, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + BOOT_SECONDS
        while not self.ready():
            assert self.process.poll() is None, "the server ended by itself"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)

    def ready(self) -> bool:
        """Whether it says so."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except GONE:
            return False

    def pids(self) -> list[int]:
        """Every process of the server: its keeper first, then the workers and the follower."""
        assert self.process is not None
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                with contextlib.suppress(OSError):
                    found += [int(each) for each in children.read_text().split()]
        return found

    def kill(self) -> None:
        """As `kill -9` of every process at once, which is as near to a power cut as a test may come."""
        if self.process is None:
            return
        pids = self.pids()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        deadline = time.monotonic() + 10
        while any(runs(pid) for pid in pids):
            assert time.monotonic() < deadline, "a killed process still runs"
            time.sleep(0.005)

    def stop(self) -> None:
        """Ask it to end, as an administrator would; what does not end is killed."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def limit(self, what: int, soft: int) -> None:
        """Set a soft limit (`resource.RLIMIT_...`) of every process of the server while it runs."""
        for pid in self.pids():
            hard = resource.prlimit(pid, what)[1]
            resource.prlimit(pid, what, (soft, hard))


def runs(pid: int) -> bool:
    """Whether a process is there and is more than an entry that nobody has collected yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


@contextmanager
def serving(address: str, *, workers: int = 1, **settings: str) -> Iterator[Server]:
    """A started server, stopped at the end: one that is killed may leave a transaction open for a minute."""
    server = Server(address, workers=workers, **settings)
    try:
        server.start()
        yield server
    finally:
        server.stop()


class Answer:
    """A response, complete."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes, seconds: float) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.seconds = seconds

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Caller:
    """One client with one connection, kept alive; for one thread. Raises what `GONE` lists."""

    def __init__(
        self, port: int, known: tuple[str, str], *, version: str = V2, patience: float = 30.0
    ) -> None:
        """`patience` is the longest wait for the next byte of an answer, in seconds."""
        token = base64.b64encode(":".join(known).encode()).decode()
        self._headers = {"Authorization": f"Basic {token}", "X-Experience-API-Version": version}
        self._connection = HTTPConnection("127.0.0.1", port, timeout=patience)

    def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, below /xapi unless it names another; a body that is not bytes is sent as JSON."""
        sent = dict(self._headers)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        target = path if path.startswith(ROOTS) else f"/xapi{path}"
        if params:
            target += "?" + urlencode(params)
        begun = time.monotonic()
        try:
            self._connection.request(method, target, data, sent)
            response = self._connection.getresponse()
            content = response.read()
        except GONE:
            self._connection.close()
            raise
        told = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, told, content, time.monotonic() - begun)

    def get(self, path: str, **params: str) -> Answer:
        """GET."""
        return self.call("GET", path, params)

    def post(self, path: str, body: object, **params: str) -> Answer:
        """POST."""
        return self.call("POST", path, params, body)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def every_statement(caller: Caller, **params: str) -> Iterator[dict[str, Any]]:
    """Each statement that a query finds, page by page."""
    answer = caller.get("/statements", limit="500", **params)
    while True:
        assert answer.status == 200, answer.body
        page = answer.json
        yield from page["statements"]
        if not page["more"]:
            return
        answer = caller.get(page["more"])

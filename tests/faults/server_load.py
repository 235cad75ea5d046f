"""Callers that load a server over HTTP and note what it acknowledged; and the check of what it kept."""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.faults.server import GONE, V1, V2, Answer, Caller, every_statement
from tests.lrs.samples import statement, voiding

WRITERS = 8
BATCH = 50
ATTACHMENT_BYTES = 300_000
KINDS = ("single", "put", "batch", "attachment", "voiding")

Statement = dict[str, Any]


@dataclass(frozen=True)
class Write:
    """One request: the statements it brings, and what goes with them."""

    kind: str
    statements: list[Statement]
    voids: str = ""
    data: bytes = b""

    @classmethod
    def made(cls, kind: str, target: str = "", *, size: int = ATTACHMENT_BYTES) -> Write:
        """A write of that kind; `target` is what a voiding voids, `size` the bytes of an attachment."""
        if kind == "voiding":
            return cls(kind, [voiding(target)], target)
        if kind != "attachment":
            # A kilobyte each, as statements of the field are.
            number = BATCH if kind == "batch" else 1
            text = {"response": "x" * 600}
            return cls(kind, [statement(f"learner{n}", result=text) for n in range(number)])
        data = random.randbytes(size)
        attachment = {
            "usageType": "https://example.org/usage/photo",
            "display": {"id": "Foto"},
            "contentType": "application/octet-stream",
            "length": len(data),
            "sha2": hashlib.sha256(data).hexdigest(),
        }
        return cls(kind, [statement(attachments=[attachment])], data=data)

    def send(self, caller: Caller) -> Answer:
        """Send it; sending again is harmless."""
        if self.kind == "put":
            only = self.statements[0]
            return caller.call("PUT", "/statements", {"statementId": only["id"]}, only)
        if self.kind != "attachment":
            body = self.statements if self.kind == "batch" else self.statements[0]
            return caller.post("/statements", body)
        boundary = uuid4().hex
        sha2 = self.statements[0]["attachments"][0]["sha2"]
        content = (
            b"--%b\r\nContent-Type: application/json\r\n\r\n%b\r\n--%b\r\n"
            b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n"
            b"X-Experience-API-Hash: %b\r\n\r\n%b\r\n--%b--\r\n"
        ) % (
            *(boundary.encode(), json.dumps(self.statements[0]).encode(), boundary.encode()),
            *(sha2.encode(), self.data, boundary.encode()),
        )
        kind = f'multipart/mixed; boundary="{boundary}"'
        return caller.call("POST", "/statements", None, content, {"Content-Type": kind})


@dataclass
class Load:
    """Callers that write until they are stopped or the server is gone. Read its lists after `join`."""

    port: int
    known: tuple[str, str]
    outlives: bool = False
    """Whether callers go on when the server does not answer, or says that it cannot now."""
    done: list[Write] = field(default_factory=list)
    doubtful: list[Write] = field(default_factory=list)
    """Sent, but never acknowledged."""
    answers: list[tuple[float, Answer]] = field(default_factory=list)
    """With the moment (monotonic) each one came."""
    broken: list[str] = field(default_factory=list)
    """Connections that ended without an answer."""

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, writes: int, seconds: float = 60) -> None:
        """Until so many were acknowledged."""
        deadline = time.monotonic() + seconds
        while len(self.done) < writes:
            assert time.monotonic() < deadline, "the server does not get on"
            time.sleep(0.005)

    def join(self) -> None:
        """Stop, and wait for the last answers."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        targets: list[str] = []
        with Caller(self.port, self.known, version=V1 if number % 2 else V2) as caller:
            while not self._stop.is_set():
                kind = random.choice(KINDS)
                if kind == "voiding" and not targets:
                    kind = "single"
                write = Write.made(kind, targets.pop() if kind == "voiding" else "")
                if not self._sent(caller, write):
                    if not self.outlives:
                        return
                    self._stop.wait(0.2)
                elif kind in {"single", "put"}:
                    targets.append(write.statements[0]["id"])

    def _sent(self, caller: Caller, write: Write) -> bool:
        try:
            answer = write.send(caller)
        except GONE as error:
            self.doubtful.append(write)
            self.broken.append(repr(error))
            return False
        self.answers.append((time.monotonic(), answer))
        good = answer.status in {200, 204}
        (self.done if good else self.doubtful).append(write)
        return good


class Puller:
    """Follows the log over HTTP as an outside system would: `since` is the last promise of the server."""

    def __init__(self, port: int, known: tuple[str, str]) -> None:
        self.seen: list[str] = []
        self.wrong: list[str] = []
        """Answers that were neither a page nor "not now"."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(port, known))
        self._thread.start()

    def finish(self) -> None:
        """Pull what is left and end; the server must be up."""
        self._stop.set()
        self._thread.join()

    def _run(self, port: int, known: tuple[str, str]) -> None:
        through, last = "1970-01-01T00:00:00.000000Z", ""
        with Caller(port, known) as caller:
            while not last or through < last:
                if self._stop.is_set() and not last:
                    last = _now(caller)
                try:
                    through = self._pull(caller, through)
                except GONE:
                    pass
                time.sleep(0.02)

    def _pull(self, caller: Caller, since: str) -> str:
        """All that the server promises to be complete; the new promise, or the old one when it cannot now."""
        answer = caller.get("/statements", since=since, ascending="true", limit="500")
        promise = answer.headers.get("x-experience-api-consistent-through", "")
        page: list[str] = []
        while answer.status == 200:
            found = answer.json
            page += [each["id"] for each in found["statements"] if each["stored"] <= promise]
            if not found["more"]:
                self.seen += page
                return max(promise, since)
            answer = caller.get(found["more"])
        if answer.status != 503:
            self.wrong.append(f"{answer.status} {answer.body!r}")
        return since


def _now(caller: Caller) -> str:
    """A moment, by the clock of the server, after everything that is stored."""
    mark = statement()
    assert caller.post("/statements", mark).status == 200
    stored: str = caller.get("/statements", statementId=mark["id"]).json["stored"]
    return stored


def check(caller: Caller, done: list[Write], doubtful: list[Write]) -> Counter[str]:
    """Fail unless what was acknowledged is there, once and equal, and the rest is whole or not at all.

    How often each visible id is there (once), for a puller to compare with.
    """
    kept = {each["id"]: each for each in every_statement(caller)}
    counted = Counter(each["id"] for each in every_statement(caller, ascending="true"))
    assert set(counted.values()) <= {1}
    assert counted.keys() == kept.keys()
    there = [write for write in doubtful if _found(caller, kept, write.statements[0]["id"])]
    hidden = {write.voids for write in (*done, *there)} - {""}
    for write in (*done, *there):
        for sent in write.statements:
            got = kept.get(sent["id"])
            if sent["id"] in hidden:
                assert got is None, "a voided statement is found"
                got = _found(caller, kept, sent["id"])
            assert got is not None, f"an acknowledged {write.kind} is lost, or not whole"
            assert {name: got[name] for name in sent} == sent
        if write.data:
            _check_attachment(caller, write)
    for write in doubtful:
        if write not in there:
            assert not any(_found(caller, kept, sent["id"]) for sent in write.statements), "kept in part"
            assert not write.voids or write.voids in hidden or write.voids in kept
    return counted


def _found(caller: Caller, kept: dict[str, Statement], id: str) -> Statement | None:
    if id in kept:
        return kept[id]
    answer = caller.get("/statements", voidedStatementId=id)
    if answer.status == 200:
        # What is void is found under no other parameter.
        assert caller.get("/statements", statementId=id).status == 404
        voided: Statement = answer.json
        return voided
    assert answer.status == 404
    return None


def _check_attachment(caller: Caller, write: Write) -> None:
    answer = caller.get("/statements", statementId=write.statements[0]["id"], attachments="true")
    assert answer.status == 200
    assert write.data in answer.body, "an attachment is not whole"

"""A request that waits for somebody else gives its turn to others."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pytest

from jejak.server.backpressure import CALLING, Backpressure
from jejak.server.shares import Slots
from lrs.outbound.waiting import ENVIRON
from lrs.tenant_turns import BusyError, TenantTurns


def call(backpressure: Backpressure, **environ: Any) -> tuple[str, bytes]:
    said: list[str] = []
    body = backpressure(
        {"wsgi.input": BytesIO(), **environ}, lambda status, _headers, *_more: said.append(status)
    )
    return said[-1], b"".join(body)


def test_others_are_worked_on_while_a_request_waits_for_a_platform() -> None:
    """With a single turn, a request is answered while an earlier one waits; then that one goes on."""
    waiting, ended = threading.Event(), threading.Event()

    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ.get("slow"):
            with environ[ENVIRON]():
                waiting.set()
                assert ended.wait(10)
        start("200 OK", [])
        return [b"done"]

    backpressure = Backpressure(application, turns=1)
    answers: list[tuple[str, bytes]] = []
    thread = threading.Thread(target=lambda: answers.append(call(backpressure, slow=True)), daemon=True)
    thread.start()
    assert waiting.wait(10)
    assert call(backpressure) == ("200 OK", b"done")
    ended.set()
    thread.join(10)
    assert answers == [("200 OK", b"done")]
    assert call(backpressure) == ("200 OK", b"done")


def test_a_bounded_number_waits() -> None:
    """Each one that waits costs a thread: one too many is told to come again, and loses nothing to others."""

    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        nested = environ["nested"]
        with environ[ENVIRON]():
            if nested:
                call(backpressure, nested=nested - 1)
        start("200 OK", [])
        return [b"done"]

    backpressure = Backpressure(application, turns=1)
    most = CALLING * 3 // 4  # the share of one party
    assert call(backpressure, nested=most - 1)[0] == "200 OK"
    refused: list[str] = []

    def greedy(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        with environ[ENVIRON]():
            refused.append(call(backpressure, depth=environ["depth"] + 1)[0])
        start("200 OK", [])
        return [b"done"]

    backpressure = Backpressure(greedy, turns=1)
    assert call(backpressure, depth=0)[0] == "200 OK"
    assert len(refused) == most
    assert refused[0] == "503 Service Unavailable"
    assert set(refused[1:]) == {"200 OK"}


def test_others_are_worked_on_while_a_request_waits_for_its_tenant() -> None:
    """With a single turn of the worker, who waits for large work of its tenant keeps nobody else from it."""
    turns = TenantTurns(seconds=60)
    waits = threading.Event()

    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ.get("large"):
            waits.set()
            with turns.turn("one"):
                assert environ["free"].is_set()
        start("200 OK", [])
        return [b"done"]

    backpressure = Backpressure(application, turns=1)
    answers: list[tuple[str, bytes]] = []
    free = threading.Event()
    with turns.turn("one"):
        thread = threading.Thread(
            target=lambda: answers.append(call(backpressure, large=True, free=free)), daemon=True
        )
        thread.start()
        assert waits.wait(10)
        small: list[tuple[str, bytes]] = []
        other = threading.Thread(target=lambda: small.append(call(backpressure)), daemon=True)
        other.start()
        other.join(30)
        assert small == [("200 OK", b"done")]
        free.set()
    thread.join(30)
    assert answers == [("200 OK", b"done")]


def test_a_turn_that_does_not_come_is_given_up_and_nothing_is_lost() -> None:
    """BusyError after the patience; both kinds of turns are there for the next request."""
    turns = TenantTurns(seconds=0.01)

    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        try:
            with turns.turn("one"):
                start("200 OK", [])
        except BusyError:
            start("503 Service Unavailable", [])
        return [b""]

    backpressure = Backpressure(application, turns=1)
    with turns.turn("one"):
        assert [call(backpressure)[0] for _ in range(3)] == ["503 Service Unavailable"] * 3
    assert call(backpressure)[0] == "200 OK"
    assert backpressure.worker_slots.is_idle


@pytest.mark.parametrize(
    ("method", "path", "query", "kept"),
    [
        ("GET", "/riwayat", "", False),
        ("POST", "/riwayat", "lang=id", True),
        ("DELETE", "/xapi/activities/state", "stateId=s", True),
        ("POST", "/xapi/statements", "", True),
        ("POST", "/xapi/statements", "m%65thod=GET", False),
    ],
)
def test_the_answer_of_a_write_is_told_however_many_read(
    method: str, path: str, query: str, kept: bool
) -> None:
    """What was kept is not answered with a refusal, which the client would take for a failure."""

    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [])
        return iter((b"do", b"ne"))

    backpressure = Backpressure(application, turns=1)
    backpressure._sendings = Slots(0)
    status, body = call(backpressure, REQUEST_METHOD=method, PATH_INFO=path, QUERY_STRING=query)
    assert (status, body) == ("200 OK", b"done") if kept else status.startswith("503")

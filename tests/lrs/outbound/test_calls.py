"""Calls to platforms are bounded: by one deadline, in number, and by a breaker for each platform."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from flask import Flask

from lrs.outbound.calls import KEYS, PER_PLATFORM, PER_TENANT, Calls, Party, PausedError
from lrs.outbound.circuit_breaker import FAILURES, FIRST_SECONDS, LONGEST_SECONDS, Circuits
from lrs.outbound.exchange import OutboundError
from lrs.outbound.http_client import Answer, Outbound
from lrs.outbound.waiting import ENVIRON, MOST_WAITING, SingleFlight
from lti_tool.settings import LtiSettings
from tests.lti_tool.platform import TOOL, Clock, Wire, answer
from tests.waiting import wait_until

URL = "https://lms.example/service"
ONE = Party("agency", "one")
STRANGER = Party("another agency", "third")
SETTINGS = LtiSettings(public_url=TOOL, http_total_seconds=0.2)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wire() -> Wire:
    wire = Wire(SETTINGS)
    wire.handlers[URL] = lambda _sent: answer("fine")
    return wire


@pytest.fixture
def calls(wire: Wire, clock: Clock) -> Calls:
    return Calls(wire, clock, SETTINGS)


def ask(calls: Calls, party: Party = ONE) -> Answer:
    return calls.request(party, "GET", URL)


def fail(calls: Calls, times: int, party: Party = ONE) -> None:
    for _ in range(times):
        with pytest.raises(OutboundError):
            ask(calls, party)


@contextmanager
def hanging(wire: Wire) -> Iterator[None]:
    """While this lasts, whoever asks gets no answer."""
    ended = threading.Event()

    def hang(_sent: object) -> Answer:
        ended.wait(30)
        return answer("late")

    before = wire.handlers[URL]
    wire.handlers[URL] = hang
    try:
        yield
    finally:
        wire.handlers[URL] = before
        ended.set()


def test_a_name_that_is_looked_up_for_ever_is_given_up(clock: Clock) -> None:
    """A system's resolver cannot be interrupted; whoever asked goes on at the deadline all the same."""
    ended = threading.Event()

    def resolve(_host: str, _port: int) -> list[str]:
        ended.wait(30)
        return ["127.0.0.1"]

    calls = Calls(Outbound(SETTINGS, resolve=resolve), clock, SETTINGS)
    began = time.monotonic()
    try:
        with pytest.raises(OutboundError, match="too long"):
            ask(calls)
        assert time.monotonic() - began < 10
    finally:
        ended.set()


@pytest.mark.slow
def test_one_platform_and_one_agency_have_their_share_and_no_more(calls: Calls, wire: Wire) -> None:
    """Places are held until a call has really ended; beyond them calls fail at once, others' do not."""
    with hanging(wire):
        for number in range(PER_TENANT):
            fail(calls, 1, Party(ONE.tenant, f"platform {number}"))
        asked = len(wire.sent)
        assert asked == PER_TENANT
        with pytest.raises(PausedError):
            ask(calls, Party("agency", "a new platform"))
        assert len(wire.sent) == asked
        wire.handlers[URL] = lambda _sent: answer("fine")
        assert ask(calls, STRANGER).ok
    wait_until(lambda: not calls._under_way, "the calls have ended")
    assert ask(calls, Party("agency", "a new platform")).ok


def test_a_call_that_cannot_begin_holds_no_place(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no thread to give the call fails at once, and later ones are made."""

    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        for _ in range(PER_PLATFORM + FAILURES):
            with pytest.raises(PausedError, match="begun"):
                ask(calls)
    assert not calls._under_way
    assert ask(calls).ok


def test_a_platform_may_be_asked_so_much_at_once(wire: Wire, clock: Clock) -> None:
    """The calls beyond a platform's own places are not made, though its agency has places left."""
    calls = Calls(wire, clock, LtiSettings(public_url=TOOL, http_total_seconds=20))
    with hanging(wire):
        threads = [threading.Thread(target=ask, args=(calls,), daemon=True) for _ in range(PER_PLATFORM)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(wire.sent) >= PER_PLATFORM, "the platform's places are taken")
        with pytest.raises(PausedError, match="too many"):
            ask(calls)
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize("status", [0, 429, 502, 503, 504])
def test_a_platform_that_fails_again_and_again_is_left_alone(
    calls: Calls, wire: Wire, clock: Clock, status: int
) -> None:
    """After some failures in a row nothing is sent for a while; then one call is, and an answer closes it.

    Its keys are asked for all the same.
    """

    def down(_sent: object) -> Answer:
        if not status:
            raise OutboundError("no answer")
        return answer("down", status)

    wire.handlers[URL] = down
    for _ in range(FAILURES):
        if status:
            assert ask(calls).status == status
        else:
            fail(calls, 1)
    assert calls.open_until(ONE) == clock.now + FIRST_SECONDS * 1_000_000
    with pytest.raises(PausedError, match="left alone"):
        ask(calls)
    assert len(wire.sent) == FAILURES
    with suppress(OutboundError):
        ask(calls, Party(ONE.tenant, ONE.platform, KEYS))
    assert len(wire.sent) == FAILURES + 1
    clock.forward(FIRST_SECONDS)
    wire.handlers[URL] = lambda _sent: answer("fine")
    assert ask(calls).ok
    assert ask(calls).ok
    assert calls.open_until(ONE) == 0


def test_refusals_open_no_breaker(calls: Calls, wire: Wire) -> None:
    """A platform that says no has answered."""
    wire.handlers[URL] = lambda _sent: answer([], 404)
    for _ in range(2 * FAILURES):
        assert ask(calls).status == 404


def test_a_half_open_breaker_lets_one_call_through(clock: Clock) -> None:
    """While the call that probes is under way others are refused; if it fails the pause grows."""
    circuits = Circuits(clock)
    for _ in range(FAILURES):
        assert circuits.enter("a")
        circuits.failed("a")
    assert not circuits.enter("a")
    pause = FIRST_SECONDS
    for _ in range(6):
        clock.forward(pause)
        assert circuits.enter("a")
        assert not circuits.enter("a")
        circuits.failed("a")
        pause = min(2 * pause, LONGEST_SECONDS)
        assert circuits.open_until("a") == clock.now + pause * 1_000_000
    assert circuits.enter("b")


def test_a_probe_that_says_nothing_leaves_the_next_one_its_chance(clock: Clock) -> None:
    """A call that was not made after all does not keep the breaker half open for ever."""
    circuits = Circuits(clock)
    for _ in range(FAILURES):
        circuits.failed("a")
    clock.forward(FIRST_SECONDS)
    assert circuits.enter("a")
    circuits.left("a")
    assert circuits.enter("a")


def test_a_request_that_waits_for_a_platform_holds_no_turn(calls: Calls) -> None:
    """The server's context manager is entered for the wait and left after it."""
    seen = []

    @contextmanager
    def waiting() -> Iterator[None]:
        seen.append("given back")
        yield
        seen.append("taken again")

    with Flask("test").test_request_context("/", environ_overrides={ENVIRON: waiting}):
        assert ask(calls).ok
    assert seen == ["given back", "taken again"]


def in_threads(number: int, work: Callable[[], None]) -> list[threading.Thread]:
    threads = [threading.Thread(target=work, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    return threads


def test_many_who_ask_for_the_same_make_one_fetch() -> None:
    """The others get what the first one fetched; those beyond a bound are told at once to come again."""
    flight: SingleFlight[str] = SingleFlight()
    going, ended = threading.Event(), threading.Event()
    fetched: list[str] = []
    got: list[str] = []
    refused: list[str] = []

    def fetch() -> str:
        fetched.append("once")
        going.set()
        ended.wait(60)
        return "answer"

    def work() -> None:
        try:
            got.append(flight.do("course", fetch, seconds=60))
        except OutboundError as error:
            refused.append(str(error))

    threads = in_threads(1, work)
    assert going.wait(10)
    threads += in_threads(MOST_WAITING + 3, work)
    try:
        wait_until(lambda: len(refused) == 3, "three were refused")
    finally:
        ended.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert fetched == ["once"]
    assert got == ["answer"] * (MOST_WAITING + 1)
    assert refused == ["too many wait for it already"] * 3


def test_a_fetch_that_fails_fails_for_everyone_and_is_tried_again() -> None:
    """An error reaches whoever waits, and the next one fetches anew."""
    flight: SingleFlight[str] = SingleFlight()

    def broken() -> str:
        raise OutboundError("broken")

    for _ in range(2):
        with pytest.raises(OutboundError, match="broken"):
            flight.do("course", broken, seconds=1)
    assert flight.do("course", lambda: "answer", seconds=1) == "answer"

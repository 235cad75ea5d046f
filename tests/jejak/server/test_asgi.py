"""The worker of `jejak serve`: each request answered by the loop or a thread, whole or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from jejak.app import Application, create_app
from jejak.server import asgi, sending, small_bodies, threads
from jejak.server.asgi import Worker
from jejak.server.backpressure import TooManyWaitingError, TooSlowError
from jejak.server.health import Health
from jejak.server.sending import STILL_SECONDS
from jejak.server.shares import Slots
from jejak.server.small_bodies import SmallBodies
from jejak.settings import load
from lrs.http.xapi.application import XapiApplication
from lrs.store.errors import UnavailableError
from tests.jejak.asgi import Asking, Client, asking, pieces_of
from tests.lrs.client import V1, Answer, multipart
from tests.lrs.samples import COURSE, agent, statement

Scenario = Callable[[Asking], Awaitable[Any]]
Run = Callable[[Scenario], Any]

STATEMENTS = "/xapi/statements"
UNKNOWN = "f1b6a6c4-6e0b-4d3f-9a3c-0d1f6c0b8e11"
"""The id of no statement."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The product on a SQLite file."""
    file = tmp_path_factory.mktemp("asgi") / "jejak.db"
    made = create_app(load({"JEJAK_STORE": f"sqlite:///{file}", "JEJAK_MAX_BODY_BYTES": "1000000"}))
    yield made
    made.close()


@pytest.fixture
def known(app: Application) -> tuple[str, str]:
    """A credential with every scope, of a tenant of its own: each test sees its own statements."""
    return app.wired.credentials.create(f"tenant-{time.monotonic_ns()}", "everything", ["all"])


@pytest.fixture
def run(app: Application, known: tuple[str, str]) -> Run:
    """Runs a scenario in a fresh loop; at its end nothing may be counted as under way."""
    return lambda scenario: asking(app, known, scenario)


@pytest.fixture
def where(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Who answered: "loop" or "thread", in order."""
    noted: list[str] = []
    effects, blocking = XapiApplication.effects, XapiApplication.__call__
    inside: list[bool] = []

    def noting_steps(self: XapiApplication, environ: Any) -> Any:
        if not inside:
            noted.append("loop")
        return effects(self, environ)

    def noting_call(self: XapiApplication, environ: Any, start_response: Any) -> Any:
        noted.append("thread")
        inside.append(True)
        try:
            return blocking(self, environ, start_response)
        finally:
            inside.pop()

    monkeypatch.setattr(XapiApplication, "effects", noting_steps)
    monkeypatch.setattr(XapiApplication, "__call__", noting_call)
    return noted


async def stored(ask: Asking) -> list[dict[str, Any]]:
    """Every statement of the credential's tenant, page after page."""
    answer = await ask.call("GET", STATEMENTS, params={"ascending": "true", "limit": "500"})
    found: list[dict[str, Any]] = answer.json["statements"]
    assert answer.json["more"] == ""
    return found


def with_data(data: bytes) -> tuple[dict[str, Any], bytes, dict[str, str]]:
    """A statement that declares an attachment, and the multipart body and header to send it with."""
    sha2 = hashlib.sha256(data).hexdigest()
    sent = statement(
        attachments=[
            {
                "usageType": "https://example.org/usage/video",
                "display": {"id": "Video"},
                "contentType": "video/mp4",
                "length": len(data),
                "sha2": sha2,
            }
        ]
    )
    part = {
        "Content-Type": "video/mp4",
        "Content-Transfer-Encoding": "binary",
        "X-Experience-API-Hash": sha2,
    }
    body, headers = multipart(({"Content-Type": "application/json"}, json.dumps(sent).encode()), (part, data))
    return sent, body, {name.lower(): value for name, value in headers.items()}


def test_a_statement_is_stored_and_read_on_the_loop(run: Run, where: list[str]) -> None:
    """POST, PUT and GET of statements in small JSON need no thread, and answer as the xAPI says."""

    async def scenario(ask: Asking) -> None:
        posted, put = statement(), statement("budi")
        answer = await ask.call("POST", STATEMENTS, posted)
        assert (answer.status, answer.json) == (200, [posted["id"]])
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-experience-api-consistent-through"] > "2026"
        answer = await ask.call("PUT", STATEMENTS, put, params={"statementId": put["id"]})
        assert (answer.status, answer.body) == (204, b"")
        assert "content-length" not in answer.headers
        answer = await ask.call("GET", STATEMENTS, params={"statementId": posted["id"]})
        assert (answer.status, answer.json["id"]) == (200, posted["id"])
        assert [each["id"] for each in await stored(ask)] == [posted["id"], put["id"]]

    run(scenario)
    assert where == ["loop"] * 4


@pytest.mark.parametrize("size", [1, 7, 100, 1 << 20])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_may_come_in_any_pieces(run: Run, size: int, chunked: bool) -> None:
    """However it is cut, and whether its length is announced or not, the statements are all there."""
    batch = [statement() for _ in range(2)]

    async def scenario(ask: Asking) -> None:
        answer = await ask.call("POST", STATEMENTS, batch, size=size, chunked=chunked)
        assert (answer.status, answer.json) == (200, [each["id"] for each in batch])
        assert len(await stored(ask)) == 2

    run(scenario)


def test_a_body_may_end_with_an_empty_piece(run: Run) -> None:
    """A server that learns of the end late says so with a piece of nothing."""
    sent = statement()
    data = json.dumps(sent).encode()
    messages = [
        {"type": "http.request", "body": data, "more_body": True},
        {"type": "http.request", "body": b"", "more_body": False},
    ]

    async def scenario(ask: Asking) -> list[int]:
        return [
            (await ask.call("POST", STATEMENTS, sent, chunked=chunked, client=Client(list(messages)))).status
            for chunked in (False, True)
        ]

    assert run(scenario) == [200, 200]


@pytest.mark.parametrize(
    ("change", "status"),
    [({}, 200), ({"timestamp": "2026-01-01T00:00:00Z"}, 409), ({"actor": agent("budi")}, 409)],
)
def test_a_duplicate_changes_nothing(run: Run, change: dict[str, Any], status: int) -> None:
    """The same statement again succeeds, another one under its id is 409 and names what differs."""

    async def scenario(ask: Asking) -> Answer:
        sent = statement(timestamp="2025-01-01T00:00:00Z")
        assert (await ask.call("POST", STATEMENTS, sent)).status == 200
        before = await stored(ask)
        answer = await ask.call("POST", STATEMENTS, sent | change)
        assert await stored(ask) == before
        return answer

    answer = run(scenario)
    assert answer.status == status
    if status == 409:
        assert answer.rules == {"statement.immutable"}
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("chunked", [False, True], ids=["loop", "thread"])
@pytest.mark.parametrize(
    ("body", "rule"),
    [(b"{", "request.json"), (b"", "request.json"), (b"\xff", "request.json"), (b"[3]", "statement.object")],
)
def test_bad_bodies_are_refused(run: Run, body: bytes, rule: str, chunked: bool) -> None:
    """What is no statement is 400 with the reason, and stores nothing, whoever looks at it."""

    async def scenario(ask: Asking) -> Answer:
        answer = await ask.call("POST", STATEMENTS, body, chunked=chunked)
        assert await stored(ask) == []
        return answer

    answer = run(scenario)
    assert answer.status == 400
    assert len(answer.rules) == 1


@pytest.mark.parametrize("length", [None, 200, 100_000], ids=["chunked", "small", "large"])
def test_a_client_that_leaves_half_way_stores_nothing(run: Run, length: int | None) -> None:
    """A body that ends before its time is not taken for a shorter one."""
    whole = json.dumps([statement()]).encode()
    headers = {"content-length": str(len(whole) + length)} if length else {"transfer-encoding": "chunked"}
    headers["content-type"] = "application/json"

    async def scenario(ask: Asking) -> int:
        piece = {"type": "http.request", "body": whole, "more_body": True}
        client = Client([piece], leaves=True)
        scope = ask.head("POST", STATEMENTS, headers)
        await ask.worker(scope, client.receive, client.send)
        assert await stored(ask) == []
        return client.answer().status

    assert run(scenario) == 400


@pytest.mark.parametrize("length", [None, 200, 100_000], ids=["chunked", "small", "large"])
def test_a_client_that_stands_still_is_told(
    run: Run, length: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that does not come is 408 and the connection is to be closed; nothing is stored."""
    monkeypatch.setattr(small_bodies, "STILL_SECONDS", 0.1)
    monkeypatch.setattr(threads, "STILL_SECONDS", 0.1)
    whole = json.dumps([statement()]).encode()
    headers = {"content-length": str(len(whole) + length)} if length else {"transfer-encoding": "chunked"}
    headers["content-type"] = "application/json"

    async def scenario(ask: Asking) -> Answer:
        client = Client([{"type": "http.request", "body": whole, "more_body": True}])
        await ask.worker(ask.head("POST", STATEMENTS, headers), client.receive, client.send)
        assert await stored(ask) == []
        return client.answer()

    answer = run(scenario)
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert answer.json["status"] == 408


def test_a_body_that_drips_is_given_up(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sending a little now and then does not hold a thread for ever: there is a least rate."""
    monkeypatch.setattr(threads, "STILL_SECONDS", 0.2)

    class Dripping(Client):
        async def receive(self) -> dict[str, Any]:
            await asyncio.sleep(0.02)
            return {"type": "http.request", "body": b" ", "more_body": True}

    async def scenario(ask: Asking) -> int:
        return (await ask.call("POST", STATEMENTS, b"{", chunked=True, client=Dripping())).status

    begun = time.monotonic()
    assert run(scenario) == 408
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("size", "status"), [(asgi.SMALL - 10, 200), (asgi.SMALL + 10, 200), (900_000, 200), (1_000_001, 413)]
)
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_large_bodies_are_taken_up_to_the_limit(
    run: Run, size: int, status: int, chunked: bool, where: list[str]
) -> None:
    """Beyond what the loop takes, a thread receives the body; beyond the setting it is 413."""
    sent = json.dumps(statement()).encode()

    async def scenario(ask: Asking) -> int:
        answer = await ask.call("POST", STATEMENTS, sent.ljust(size), size=65_000, chunked=chunked)
        assert len(await stored(ask)) == (status == 200)
        return answer.status

    assert run(scenario) == status
    assert where[0] == ("loop" if size <= asgi.SMALL and not chunked else "thread")


@pytest.mark.parametrize("size", [10, 600_000])
def test_attachments_go_in_and_out(run: Run, size: int) -> None:
    """Data of an attachment, small or large, comes back byte for byte in the multipart answer."""
    data = hashlib.shake_128(b"data").digest(size)
    sent, body, headers = with_data(data)

    async def scenario(ask: Asking) -> Answer:
        answer = await ask.call("POST", STATEMENTS, body, headers=headers, size=50_000)
        assert (answer.status, answer.json) == (200, [sent["id"]])
        client = Client()
        answer = await ask.call("GET", STATEMENTS, params={"attachments": "true"}, client=client)
        # A long answer is passed on as it is made, a short one in one piece.
        assert (len(client.sent) > 2) == (size > threads.WHOLE)
        return answer

    answer = run(scenario)
    assert answer.status == 200
    boundary = answer.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    assert answer.body.endswith(b"--" + boundary + b"--\r\n")
    assert data in answer.body
    assert answer.body.count(b"--" + boundary) == 3


@pytest.mark.parametrize("spelling", ["attachments=true", "attachment%73=true", "%61ttachments=true"])
def test_pages_with_attachments_never_go_through_the_loop_whole(
    run: Run, spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the parameter is spelt, and on every page that its `more` links lead to, data is streamed."""
    monkeypatch.setattr(threads, "WHOLE", 1000)
    sendings = [with_data(hashlib.shake_128(b"%d" % place).digest(300_000)) for place in range(2)]

    async def scenario(ask: Asking) -> None:
        for _, body, headers in sendings:
            assert (await ask.call("POST", STATEMENTS, body, headers=headers)).status == 200
        target = f"{STATEMENTS}?{spelling}&limit=1"
        for last in (False, True):
            client = Client()
            answer = await ask.call("GET", target, client=client)
            assert answer.status == 200
            assert len(client.sent) > 3
            assert max(len(each.get("body", b"")) for each in client.sent) < 300_000
            json_part = answer.body.partition(b"\r\n\r\n")[2].partition(b"\r\n--")[0]
            target = json.loads(json_part)["more"]
            assert (target == "") == last

    run(scenario)


def test_an_answer_waits_for_who_reads_it_slowly(run: Run) -> None:
    """A reader that takes nothing in holds back its own answer, which then arrives whole; nobody else's."""
    data = bytes(2_000_000)
    _, body, headers = with_data(data)

    async def scenario(ask: Asking) -> Answer:
        assert (await ask.call("POST", STATEMENTS, body, headers=headers)).status == 200
        slow = Client(reading=asyncio.Event())
        assert slow.reading is not None
        task = asyncio.create_task(ask.call("GET", STATEMENTS, params={"attachments": "true"}, client=slow))
        while len(slow.sent) < 2:
            await asyncio.sleep(0.005)
        for _ in range(20):
            assert (await ask.call("POST", STATEMENTS, statement())).status == 200
            assert (await ask.call("GET", "/docs/rules")).status == 200
        assert len(slow.sent) == 2
        assert not task.done()
        slow.reading.set()
        return await task

    answer = run(scenario)
    assert answer.status == 200
    assert data in answer.body


def test_a_reader_that_stands_still_is_given_up(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that is not taken in ends unfinished after a while, and no second one is begun."""
    monkeypatch.setattr(threads, "STILL_SECONDS", 0.2)
    _, body, headers = with_data(bytes(1_000_000))

    async def scenario(ask: Asking) -> list[str]:
        assert (await ask.call("POST", STATEMENTS, body, headers=headers)).status == 200
        client = Client(reading=asyncio.Event())
        scope = ask.head("GET", f"{STATEMENTS}?attachments=true")
        # However it ends: a server closes the connection of an answer that is not complete.
        await asyncio.gather(ask.worker(scope, client.receive, client.send), return_exceptions=True)
        return [each["type"] + str(each.get("more_body", "")) for each in client.sent]

    assert run(scenario) == ["http.response.start", "http.response.bodyTrue"]


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/health/live", 200),
        ("GET", "/health/ready", 200),
        ("GET", "/xapi/about", 200),
        ("GET", "/xapi/activities?activityId=" + quote(COURSE), 200),
        ("GET", "/xapi/agents?agent=" + quote(json.dumps(agent())), 200),
        ("GET", "/xapi/nothing", 404),
        ("GET", "/xapi/", 404),
        ("GET", "/xapi", 404),
        ("GET", "/nothing", 404),
        ("GET", "*", 404),
        ("DELETE", STATEMENTS, 405),
        ("POST", "/xapi/about", 405),
        ("OPTIONS", STATEMENTS, 200),
        ("GET", STATEMENTS + "?limit=x", 400),
        ("GET", STATEMENTS + "?verb=%ff", 400),
        ("POST", STATEMENTS + "?limit=1", 400),
        ("PUT", STATEMENTS, 400),
        ("GET", STATEMENTS + "?method=GET", 400),
        ("BREW", STATEMENTS, 405),
    ],
)
def test_every_request_is_answered(run: Run, method: str, target: str, status: int) -> None:
    """Pages, resources, and what is not there: each is answered whole, with its own status."""

    async def scenario(ask: Asking) -> Answer:
        return await ask.call(method, target)

    answer = run(scenario)
    assert answer.status in {status, 204} if method == "OPTIONS" else answer.status == status
    assert int(answer.headers.get("content-length", 0)) == len(answer.body)


@pytest.mark.parametrize("target", ["/health/live", "/xapi/about", STATEMENTS, "/nothing"])
def test_head_is_get_without_the_body(run: Run, target: str) -> None:
    """The status and the length of HEAD are those of GET."""

    async def scenario(ask: Asking) -> tuple[Answer, Answer]:
        return await ask.call("GET", target), await ask.call("HEAD", target)

    got, headed = run(scenario)
    assert headed.status == got.status
    assert headed.headers["content-length"] == got.headers["content-length"] == str(len(got.body))
    assert headed.body == b""


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": "Basic bm90OmtleQ=="}, 401),
        ({"authorization": "Bearer x"}, 401),
        ({"authorization": ""}, 401),
        ({"x-experience-api-version": "0.9"}, 400),
        ({"content-type": "text/plain"}, 400),
        ({"content-type": "application/jsonx"}, 400),
    ],
)
def test_what_a_request_lacks_is_told(run: Run, headers: dict[str, str], status: int) -> None:
    """No credential, version or type that is known: the refusal of the xAPI, and nothing is stored."""

    async def scenario(ask: Asking) -> Answer:
        answer = await ask.call("POST", STATEMENTS, statement(), headers=headers)
        assert await stored(ask) == []
        return answer

    assert run(scenario).status == status


class Held(Client):
    """A client that sends the first pieces of its body and the others when it is told to."""

    def __init__(self, body: bytes, first: int, go_on: asyncio.Event) -> None:
        super().__init__(pieces_of(body, 99))
        self._first = first
        self._go_on = go_on

    async def receive(self) -> dict[str, Any]:
        if self._first <= 0:
            await self._go_on.wait()
        self._first -= 1
        return await super().receive()


def test_beyond_what_is_in_hand_requests_are_refused(run: Run) -> None:
    """503 with Retry-After, at once, and the connection stays; who is inside is served."""

    async def scenario(ask: Asking) -> None:
        ask.serving.requests = Slots(3)
        go_on = asyncio.Event()
        body = json.dumps(statement()).encode()
        inside = [
            asyncio.create_task(ask.call("POST", STATEMENTS, body, chunked=True, client=Held(body, 0, go_on)))
            for _ in range(3)
        ]
        await asyncio.sleep(0.01)
        refused = await ask.call("POST", STATEMENTS, body)
        assert refused.status == 503
        assert int(refused.headers["retry-after"]) > 0
        assert "connection" not in refused.headers
        assert (await ask.call("GET", STATEMENTS)).status == 503
        # Whoever watches over the server is answered all the same.
        assert (await ask.call("GET", "/health/live")).status == 200
        assert (await ask.call("GET", "/health/ready")).status == 200
        go_on.set()
        assert [answer.status for answer in await asyncio.gather(*inside)] == [200] * 3
        assert (await ask.call("POST", STATEMENTS, body)).status == 200

    run(scenario)


@pytest.mark.parametrize("first", [0, 1], ids=["nothing sent", "something sent"])
def test_bodies_that_stand_still_keep_nobody_out(run: Run, first: int) -> None:
    """Where no room is left, the body that is awaited longest is 408 at once, and the new one is taken."""

    async def scenario(ask: Asking) -> None:
        ask.serving.bodies = SmallBodies(4 * small_bodies.LEAST_BYTES)
        body = json.dumps(statement()).encode()
        go_on = asyncio.Event()
        stalled = [
            asyncio.create_task(ask.call("POST", STATEMENTS, body, client=Held(body, first, go_on)))
            for _ in range(3)
        ]
        await asyncio.sleep(0.01)
        for _ in range(3):
            assert (await ask.call("POST", STATEMENTS, statement())).status == 200
            assert (await ask.call("GET", STATEMENTS)).status == 200
        answer = await stalled[0]
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        go_on.set()
        assert [(await each).status for each in stalled[1:]] == [200, 200]

    run(scenario)


def test_complete_bodies_are_not_given_up(run: Run) -> None:
    """A body that was received and waits to be stored keeps its room: then a new one is 503."""

    async def scenario(ask: Asking) -> None:
        ask.serving.bodies = SmallBodies(4 * small_bodies.LEAST_BYTES)
        party = ("", "")
        held = [ask.serving.bodies.enter(party, 10) for _ in range(3)]
        with pytest.raises(TooManyWaitingError):
            ask.serving.bodies.enter(party, 10)
        other = ask.serving.bodies.enter(("tenant", ""), 10)
        for body in (*held, other):
            ask.serving.bodies.leave(body)

    run(scenario)


def test_answers_that_nobody_reads_are_counted_and_given_up(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long page goes out as it is read; too many unread ones are 503; one that stands still ends."""
    monkeypatch.setattr(sending, "STILL_SECONDS", 0.5)
    large = [statement(result={"response": "x" * 100_000}) for _ in range(3)]

    async def scenario(ask: Asking) -> None:
        assert (await ask.call("POST", STATEMENTS, large)).status == 200
        ask.serving._answers.unread = Slots(900_000)
        slow = [Client(reading=asyncio.Event()) for _ in range(2)]
        scope = ask.head("GET", STATEMENTS)
        tasks = [asyncio.create_task(ask.worker(scope, each.receive, each.send)) for each in slow]
        await asyncio.sleep(0.05)
        refused = await ask.call("GET", STATEMENTS)
        assert (refused.status, "retry-after" in refused.headers) == (503, True)
        short = {"limit": "1", "since": "2100-01-01T00:00:00Z"}
        assert (await ask.call("GET", STATEMENTS, params=short)).status == 200
        assert slow[0].reading is not None
        slow[0].reading.set()
        await tasks[0]
        assert {each["id"] for each in slow[0].answer().json["statements"]} == {one["id"] for one in large}
        await tasks[1]
        assert [each.get("more_body") for each in slow[1].sent] == [None, True]
        assert (await ask.call("GET", STATEMENTS)).status == 200

    run(scenario)


def test_the_answer_of_a_write_is_sent_whatever_waits_to_be_read(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stored is not answered with 503; a page that is read, is."""
    monkeypatch.setattr(sending, "SHORT", 10)

    async def scenario(ask: Asking) -> None:
        ask.serving._answers.unread = Slots(1)
        sent = [statement(), statement()]
        answer = await ask.call("POST", STATEMENTS, sent)
        assert (answer.status, answer.json) == (200, [each["id"] for each in sent])
        assert (await ask.call("GET", STATEMENTS)).status == 503

    run(scenario)


def test_health_is_told_with_safe_headers(
    run: Run, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the store answers or not: no cache keeps it, and it is no page."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise UnavailableError("host 10.1.2.3 is down")

    async def scenario(ask: Asking) -> None:
        for status in (200, 503):
            if status == 503:
                monkeypatch.setattr(app.wired.store, "reading", refuse)
                ask.serving._health = Health(app.wired.store, asyncio.get_running_loop())
            answer = await ask.call("GET", "/health/ready")
            assert answer.status == status
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")

    run(scenario)


def test_waiting_for_a_turn_is_not_the_fault_of_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least rate counts from when the body is first asked for, not from when its request came."""
    now = [0.0]
    pieces = [{"type": "http.request", "body": b"{", "more_body": True}] * 2
    monkeypatch.setattr(threads, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(threads, "_on_loop", lambda _loop, _begin: pieces.pop())
    loop = asyncio.new_event_loop()
    body = threads.Body(Client().receive, loop)
    now[0] += 100 * STILL_SECONDS
    assert body.read(1) == b"{"
    now[0] += 100 * STILL_SECONDS
    with pytest.raises(TooSlowError):
        body.read(1)
    loop.close()


def test_a_connection_is_said_to_end_when_it_does(run: Run) -> None:
    """`Connection: close` goes with the answer to a request whose body is not read to its end, alone."""

    class Endless(Client):
        async def receive(self) -> dict[str, Any]:
            return {"type": "http.request", "body": bytes(1 << 20), "more_body": True}

    async def scenario(ask: Asking) -> None:
        huge = {"content-length": str(1 << 30), "content-type": "application/json"}
        answer = await ask.call("POST", STATEMENTS, headers=huge, client=Endless())
        assert (answer.status, answer.headers.get("connection")) == (413, "close")
        nobody = {"authorization": "Basic bm90OmtleQ=="}
        for body in (b" " * 900_000, b" ", None):
            answer = await ask.call("POST" if body else "GET", STATEMENTS, body, headers=nobody)
            assert (answer.status, answer.headers.get("connection")) == (401, None)

    run(scenario)


def test_many_large_bodies_at_once_are_refused_beyond_the_places(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When all places to wait for a body are taken, the next large one is 503; small ones are stored."""

    async def scenario(ask: Asking) -> None:
        monkeypatch.setattr(ask.serving._threads._backpressure, "upload_slots", Slots(2))

        class Leaving(Client):
            async def receive(self) -> dict[str, Any]:
                await left.wait()
                return {"type": "http.disconnect"}

        left = asyncio.Event()
        tasks = [
            asyncio.create_task(ask.call("POST", STATEMENTS, b"", chunked=True, client=Leaving()))
            for _ in range(2)
        ]
        await asyncio.sleep(0.1)
        refused = await ask.call("POST", STATEMENTS, statement(), chunked=True)
        assert (refused.status, refused.headers["connection"]) == (503, "close")
        assert (await ask.call("POST", STATEMENTS, statement())).status == 200
        left.set()
        assert [answer.status for answer in await asyncio.gather(*tasks)] == [400, 400]
        assert (await ask.call("POST", STATEMENTS, statement(), chunked=True)).status == 200

    run(scenario)


def test_alternate_request_syntax_is_understood(run: Run) -> None:
    """A POST whose form describes a PUT or a GET is carried out as that (xAPI 1.0.3)."""
    sent = statement()
    form = {"content-type": "application/x-www-form-urlencoded", "x-experience-api-version": V1}

    async def scenario(ask: Asking) -> None:
        fields = {"statementId": sent["id"], "content": json.dumps(sent), "Content-Type": "application/json"}
        body = urlencode(fields).encode()
        answer = await ask.call("POST", STATEMENTS + "?method=PUT", body, headers=form)
        assert answer.status == 204
        body = urlencode({"statementId": sent["id"]}).encode()
        answer = await ask.call("POST", STATEMENTS + "?method=GET", body, headers=form)
        assert (answer.status, answer.json["id"]) == (200, sent["id"])
        # Though the type is that of a statement, it is a form that is asked for.
        answer = await ask.call(
            "POST", STATEMENTS + "?method=GET", body, headers={"x-experience-api-version": V1}
        )
        assert (answer.status, answer.json["id"]) == (200, sent["id"])

    run(scenario)


@pytest.mark.parametrize("more", [{}, {"format": "ids"}, {"format": "canonical"}])
def test_more_links_lead_through_all_pages(run: Run, more: dict[str, str], where: list[str]) -> None:
    """Following them finds every statement once, in order, on whatever the first page was answered."""
    batch = [statement() for _ in range(7)]

    async def scenario(ask: Asking) -> list[str]:
        assert (await ask.call("POST", STATEMENTS, batch)).status == 200
        found = []
        target = f"{STATEMENTS}?{urlencode({'limit': '3', 'ascending': 'true', **more})}"
        while target:
            answer = await ask.call("GET", target)
            assert answer.status == 200
            found += [each["id"] for each in answer.json["statements"]]
            target = answer.json["more"]
        return found

    assert run(scenario) == [each["id"] for each in batch]
    assert where[1] == ("thread" if more else "loop")


def test_documents_are_kept_by_threads_and_read_by_the_loop(run: Run, where: list[str]) -> None:
    """A state document comes back as it was sent, its tag guards it, and it can be removed."""
    params = {"activityId": COURSE, "agent": json.dumps(agent()), "stateId": "s"}
    path = "/xapi/activities/state"

    async def scenario(ask: Asking) -> None:
        assert (await ask.call("PUT", path, {"n": 1}, params=params)).status == 204
        answer = await ask.call("GET", path, params=params)
        assert answer.json == {"n": 1}
        headers = {"if-match": '"other"'}
        assert (await ask.call("PUT", path, {"n": 2}, params=params, headers=headers)).status == 412
        assert (await ask.call("DELETE", path, params=params)).status == 204
        assert (await ask.call("GET", path, params=params)).status == 404

    run(scenario)
    assert where == ["thread", "loop", "thread", "thread", "loop"]


@pytest.mark.parametrize("target", [STATEMENTS, "/health/live", f"{STATEMENTS}?attachments=true"])
def test_a_client_that_breaks_off_leaves_nothing_behind(run: Run, target: str) -> None:
    """An error while sending ends that request alone; nothing stays counted, others are served."""

    async def scenario(ask: Asking) -> None:
        for _ in range(5):
            with pytest.raises(ConnectionResetError):
                await ask.call("GET", target, client=Client(breaks=True))
            assert ask.serving.is_idle
        with pytest.raises(ConnectionResetError):
            await ask.call("POST", STATEMENTS, statement(), client=Client([], breaks=True, leaves=True))
        assert (await ask.call("POST", STATEMENTS, statement())).status == 200

    run(scenario)


def test_a_request_that_is_cancelled_leaves_nothing_behind(run: Run) -> None:
    """A server may drop a request that waits for its body; its room is given back."""

    async def scenario(ask: Asking) -> None:
        task = asyncio.create_task(ask.call("POST", STATEMENTS, b"x" * 50, client=Client()))
        await asyncio.sleep(0.01)
        assert not ask.serving.bodies.is_idle
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(scenario)


def test_what_breaks_in_an_application_ends_one_request(
    run: Run, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody expected is raised to the server, which answers 500; others are served."""

    def broken(*_: Any) -> Any:
        raise RuntimeError("broken")

    async def scenario(ask: Asking) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(app, "_answer", broken)
            with pytest.raises(RuntimeError):
                await ask.call("GET", "/docs/rules")
        assert (await ask.call("GET", "/docs/rules")).status == 200

    run(scenario)


def test_a_store_that_cannot_answer_is_503(
    run: Run, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the store refuses on the loop is told as it is by a thread: 503 with Retry-After."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise UnavailableError("host 10.1.2.3 is down")

    async def scenario(ask: Asking) -> list[Answer]:
        assert (await ask.call("POST", STATEMENTS, statement())).status == 200
        with monkeypatch.context() as patched:
            patched.setattr(app.wired.store, "submit", refuse)
            patched.setattr(app.wired.store, "writing", refuse)
            return [
                await ask.call("POST", STATEMENTS, statement(), chunked=chunked) for chunked in (False, True)
            ]

    for answer in run(scenario):
        assert answer.status == 503
        assert "retry-after" in answer.headers
        assert b"10.1" not in answer.body


def test_many_requests_at_once_are_all_answered(run: Run) -> None:
    """Hundreds of statements and reads of one loop end well, on the loop and on threads together."""
    batch = [statement() for _ in range(200)]

    async def scenario(ask: Asking) -> None:
        calls = [
            *(ask.call("POST", STATEMENTS, each, chunked=place % 5 == 0) for place, each in enumerate(batch)),
            *(ask.call("GET", STATEMENTS, params={"limit": "5"}) for _ in range(50)),
            *(ask.call("GET", "/health/live") for _ in range(50)),
        ]
        assert {answer.status for answer in await asyncio.gather(*calls)} == {200}
        assert {each["id"] for each in await stored(ask)} == {each["id"] for each in batch}

    run(scenario)


@pytest.fixture
def far(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that may be on another machine."""
    monkeypatch.setattr(type(app.wired.store), "is_local", property(lambda _: False))


@pytest.mark.usefixtures("far")
def test_a_loop_never_waits_for_a_store_that_is_far_away(
    app: Application, known: tuple[str, str], where: list[str]
) -> None:
    """Whoever is not remembered has to be looked up, which a thread does; then the loop awaits the store."""

    async def scenario(ask: Asking) -> None:
        for _ in range(2):
            assert (await ask.call("POST", STATEMENTS, statement())).status == 200
        assert len((await ask.call("GET", STATEMENTS)).json["statements"]) == 2
        assert (await ask.call("POST", STATEMENTS, statement())).status == 200

    asking(app, known, scenario)
    assert where == ["thread", "loop", "loop", "loop"]


@pytest.mark.usefixtures("far")
def test_a_credential_forgotten_while_the_store_works_is_looked_up_by_a_thread(
    app: Application, known: tuple[str, str], where: list[str]
) -> None:
    """The loop lets the store finish first, and may have to leave the statement to a thread then."""
    credentials = app.wired.credentials
    credentials.authenticate(*known)
    busy = app.wired.store._committer.busy  # type: ignore[attr-defined]

    async def scenario(ask: Asking) -> None:
        with busy:
            asked = asyncio.create_task(ask.call("POST", STATEMENTS, statement()))
            while not busy._waiting:
                await asyncio.sleep(0)
            assert where == []
            credentials._known.clear()
        assert (await asked).status == 200

    asking(app, known, scenario)
    assert where == ["thread"]


@pytest.mark.usefixtures("far")
@pytest.mark.parametrize(
    ("target", "status", "answered"),
    [
        (f"{STATEMENTS}?limit=1", 200, ["loop"]),
        (f"{STATEMENTS}?agent=nobody", 400, ["loop"]),
        (f"{STATEMENTS}?activity=https://a.example/information-methods", 200, ["loop"]),
        (f"{STATEMENTS}?limit=1&format=ids", 200, ["thread"]),
        (f"{STATEMENTS}?limit=1&%66ormat=ids", 200, ["thread"]),
        (f"{STATEMENTS}?limit=1&attachments=true", 200, ["thread"]),
        (f"{STATEMENTS}?statementId={UNKNOWN}", 404, ["thread"]),
        (f"{STATEMENTS}?voidedStatementId={UNKNOWN}", 404, ["thread"]),
        (f"{STATEMENTS}?%73tatementId={UNKNOWN}", 404, ["thread"]),
        ("/xapi/activities?activityId=https://a.example/1", 200, ["thread"]),
        ("/xapi/about", 200, ["thread"]),
    ],
)
def test_of_a_store_that_is_far_away_the_loop_reads_pages_alone(
    app: Application, known: tuple[str, str], where: list[str], target: str, status: int, answered: list[str]
) -> None:
    """What has no form that a loop can await goes to a thread, even when that shows only on the way."""
    app.wired.credentials.authenticate(*known)

    async def scenario(ask: Asking) -> None:
        assert (await ask.call("GET", target)).status == status

    asking(app, known, scenario)
    assert where == answered


@pytest.mark.usefixtures("far")
def test_a_page_that_a_far_store_cannot_give_is_503(
    run: Run, app: Application, known: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the store reaches the caller of the loop as it does that of a thread."""
    app.wired.credentials.authenticate(*known)

    async def refuse(*_: Any) -> Any:
        raise UnavailableError("host 10.1.2.3 is down")

    async def scenario(ask: Asking) -> Answer:
        with monkeypatch.context() as patched:
            patched.setattr(app.wired.store, "page", refuse)
            return await ask.call("GET", STATEMENTS)

    answer = run(scenario)
    assert answer.status == 503
    assert b"10.1" not in answer.body


def test_the_life_of_the_process_ends_with_a_closed_store(tmp_path: Path) -> None:
    """At the end of the process what is under way is finished and the store is closed."""
    app = create_app(load({"JEJAK_STORE": f"sqlite:///{tmp_path / 'life.db'}"}))
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    client = Client(messages)
    asyncio.run(Worker(app)({"type": "lifespan"}, client.receive, client.send))
    assert [each["type"] for each in client.sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    with pytest.raises(UnavailableError):
        app.wired.store.writing(lambda writer: None)


def test_a_body_that_http2_does_not_announce_is_read(run: Run) -> None:
    """HTTP/2 frames its bodies: one without a length is no empty one."""

    async def scenario(ask: Asking) -> Answer:
        client = Client(pieces_of(json.dumps(statement()).encode(), 99))
        scope = ask.head("POST", STATEMENTS, {"content-type": "application/json"}) | {"http_version": "2"}
        await ask.worker(scope, client.receive, client.send)
        return client.answer()

    assert run(scenario).status == 200


def test_the_loop_leaves_small_bodies_of_many_values_to_threads() -> None:
    """A hundred usual statements are read by the loop; a body of the same size full of numbers is not."""
    usual = json.dumps([statement(result={"score": {"scaled": 0.5}}) for _ in range(100)]).encode()
    assert not asgi._is_dense(usual)
    assert asgi._is_dense(b"[" + b"1e1," * 10_000 + b"1]")
    assert not asgi._is_dense(b"[" + b"1e1," * 2_000 + b"1]")


@pytest.mark.parametrize(
    ("version", "hosts", "status"),
    [
        ("1.1", [], 400),
        ("1.1", [b""], 400),
        ("1.1", [b"h"], 200),
        ("1.1", [b"h", b"h"], 400),
        ("1.0", [], 200),
        ("1.0", [b""], 200),
        ("2", [], 200),
    ],
)
def test_a_request_names_its_host_once(run: Run, version: str, hosts: list[bytes], status: int) -> None:
    """HTTP/1.1 demands one Host (RFC 9112, 3.2), which the server makes an empty one where there is none."""

    async def scenario(ask: Asking) -> Answer:
        client = Client(pieces_of(b"", 1))
        scope = ask.head("GET", STATEMENTS) | {"http_version": version}
        others = [each for each in scope["headers"] if each[0] != b"host"]
        await ask.worker(
            scope | {"headers": others + [(b"host", each) for each in hosts]}, client.receive, client.send
        )
        return client.answer()

    answer = run(scenario)
    assert answer.status == status
    assert status == 200 or "Host" in answer.json["detail"]


@pytest.mark.parametrize("length", ["268435457", "99999999999", "9" * 19, "9" * 5_000])
def test_a_body_that_nobody_takes_is_refused_by_its_length_alone(run: Run, length: str) -> None:
    """413 before any of it came, for whoever sends nothing until it is answered."""

    async def scenario(ask: Asking) -> Answer:
        return await ask.call("POST", STATEMENTS, headers={"content-length": length}, client=Client())

    answer = run(scenario)
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert "268435456 bytes" in answer.json["detail"]

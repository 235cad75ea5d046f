"""The worker of `jejak serve`: an event loop that stores statements and reads pages of them itself.

Every other request goes to a thread. A thread per statement costs more than storing it: the interpreter
lets one thread run at a time, and the driver of SQLite gives the interpreter up at every effect, so many
threads spend their time on handing it to each other. On the loop, a request that waits for the disk is a
small object. docs/adr/0009 has the figures.
"""

from __future__ import annotations

import asyncio
import gc
import io
import math
import os
import sys
from contextlib import suppress
from typing import Any

import orjson

from jejak.allocator import return_large_blocks
from jejak.app import Application, create_app
from jejak.logs import configure
from jejak.server.backpressure import (
    PARTY,
    Backpressure,
    ClientGoneError,
    TooManyWaitingError,
    TooSlowError,
    may_have_changed,
    notice_lost_clients,
    refusal,
    threads_for,
)
from jejak.server.callers import Callers
from jejak.server.environ import HeadTooLargeError, environ_of
from jejak.server.health import LIVE, READY, Health
from jejak.server.loop_effects import LoopEffects, NeedsThreadError
from jejak.server.loop_turns import LoopTurns
from jejak.server.sending import (
    Answers,
    Head,
    Receive,
    Send,
    TooMuchUnreadError,
    UnreadError,
    encoded,
    respond,
)
from jejak.server.shares import Slots
from jejak.server.small_bodies import SmallBodies, SmallBody
from jejak.server.threads import CLOSE, Threads
from jejak.server.trial import show_credential
from jejak.settings import load
from lrs.http.guard import is_remembered
from lrs.http.problems import SAFE_HEADERS
from lrs.http.xapi.quick_requests import is_quick
from lrs.store.open import MEMORY
from lti_tool.pages.learner.routes import FORM_BYTES
from statements.data_types.json_cost import separators

MOST_VALUES = 6_000
"""Values in a body that the loop reads; a hundred usual statements have fewer."""
SMALL = 131_072
"""Bodies of at most so many bytes are received by the loop, and statements in them stored by it."""
MOST_REQUESTS = 8_192
"""Requests in hand, but for those whose bodies are awaited, before more are refused with 503."""
MOST_PAGES = 16
"""Pages that the loop awaits from a store that is not on this machine; more wait in line, by tenant."""
BARE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods without a body, unless it is announced."""
XAPI = "/xapi"
COLLECTED = (20_000, 20, 50)
"""Thresholds of the garbage collector: a request makes no cycles, so it need not look often."""
BUSY = "Too many requests are waiting; try again soon."
SWITCHED = 0.0003
"""Seconds after which a busy thread lets others run, where the store's thread talks to a server: it waits for
its turn after each answer, and a group of writes is several answers long."""


def worker() -> Worker:
    """The application of one worker process of `jejak serve`.

    The follower runs beside it; with a store in memory, which no other process can open, inside it.
    """
    return_large_blocks()
    settings = load(os.environ)
    configure(settings.log_level)
    app = create_app(settings)
    in_memory = settings.store == MEMORY
    if in_memory:
        show_credential(app.wired.credentials)
    app.start(following=in_memory)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED)
    if not app.wired.store.is_local:
        sys.setswitchinterval(SWITCHED)
    return Worker(app)


class Worker:
    """The application as ASGI 3 has it. Called in one event loop, which it learns with the first call."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._served: Serving | None = None
        self._asked = False

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, or live through the life of the process."""
        if self._served is None:
            self._served = Serving(self._app, asyncio.get_running_loop())
        if scope["type"] != "http":
            return await self._served.live(receive, send)
        if not self._asked:
            # The server opens its socket after the life of the process has begun.
            self._asked = True
            notice_lost_clients()
        return await self._served.answer(scope, receive, send)


class Serving:
    """The requests of one event loop."""

    def __init__(self, app: Application, loop: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._xapi = app.wired.xapi
        self._is_local = app.wired.store.is_local
        self._credentials = app.wired.credentials
        self._steps = LoopEffects(app.wired.store, loop)
        settings = app.wired.settings
        self._most_bytes = max(
            settings.max_body_bytes,
            settings.max_document_bytes,
            settings.max_attachment_bytes,
            # The form of an activity, with files.
            settings.evidence_max_bytes * settings.evidence_max_files + FORM_BYTES,
        )
        self._callers = Callers(app.wired.credentials, settings.proxy_hops)
        self._threads = Threads(Backpressure(app, settings.threads), threads_for(settings.threads), loop)
        self._turns = LoopTurns(loop)
        self._answers = Answers()
        self._pages = Slots(MOST_PAGES)
        self._health = Health(app.wired.store, loop)
        self.requests = Slots(MOST_REQUESTS)
        self.bodies = SmallBodies()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return self.requests.is_idle and self.bodies.is_idle and self._answers.unread.is_idle

    async def answer(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            environ = environ_of(scope)
        except HeadTooLargeError as error:
            return await _refuse(send, 431, str(error), closing=True)
        if not _is_addressed(environ):
            return await _refuse(send, 400, "Send the header Host, once (RFC 9112, 3.2).", closing=True)
        path = environ["PATH_INFO"]
        size = _small(environ)
        if size is None and _announced(environ) > self._most_bytes:
            # Whoever waits for the answer before sending it would wait for ever.
            detail = f"A body may have at most {self._most_bytes} bytes."
            return await _refuse(send, 413, detail, closing=True)
        if path in {LIVE, READY} and size == 0 and environ["REQUEST_METHOD"] in BARE:
            return await self._tell_health(send, path, environ["REQUEST_METHOD"])
        party = environ[PARTY] = self._callers.of(environ)
        held: SmallBody | None = None
        try:
            body = None if size is None else b""
            if size:
                held = self.bodies.enter(party, size)
                body = await self.bodies.receive(held, receive, size)
            if not self.requests.take_now(party):
                return await _refuse(send, 503, BUSY, closing=body is None)
            try:
                return await self._answered(environ, body, receive, send)
            finally:
                self.requests.give(party)
        except TooManyWaitingError:
            return await _refuse(send, 503, BUSY, closing=True)
        except TooSlowError:
            return await _refuse(send, 408, "The body did not come in time.", closing=True)
        except ClientGoneError:
            return await _refuse(send, 400, "The body ended before its time.", closing=True)
        finally:
            if held is not None:
                self.bodies.leave(held)

    async def _answered(
        self, environ: dict[str, Any], body: bytes | None, receive: Receive, send: Send
    ) -> None:
        kept = may_have_changed(environ)
        whole = await self._on_loop(environ, body) if body is not None else None
        if whole is None:
            whole = await self._threads.answer(environ, body, receive, send)
            self._callers.learn(environ)
        if whole is None:
            return
        try:
            await self._answers.send(send, environ[PARTY], *whole, kept=kept)
        except TooMuchUnreadError:
            await _refuse(send, 503, "Too many answers wait to be read; try again soon.", closing=False)
        except UnreadError:
            # The answer ends unfinished; the server then closes the connection.
            return

    async def _on_loop(self, environ: dict[str, Any], body: bytes) -> tuple[Head, bytes] | None:
        """The answer to a request that the loop answers itself; None for any other."""
        if not self._is_quick(environ) or _is_dense(body):
            return None
        party = environ[PARTY]
        is_read_elsewhere = not body and not self._is_local
        # What is checked is checked while the store waits.
        waited = bool(body) and await self._steps.idle()
        if is_read_elsewhere:
            waited = await self._pages.taken(party) or waited
        try:
            waited = await self._turns.take(party) or waited
            # Meanwhile, the credential may have been forgotten.
            return await self._run(environ, body) if not waited or self._is_quick(environ) else None
        finally:
            if is_read_elsewhere:
                self._pages.give(party)

    async def _run(self, environ: dict[str, Any], body: bytes) -> tuple[Head, bytes] | None:
        mounted = {"SCRIPT_NAME": XAPI, "PATH_INFO": environ["PATH_INFO"][len(XAPI) :]}
        effects = self._xapi.effects(environ | mounted | {"wsgi.input": io.BytesIO(body)})
        with suppress(NeedsThreadError):
            answer = await self._steps.run_async(effects)
            if isinstance(answer.body, bytes):
                return (answer.status, encoded(answer.headers)), answer.body
        # Attachments, asked for by a `more` link: a thread reads the page again and streams it.
        return None

    async def _tell_health(self, send: Send, path: str, method: str) -> None:
        status, word = await self._health.status(path)
        body = orjson.dumps({"status": word}) + b"\n"
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            *SAFE_HEADERS,
        ]
        await respond(send, (status, encoded(headers)), b"" if method == "HEAD" else body)

    def _is_quick(self, environ: dict[str, Any]) -> bool:
        """Whether the loop answers this request itself: it then waits for nothing but its own write."""
        path: str = environ["PATH_INFO"]
        if not path.startswith(XAPI + "/"):
            return False
        if not is_quick(path[len(XAPI) :], environ, store_is_local=self._is_local):
            return False
        return self._is_local or is_remembered(environ.get("HTTP_AUTHORIZATION", ""), self._credentials)

    async def live(self, receive: Receive, send: Send) -> None:
        """The life of the process (ASGI lifespan): at its end the store is closed."""
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        self._threads.close()
        self._health.close()
        await asyncio.to_thread(self._app.close)
        await send({"type": "lifespan.shutdown.complete"})


def _small(environ: dict[str, Any]) -> int | None:
    """The announced length of the body when it is small, 0 when there is none; otherwise None."""
    length = environ.get("CONTENT_LENGTH")
    if "HTTP_TRANSFER_ENCODING" in environ or (
        # HTTP/2 frames its bodies: nothing needs to announce one.
        length is None and environ["SERVER_PROTOCOL"] == "HTTP/2" and environ["REQUEST_METHOD"] not in BARE
    ):
        environ["wsgi.input_terminated"] = True
        return None
    if length is None:
        return 0
    return int(length) if len(length) <= 6 and length.isdecimal() and int(length) <= SMALL else None


def _is_addressed(environ: dict[str, Any]) -> bool:
    """Whether the request has one Host, which HTTP/1.1 demands."""
    # The server adds an empty one where there is none.
    host: str = environ.get("HTTP_HOST", "")
    return "," not in host if host else environ["SERVER_PROTOCOL"] != "HTTP/1.1"


def _announced(environ: dict[str, Any]) -> float:
    """The announced length of a body; 0 when there is none."""
    length = environ.get("CONTENT_LENGTH", "")
    if not length.isdecimal():
        return 0
    return int(length) if len(length) < 20 else math.inf


def _is_dense(body: bytes) -> bool:
    """Whether a small body holds so many values that reading them would keep the loop from others."""
    return len(body) > 2 * MOST_VALUES and separators(body) > MOST_VALUES


async def _refuse(send: Send, status: int, detail: str, *, closing: bool) -> None:
    """Tell a refusal; `closing`: the connection ends with it, for the request was not received to its end."""
    status_line, headers, body = refusal(status, detail)
    head = encoded(headers)
    await respond(send, (int(status_line[:3]), [*head, CLOSE] if closing else head), body)

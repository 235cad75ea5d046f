"""A learning platform on loopback that can do its worst, and people who have come from it.

It gives tokens at once, and everything else as its mode says: `answer`, or `drip` (one byte of the header
every two seconds, for as long as anybody listens). Sessions are opened in the store, as a launch does.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from jejak.clock import now
from lrs.store.open import open_store
from lrs.xapi.statement_keys import STATEMENT_KEYS
from lti_tool.launch.sessions import LaunchSession, Sessions
from lti_tool.platforms.platforms import Platform, Platforms
from lti_tool.settings import LtiSettings
from lti_tool.web.guard import LAUNCH_HEADER

DRIP_SECONDS = 2.0
ISSUER = "http://127.0.0.1"


@dataclass
class Lms:
    """The platform: where it listens, what it does, what it was asked."""

    server: ThreadingHTTPServer
    mode: str = "answer"
    members: list[dict[str, Any]] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    """How often each path was asked for."""
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def lms() -> Iterator[Lms]:
    """A running platform."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.close_connection = True
            path = self.path.partition("?")[0]
            made.asked[path] += 1
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if path == "/token":
                return self._send({"access_token": "token", "expires_in": 3600})
            if made.mode == "drip":
                return self._drip()
            if path == "/keys":
                return self._send({"keys": []})
            return self._send({"id": "course", "members": made.members})

        do_POST = do_GET

        def _send(self, value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _drip(self) -> None:
            try:
                for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Slow: and slower\r\n" * 1000:
                    self.wfile.write(bytes((byte,)))
                    self.wfile.flush()
                    if made.ended.wait(DRIP_SECONDS):
                        return
            except OSError:
                return

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Lms(server)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Teacher:
    """Somebody with an open session in a course."""

    session: LaunchSession
    secret: str

    @property
    def headers(self) -> dict[str, str]:
        """What its browser shows."""
        return {LAUNCH_HEADER: self.secret, "Accept-Language": "en"}

    def path(self, page: str) -> str:
        """The path of one of its pages."""
        return f"/l/{self.session.id}/{page}"


def register(address: str, platform: Lms, tenant: str) -> Platform:
    """The platform, registered and active, straight in the store."""
    store = open_store(address, STATEMENT_KEYS)
    try:
        return Platforms(store, now).add(
            tenant=tenant,
            name=f"LMS of {tenant}",
            issuer=f"{platform.url}/{tenant}",
            client_id=tenant,
            auth_login_url=f"{platform.url}/auth",
            auth_token_url=f"{platform.url}/token",
            jwks_url=f"{platform.url}/keys",
            deployments=["1"],
        )
    finally:
        store.close()


def teachers(address: str, platform: Platform, lms: Lms, courses: int) -> list[Teacher]:
    """One teacher in each of so many courses; the roster of course N is at /roster/N."""
    store = open_store(address, STATEMENT_KEYS)
    sessions = Sessions(store, now, LtiSettings(public_url="http://localhost"))
    try:
        return [
            Teacher(
                *sessions.open(
                    {
                        "tenant": platform.tenant,
                        "platform_id": platform.id,
                        "issuer": platform.issuer,
                        "client_id": platform.client_id,
                        "deployment_id": "1",
                        "subject": f"teacher-{number}",
                        "name": f"Teacher {number}",
                        "given_name": "",
                        "roles": frozenset({"instructor"}),
                        "context_id": str(number),
                        "context_title": f"Course {number}",
                        "resource_link_id": "1",
                        "resource_link_title": "",
                        "message_type": "LtiResourceLinkRequest",
                        "locale": "en",
                        "custom": {},
                        "nrps_url": f"{lms.url}/roster/{number}",
                        "ags": {},
                        "deep_linking": {},
                        "return_url": "",
                    }
                )
            )
            for number in range(courses)
        ]
    finally:
        store.close()


def people(number: int) -> list[dict[str, Any]]:
    """Members of a course, as a roster lists them."""
    return [
        {
            "user_id": str(one),
            "name": f"Peserta {one:06d}",
            "given_name": "Peserta",
            "family_name": f"{one:06d}",
            "email": f"peserta{one}@example.go.id",
            "lis_person_sourcedid": f"{one:018d}",
            "roles": ["Learner"],
            "status": "Active",
        }
        for one in range(number)
    ]

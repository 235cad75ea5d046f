"""The browser of the journeys really blocks third-party cookies: without that, they would prove nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from flask import Flask, Response, request
from playwright.sync_api import Page
from werkzeug.serving import make_server

COOKIES = {
    "plain": "plain=1; Path=/",
    "lax": "lax=1; Path=/; SameSite=Lax",
    "none": "none=1; Path=/; SameSite=None; Secure",
    "partitioned": "partitioned=1; Path=/; SameSite=None; Secure; Partitioned",
}


@pytest.fixture
def site() -> Iterator[int]:
    """One server, two sites: 127.0.0.1 frames localhost, which sets cookies and tells what came back."""
    app = Flask(__name__)

    @app.get("/outer")
    def outer() -> str:
        port = request.host.rpartition(":")[2]
        return (
            f'<!doctype html><title>outer</title><iframe id="f" src="http://localhost:{port}/set"></iframe>'
        )

    @app.get("/set")
    def set_all() -> Response:
        answer = Response('<!doctype html><a id="on" href="/told">on</a>', mimetype="text/html")
        for cookie in COOKIES.values():
            answer.headers.add("Set-Cookie", cookie)
        return answer

    @app.get("/told")
    def told() -> str:
        return f'<!doctype html><p id="told">{" ".join(sorted(request.cookies))}</p>'

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_unpartitioned_third_party_cookies_are_blocked(page: Page, site: int) -> None:
    """In a frame of another site only the partitioned cookie comes back."""
    page.goto(f"http://127.0.0.1:{site}/outer")
    frame = page.frame_locator("#f")
    frame.locator("#on").click()
    assert frame.locator("#told").inner_text() == "partitioned"


def test_first_party_cookies_work(page: Page, site: int) -> None:
    """At the top level the same site gets all of its cookies back: what blocks them is the frame."""
    page.goto(f"http://localhost:{site}/set")
    page.locator("#on").click()
    assert page.locator("#told").inner_text().split() == sorted(COOKIES)

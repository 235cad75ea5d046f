"""The application: the xAPI first, everything else through Flask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, jsonify
from werkzeug.middleware.proxy_fix import ProxyFix

from jejak.settings import Settings
from jejak.wiring import Wired, wire
from lrs.store.port import StoreError

StartResponse = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class Application:
    """One WSGI callable for the whole product. `start` begins background work, `close` ends it."""

    def __init__(self, wired: Wired, flask: Flask) -> None:
        self.wired = wired
        self.flask = flask
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._answer: Wsgi = self._dispatch
        if wired.settings.proxy_hops:
            hops = wired.settings.proxy_hops
            self._answer = ProxyFix(self._dispatch, x_for=hops, x_proto=hops, x_host=hops, x_port=hops)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        return self._answer(environ, start_response)

    def _dispatch(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if path.startswith("/xapi/") or path == "/xapi":
            # Statements in and out are the hot path: they do not pass through Flask.
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + "/xapi"
            environ["PATH_INFO"] = path[5:]
            return self.wired.xapi(environ, start_response)
        return self.flask(environ, start_response)

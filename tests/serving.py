"""The xAPI on a real server, for tests that need sockets and for the ADL conformance suite.

By hand: `JEJAK_TEST_STORE=sqlite:////tmp/adl.db JEJAK_TEST_FALLBACK=1.0.3 .venv/bin/granian --interface wsgi
--port 8123 tests.serving:app`; the credential is `KEY` and `SECRET`.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import orjson

from jejak.clock import new_id, now
from jejak.wiring import xapi_services
from lrs.access import KIND, Credentials
from lrs.http.parse_budget import ParseBudget
from lrs.http.xapi.application import XapiApplication
from lrs.http.xapi.services import Limits
from lrs.store.documents import Document
from lrs.store.memory import MemoryData, MemoryStore
from lrs.store.open import open_store
from lrs.store.port import Store
from lrs.xapi.ingest import Receipt
from lrs.xapi.statement_keys import STATEMENT_KEYS
from statements.data_types.versions import Version

KEY, SECRET = "adl-key", "adl-secret"
CURSOR_KEY = b"only for tests, never elsewhere."

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def application(
    store: Store,
    *,
    fallback: Version = Version.V2,
    limits: Limits | None = None,
    clock: Callable[[], int] = now,
    origins: Collection[str] = ("*",),
    on_written: Callable[[Receipt], None] | None = None,
    budget: ParseBudget | None = None,
) -> XapiApplication:
    """The xAPI over a store, with the settings of tests."""
    services = xapi_services(
        store,
        clock=clock,
        new_id=new_id,
        cursor_key=CURSOR_KEY,
        limits=limits or Limits(),
        version_fallback=fallback,
        credentials=Credentials(store, clock),
        on_written=on_written,
    )
    return XapiApplication(store, services, cors_origins=origins, budget=budget)


def mounted(application: XapiApplication) -> Wsgi:
    """The application below /xapi, as the product mounts it."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if not path.startswith("/xapi"):
            start_response("404 Not Found", [("Content-Length", "0")])
            return []
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = "/xapi", path[5:]
        return application(environ, start_response)

    return answer


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Entry for a WSGI server: settings from the environment, one credential with every scope."""
    return _app()(environ, start_response)


_lock = threading.Lock()
_made: list[Wsgi] = []


def _app() -> Wsgi:
    with _lock:
        if not _made:
            address = os.environ.get("JEJAK_TEST_STORE", "memory")
            store: Store = (
                MemoryStore(MemoryData()) if address == "memory" else open_store(address, STATEMENT_KEYS)
            )
            known_credential(store, KEY, SECRET)
            fallback = Version(os.environ.get("JEJAK_TEST_FALLBACK", "2.0.0"))
            _made.append(mounted(application(store, fallback=fallback)))
    return _made[0]


def known_credential(store: Store, key: str, secret: str) -> None:
    """Put a credential with a chosen key and secret into a store of tests."""
    credentials = Credentials(store, now)
    made, _ = credentials.create("adl", "conformance suite", ["all"])
    with store.reading() as reader:
        document = reader.document(KIND, "", made)
    assert document is not None
    facts = orjson.loads(document.body)
    facts["secret_sha256"] = hashlib.sha256(secret.encode()).hexdigest()
    copy = Document(KIND, "", key, orjson.dumps(facts), etag="1", keys=document.keys, order=document.order)
    store.writing(lambda writer: writer.put(copy))


@dataclass(frozen=True)
class Served:
    """A running server."""

    endpoint: str
    """Ends in /xapi/."""


class _Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Tests print nothing."""


@contextmanager
def serving(application: XapiApplication) -> Iterator[Served]:
    """Serve an application on a free port of this machine."""
    server = make_server("127.0.0.1", 0, mounted(application), server_class=_Threaded, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{server.server_port}/xapi/")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""Calls a WSGI application in process, as a client would over HTTP."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from lrs.access import Credentials
from lrs.http.xapi.application import XapiApplication
from lrs.store.port import Store
from tests.serving import mounted

V1, V2 = "1.0.3", "2.0.0"


@dataclass
class Answer:
    """A response, complete."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def rules(self) -> set[str]:
        """The rules that a problem+json body names."""
        return {error["rule"] for error in self.json.get("errors", ())}


@dataclass(frozen=True)
class Client:
    """A caller with one credential and one version; `as_`, `speaking` make others."""

    application: XapiApplication
    credential: tuple[str, str] | None
    version: str | None = V1
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_(self, store: Store, *scopes: str, tenant: str = "one", name: str | None = None) -> Client:
        """The same client with a new credential."""
        credentials = Credentials(store, self.application.services.ingest._clock)
        made = credentials.create(tenant, name or " ".join(scopes), scopes)
        return replace(self, credential=made)

    def speaking(self, version: str | None) -> Client:
        """The same client with another version."""
        return replace(self, version=version)

    def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: str | None = None,
    ) -> Answer:
        """Send a request. A body that is not bytes is sent as JSON; `query` is taken as it is."""
        sent = dict(self.headers)
        if self.version is not None:
            sent["X-Experience-API-Version"] = self.version
        if self.credential is not None:
            sent["Authorization"] = basic(*self.credential)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        return call(
            mounted(self.application),
            method,
            "/xapi" + path,
            query if query is not None else urlencode(params or {}),
            body if isinstance(body, bytes) else b"",
            sent,
        )

    def get(self, path: str, params: Mapping[str, str] | None = None, **more: Any) -> Answer:
        """GET."""
        return self.call("GET", path, params, **more)

    def post(self, path: str, body: object, params: Mapping[str, str] | None = None, **more: Any) -> Answer:
        """POST."""
        return self.call("POST", path, params, body, **more)

    def put(self, path: str, params: Mapping[str, str], body: object, **more: Any) -> Answer:
        """PUT."""
        return self.call("PUT", path, params, body, **more)

    def delete(self, path: str, params: Mapping[str, str], **more: Any) -> Answer:
        """DELETE."""
        return self.call("DELETE", path, params, **more)

    def follow(self, more: str) -> Answer:
        """GET a `more` link."""
        parts = urlsplit(more)
        return self.call("GET", parts.path.removeprefix("/xapi"), query=parts.query)

    def statements(self, **params: str) -> list[dict[str, Any]]:
        """Every statement that a query finds, page after page."""
        answer = self.get("/statements", params)
        found: list[dict[str, Any]] = []
        while True:
            assert answer.status == 200, answer.body
            found += answer.json["statements"]
            if not answer.json["more"]:
                return found
            answer = self.follow(answer.json["more"])


def basic(key: str, secret: str) -> str:
    """An Authorization header."""
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()


def call(
    application: Callable[..., Iterable[bytes]],
    method: str,
    path: str,
    query: str,
    body: bytes,
    headers: Mapping[str, str],
) -> Answer:
    """One request to any WSGI application."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(body),
    }
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    for name, value in headers.items():
        variable = name.upper().replace("-", "_")
        bare = variable in {"CONTENT_TYPE", "CONTENT_LENGTH"}
        environ[variable if bare else f"HTTP_{variable}"] = value
    told: list[Any] = []
    chunks = application(environ, lambda status, headers: told.extend((status, headers)))
    content = b"".join(chunks)
    status, sent = told
    return Answer(int(status[:3]), {name.lower(): value for name, value in sent}, content)


def multipart(
    *parts: tuple[Mapping[str, str], bytes], boundary: str = "b0undary"
) -> tuple[bytes, dict[str, str]]:
    """A multipart/mixed body and the header that goes with it."""
    lines = []
    for headers, content in parts:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        lines.append(f"--{boundary}\r\n{head}\r\n".encode() + content + b"\r\n")
    lines.append(f"--{boundary}--\r\n".encode())
    return b"".join(lines), {"Content-Type": f'multipart/mixed; boundary="{boundary}"'}

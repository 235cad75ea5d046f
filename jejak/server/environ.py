"""A request as an event loop has it (ASGI), in the form in which applications read it (PEP 3333)."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

_NAMED = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}
_KNOWN = 200
"""Header names whose variables are remembered."""
_SAME = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}

MOST_HEADERS = 100
MOST_HEADER_BYTES = 65_536
"""Bytes of all names and values together."""

_variables: dict[bytes, str] = dict(_NAMED)


class HeadTooLargeError(ValueError):
    """A request with too many headers, or too large ones; the message is for the client."""


def environ_of(scope: Mapping[str, Any]) -> dict[str, Any]:
    """The environ of a request, but for `wsgi.input`. Bytes become text by Latin-1, as PEP 3333 has it.

    HeadTooLargeError when there are more headers than anybody needs.
    """
    raw_path: bytes = scope["raw_path"]
    environ: dict[str, Any] = _SAME | {
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": (unquote_to_bytes(raw_path) if b"%" in raw_path else raw_path).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": "HTTP/" + scope["http_version"],
        "wsgi.url_scheme": scope["scheme"],
    }
    client, server = scope.get("client"), scope.get("server")
    if client:
        environ["REMOTE_ADDR"] = client[0]
    if server:
        environ["SERVER_NAME"], environ["SERVER_PORT"] = server[0], str(server[1])
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    if len(headers) > MOST_HEADERS:
        raise HeadTooLargeError(f"The request has more than {MOST_HEADERS} headers.")
    size = 0
    several: dict[str, list[str]] = {}
    for name, value in headers:
        size += len(name) + len(value)
        if b"_" in name:
            # It would pass for the name with a hyphen, for which a proxy vouches (X-Forwarded-For).
            continue
        variable = _variables.get(name) or _variable(name)
        text = value.decode("latin-1")
        if variable in environ:
            # Several lines of one header are one list (RFC 9110, 5.3); cookies have their own separator.
            several.setdefault(variable, [environ[variable]]).append(text)
        else:
            environ[variable] = text
    if size > MOST_HEADER_BYTES:
        raise HeadTooLargeError(f"The headers of the request have more than {MOST_HEADER_BYTES} bytes.")
    for variable, texts in several.items():
        environ[variable] = ("; " if variable == "HTTP_COOKIE" else ",").join(texts)
    return environ


def _variable(name: bytes) -> str:
    variable = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
    if len(_variables) < _KNOWN:
        _variables[name] = variable
    return variable

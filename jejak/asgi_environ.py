"""A request as an event loop has it (ASGI), in the form in which applications read it (PEP 3333)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
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

_variables: dict[bytes, str] = dict(_NAMED)


def environ_of(scope: Mapping[str, Any]) -> dict[str, Any]:
    """The environ of a request, but for `wsgi.input`. Bytes become text by Latin-1, as PEP 3333 has it."""
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
    for name, value in scope["headers"]:
        if b"_" in name:
            # It would pass for the name with a hyphen, for which a proxy vouches (X-Forwarded-For).
            continue
        variable = _variables.get(name) or _variable(name)
        text = value.decode("latin-1")
        if variable in environ:
            # Several lines of one header are one list (RFC 9110, 5.3); cookies have their own separator.
            text = f"{environ[variable]}{'; ' if variable == 'HTTP_COOKIE' else ','}{text}"
        environ[variable] = text
    return environ


def _variable(name: bytes) -> str:
    variable = "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
    if len(_variables) < _KNOWN:
        _variables[name] = variable
    return variable

"""Pages in gzip: over a slow connection text is what costs time.

Only what Flask answers passes here, never the xAPI. A compressed page that mirrors input beside a secret can
leak the secret by its length, to somebody who makes the browser ask for it again and again (BREACH); pages
with secrets are below `/l/<launch_id>/`, an address that nobody else knows.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from typing import Final

from flask import Flask, Response, request

TYPES: Final = frozenset(
    {
        "text/html",
        "text/css",
        "text/javascript",
        "text/plain",
        "text/csv",
        "image/svg+xml",
        "application/json",
    }
)
SMALLEST: Final = 500
"""Bytes; below this the header costs more than compression saves."""
_LEVEL_ONCE: Final = 5
_LEVEL_KEPT: Final = 9


def install_compression(app: Flask) -> None:
    """Answer in gzip whoever accepts it, where it is text and large enough."""
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    if response.mimetype not in TYPES or response.is_streamed or response.status_code in {204, 206, 304}:
        return response
    response.vary.add("Accept-Encoding")
    if "Content-Encoding" in response.headers or request.accept_encodings.quality("gzip") <= 0:
        return response
    data = response.get_data()
    if len(data) >= SMALLEST:
        # What browsers may keep for good is the same for everybody: compressed once, and well.
        kept = response.cache_control.immutable
        response.set_data(_once(data) if kept else gzip.compress(data, _LEVEL_ONCE, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


@lru_cache(maxsize=32)
def _once(data: bytes) -> bytes:
    return gzip.compress(data, _LEVEL_KEPT, mtime=0)

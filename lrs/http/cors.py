"""Cross-origin calls: which pages may use the xAPI from a browser (Fetch standard).

Credentials travel in a header that a page must set itself, never in a cookie, and no answer allows pages to
send a key that the browser remembers (`Access-Control-Allow-Credentials`), so any origin may be allowed.
"""

from __future__ import annotations

from collections.abc import Collection

from lrs.http.request import Request
from lrs.http.response import Headers, Response

ALLOWED_HEADERS = (
    "Authorization, Content-Type, Content-Encoding, Accept, Accept-Language, If-Match, If-None-Match, "
    "If-Modified-Since, X-Experience-API-Version, X-Experience-API-Consistent-Through, "
    "X-Experience-API-Hash, Cache-Control, Pragma, X-Requested-With, X-Request-ID, X-Correlation-ID, "
    "traceparent, tracestate, baggage, sentry-trace"
)
"""What the xAPI reads; the others change nothing here, but libraries and monitoring add them unasked."""
EXPOSED_HEADERS = (
    "ETag, Last-Modified, Content-Type, Content-Length, Retry-After, WWW-Authenticate, "
    "X-Experience-API-Version, X-Experience-API-Consistent-Through"
)
PREFLIGHT_SECONDS = 86_400


def cors_headers(request: Request, origins: Collection[str]) -> Headers:
    """The headers that let the calling page read this answer; none when it may not."""
    origin = request.header("Origin")
    if origin is None or not origins:
        return []
    if "*" in origins:
        allowed = "*"
    elif origin in origins:
        allowed = origin
    else:
        return [("Vary", "Origin")]
    headers = [
        ("Access-Control-Allow-Origin", allowed),
        ("Access-Control-Expose-Headers", EXPOSED_HEADERS),
    ]
    if allowed != "*":
        headers.append(("Vary", "Origin"))
    return headers


def options(methods: str) -> Response:
    """The answer to OPTIONS: what may be done here. `cors_headers` says for whom."""
    return Response(
        204,
        b"",
        [
            ("Allow", methods),
            ("Access-Control-Allow-Methods", methods),
            ("Access-Control-Allow-Headers", ALLOWED_HEADERS),
            ("Access-Control-Max-Age", str(PREFLIGHT_SECONDS)),
        ],
    )

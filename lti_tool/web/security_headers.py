"""Security headers of pages that live in a platform's frame."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from http import HTTPStatus

from flask import Flask, g
from werkzeug.wrappers import Response

from lti_tool.platforms.platforms import Platform
from lti_tool.settings import origin_of


def csp_nonce() -> str:
    """The nonce of this response's scripts; the same one however often it is asked for."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def platform_origins(platform: Platform) -> tuple[str, ...]:
    """Origins that may frame the tool: the platform's own, and those an administrator added."""
    return tuple(
        dict.fromkeys((*_origins((platform.issuer, platform.auth_login_url)), *platform.frame_origins))
    )


def secure(response: Response, *, frames: Iterable[str] = (), forms: Iterable[str] = ()) -> Response:
    """Add the headers of a page: who may frame it, where its forms may go, no leaks, no caching.

    `frames` and `forms` are origins. There is no X-Frame-Options: it cannot name a platform. An answer that
    has a policy of its own, as a file has, keeps it.
    """
    ancestors = " ".join(("'self'", *frames))
    actions = " ".join(("'self'", *forms))
    policy = (
        f"default-src 'none'; script-src 'nonce-{csp_nonce()}'; style-src 'self'; img-src 'self' data:; "
        f"font-src 'self'; connect-src 'self'; base-uri 'none'; "
        f"form-action {actions}; frame-ancestors {ancestors}"
    )
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response


def secure_whatever_answers(app: Flask) -> None:
    """Give what no page of ours has secured the same headers: errors of any kind, files, JSON."""
    app.after_request(_secured)


def _secured(response: Response) -> Response:
    """An error inside a launch stays visible in its platform's frame; nothing else of these is framed."""
    is_page = response.mimetype == "text/html" or response.status_code >= HTTPStatus.BAD_REQUEST
    if is_page and "Content-Security-Policy" not in response.headers:
        return secure(response, frames=g.get("frame_origins", ()))
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


def _origins(urls: Iterable[str]) -> Iterable[str]:
    for url in urls:
        try:
            yield origin_of(url)
        except ValueError:
            # An issuer need not be an address; then it frames nothing.
            continue

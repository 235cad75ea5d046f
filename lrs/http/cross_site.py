"""Requests that a page of another site makes a browser send (cross-site request forgery).

A browser that was once given a key and secret (HTTP Basic) sends them again with every request to this
host, whichever page asks for it. Such a page can send forms and plain text without asking; what it cannot do
is leave out the headers by which browsers say where a request comes from (Fetch standard, `Origin`; W3C
Fetch Metadata, `Sec-Fetch-Site`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""


def by_a_browser(environ: Mapping[str, Any]) -> bool:
    """Whether a page in a browser made this request. `environ` is that of PEP 3333."""
    return "HTTP_ORIGIN" in environ or any(name.startswith("HTTP_SEC_FETCH_") for name in environ)


def foreign(environ: Mapping[str, Any], own_origin: str) -> str:
    """Why the request is taken for one of another site's page, as a sentence; "" when it is not.

    `own_origin` is the origin of our own pages as browsers write it; without one every origin is foreign.
    """
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and (not own_origin or origin != own_origin):
        return (
            "A page of another origin may not write here (the header Origin names one); call from a server."
        )
    if environ.get("HTTP_SEC_FETCH_SITE", "").strip().lower() == "cross-site":
        return "A page of another site may not write here (Sec-Fetch-Site: cross-site); call from a server."
    return ""

"""Settings of the LTI tool: one frozen value, handed in by the composition root."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv6Address
from urllib.parse import urlsplit

_HOST = re.compile(r"[A-Za-z0-9._-]+")
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
SECOND = 1_000_000
"""Microseconds in a second; every time inside the program is counted in microseconds."""


@dataclass(frozen=True)
class LtiSettings:
    """What an operator may choose about launches, services and registration.

    Durations are seconds, sizes are bytes. `public_url` is the address under which browsers and
    platforms reach the tool (scheme, host and port, no path).
    """

    public_url: str
    product_name: str = "Jejak"
    allow_loopback: bool = False
    """Let the tool talk plain HTTP to itself and to platforms on this machine (demo and tests)."""
    allowed_networks: tuple[str, ...] = ()
    """Private networks (CIDR) in which an agency's own platforms may live."""
    key_passphrase: str | None = None
    """Encrypts the tool's private keys at rest."""

    login_seconds: int = 600
    session_seconds: int = 12 * 3600
    invite_seconds: int = 7 * 86_400
    max_sessions: int = 8
    """Launches one browser may hold open; beyond that the oldest is closed."""

    leeway_seconds: int = 10
    max_token_age_seconds: int = 300
    max_token_bytes: int = 64 * 1024
    max_request_bytes: int = 128 * 1024

    jwks_seconds: int = 3600
    jwks_stale_seconds: int = 86_400
    jwks_min_interval_seconds: int = 30
    key_publish_seconds: int = 86_400
    """How long a new tool key is published before it signs, so that platforms have fetched it."""

    http_timeout_seconds: float = 5.0
    http_total_seconds: float = 15.0
    http_max_bytes: int = 4 * 1024 * 1024
    token_margin_seconds: int = 60
    roster_seconds: int = 300
    roster_max_members: int = 20_000
    roster_max_pages: int = 200

    requests_per_minute: int = 1_200
    """Per client address and endpoint; a whole agency may share one address."""
    registrations_per_minute: int = 30

    def __post_init__(self) -> None:
        parts = urlsplit(self.public_url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError("public_url must be an absolute http(s) address")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("public_url must have no path, query or fragment")
        if parts.scheme == "http" and parts.hostname not in LOCAL_HOSTS:
            raise ValueError("public_url must be https, except on this machine")

    @cached_property
    def origin(self) -> str:
        """The tool's origin as browsers write it (no trailing slash, no default port)."""
        return origin_of(self.public_url)

    def url(self, path: str) -> str:
        """The absolute address of a path of the tool."""
        return self.origin + path

    def now_seconds(self, now: int) -> int:
        """Microseconds as whole seconds, the unit of JWT claims."""
        return now // SECOND


def origin_of(url: str) -> str:
    """Scheme, host and port of `url` as browsers serialise an origin; ValueError when it has none.

    What comes out is safe to write into a header: a host is letters, digits, points and hyphens, or an IPv6
    address, however much more `urlsplit` would let through (`https://a;script-src *`).
    """
    parts = urlsplit(url)
    # Browsers read a backslash as a slash, `urlsplit` does not: they would see two different hosts.
    if parts.scheme not in ("http", "https") or not parts.hostname or "\\" in url:
        raise ValueError("not an absolute http(s) address")
    if ":" in parts.hostname:
        host = f"[{IPv6Address(parts.hostname)}]"
    else:
        host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
        if not _HOST.fullmatch(host):
            raise ValueError("not the name of a host")
    default = 443 if parts.scheme == "https" else 80
    port = parts.port
    return f"{parts.scheme}://{host}" + ("" if port in (None, default) else f":{port}")

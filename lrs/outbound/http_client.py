"""The one way out: HTTP requests to platforms, with bounds on where, how long and how much.

A platform's addresses come from registrations, so any of them may point anywhere. Every address
that the host name resolves to must be public (or in a network the operator allowed), and the
connection goes to exactly the address that was checked: a second DNS answer changes nothing.
Redirects are not followed and the environment's proxies are not used.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import certifi

from lrs.outbound.addresses import Address, is_public, normal
from lrs.outbound.exchange import Deadline, OutboundError, exchange
from lrs.outbound.settings import OutboundSettings

__all__ = ["Answer", "ForbiddenAddressError", "Outbound", "OutboundError", "resolve"]

Resolve = Callable[[str, int], list[str]]
USER_AGENT = "Jejak-LTI"
MAX_URL = 4096
MAX_JSON_PARTS = 1_000_000
"""Values and names that an answer's JSON may hold: what it costs to read, whatever its size in bytes."""


class ForbiddenAddressError(OutboundError):
    """The address is not one this tool may talk to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete response."""

    status: int
    headers: Mapping[str, str]
    """Header names in lower case."""
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status says success; a redirect does not."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON, whatever its content type says (Moodle says text/html); OutboundError."""
        # Twelve megabytes of `[1,1,...` take sixty times the memory: counted before they are read.
        if sum(map(self.body.count, (b",", b":", b"[", b"{"))) > MAX_JSON_PARTS:
            raise OutboundError("the answer is too large")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise OutboundError("the answer is not JSON") from error


def resolve(host: str, port: int) -> list[str]:
    """Every address of a host name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OutboundError("the host name does not resolve") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Outbound:
    """A hardened HTTP client. Looking a name up may take as long as the system likes: see `calls.Calls`."""

    def __init__(self, settings: OutboundSettings, *, resolve: Resolve = resolve) -> None:
        self._settings = settings
        self._resolve = resolve
        self._networks = [ipaddress.ip_network(text) for text in settings.allowed_networks]

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """GET `url`."""
        return self.request("GET", url, headers=headers)

    def post_form(self, url: str, fields: Mapping[str, str]) -> Answer:
        """POST a form."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return self.request("POST", url, headers=headers, body=urlencode(fields).encode())

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        seconds: float | None = None,
        max_bytes: int | None = None,
    ) -> Answer:
        """Send one request and read the whole answer. OutboundError, ForbiddenAddressError.

        `seconds` is for the whole of it, and then the platform may think for as long; without, the settings
        say how long the whole may take and how long the platform may stand still.
        """
        total = self._settings.http_total_seconds if seconds is None else seconds
        still = self._settings.http_timeout_seconds if seconds is None else seconds
        deadline = Deadline(time.monotonic() + total, still)
        scheme, host, port, target = self._split(url)
        address = self.checked_address(scheme, host, port)
        default = 443 if scheme == "https" else 80
        bracketed = f"[{host}]" if ":" in host else host
        sent = {
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            **(headers or {}),
            "Host": bracketed if port == default else f"{bracketed}:{port}",
        }
        raw = exchange(
            address,
            port,
            method,
            target,
            sent,
            body,
            deadline=deadline,
            tls=self._tls if scheme == "https" else None,
            server_name=host,
            max_bytes=max_bytes or self._settings.http_max_bytes,
        )
        return Answer(raw.status, raw.headers, raw.body)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=certifi.where())

    def checked_address(self, scheme: str, host: str, port: int) -> str:
        """The address to connect to, once every address of the host has been found acceptable."""
        addresses = self._resolve(host, port)
        if not addresses:
            raise OutboundError("the host name does not resolve")
        for text in addresses:
            self._check(scheme, normal(text))
        return addresses[0]

    def _split(self, url: str) -> tuple[str, str, int, str]:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ForbiddenAddressError("the address is malformed") from error
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ForbiddenAddressError("only absolute http(s) addresses")
        if parts.username is not None or len(url) > MAX_URL or not url.isascii() or not url.isprintable():
            raise ForbiddenAddressError("the address has parts it may not have")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        target = quote(target, safe="!#$%&'()*+,/:;=?@[]~")
        return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), target

    def _check(self, scheme: str, address: Address) -> None:
        if address.is_loopback and self._settings.allow_loopback:
            return
        if any(address in network for network in self._networks):
            return
        if scheme != "https":
            raise ForbiddenAddressError("plain http to another machine")
        if not is_public(address):
            raise ForbiddenAddressError("the address is not a public one")

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
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import certifi
import urllib3
from urllib3.exceptions import HTTPError

from lti_tool.config import LtiSettings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]
USER_AGENT = "Jejak-LTI"
CHUNK = 16 * 1024
MAX_URL = 4096


class OutboundError(Exception):
    """The request could not be made or answered; the message names no secret."""


class Forbidden(OutboundError):
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
    """A hardened HTTP client."""

    def __init__(self, settings: LtiSettings, *, resolve: Resolve = resolve) -> None:
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
    ) -> Answer:
        """Send one request and read the whole answer. OutboundError, Forbidden."""
        deadline = time.monotonic() + self._settings.http_total_seconds
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
        with self._pool(scheme, host, address, port) as pool:
            try:
                response = pool.urlopen(
                    method,
                    target,
                    body=body,
                    headers=sent,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                )
                try:
                    received = self._read(response, deadline)
                finally:
                    response.close()
            except (HTTPError, OSError) as error:
                raise OutboundError(f"no answer ({type(error).__name__})") from error
        names = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, names, received)

    def checked_address(self, scheme: str, host: str, port: int) -> str:
        """The address to connect to, once every address of the host has been found acceptable."""
        addresses = self._resolve(host, port)
        if not addresses:
            raise OutboundError("the host name does not resolve")
        for text in addresses:
            self._check(scheme, ipaddress.ip_address(text.partition("%")[0]))
        return addresses[0]

    def _split(self, url: str) -> tuple[str, str, int, str]:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError as error:
            raise Forbidden("the port is not a number") from error
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise Forbidden("only absolute http(s) addresses")
        if parts.username is not None or len(url) > MAX_URL or not url.isascii() or not url.isprintable():
            raise Forbidden("the address has parts it may not have")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), target

    def _check(self, scheme: str, address: Address) -> None:
        if isinstance(address, ipaddress.IPv6Address):
            embedded = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
            if embedded is not None:
                self._check(scheme, embedded)
        if address.is_loopback and self._settings.allow_loopback:
            return
        if any(address in network for network in self._networks):
            return
        if scheme != "https":
            raise Forbidden("plain http to another machine")
        if not address.is_global or address.is_multicast or address.is_reserved:
            raise Forbidden("the address is not a public one")

    def _pool(self, scheme: str, host: str, address: str, port: int) -> urllib3.HTTPConnectionPool:
        seconds = self._settings.http_timeout_seconds
        timeout = urllib3.Timeout(connect=seconds, read=seconds)
        if scheme == "http":
            return urllib3.HTTPConnectionPool(address, port, timeout=timeout, maxsize=1)
        return urllib3.HTTPSConnectionPool(
            address,
            port,
            timeout=timeout,
            maxsize=1,
            cert_reqs="CERT_REQUIRED",
            ca_certs=certifi.where(),
            server_hostname=host,
            assert_hostname=host,
        )

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            chunk = response.read1(CHUNK)
            if not chunk:
                return b"".join(parts)
            size += len(chunk)
            if size > self._settings.http_max_bytes:
                raise OutboundError("the answer is too large")
            if time.monotonic() > deadline:
                raise OutboundError("the answer takes too long")
            parts.append(chunk)

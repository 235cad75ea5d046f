"""Calls to a platform's services: access tokens, media types, retries of a refused token, pages.

An access token belongs to one registration and one set of scopes, and is fetched anew a minute
before it ends. Source: LTI 1.3 security framework, section 4.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode, urljoin

import jwt
import structlog

from lrs.outbound.calls import Calls, Party
from lrs.outbound.http_client import Answer, OutboundError
from lrs.outbound.waiting import SingleFlight
from lti_tool.platforms.platforms import ACTIVE, Platform
from lti_tool.platforms.tool_keys import ToolKeys
from lti_tool.settings import SECOND, LtiSettings, origin_of
from lti_tool.tokens import new_id

log = structlog.get_logger(__name__)

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_TOKENS = 5000
NO_TOKEN = "no access token"  # noqa: S105 (a message)
"""How the message of a TokenError begins."""
MAX_TOKEN_LENGTH = 16 * 1024
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_NEXT = re.compile(
    r"\brel\s*=\s*[\"'\u201c\u201d\u2018\u2019]?([^\"'\u201c\u201d\u2018\u2019;,]*)", re.IGNORECASE
)


class ServiceError(Exception):
    """A service did not do what was asked. `status` is None when no answer came at all."""

    def __init__(self, what: str, status: int | None = None, *, retry_after: float = 0) -> None:
        """`retry_after` is for how many seconds the platform asks to be left alone."""
        super().__init__(what if status is None else f"{what} (HTTP {status})")
        self.status = status
        self.retry_after = retry_after

    @property
    def may_pass(self) -> bool:
        """Whether the same request may work later: no answer, overload, or the platform's own fault."""
        return self.status is None or self.status in (401, 408, 425, 429) or self.status >= 500


class TokenError(ServiceError):
    """The platform gave no access token, so the service itself was never asked.

    Its status is that of the token request and says nothing about what the service would have said: Moodle
    answers 404 when it may not fetch this tool's keys.
    """

    @property
    def may_pass(self) -> bool:
        """Whatever is wrong with keys or permissions can be put right in the platform."""
        return True


class Services:
    """Authorised requests to platforms; safe for many threads."""

    def __init__(self, calls: Calls, keys: ToolKeys, clock: Callable[[], int], settings: LtiSettings) -> None:
        self._calls = calls
        self._keys = keys
        self._clock = clock
        self._settings = settings
        self._tokens: dict[tuple[str, tuple[str, ...]], tuple[str, int]] = {}
        self._guard = threading.Lock()
        self._fetching: SingleFlight[str] = SingleFlight()

    def open_until(self, platform: Platform) -> int:
        """Until when (microseconds) the platform is left alone for not answering; 0 when it is not."""
        return self._calls.open_until(_party(platform))

    def call(
        self,
        platform: Platform,
        scopes: Iterable[str],
        method: str,
        url: str,
        *,
        accept: str,
        content_type: str = "",
        body: bytes | None = None,
        seconds: float | None = None,
        max_bytes: int | None = None,
    ) -> Answer:
        """One request with an access token; ServiceError unless the platform answers with success.

        A token that the platform refuses (401) is replaced once. `seconds` and `max_bytes` are for answers
        that take longer, or are larger, than those of other services.
        """
        if platform.status != ACTIVE:
            raise ServiceError("the platform is not active", 403)
        wanted = tuple(sorted(set(scopes)))
        headers = {"Accept": accept}
        if content_type:
            headers["Content-Type"] = content_type
        for attempt in (1, 2):
            token = self.token(platform, wanted)
            try:
                answer = self._calls.request(
                    _party(platform),
                    method,
                    url,
                    headers={**headers, "Authorization": f"Bearer {token}"},
                    body=body,
                    seconds=seconds,
                    max_bytes=max_bytes,
                )
            except OutboundError as error:
                raise ServiceError(str(error)) from error
            if answer.status != 401 or attempt == 2:
                break
            self._forget(platform, wanted, token)
        if not answer.ok:
            raise ServiceError(
                f"{method} was refused", answer.status, retry_after=retry_after(answer.headers)
            )
        return answer

    def token(self, platform: Platform, scopes: tuple[str, ...]) -> str:
        """An access token of this registration for these scopes, kept while it is good. TokenError.

        Whoever asks while one is being fetched gets that one.
        """
        key = (platform.id, scopes)
        margin = self._settings.token_margin_seconds * SECOND
        with self._guard:
            kept = self._tokens.get(key)
        if kept is not None and kept[1] - margin > self._clock():
            return kept[0]

        def fetch() -> str:
            token, seconds = self._fetch(platform, scopes)
            with self._guard:
                if len(self._tokens) >= MAX_TOKENS:
                    self._tokens.clear()
                self._tokens[key] = (token, self._clock() + seconds * SECOND)
            return token

        try:
            return self._fetching.do(key, fetch, seconds=self._settings.http_total_seconds)
        except OutboundError as error:
            raise TokenError(f"{NO_TOKEN}: {error}") from error

    def _fetch(self, platform: Platform, scopes: tuple[str, ...]) -> tuple[str, int]:
        fields = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(platform),
            "scope": " ".join(scopes),
        }
        try:
            answer = self._calls.request(
                _party(platform),
                "POST",
                platform.auth_token_url,
                headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
                body=urlencode(fields).encode(),
            )
            value = answer.json() if answer.ok else None
        except OutboundError as error:
            raise TokenError(f"{NO_TOKEN}: {error}") from error
        if value is None:
            raise TokenError(NO_TOKEN, answer.status)
        token = value.get("access_token") if isinstance(value, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise TokenError(f"{NO_TOKEN}: the answer holds no usable token")
        if len(token) > MAX_TOKEN_LENGTH:
            raise TokenError(f"{NO_TOKEN}: it is too long")
        return token, int(max(0, min(finite(value.get("expires_in")), 86_400)))

    def _assertion(self, platform: Platform) -> str:
        key = self._keys.signing()
        now = self._settings.now_seconds(self._clock())
        claims = {
            "iss": platform.client_id,
            "sub": platform.client_id,
            "aud": platform.audience or platform.auth_token_url,
            "iat": now - 5,
            "exp": now + 60,
            "jti": new_id(),
        }
        return jwt.encode(claims, key.private_pem, algorithm="RS256", headers={"kid": key.kid})

    def _forget(self, platform: Platform, scopes: tuple[str, ...], token: str) -> None:
        with self._guard:
            if self._tokens.get((platform.id, scopes), ("", 0))[0] == token:
                del self._tokens[platform.id, scopes]


def _party(platform: Platform) -> Party:
    return Party(platform.tenant, platform.id)


def finite(value: Any) -> float:
    """A number of a platform's JSON; 0 for what is no number, or one that is beyond all use."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    try:
        return float(value) if math.isfinite(value) else 0.0
    except OverflowError:
        return 0.0


def retry_after(headers: Mapping[str, str]) -> float:
    """The seconds of a Retry-After header (RFC 9110, section 10.2.3); 0 without one, or for a date."""
    value = headers.get("retry-after", "").strip()
    return float(value) if value.isascii() and value.isdigit() and len(value) <= 9 else 0.0


def next_page(answer: Answer, url: str) -> str | None:
    """The address of the next page, as its Link header says, or None.

    Lenient where platforms are careless (Moodle quotes `rel` with curly quotes), strict where it
    matters: the address keeps its letters' case, and a page of another host is not followed, for
    the request carries an access token.
    """
    for target, parameters in _LINK.findall(_undone(answer.headers.get("link", ""))):
        relation = _NEXT.search(parameters)
        if relation is not None and "next" in relation.group(1).lower().split():
            try:
                address = urljoin(url, target.strip())
                return address if origin_of(address) == origin_of(url) else None
            except ValueError:
                return None
    return None


def with_path_end(url: str, end: str) -> str:
    """`url` with `/end` added to its path, before the query string if it has one."""
    path, mark, query = url.partition("?")
    return f"{path.rstrip('/')}/{end}{mark}{query}"


def _undone(header: str) -> str:
    """A header's UTF-8 that was read as Latin-1, put right; header values travel as bytes."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header

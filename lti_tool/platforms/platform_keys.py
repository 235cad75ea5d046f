"""Platforms' public keys: fetched, cached, and fetched again when a new key id appears.

A refetch happens at most once per interval and address, whoever asks, so unknown key ids cannot be
used to hammer a platform; while a platform is unreachable its last keys serve for a day.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from lrs.outbound.calls import Calls, Party, PausedError
from lrs.outbound.http_client import OutboundError
from lrs.outbound.waiting import SingleFlight
from lti_tool.settings import SECOND, LtiSettings

MAX_KEYS = 64
MIN_KEY_BITS = 2048


class KeysUnreachableError(Exception):
    """The key set could not be fetched and none is remembered."""


@dataclass(slots=True)
class _Entry:
    keys: dict[str, RSAPublicKey]
    fetched: int
    tried: int


class PlatformKeys:
    """A cache of key sets by address; safe for many threads."""

    def __init__(self, calls: Calls, clock: Callable[[], int], settings: LtiSettings) -> None:
        self._calls = calls
        self._clock = clock
        self._settings = settings
        self._entries: dict[str, _Entry] = {}
        self._fetching: SingleFlight[None] = SingleFlight()

    def key(self, url: str, kid: str, party: Party) -> RSAPublicKey | None:
        """The RS256 key named `kid` in the key set at `url` of `party`, or None. KeysUnreachableError.

        Whoever asks while the set is being fetched waits for that, unless its key is known already.
        """
        now = self._clock()
        entry = self._entries.get(url)
        if entry is None or kid not in entry.keys or self._must_fetch(entry, kid, now):
            # Another agency's call to the same address has its own bounds, which are not to be suffered from.
            with suppress(OutboundError):
                self._fetching.do(
                    (url, party),
                    lambda: self._fetch_if_due(url, kid, party),
                    seconds=self._settings.http_total_seconds,
                )
            entry = self._entries.get(url)
        stale = self._settings.jwks_stale_seconds * SECOND
        if entry is None or not entry.fetched or now - entry.fetched > stale:
            raise KeysUnreachableError("the platform's key set could not be fetched")
        return entry.keys.get(kid)

    def _must_fetch(self, entry: _Entry | None, kid: str, now: int) -> bool:
        if entry is None:
            return True
        if now - entry.tried < self._settings.jwks_min_interval_seconds * SECOND:
            return False
        return kid not in entry.keys or now - entry.fetched > self._settings.jwks_seconds * SECOND

    def _fetch_if_due(self, url: str, kid: str, party: Party) -> None:
        """Fetch the set unless that was done, or tried, a moment ago. OutboundError."""
        entry = self._entries.get(url)
        now = self._clock()
        if not self._must_fetch(entry, kid, now):
            return
        entry = self._entries.setdefault(url, entry or _Entry({}, 0, 0))
        before, entry.tried = entry.tried, now
        try:
            answer = self._calls.request(party, "GET", url, headers={"Accept": "application/json"})
        except PausedError:
            # Nothing was sent: this must not keep another agency, whose call would go through, from trying.
            entry.tried = before
            raise
        if answer.ok:
            entry.keys = usable_keys(answer.json())
            entry.fetched = now


def usable_keys(document: Any) -> dict[str, RSAPublicKey]:
    """The keys of a JWK set that may verify an RS256 signature, by key id. OutboundError."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise OutboundError("the answer is not a key set")
    keys: dict[str, RSAPublicKey] = {}
    for one in listed[:MAX_KEYS]:
        if not isinstance(one, dict) or not isinstance(one.get("kid"), str) or one.get("kty") != "RSA":
            continue
        if one.get("use", "sig") != "sig" or one.get("alg", "RS256") != "RS256":
            continue
        try:
            key = RSAAlgorithm.from_jwk({"kty": "RSA", "n": one.get("n"), "e": one.get("e")})
        except (jwt.InvalidKeyError, ValueError, TypeError):
            continue
        if isinstance(key, RSAPublicKey) and key.key_size >= MIN_KEY_BITS:
            keys[one["kid"]] = key
    return keys

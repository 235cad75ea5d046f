"""Platforms' public keys: fetched, cached, and fetched again when a new key id appears.

A refetch happens at most once per interval and address, whoever asks, so unknown key ids cannot be
used to hammer a platform; while a platform is unreachable its last keys serve for a day.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from lti_tool.config import SECOND, LtiSettings
from lti_tool.outbound import Outbound, OutboundError

MAX_KEYS = 64
MIN_KEY_BITS = 2048


class KeysUnreachable(Exception):
    """The key set could not be fetched and none is remembered."""


@dataclass(slots=True)
class _Entry:
    keys: dict[str, RSAPublicKey]
    fetched: int
    tried: int


class PlatformKeys:
    """A cache of key sets by address; safe for many threads."""

    def __init__(self, http: Outbound, clock: Callable[[], int], settings: LtiSettings) -> None:
        self._http = http
        self._clock = clock
        self._settings = settings
        self._entries: dict[str, _Entry] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def key(self, url: str, kid: str) -> RSAPublicKey | None:
        """The RS256 key named `kid` in the key set at `url`, or None. KeysUnreachable."""
        known = self._entries.get(url)
        if known is not None and not self._must_fetch(known, kid, self._clock()) and kid in known.keys:
            return known.keys[kid]
        with self._guard:
            lock = self._locks.setdefault(url, threading.Lock())
        with lock:
            entry = self._entries.get(url)
            now = self._clock()
            if self._must_fetch(entry, kid, now):
                entry = self._fetch(url, entry, now)
        stale = self._settings.jwks_stale_seconds * SECOND
        if entry is None or not entry.fetched or now - entry.fetched > stale:
            raise KeysUnreachable("the platform's key set could not be fetched")
        return entry.keys.get(kid)

    def _must_fetch(self, entry: _Entry | None, kid: str, now: int) -> bool:
        if entry is None:
            return True
        if now - entry.tried < self._settings.jwks_min_interval_seconds * SECOND:
            return False
        return kid not in entry.keys or now - entry.fetched > self._settings.jwks_seconds * SECOND

    def _fetch(self, url: str, entry: _Entry | None, now: int) -> _Entry:
        entry = entry or _Entry({}, 0, 0)
        entry.tried = now
        self._entries[url] = entry
        try:
            answer = self._http.get(url, headers={"Accept": "application/json"})
            if answer.ok:
                entry.keys = usable_keys(answer.json())
                entry.fetched = now
        except OutboundError:
            return entry
        return entry


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

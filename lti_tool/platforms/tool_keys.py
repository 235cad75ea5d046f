"""The tool's own RSA keys: several published, one signing.

A key's part follows from the time alone. A new key is published at once but signs only after
`key_publish_seconds`, when platforms have had time to fetch it; the one before it stays published
as long again, until nothing that it signed can still be under way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwcrypto.jwk import JWK

from lrs import document_kinds
from lrs.store import json_documents
from lrs.store.documents import DocumentQuery
from lrs.store.port import Store, Writer
from lti_tool.settings import SECOND, LtiSettings

KIND: Final = document_kinds.TOOL_KEY
KEY_BITS = 2048
MAX_KEYS = 32


class KeyLockedError(Exception):
    """The private key cannot be opened: the passphrase in the settings is not the one it was kept with."""


@dataclass(frozen=True, slots=True)
class ToolKey:
    """One key pair. Never shown, logged or rendered: `private_pem` is the tool's identity."""

    kid: str
    private_pem: str
    public_jwk: dict[str, Any]
    active_from: int
    created: int

    def __repr__(self) -> str:
        return f"ToolKey({self.kid})"


class ToolKeys:
    """Make, publish and rotate the tool's keys."""

    def __init__(self, store: Store, clock: Callable[[], int], settings: LtiSettings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._opened: dict[str, ToolKey] = {}
        self._guard = threading.Lock()

    def ensure(self) -> str:
        """Make the first key if there is none; the id of the signing key."""
        if not self._values():
            made = self._make(self._clock())

            def work(writer: Writer) -> None:
                if not writer.find_documents(DocumentQuery(KIND, "", limit=1)):
                    self._put(writer, made)

            self._store.writing(work)
        return self.signing().kid

    def signing(self) -> ToolKey:
        """The newest key whose time has come. LookupError before `ensure`."""
        return self._open(_signing(self._values(), self._clock()))

    def rotate(self, *, at_once: bool = False) -> tuple[str, int]:
        """Publish a new key; its id, and when (microseconds) it begins to sign.

        `at_once` is for a key that was stolen: all earlier keys are withdrawn and the new one signs
        immediately. Launches go on, but a platform that cached the old set refuses the tool's own
        messages until it fetches the new one.
        """
        now = self._clock()
        wait = 0 if at_once else self._settings.key_publish_seconds * SECOND
        made = self._make(now + wait)

        def work(writer: Writer) -> None:
            values = [
                json_documents.value_of(one)
                for one in writer.find_documents(DocumentQuery(KIND, "", limit=MAX_KEYS))
            ]
            kept = set() if at_once else {value["kid"] for value in self._published(values, now)}
            writer.delete(KIND, "", [value["kid"] for value in values if value["kid"] not in kept])
            self._put(writer, made)

        self._store.writing(work)
        return made["kid"], made["active_from"]

    def public_set(self) -> dict[str, list[dict[str, Any]]]:
        """The JWK set to publish: the signing key, those to come and those just retired."""
        return {"keys": [value["public"] for value in self._published(self._values(), self._clock())]}

    def _published(self, values: list[dict[str, Any]], now: int) -> list[dict[str, Any]]:
        grace = self._settings.key_publish_seconds * SECOND
        kept = []
        for place, value in enumerate(values):
            successor = values[place + 1] if place + 1 < len(values) else None
            if successor is None or now < successor["active_from"] + grace:
                kept.append(value)
        return kept

    def _values(self) -> list[dict[str, Any]]:
        with self._store.reading() as reader:
            return [
                json_documents.value_of(one)
                for one in reader.find_documents(DocumentQuery(KIND, "", limit=MAX_KEYS))
            ]

    def _make(self, active_from: int) -> dict[str, Any]:
        private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        passphrase = self._settings.key_passphrase
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase.encode())
            if passphrase
            else serialization.NoEncryption(),
        )
        public = JWK.from_pyca(private.public_key())
        jwk = public.export_public(as_dict=True)
        kid = public.thumbprint()
        return {
            "kid": kid,
            "private": pem.decode(),
            "public": {**jwk, "kid": kid, "alg": "RS256", "use": "sig"},
            "active_from": active_from,
            "created": self._clock(),
        }

    def _put(self, writer: Writer, value: dict[str, Any]) -> None:
        order = json_documents.expiry_order(value["active_from"])
        json_documents.put(writer, KIND, value["kid"], value, now=value["created"], order=order)

    def _open(self, value: dict[str, Any]) -> ToolKey:
        with self._guard:
            known = self._opened.get(value["kid"])
        if known is not None:
            return known
        passphrase = self._settings.key_passphrase
        encrypted = "ENCRYPTED" in value["private"].partition("\n")[0]
        try:
            private = serialization.load_pem_private_key(
                value["private"].encode(), passphrase.encode() if passphrase and encrypted else None
            )
        except (ValueError, TypeError) as error:
            raise KeyLockedError("the tool's key does not open with this passphrase") from error
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        key = ToolKey(value["kid"], pem.decode(), value["public"], value["active_from"], value["created"])
        with self._guard:
            self._opened[key.kid] = key
        return key


def _signing(values: list[dict[str, Any]], now: int) -> dict[str, Any]:
    """The newest active key; right after the first rotation of a clock gone back, the oldest."""
    active = [value for value in values if value["active_from"] <= now]
    if active:
        return active[-1]
    if values:
        return values[0]
    raise LookupError("the tool has no key yet")

"""Launch transactions: what a login promised, consumed by exactly one launch.

A transaction ties the state and nonce that go to the platform to the browser that asked. Only
digests are kept, so a copy of the store launches nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from lrs import document_kinds
from lrs.store import json_documents
from lrs.store.port import Store, Writer
from lrs.store.writes import STRANGERS, WriteHints
from lti_tool.refusals import Reason, RefusedError
from lti_tool.settings import SECOND, LtiSettings
from lti_tool.tokens import digest, matches

KIND: Final = document_kinds.LAUNCH_TRANSACTION


@dataclass(frozen=True, slots=True)
class Transaction:
    """A login under way, as it is kept."""

    platform_id: str
    nonce: str
    """Digest of the nonce."""
    browser: str
    """Digest of the secret in the browser's own cookie."""
    storage: str
    """Digest of the secret in the platform's storage; empty when the platform offers none."""
    storage_target: str
    expires: int


class Transactions:
    """Begin logins and consume them once."""

    def __init__(self, store: Store, clock: Callable[[], int], settings: LtiSettings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings

    def begin(
        self,
        *,
        platform_id: str,
        state: str,
        nonce: str,
        browser_secret: str,
        storage_secret: str = "",
        storage_target: str = "",
    ) -> None:
        """Remember a login; expired ones are cleared away in passing."""
        now = self._clock()
        expires = now + self._settings.login_seconds * SECOND
        value = {
            "platform_id": platform_id,
            "nonce": digest(nonce),
            "browser": digest(browser_secret),
            "storage": digest(storage_secret) if storage_secret else "",
            "storage_target": storage_target,
            "expires": expires,
        }

        def work(writer: Writer) -> None:
            json_documents.clear_expired(writer, KIND, now)
            json_documents.put(
                writer, KIND, digest(state), value, now=now, order=json_documents.expiry_order(expires)
            )

        self._store.writing(work, WriteHints(tenant=STRANGERS))

    def peek(self, state: str) -> Transaction | None:
        """The transaction of this state if it may still be consumed."""
        with self._store.reading() as reader:
            return self._usable(json_documents.get(reader, KIND, digest(state)))

    def consume(self, state: str, *, browser_secret: str = "", storage_secret: str = "") -> Transaction:
        """Take the transaction away, in one atomic write, if this browser began it.

        RefusedError STATE_UNKNOWN when there is none (any more), BROWSER_DIFFERS when the secret is
        another's; then the transaction stays, for the browser that does own it.
        """
        name = digest(state)

        def work(writer: Writer) -> Transaction:
            transaction = self._usable(json_documents.get(writer, KIND, name))
            if transaction is None:
                raise RefusedError(Reason.STATE_UNKNOWN)
            by_cookie = bool(browser_secret) and matches(browser_secret, transaction.browser)
            by_storage = bool(storage_secret) and matches(storage_secret, transaction.storage)
            if not (by_cookie or by_storage):
                raise RefusedError(Reason.BROWSER_DIFFERS)
            writer.delete(KIND, "", [name])
            return transaction

        return self._store.writing(work, WriteHints(tenant=STRANGERS))

    def _usable(self, value: dict[str, Any] | None) -> Transaction | None:
        if value is None or value["expires"] <= self._clock():
            return None
        return Transaction(**value)

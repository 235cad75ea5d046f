"""The key that authenticates `more` links: from the settings, or made once and kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from lrs import document_kinds
from lrs.store.documents import Document
from lrs.store.port import Store, Writer

KIND: Final = document_kinds.SECRET


def secret_key(store: Store, configured: str) -> bytes:
    """The configured key, or one of 256 random bits that all processes on this store share."""
    if configured:
        return configured.encode()
    with store.reading() as reader:
        known = reader.document(KIND, "", "key")
    if known is not None:
        return known.body
    fresh = secrets.token_bytes(32)

    def work(writer: Writer) -> bytes:
        known = writer.document(KIND, "", "key")
        if known is not None:
            return known.body
        writer.put(Document(KIND, "", "key", fresh, content_type="application/octet-stream", etag="1"))
        return fresh

    return store.writing(work)


def derived(key: bytes, purpose: str) -> bytes:
    """A key of its own for each purpose, so that one use can never stand in for another."""
    return hmac.new(key, purpose.encode(), hashlib.sha256).digest()

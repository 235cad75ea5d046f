"""Random secrets, and the digests under which they are kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_secret() -> str:
    """256 random bits, safe in URLs and cookies."""
    return secrets.token_urlsafe(32)


def new_id() -> str:
    """128 random bits in lower-case hex: a name that cannot be guessed, but is no secret."""
    return secrets.token_hex(16)


def digest(*parts: str) -> str:
    """SHA-256 (hex) of the parts, each length-prefixed so that no two lists collide."""
    running = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        running.update(len(data).to_bytes(8, "big"))
        running.update(data)
    return running.hexdigest()


def matches(secret: str, kept: str) -> bool:
    """Whether `secret` has the digest `kept`; takes the same time whatever the answer."""
    return hmac.compare_digest(digest(secret), kept)


def derived(secret: str, purpose: str, subject: str) -> str:
    """A token that only the holder of `secret` can make, for one purpose and subject."""
    message = f"{purpose}\x1f{subject}".encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Constant-time comparison of two texts."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))

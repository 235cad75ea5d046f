"""Forms must come from their own page: a token of the launch, and the tool's own origin.

SameSite cannot protect cookies that have to work inside another site's frame.
"""

from __future__ import annotations

from lti_tool.tokens import derived, same

FIELD = "csrf_token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def token(session_secret: str, launch_id: str) -> str:
    """The token that every form of this launch carries; it needs no storage."""
    return derived(session_secret, "csrf", launch_id)


def acceptable(
    *, method: str, origin: str | None, own_origin: str, sent: str, session_secret: str, launch_id: str
) -> bool:
    """Whether an unsafe request came from a page of this launch.

    A browser always names the origin of a POST; one that is absent, `null` or another's is refused.
    """
    if method in SAFE_METHODS:
        return True
    return origin == own_origin and same(sent, token(session_secret, launch_id))

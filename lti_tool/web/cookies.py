"""The cookies of a launch: host-only, secure, partitioned, one per launch.

They must come back from inside another site's frame, hence `SameSite=None; Partitioned`; the
`__Host-` prefix keeps sibling hosts from planting them.
"""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.wrappers import Response

from lti_tool.tokens import digest

LOGIN_PREFIX = "__Host-lti_"
PROBE = "__Host-lti_probe"
WORKS = "__Host-lti_ok"
SESSION_PREFIX = "__Host-launch_"

PROBE_SECONDS = 120
WORKS_SECONDS = 30 * 86_400
MAX_LOGINS = 8
"""Logins that one browser may have under way; a course page can hold several frames."""


def login_name(state: str) -> str:
    """The cookie that ties a state to a browser."""
    return LOGIN_PREFIX + digest("login", state)[:24]


def storage_key(state: str) -> str:
    """The key of the same secret's twin in the platform's storage."""
    return "lti_" + digest("storage", state)[:24]


def session_name(launch_id: str) -> str:
    """The cookie that holds the secret of one launch's session."""
    return SESSION_PREFIX + launch_id


def put(response: Response, name: str, value: str, seconds: int, *, readable: bool = False) -> None:
    """Set one cookie; `readable` ones can be seen by our own scripts."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=True,
        httponly=not readable,
        samesite="None",
        partitioned=True,
    )


def drop(response: Response, name: str) -> None:
    """Remove one cookie; the attributes must be those it was set with."""
    put(response, name, "", 0)


def session_value(created: int, secret: str) -> str:
    """The value of a session cookie: when it was made (so the oldest can go) and the secret."""
    return f"{created:x}.{secret}"


def session_secret(cookies: Mapping[str, str], launch_id: str) -> str:
    """The secret that this browser holds for a launch, or an empty text."""
    return cookies.get(session_name(launch_id), "").partition(".")[2]


def held_sessions(cookies: Mapping[str, str]) -> list[tuple[str, str]]:
    """(launch id, secret) of the sessions this browser holds, oldest first."""
    held = []
    for name, value in cookies.items():
        if name.startswith(SESSION_PREFIX):
            made, _, secret = value.partition(".")
            held.append((_made(made), name[len(SESSION_PREFIX) :], secret))
    return [(launch_id, secret) for _, launch_id, secret in sorted(held)]


def stale_logins(cookies: Mapping[str, str]) -> list[str]:
    """Login cookies beyond the number allowed; they carry no age, so any of them may go."""
    names = [n for n in cookies if n.startswith(LOGIN_PREFIX) and n not in (PROBE, WORKS)]
    return names[: max(0, len(names) - MAX_LOGINS + 1)]


def _made(text: str) -> int:
    try:
        return int(text[:16], 16)
    except ValueError:
        return 0

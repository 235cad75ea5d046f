"""Who has been seen in a course: kept at every launch, so that an instructor's page works without NRPS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lrs.store.port import Store, Writer
from lti_tool import keeping
from lti_tool.config import SECOND
from lti_tool.sessions import LaunchSession
from lti_tool.tokens import digest

KIND = "member"
REFRESH_SECONDS = 3600
"""A launch that changes nothing about a member is written at most this often."""


@dataclass(frozen=True, slots=True)
class Member:
    """One person in one course. Texts come from the platform: escape them."""

    subject: str
    name: str
    given_name: str
    roles: frozenset[str]
    active: bool = True
    """False for members whom the platform lists as inactive or deleted."""
    seen: int = 0
    """Last launch here (microseconds); 0 when known from the roster only."""


class Members:
    """Remember and list the people of a course."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock

    def remember(self, session: LaunchSession) -> None:
        """Note who launched in which course, with which role."""
        if not session.context_key:
            return
        now = self._clock()
        scope = scope_of(session)
        name = digest(session.subject)
        value: dict[str, Any] = {
            "subject": session.subject,
            "name": session.name,
            "given_name": session.given_name,
            "roles": sorted(session.roles),
            "seen": now,
        }

        def work(writer: Writer) -> None:
            kept = keeping.get(writer, KIND, name, scope=scope)
            fresh = kept is not None and now - kept["seen"] < REFRESH_SECONDS * SECOND
            if kept is not None and fresh and {**kept, "seen": now} == value:
                return
            order = session.name.casefold()
            keeping.put(writer, KIND, name, value, now=now, scope=scope, order=order)

        self._store.writing(work)

    def seen(self, session: LaunchSession, *, limit: int) -> list[Member]:
        """Everyone seen in the session's course, by name."""
        if not session.context_key:
            return []
        with self._store.reading() as reader:
            found = reader.find_documents(KIND, scope_of(session), limit=limit)
        return [_load(keeping.value_of(document)) for document in found]


def scope_of(session: LaunchSession) -> str:
    """The scope of a course's documents: its tenant and the course."""
    return f"{session.tenant}\x1f{session.context_key}"


def _load(value: dict[str, Any]) -> Member:
    return Member(**{**value, "roles": frozenset(value["roles"])})

"""Everyone in a course: the platform's roster where there is one, and whoever has launched here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from lrs.store.port import Store, Writer
from lti_tool import keeping
from lti_tool.config import SECOND, LtiSettings
from lti_tool.launch import Identity
from lti_tool.members import Member, Members, scope_of
from lti_tool.nrps import fetch_roster
from lti_tool.platforms import Platforms
from lti_tool.services import ServiceError, Services
from lti_tool.sessions import LaunchSession

log = structlog.get_logger(__name__)

KIND = "roster"
NAME = "nrps"
RETRY_SECONDS = 60
OnRoster = Callable[[Sequence[Identity]], None]


@dataclass(frozen=True, slots=True)
class RosterView:
    """The people of a course, by name, and how good that knowledge is."""

    members: tuple[Member, ...]
    fetched: int
    """When the platform's roster was fetched (microseconds); 0 when only launches are known."""
    complete: bool
    """Whether the platform's roster was read to its end."""
    stale: bool
    """Whether the platform could not be asked just now, so that an older roster is shown."""

    @property
    def learners(self) -> tuple[Member, ...]:
        """Active members who learn here."""
        return tuple(one for one in self.members if one.active and "learner" in one.roles)


class Roster:
    """Rosters, kept for a few minutes and through outages of the platform."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Callable[[], int],
        settings: LtiSettings,
        services: Services,
        platforms: Platforms,
        on_roster: OnRoster | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._services = services
        self._platforms = platforms
        self._on_roster = on_roster
        self._seen = Members(store, clock)

    def members(self, session: LaunchSession) -> list[Member]:
        """Everyone in the session's course, by name."""
        return list(self.view(session).members)

    def view(self, session: LaunchSession) -> RosterView:
        """Everyone in the session's course, with how fresh and complete the list is."""
        if not session.context_key:
            return RosterView((), 0, True, False)
        kept = self._kept(session)
        now = self._clock()
        stale = False
        if session.nrps_url and self._due(kept, now):
            kept, stale = self._refresh(session, kept, now)
        seen = self._seen.seen(session, limit=self._settings.roster_max_members)
        if kept is None or not kept["fetched"]:
            return RosterView(tuple(seen), 0, not session.nrps_url, stale)
        listed = [Member(**{**one, "roles": frozenset(one["roles"])}) for one in kept["members"]]
        stale = stale or kept["tried"] > kept["fetched"]
        return RosterView(merged(listed, seen, kept["complete"]), kept["fetched"], kept["complete"], stale)

    def _due(self, kept: dict[str, Any] | None, now: int) -> bool:
        if kept is None:
            return True
        tried, fetched = int(kept["tried"]), int(kept["fetched"])
        waited = now - tried >= RETRY_SECONDS * SECOND
        return waited and now - fetched >= self._settings.roster_seconds * SECOND

    def _refresh(
        self, session: LaunchSession, kept: dict[str, Any] | None, now: int
    ) -> tuple[dict[str, Any] | None, bool]:
        platform = self._platforms.get(session.platform_id)
        if platform is None:
            return kept, True
        try:
            fetched = fetch_roster(self._services, platform, session.nrps_url, self._settings)
        except ServiceError as error:
            log.warning("lti_roster_failed", platform=platform.id, problem=str(error))
            tried = {**(kept or {"fetched": 0, "members": [], "complete": False}), "tried": now}
            self._keep(session, tried, now)
            return tried, True
        if self._on_roster is not None:
            self._on_roster(fetched.identities)
        value = {
            "fetched": now,
            "tried": now,
            "complete": fetched.complete,
            "members": [_dump(one) for one in fetched.members],
        }
        self._keep(session, value, now)
        log.info("lti_roster", platform=platform.id, members=len(fetched.members), complete=fetched.complete)
        return value, False

    def _kept(self, session: LaunchSession) -> dict[str, Any] | None:
        with self._store.reading() as reader:
            return keeping.get(reader, KIND, NAME, scope=scope_of(session))

    def _keep(self, session: LaunchSession, value: dict[str, Any], now: int) -> None:
        def work(writer: Writer) -> None:
            keeping.put(writer, KIND, NAME, value, now=now, scope=scope_of(session))

        self._store.writing(work)


def merged(listed: Sequence[Member], seen: Sequence[Member], complete: bool) -> tuple[Member, ...]:
    """The platform's roster, with the launches added.

    The roster decides about roles and membership: whoever launched but is no longer in a complete
    roster is shown as inactive. A name that the roster withholds comes from the launch.
    """
    launched = {one.subject: one for one in seen}
    people = []
    for one in listed:
        known = launched.pop(one.subject, None)
        if known is not None:
            one = replace(  # noqa: PLW2901
                one,
                name=one.name or known.name,
                given_name=one.given_name or known.given_name,
                seen=known.seen,
            )
        people.append(one)
    people.extend(replace(one, active=not complete) for one in launched.values())
    return tuple(sorted(people, key=lambda one: (one.name.casefold(), one.subject)))


def _dump(member: Member) -> dict[str, Any]:
    value = {name: getattr(member, name) for name in Member.__dataclass_fields__}
    return {**value, "roles": sorted(member.roles)}

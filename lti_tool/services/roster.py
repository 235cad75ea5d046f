"""Everyone in a course: the platform's roster where there is one, and whoever has launched here.

The roster is fetched in the background, by one worker at a time however many pages ask for it. A page waits
for a moment, holding nothing, and else shows who is known already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from lrs import document_kinds
from lrs.store import json_documents
from lrs.store.port import Store, Writer
from lrs.store.writes import WriteHints
from lti_tool.launch.course_members import Member, Members, Page, scope_of, tenant_of
from lti_tool.launch.launch import Identity
from lti_tool.launch.sessions import LaunchSession
from lti_tool.platforms.platforms import Platform, Platforms
from lti_tool.roles import INSTRUCTOR, LEARNER
from lti_tool.services.client import ServiceError, Services
from lti_tool.services.jobs import Jobs
from lti_tool.services.nrps import Fetched, fetch_roster
from lti_tool.settings import SECOND, LtiSettings

log = structlog.get_logger(__name__)

KIND: Final = document_kinds.ROSTER
NAME = "nrps"
FORM = 2
"""How members are kept. In form 1 a roster was one document; members then get their index keys anew."""
RETRY_SECONDS = 60
LEASE_SECONDS = 600
"""After so long without a word of progress a fetch is taken to have died with its process."""
TOLD = 1000
"""Progress is kept whenever so many more members are known."""
IDENTITIES = 100
MOST_LISTED = 500
"""Members that are listed at once where there are no pages."""
OnRoster = Callable[[Sequence[Identity]], None]


@dataclass(frozen=True, slots=True)
class RosterState:
    """How good the knowledge about a course is."""

    fetched: int
    """When the platform's roster was fetched (microseconds); 0 when only launches are known."""
    complete: bool
    """Whether the platform's roster was read to its end."""
    stale: bool
    """Whether the platform could not be asked just now, so that an older roster is shown."""
    fetching: bool = False
    """Whether the roster is being fetched right now."""
    done: int = 0
    """Members of the roster that is being fetched which are known so far."""
    paused_until: int = 0
    """Until when (microseconds) the platform is left alone because it did not answer; 0 when it is not."""


@dataclass(frozen=True, slots=True)
class RosterView:
    """The people of a course, the first `MOST_LISTED` by name, and how good that knowledge is."""

    members: tuple[Member, ...]
    state: RosterState

    @property
    def complete(self) -> bool:
        """Whether the platform's roster was read to its end."""
        return self.state.complete

    @property
    def stale(self) -> bool:
        """Whether the platform could not be asked just now."""
        return self.state.stale

    @property
    def learners(self) -> tuple[Member, ...]:
        """Active members who learn here."""
        return tuple(one for one in self.members if one.learns)


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
        jobs: Jobs,
        on_roster: OnRoster | None = None,
    ) -> None:
        self.store = store
        self._clock = clock
        self._settings = settings
        self._services = services
        self._platforms = platforms
        self.jobs = jobs
        self._on_roster = on_roster
        self.people = Members(store, clock)

    def members(self, session: LaunchSession) -> list[Member]:
        """Everyone in the session's course, by name; of a very large one its instructors and some others."""
        return list(self.view(session).members)

    def view(self, session: LaunchSession) -> RosterView:
        """Everyone in the session's course as `members` lists them, with how fresh and complete that is."""
        state = self.state(session)
        found = self.people.some(session, limit=MOST_LISTED)
        if len(found) == MOST_LISTED:
            teachers = self.people.some(session, INSTRUCTOR, limit=MOST_LISTED)
            found = list({one.subject: one for one in (*teachers, *found)}.values())[:MOST_LISTED]
            found.sort(key=lambda one: (one.name.casefold(), one.subject))
        return RosterView(tuple(found), state)

    def member(self, session: LaunchSession, subject: str) -> Member | None:
        """One person of the session's course."""
        return self.people.member(session, subject)

    def learners(self, session: LaunchSession, *, after: str, before: str, limit: int) -> Page:
        """Active learners of the session's course, some at a time."""
        return self.people.page(session, LEARNER, after=after, before=before, limit=limit)

    def state(self, session: LaunchSession) -> RosterState:
        """How good the list is; begins to fetch the roster when it is due, and waits for that a moment."""
        if not session.context_key:
            return RosterState(0, True, False)
        scope = scope_of(session)
        kept = self._kept(scope)
        job = self.jobs.going((KIND, scope))
        due = job is None and self._due(session, kept)
        if due:
            job = self.jobs.begin((KIND, scope), session.tenant, lambda: self._refresh(session))
        if job is not None:
            self.jobs.wait(job)
            kept = self._kept(scope)
        now = self._clock()
        held: dict[str, Any] = kept if kept is not None and _is_current(kept) else {}
        platform = self._platforms.get(session.platform_id) if session.nrps_url else None
        paused = self._services.open_until(platform) if platform is not None else 0
        # Without a place for one more job a later visit begins it; the page says the same.
        fetching = held.get("busy_until", 0) > now or (not held and job is not None) or (due and job is None)
        fetched = held.get("fetched", 0)
        return RosterState(
            fetched,
            held.get("complete", False) if fetched else not session.nrps_url,
            held.get("tried", 0) > fetched or bool(paused),
            fetching,
            held.get("done", 0) if fetching else 0,
            paused,
        )

    def _due(self, session: LaunchSession, kept: dict[str, Any] | None) -> bool:
        now = self._clock()
        if kept is None or not _is_current(kept):
            return True
        if not session.nrps_url or kept["busy_until"] > now:
            return False
        waited = now - kept["tried"] >= RETRY_SECONDS * SECOND
        return bool(waited and now - kept["fetched"] >= self._settings.roster_seconds * SECOND)

    def _refresh(self, session: LaunchSession) -> None:
        """Fetch the roster and write it into the members, unless another worker is at it."""
        scope = scope_of(session)
        before = self._kept(scope)
        if not self._claim(session):
            return
        platform = self._platforms.get(session.platform_id) if session.nrps_url else None
        now = self._clock()
        ended: dict[str, Any] = {"busy_until": 0, "done": 0, "tried": now}
        fetched = None
        try:
            if platform is not None:
                fetched = self._fetch(session, platform)
            if fetched is not None:
                self.people.apply(scope, fetched.members, complete=fetched.complete)
                ended |= {"fetched": self._clock(), "complete": fetched.complete}
            elif not _is_current(before):
                # What a form 1 roster listed, if there is one, until the platform can be asked.
                held = before or {"members": None, "fetched": 0, "complete": False}
                self.people.apply(scope, _members(held["members"]), complete=held["complete"])
                ended |= {"fetched": held["fetched"], "complete": held["complete"]}
        finally:
            self._note(scope, **ended)
        if fetched is not None and self._on_roster is not None:
            for start in range(0, len(fetched.identities), IDENTITIES):
                self._on_roster(fetched.identities[start : start + IDENTITIES])

    def _fetch(self, session: LaunchSession, platform: Platform) -> Fetched | None:
        scope = scope_of(session)
        known = [0]

        def told(members: int) -> None:
            if members - known[0] >= TOLD:
                known[0] = members
                self._note(scope, done=members, busy_until=self._clock() + LEASE_SECONDS * SECOND)

        try:
            fetched = fetch_roster(self._services, platform, session.nrps_url, self._settings, told=told)
        except ServiceError as error:
            log.warning("lti_roster_failed", platform=platform.id, problem=str(error))
            return None
        log.info("lti_roster", platform=platform.id, members=len(fetched.members), complete=fetched.complete)
        return fetched

    def _claim(self, session: LaunchSession) -> bool:
        """Say that the roster is being fetched; False when it need not be, or somebody is at it already."""
        scope, now = scope_of(session), self._clock()

        def work(writer: Writer) -> bool:
            kept = json_documents.get(writer, KIND, NAME, scope=scope)
            if not self._due(session, kept):
                return False
            value = kept if kept is not None and _is_current(kept) else _empty()
            value = {**value, "busy_until": now + LEASE_SECONDS * SECOND, "done": 0}
            json_documents.put(writer, KIND, NAME, value, now=now, scope=scope)
            return True

        return self.store.writing(work, WriteHints(tenant=session.tenant))

    def _kept(self, scope: str) -> dict[str, Any] | None:
        with self.store.reading() as reader:
            return json_documents.get(reader, KIND, NAME, scope=scope)

    def _note(self, scope: str, **changes: Any) -> None:
        now = self._clock()

        def work(writer: Writer) -> None:
            kept = json_documents.get(writer, KIND, NAME, scope=scope)
            json_documents.put(writer, KIND, NAME, {**(kept or _empty()), **changes}, now=now, scope=scope)

        self.store.writing(work, WriteHints(tenant=tenant_of(scope)))


def _is_current(kept: dict[str, Any] | None) -> bool:
    return kept is not None and kept.get("form") == FORM


def _members(listed: list[dict[str, Any]] | None) -> list[Member] | None:
    if listed is None:
        return None
    return [Member(**{**one, "roles": frozenset(one["roles"])}) for one in listed]


def _empty() -> dict[str, Any]:
    return {"form": FORM, "fetched": 0, "tried": 0, "complete": False, "busy_until": 0, "done": 0}

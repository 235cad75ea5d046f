"""What waits for the person of a launch, and what they may decide about.

Two circles: the people of the course that they teach, and entries that name them as coach, mentor or
supervisor, by identifier, in whatever launch they come. Nothing of their own is ever in either.
A deputy has the circles of whom they stand in for, but for that person's own entries.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from lrs.records.entries import Entry
from lrs.records.learning_record import LearningRecord
from lrs.records.waiting import Place, Waiting, WaitingPage
from lti_tool.accounts import account_key
from lti_tool.launch.sessions import LaunchSession
from lti_tool.roles import LEARNER
from lti_tool.services.deputies import Deputies
from lti_tool.services.roster import Roster
from lti_tool.settings import SECOND

FEW: Final = 300
"""Learners up to whose number a course is asked for person by person; see `SignOff.queue`."""
SLICE: Final = 200
MOST_LOOKED: Final = 2000
"""Waiting entries of the agency that one page of a larger course looks at."""
LATE_DAYS: Final = 14
"""After so many days it is shown where training managers look that an entry waits."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose entries the person of a launch may decide about."""

    mine: frozenset[str]
    """Their own personas."""
    named: frozenset[str]
    """Entries that name one of these personas are theirs to decide about."""
    teaches: bool
    """Whether those of everybody who learns in the course are, too."""
    absent: frozenset[str] = frozenset()
    """Personas in whose place they decide: what these learned themselves is not theirs to decide about."""

    @property
    def others_only(self) -> frozenset[str]:
        """The personas about whose learning they decide in no case."""
        return self.mine | self.absent


class SignOff:
    """Finds what waits for somebody, and checks what they decide about."""

    def __init__(
        self, record: LearningRecord, roster: Roster, deputies: Deputies, clock: Callable[[], int]
    ) -> None:
        self._record = record
        self._roster = roster
        self._deputies = deputies
        self._clock = clock

    def reach(self, session: LaunchSession) -> Reach:
        """What the person who launched may decide about."""
        mine = self._personas(session.tenant, [account_key(*session.account)])
        course = session.context_key
        teaches = session.is_instructor and bool(course)
        places = self._deputies.represented_by(session.tenant, mine)
        if not places:
            return Reach(mine, mine, teaches)
        absent = frozenset(self._record.people.siblings_of(session.tenant, {one.by for one in places}))
        stands_in = bool(course) and any(one.course == course for one in places)
        return Reach(mine, mine | absent, teaches or stands_in, frozenset() if teaches else absent - mine)

    def queue(
        self, session: LaunchSession, reach: Reach, *, after: Place | None = None, limit: int
    ) -> WaitingPage:
        """What waits for them, the longest waiting first.

        A course of up to `FEW` learners is looked up person by person. In a larger one the agency's queue is
        walked, a bounded stretch for each page, so a page may be short or empty and still have one after it.
        """
        late = self.late_before
        learners = self._learners_of(session) if reach.teaches else frozenset()
        if learners is None:
            return self._walked(session, reach, after, limit, late)
        return self._record.waiting.queue(
            session.tenant,
            owners=learners,
            verifiers=reach.named,
            without=reach.others_only,
            late=late,
            after=after,
            limit=limit,
        )

    def front(self, session: LaunchSession, reach: Reach) -> WaitingPage | None:
        """How many wait for them, with the first; None in a course too large to be counted with a page."""
        if reach.teaches and self._learners_of(session) is None:
            return None
        return self.queue(session, reach, limit=1)

    def named(self, session: LaunchSession, reach: Reach) -> WaitingPage:
        """The front of what names them, whatever they teach: a few looks at the index."""
        return self._record.waiting.queue(
            session.tenant, verifiers=reach.named, without=reach.others_only, late=self.late_before, limit=1
        )

    def allowed(self, session: LaunchSession, reach: Reach, entries: Iterable[Entry]) -> set[str]:
        """The ids of those entries that they may decide about."""
        others = [entry for entry in entries if entry.persona not in reach.others_only]
        named = {e.id for e in others if e.mentor is not None and e.mentor.persona in reach.named}
        if not reach.teaches:
            return named
        learners = self._learning(session, {e.persona for e in others if e.id not in named})
        return named | {e.id for e in others if e.persona in learners}

    @property
    def late_before(self) -> int:
        """What waits since before this moment (microseconds) waits too long."""
        return self._clock() - LATE_DAYS * 86_400 * SECOND

    def _walked(
        self, session: LaunchSession, reach: Reach, after: Place | None, limit: int, late: int
    ) -> WaitingPage:
        found: list[Waiting] = []
        looked, ended = 0, False
        while len(found) <= limit and looked < MOST_LOOKED and not ended:
            page = self._record.waiting.walk(session.tenant, after=after, limit=SLICE)
            looked, ended = looked + len(page), len(page) < SLICE
            others = [one for one in page if one.persona not in reach.others_only]
            learners = self._learning(session, {one.persona for one in others})
            found += [one for one in others if one.persona in learners or one.mentor in reach.named]
            after = page[-1].place if page else after
        shown = found[:limit]
        if len(found) > limit:
            after = shown[-1].place
        elif ended:
            after = None
        oldest = shown[0].since if shown else 0
        return WaitingPage(
            tuple(shown), len(found), after is not None, sum(w.since < late for w in found), oldest, after
        )

    def _learners_of(self, session: LaunchSession) -> frozenset[str] | None:
        """The personas of everybody who learns in the course; None when they are too many."""
        members = self._roster.people.some(session, LEARNER, limit=FEW + 1)
        if len(members) > FEW:
            return None
        keys = [account_key(session.issuer, one.subject) for one in members]
        return self._personas(session.tenant, keys)

    def _learning(self, session: LaunchSession, personas: Collection[str]) -> set[str]:
        """Those of the personas whose person learns in the course."""
        accounts = self._record.people.accounts_of(session.tenant, personas)
        subjects = {
            persona: {subject for home_page, subject in several if home_page == session.issuer}
            for persona, several in accounts.items()
        }
        everyone = {subject for several in subjects.values() for subject in several}
        members = self._roster.people.known(session, everyone)
        return {
            persona
            for persona, several in subjects.items()
            if any(subject in members and members[subject].learns for subject in several)
        }

    def _personas(self, tenant: str, keys: Collection[str]) -> frozenset[str]:
        found = self._record.people.personas_of(tenant, keys)
        return frozenset(persona for several in found.values() for persona in several)

"""Progress towards graded goals: from a changed learning record to the platform's gradebook.

What counts is verified: the JP of the goal's form in the year in which the learner first opened the goal, as
the record itself counts them (limits included), so gradebook and record never tell two stories. Learning
from before the link was opened counts, too; the new year takes nothing away.

A decision that can still be undone by its verifier is not told yet: the score leaves once it stands.

The follower tells whose record has changed; the learner's goals are looked up and their scores queued, and
the outbox delivers. A word of the follower that was lost in a crash is made up for: a launch reports, and
every goal is looked at when a follower starts and once an hour. Reporting the same again does nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal

import structlog

from lrs.records.entries import Entry, Status
from lrs.records.learning_record import LearningRecord
from lrs.store.errors import StoreError
from lti_tool.accounts import account_key
from lti_tool.launch.deep_linking import embedded
from lti_tool.launch.sessions import LaunchSession
from lti_tool.platforms.platforms import Platforms
from lti_tool.services.goals import Goal, Goals
from lti_tool.services.grade_outbox import GradeQueue
from lti_tool.settings import SECOND

log = structlog.get_logger(__name__)

POLL_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 60.0
SWEEP_SECONDS = 3600.0
MAX_REMEMBERED = 20_000
"""Changed persons waiting to be looked at; beyond that all goals are looked at instead."""
MAX_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a learner is: JP of the goal's form in its year, verified and waiting."""

    form: str
    wanted: Decimal
    verified: Decimal
    waiting: Decimal
    year: int


class Progress:
    """Keeps the gradebooks in step with the record; one per process, its methods safe for many threads."""

    def __init__(
        self,
        record: LearningRecord,
        goals: Goals,
        grades: GradeQueue,
        platforms: Platforms,
        clock: Callable[[], int],
    ) -> None:
        self._record = record
        self._goals = goals
        self._grades = grades
        self._platforms = platforms
        self._clock = clock
        self._changed: set[tuple[str, str]] = set()
        self._guard = threading.Lock()
        self._news = threading.Event()
        self._walk: Iterator[list[Goal]] | None = None
        self._everything = False
        self._later: dict[tuple[str, str], int] = {}
        """Whose last decision can still be undone, and until when (microseconds)."""

    def changed(self, tenant: str, persons: Collection[str]) -> None:
        """Note whose record has changed; quick, the work is done by `run_once`."""
        with self._guard:
            self._changed.update((tenant, person) for person in persons)
            if len(self._changed) > MAX_REMEMBERED:
                self._changed.clear()
                self._everything = True
        self._news.set()

    def look_at_everything(self) -> None:
        """Ask for all goals to be looked at, a page in each turn."""
        with self._guard:
            self._everything = True
        self._news.set()

    def run_once(self) -> bool:
        """One turn: changed persons, a page of the walk over all goals. Whether more waits.

        Scores that an earlier version queued are taken over in turns, too.
        """
        with self._guard:
            taken, self._changed = self._changed, set()
            now = self._clock()
            due = {who for who, until in self._later.items() if until <= now}
            taken |= due
            for who in due:
                del self._later[who]
        try:
            self._look_at(taken)
        except BaseException:
            with self._guard:
                self._changed |= taken
            raise
        walking = self._walk_on()
        return self._grades.take_over() or walking

    def run_forever(self, stop: threading.Event, *, sweeping: bool) -> None:
        """Take turns until `stop` is set; `sweeping` walks over all goals at the start and every hour."""
        pause, sweep_at = POLL_SECONDS, time.monotonic()
        while not stop.is_set():
            if sweeping and time.monotonic() >= sweep_at:
                self.look_at_everything()
                sweep_at = time.monotonic() + SWEEP_SECONDS
            try:
                busy = self.run_once()
                pause = POLL_SECONDS
            except Exception as error:
                # A thread that ends here would leave the gradebooks behind for good, without a sign.
                expected = isinstance(error, StoreError)
                log.warning("lti_progress_failed", error=type(error).__name__, exc_info=not expected)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
                stop.wait(pause)
                continue
            if not busy:
                self._news.wait(pause)
                self._news.clear()

    def shown_to(self, session: LaunchSession, person: str) -> list[Standing]:
        """How far the person who launched is with each of their goals, and with that of the link itself.

        The link's own is shown also where the platform has no gradebook for it. Goals that ask for the same
        are one.
        """
        goals = self._goals.of(session.tenant, session.issuer, session.subject)
        wanted = embedded(session)
        if wanted.jp is not None and (wanted.form, wanted.jp) not in {(one.form, one.jp) for one in goals}:
            account = session.tenant, session.platform_id, session.issuer, session.subject
            goals.append(Goal(*account, "", wanted.form, wanted.jp, session.created))
        return list(dict.fromkeys(self.standing(goal, person) for goal in goals))

    def standing(self, goal: Goal, person: str) -> Standing:
        """How far the person is with one goal."""
        sums = dict.fromkeys(Status, Decimal(0))
        for entry in self._counted(goal, person):
            sums[entry.status] += entry.jp
        year = self._year(goal)
        return Standing(goal.form, goal.jp, sums[Status.VERIFIED], sums[Status.SUBMITTED], year)

    def _undoable_until(self, goal: Goal, person: str) -> int:
        """Until when (microseconds) a decision that the goal's score depends on can be undone; 0 without."""
        decided = [one.decided.at for one in self._counted(goal, person) if one.decided is not None]
        return max(decided) + round(self._record.verification.undo_seconds * SECOND) if decided else 0

    def _counted(self, goal: Goal, person: str) -> list[Entry]:
        """The entries of the goal's form in its year, in whatever state."""
        entries = self._record.records.entries(goal.tenant, person, year=self._year(goal))
        return [entry for entry in entries if entry.form == goal.form]

    def _year(self, goal: Goal) -> int:
        return self._record.tables.of(goal.tenant).day(goal.since).year

    def report(self, goal: Goal, person: str) -> None:
        """Queue the score of a goal if it is another than before, and no decision can be undone any more.

        Read and queued until nothing is new: whoever read before another and queued after it has then put
        it right.
        """
        for _ in range(MAX_ROUNDS):
            at = self._clock()
            until = self._undoable_until(goal, person)
            if until > at:
                self._look_later(goal.tenant, person, until)
                return
            if not self._goals.report(goal, self.standing(goal, person).verified, at=at):
                return

    def _look_later(self, tenant: str, person: str, until: int) -> None:
        """Look at somebody's goals again then; what a process forgets at its end, the hourly walk finds."""
        with self._guard:
            if len(self._later) >= MAX_REMEMBERED:
                self._later.clear()
            self._later[tenant, person] = max(until, self._later.get((tenant, person), 0))

    def _look_at(self, changed: Collection[tuple[str, str]]) -> None:
        with_goals: dict[str, bool] = {}
        for tenant, person in changed:
            if tenant not in with_goals:
                with_goals[tenant] = next(self._goals.pages(tenant), None) is not None
            if not with_goals[tenant]:
                continue
            for account in self._record.people.identifiers(tenant, person, "account"):
                issuer, _, subject = account.partition("\x1f")
                for goal in self._goals.of(tenant, issuer, subject):
                    self.report(goal, person)

    def _walk_on(self) -> bool:
        """The next page of the walk over all goals; whether there may be more."""
        with self._guard:
            if self._everything:
                self._everything, self._walk = False, self._all()
        if self._walk is None:
            return False
        try:
            page = next(self._walk, None)
            for goal in page or ():
                self._goals.known(goal)
                person = self._record.people.resolve(goal.tenant, account_key(goal.issuer, goal.subject))
                if person is not None:
                    self.report(goal, person)
        except BaseException:
            self._walk = None
            self.look_at_everything()
            raise
        if page is None:
            self._walk = None
        return page is not None

    def _all(self) -> Iterator[list[Goal]]:
        for tenant in self._platforms.tenants():
            yield from self._goals.pages(tenant)

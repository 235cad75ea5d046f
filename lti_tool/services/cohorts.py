"""How everybody in a large course stands, as a few numbers.

A small course is counted with its page. A large one is counted in the background, in slices, and the numbers
are kept with the time at which they were true.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from lrs import document_kinds
from lrs.records import reports
from lrs.records.learning_record import LearningRecord
from lrs.records.reports import Tally
from lrs.records.summaries import Summary
from lrs.store import json_documents
from lrs.store.port import Writer
from lrs.store.writes import WriteHints
from lti_tool.accounts import account_key
from lti_tool.launch.course_members import Member, scope_of
from lti_tool.launch.sessions import LaunchSession
from lti_tool.roles import LEARNER
from lti_tool.services.roster import Roster
from lti_tool.settings import SECOND

KIND: Final = document_kinds.COHORT
COUNTED_AT_ONCE = 300
"""Learners up to whose number a course is counted with its page."""
COUNT_SECONDS = 60
"""How long the numbers of a larger course are kept, at least."""
PAUSE_SECONDS = 0.01
"""Rest after each slice: pages of others come first."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of a course, and when they were true (microseconds)."""

    tally: Tally
    counted: int


class Cohorts:
    """Counts courses."""

    def __init__(self, roster: Roster, record: LearningRecord, clock: Callable[[], int]) -> None:
        self._roster = roster
        self._record = record
        self._clock = clock

    def few(self, session: LaunchSession) -> list[Member] | None:
        """The learners of the session's course; None when they are too many to be counted with a page."""
        found = self._roster.people.some(session, LEARNER, limit=COUNTED_AT_ONCE + 1)
        return found if len(found) <= COUNTED_AT_ONCE else None

    def numbers(self, session: LaunchSession, year: int, *, since: int, patient: bool) -> Numbers | None:
        """The kept numbers of a large course, at most about a minute old while its page is looked at.

        Numbers from before `since`, when the list of people changed, are counted anew. None while there are
        none, because it is being counted for the first time; if `patient`, that is waited for a moment.
        """
        scope = scope_of(session)
        kept = self._kept(scope, year)
        oldest = max(since, self._clock() - COUNT_SECONDS * SECOND)
        if kept is None or kept["counted"] <= oldest:
            tenant, issuer = session.tenant, session.issuer
            job = self._roster.jobs.begin(
                (KIND, scope, year), tenant, lambda: self._count(tenant, issuer, scope, year)
            )
            if kept is None and patient:
                self._roster.jobs.wait(job)
                kept = self._kept(scope, year)
        return None if kept is None else _load(kept, year)

    def _count(self, tenant: str, issuer: str, scope: str, year: int) -> None:
        now = self._clock()
        total = Tally(year)
        for some in self._roster.people.walk(scope, LEARNER):
            sums = self._summaries(tenant, issuer, some, year)
            total = reports.added(total, reports.tally(year, sums, rounded=True))
            time.sleep(PAUSE_SECONDS)
        value = _dump(total, now)

        def work(writer: Writer) -> None:
            json_documents.put(writer, KIND, str(year), value, now=now, scope=scope)

        self._roster.store.writing(work, WriteHints(tenant=tenant))

    def _summaries(self, tenant: str, issuer: str, members: Sequence[Member], year: int) -> list[Summary]:
        """One for each member; who is not known as a person yet has nothing."""
        keys = [account_key(issuer, one.subject) for one in members]
        known = self._record.people.resolve_all(tenant, keys)
        held = self._record.records.summaries(tenant, set(known.values()), year)
        table = self._record.tables.of(tenant)
        nothing = Summary("", year, table.target(None), table=table.version)
        return [held[known[key]] if key in known else nothing for key in keys]

    def _kept(self, scope: str, year: int) -> dict[str, Any] | None:
        with self._roster.store.reading() as reader:
            return json_documents.get(reader, KIND, str(year), scope=scope)


def _dump(tally: Tally, counted: int) -> dict[str, Any]:
    groups = [[str(target), str(verified), people] for (target, verified), people in tally.groups.items()]
    return {"counted": counted, "people": tally.people, "waiting": tally.waiting, "groups": groups}


def _load(kept: dict[str, Any], year: int) -> Numbers:
    groups = {(Decimal(target), Decimal(verified)): people for target, verified, people in kept["groups"]}
    return Numbers(Tally(year, kept["people"], kept["waiting"], groups), kept["counted"])

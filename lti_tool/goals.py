"""Graded goals: a link asks for so many JP of one form, and the gradebook shows how far each learner is.

A learner's goal is remembered when they launch its link, so that progress can be sent whenever
their record changes, also while they are away.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from lrs.store.port import Store, Writer
from lti_tool import deeplink, keeping
from lti_tool.ags import SCORE, Score
from lti_tool.gradequeue import GradeQueue
from lti_tool.sessions import LaunchSession
from lti_tool.tokens import digest

KIND = "goal"
MAX_GOALS = 500
PAGE = 100


@dataclass(frozen=True, slots=True)
class Goal:
    """One learner's goal in one course."""

    tenant: str
    platform_id: str
    issuer: str
    subject: str
    line_item: str
    form: str
    jp: Decimal
    since: int
    """When the learner first opened the link (microseconds)."""


class Goals:
    """Remember goals and send progress towards them."""

    def __init__(self, store: Store, clock: Callable[[], int], queue: GradeQueue) -> None:
        self._store = store
        self._clock = clock
        self._queue = queue

    def remember(self, session: LaunchSession) -> Goal | None:
        """The goal of the launched link, now remembered; None when the link is no goal of a learner.

        The line item is the one that the platform's signed message couples to the link.
        """
        wanted = deeplink.embedded(session)
        line_item = str(session.ags.get("lineitem") or "")
        may_score = SCORE in session.ags.get("scope", ())
        if wanted.jp is None or "learner" not in session.roles or not line_item or not may_score:
            return None
        goal = Goal(
            tenant=session.tenant,
            platform_id=session.platform_id,
            issuer=session.issuer,
            subject=session.subject,
            line_item=line_item,
            form=wanted.form,
            jp=wanted.jp,
            since=self._clock(),
        )
        name = digest(goal.platform_id, goal.line_item, goal.subject)

        def work(writer: Writer) -> Goal:
            kept = keeping.get(writer, KIND, name, scope=goal.tenant)
            if kept is not None:
                known = _load(kept)
                if (known.form, known.jp) == (goal.form, goal.jp):
                    return known
            keys = (_account_key(goal.issuer, goal.subject),)
            value = {**asdict(goal), "jp": str(goal.jp)}
            keeping.put(writer, KIND, name, value, now=goal.since, scope=goal.tenant, keys=keys)
            return goal

        return self._store.writing(work)

    def of(self, tenant: str, issuer: str, subject: str) -> list[Goal]:
        """The goals of one account."""
        with self._store.reading() as reader:
            found = reader.find_documents(KIND, tenant, (_account_key(issuer, subject),), limit=MAX_GOALS)
        return [_load(keeping.value_of(document)) for document in found]

    def named(self, tenant: str, names: Collection[str]) -> dict[str, Goal]:
        """Goals by name, which is that of their score in the queue as well; unknown ones are missing."""
        with self._store.reading() as reader:
            found = reader.documents(KIND, tenant, names)
        return {name: _load(keeping.value_of(document)) for name, document in found.items()}

    def pages(self, tenant: str) -> Iterator[list[Goal]]:
        """All goals of a tenant, some at a time."""
        after: tuple[str, str] | None = None
        while True:
            with self._store.reading() as reader:
                found = reader.find_documents(KIND, tenant, after=after, limit=PAGE)
            if found:
                yield [_load(keeping.value_of(document)) for document in found]
            if len(found) < PAGE:
                return
            after = found[-1].order, found[-1].name

    def report(self, goal: Goal, jp: Decimal, *, at: int, comment: str = "") -> bool:
        """Queue progress: `jp` of the goal's form that count at `at`. False when that was said before.

        Saying it again is harmless: see `GradeQueue.renew`.
        """
        score = Score(
            subject=goal.subject,
            given=float(progress(jp, goal.jp)),
            maximum=float(deeplink.GOAL_MAXIMUM),
            at=at,
            activity="Completed" if jp >= goal.jp else "InProgress",
            comment=comment,
        )
        return self._queue.renew(
            tenant=goal.tenant, platform_id=goal.platform_id, line_item=goal.line_item, score=score
        )


def progress(jp: Decimal, wanted: Decimal) -> Decimal:
    """How far `jp` reaches towards `wanted`, in hundredths of the maximum, never above it."""
    share = max(Decimal(0), min(jp / wanted, Decimal(1))) * deeplink.GOAL_MAXIMUM
    return share.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _account_key(issuer: str, subject: str) -> str:
    return f"account\x1f{digest(issuer, subject)}"


def _load(value: dict[str, Any]) -> Goal:
    return Goal(**{**value, "jp": Decimal(value["jp"])})

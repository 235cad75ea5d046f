"""Graded goals: a link asks for so many JP of one form, and the gradebook shows how far each learner is.

A learner's goal is remembered when they launch its link, so that progress can be sent whenever
their record changes, also while they are away.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from lrs import document_kinds
from lrs.store import json_documents
from lrs.store.document_walk import walk_stored_documents
from lrs.store.documents import DocumentQuery
from lrs.store.port import Reader, Store, Writer
from lrs.store.writes import WriteHints
from lti_tool.launch import deep_linking
from lti_tool.launch.sessions import LaunchSession
from lti_tool.services.ags import SCORE, Score
from lti_tool.services.grade_outbox import GradeQueue
from lti_tool.tokens import digest

KIND: Final = document_kinds.GOAL
LINK_KIND: Final = document_kinds.GOAL_LINK
"""One document for each graded link: what it asks for, and whether it was dismissed."""
MAX_GOALS = 500
PAGE = 100
MAX_LINKS_KNOWN = 10_000
ASKING = "asking"
"""Index key of links that were not dismissed."""


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


@dataclass(frozen=True, slots=True)
class GoalLink:
    """A link that asks for JP, as an activity of a course."""

    name: str
    platform_id: str
    line_item: str
    form: str
    jp: Decimal
    since: int
    """When somebody first opened it, as far as is known (microseconds)."""


class Goals:
    """Remember goals and send progress towards them."""

    def __init__(self, store: Store, clock: Callable[[], int], queue: GradeQueue) -> None:
        self._store = store
        self._clock = clock
        self._queue = queue
        self._linked: set[tuple[str, str]] = set()
        """Links that are known to have their document."""

    def remember(self, session: LaunchSession) -> Goal | None:
        """The goal of the launched link, now remembered; None when the link is no goal of a learner.

        The line item is the one that the platform's signed message couples to the link.
        """
        wanted = deep_linking.embedded(session)
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
            kept = json_documents.get(writer, KIND, name, scope=goal.tenant)
            if kept is not None:
                known = _load(kept)
                if (known.form, known.jp) == (goal.form, goal.jp):
                    return known
            keys = (_account_key(goal.issuer, goal.subject),)
            value = {**asdict(goal), "jp": str(goal.jp)}
            json_documents.put(writer, KIND, name, value, now=goal.since, scope=goal.tenant, keys=keys)
            return goal

        remembered = self._store.writing(work, WriteHints(tenant=goal.tenant))
        # Whoever can open the activity shows that it is there, whatever was dismissed before.
        self._link(goal, opened=True)
        return remembered

    def known(self, goal: Goal) -> None:
        """See to it that the link of a goal is listed, also when it was opened before links were."""
        if (goal.tenant, _link_name(goal)) not in self._linked:
            self._link(goal, opened=False)

    def links(self, tenant: str, platform_id: str, *, limit: int) -> list[GoalLink]:
        """The graded links of a platform that were not dismissed, those opened first first."""
        keys = (f"platform\x1f{platform_id}", ASKING)
        with self._store.reading() as reader:
            found = reader.find_documents(DocumentQuery(LINK_KIND, tenant, keys, limit=limit))
        held = [(document.name, json_documents.value_of(document)) for document in found]
        return [
            GoalLink(
                name, one["platform_id"], one["line_item"], one["form"], Decimal(one["jp"]), one["since"]
            )
            for name, one in held
        ]

    def dismiss(self, tenant: str, platform_id: str, name: str) -> str | None:
        """Take a link's goal off everybody's pages; its line item, or None without such a link.

        It comes back when somebody opens the activity again.
        """
        now = self._clock()

        def work(writer: Writer) -> str | None:
            kept = json_documents.get(writer, LINK_KIND, name, scope=tenant)
            if kept is None or kept["platform_id"] != platform_id:
                return None
            _put_link(writer, tenant, name, {**kept, "dismissed": now}, now)
            return str(kept["line_item"])

        return self._store.writing(work, WriteHints(tenant=tenant))

    def _link(self, goal: Goal, *, opened: bool) -> None:
        name, now = _link_name(goal), self._clock()

        def changed(kept: dict[str, Any] | None) -> dict[str, Any] | None:
            if kept is not None and not opened:
                return None
            asked = {"form": goal.form, "jp": str(goal.jp), "dismissed": 0}
            place = {"platform_id": goal.platform_id, "line_item": goal.line_item, "since": goal.since}
            value = {**place, **(kept or {}), **asked}
            return None if value == kept else value

        def work(writer: Writer) -> None:
            value = changed(json_documents.get(writer, LINK_KIND, name, scope=goal.tenant))
            if value is not None:
                _put_link(writer, goal.tenant, name, value, now)

        with self._store.reading() as reader:
            due = changed(json_documents.get(reader, LINK_KIND, name, scope=goal.tenant)) is not None
        if due:
            self._store.writing(work, WriteHints(tenant=goal.tenant))
        if len(self._linked) >= MAX_LINKS_KNOWN:
            self._linked.clear()
        self._linked.add((goal.tenant, name))

    def _asking(self, reader: Reader, goals: list[Goal]) -> list[Goal]:
        """Those goals of one tenant whose link was not dismissed."""
        if not goals:
            return []
        names = {_link_name(goal) for goal in goals}
        held = reader.documents(LINK_KIND, goals[0].tenant, names)
        gone = {name for name, document in held.items() if ASKING not in document.keys}
        return [goal for goal in goals if _link_name(goal) not in gone]

    def of(self, tenant: str, issuer: str, subject: str) -> list[Goal]:
        """The goals of one account, without those of dismissed links."""
        with self._store.reading() as reader:
            found = reader.find_documents(
                DocumentQuery(KIND, tenant, (_account_key(issuer, subject),), limit=MAX_GOALS)
            )
            return self._asking(reader, [_load(json_documents.value_of(document)) for document in found])

    def named(self, tenant: str, names: Collection[str]) -> dict[str, Goal]:
        """Goals by name, which is that of their score in the queue as well; unknown ones are missing."""
        with self._store.reading() as reader:
            found = reader.documents(KIND, tenant, names)
        return {name: _load(json_documents.value_of(document)) for name, document in found.items()}

    def pages(self, tenant: str) -> Iterator[list[Goal]]:
        """All goals of a tenant, some at a time, without those of dismissed links."""
        for page in walk_stored_documents(self._store, DocumentQuery(KIND, tenant, limit=PAGE)):
            with self._store.reading() as reader:
                goals = self._asking(reader, [_load(json_documents.value_of(document)) for document in page])
            yield goals

    def report(self, goal: Goal, jp: Decimal, *, at: int, comment: str = "") -> bool:
        """Queue progress: `jp` of the goal's form that count at `at`. False when that was said before.

        Saying it again is harmless: see `GradeQueue.renew`.
        """
        score = Score(
            subject=goal.subject,
            given=float(progress(jp, goal.jp)),
            maximum=float(deep_linking.GOAL_MAXIMUM),
            at=at,
            activity="Completed" if jp >= goal.jp else "InProgress",
            comment=comment,
        )
        return self._queue.renew(
            tenant=goal.tenant, platform_id=goal.platform_id, line_item=goal.line_item, score=score
        )


def progress(jp: Decimal, wanted: Decimal) -> Decimal:
    """How far `jp` reaches towards `wanted`, in hundredths of the maximum, never above it."""
    share = max(Decimal(0), min(jp / wanted, Decimal(1))) * deep_linking.GOAL_MAXIMUM
    return share.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _link_name(goal: Goal) -> str:
    return digest(goal.platform_id, goal.line_item)


def _put_link(writer: Writer, tenant: str, name: str, value: dict[str, Any], now: int) -> None:
    keys = [f"platform\x1f{value['platform_id']}", *(() if value["dismissed"] else (ASKING,))]
    order = json_documents.expiry_order(value["since"])
    json_documents.put(writer, LINK_KIND, name, value, now=now, scope=tenant, keys=keys, order=order)


def _account_key(issuer: str, subject: str) -> str:
    return f"account\x1f{digest(issuer, subject)}"


def _load(value: dict[str, Any]) -> Goal:
    return Goal(**{**value, "jp": Decimal(value["jp"])})

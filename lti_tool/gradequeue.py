"""Scores on their way to platforms: kept until they arrive, visible while they wait.

One person has at most one waiting score per line item: a newer one replaces an older one, so an
older result is never posted after a newer. A platform that is down loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from lrs.store.port import Store, Writer
from lti_tool import keeping
from lti_tool.ags import SCORE, Grades, Score
from lti_tool.config import SECOND
from lti_tool.platforms import Platforms
from lti_tool.services import ServiceError, Services
from lti_tool.tokens import digest

log = structlog.get_logger(__name__)

KIND = "grade"
WAITING, SENT, SUPERSEDED, FAILED = "waiting", "sent", "superseded", "failed"
FIRST_WAIT_SECONDS = 30
LONGEST_WAIT_SECONDS = 6 * 3600
KEEP_TRYING_SECONDS = 14 * 86_400
LEASE_SECONDS = 120
CONFLICT = 409


@dataclass(frozen=True, slots=True)
class QueuedScore:
    """A score with how its delivery stands. `problem` says why the last attempt failed."""

    name: str
    tenant: str
    platform_id: str
    line_item: str
    subject: str
    given: float
    maximum: float
    at: int
    comment: str
    activity: str
    grading: str
    status: str
    attempts: int
    due: int
    queued: int
    problem: str


class GradeQueue:
    """Queue, deliver and show scores."""

    def __init__(
        self, store: Store, clock: Callable[[], int], platforms: Platforms, services: Services
    ) -> None:
        self._store = store
        self._clock = clock
        self._platforms = platforms
        self._services = services

    def put(self, *, tenant: str, platform_id: str, line_item: str, score: Score) -> bool:
        """Queue a score; False when one as new is known already.

        `line_item` must come from a signed launch or from the platform's own answer, never from a
        browser: this tool may write every column that the platform lets it write.
        """
        now = self._clock()
        name = digest(platform_id, line_item, score.subject)
        queued = QueuedScore(
            name=name,
            tenant=tenant,
            platform_id=platform_id,
            line_item=line_item,
            subject=score.subject,
            given=score.given,
            maximum=score.maximum,
            at=score.at,
            comment=score.comment,
            activity=score.activity,
            grading=score.grading,
            status=WAITING,
            attempts=0,
            due=now,
            queued=now,
            problem="",
        )

        def work(writer: Writer) -> bool:
            kept = keeping.get(writer, KIND, name)
            if kept is not None and kept["at"] >= score.at:
                return False
            _put(writer, queued, now)
            return True

        return self._store.writing(work)

    def run_once(self, limit: int = 50) -> int:
        """Try the scores that are due; how many were tried. Safe to run in several workers at once."""
        claimed = self._claim(limit)
        for one in claimed:
            self._deliver(one)
        return len(claimed)

    def listed(self, tenant: str, status: str, *, limit: int = 200) -> list[QueuedScore]:
        """A tenant's scores of one status, for the administrator's page."""
        keys = (f"tenant\x1f{tenant}", f"status\x1f{status}")
        with self._store.reading() as reader:
            return [_load(keeping.value_of(d)) for d in reader.find_documents(KIND, "", keys, limit=limit)]

    def retry(self, tenant: str, name: str) -> bool:
        """Try a failed score again now; False when there is no such one."""
        now = self._clock()

        def work(writer: Writer) -> bool:
            kept = keeping.get(writer, KIND, name)
            if kept is None or kept["tenant"] != tenant or kept["status"] != FAILED:
                return False
            _put(writer, _load({**kept, "status": WAITING, "due": now, "queued": now, "attempts": 0}), now)
            return True

        return self._store.writing(work)

    def _claim(self, limit: int) -> list[QueuedScore]:
        """Take due scores for a while, so that no other worker sends them too."""
        now = self._clock()

        def work(writer: Writer) -> list[QueuedScore]:
            due = writer.find_documents(KIND, "", (f"status\x1f{WAITING}",), limit=limit)
            claimed = []
            for document in due:
                value = keeping.value_of(document)
                if value["due"] > now:
                    break
                one = _load({**value, "due": now + LEASE_SECONDS * SECOND, "attempts": value["attempts"] + 1})
                _put(writer, one, now)
                claimed.append(one)
            return claimed

        return self._store.writing(work)

    def _deliver(self, one: QueuedScore) -> None:
        platform = self._platforms.get(one.platform_id)
        problem = "the platform is no longer registered"
        status = FAILED
        if platform is not None:
            score = Score(one.subject, one.given, one.maximum, one.at, one.activity, one.grading, one.comment)
            try:
                Grades(self._services, platform, {"scope": [SCORE]}).post(one.line_item, score)
                status, problem = SENT, ""
            except ServiceError as error:
                problem = str(error)
                if error.status == CONFLICT:
                    # The platform holds a newer result: ours must not replace it.
                    status = SUPERSEDED
                elif error.may_pass and self._clock() - one.queued < KEEP_TRYING_SECONDS * SECOND:
                    status = WAITING
        log.info("lti_score", status=status, platform=one.platform_id, attempts=one.attempts, problem=problem)
        self._settle(one, status, problem)

    def _settle(self, one: QueuedScore, status: str, problem: str) -> None:
        now = self._clock()
        wait = min(FIRST_WAIT_SECONDS * 2 ** min(one.attempts - 1, 20), LONGEST_WAIT_SECONDS)

        def work(writer: Writer) -> None:
            kept = keeping.get(writer, KIND, one.name)
            if kept is None or kept["at"] != one.at:
                # A newer score has taken the place of the one just tried.
                return
            changed = {"status": status, "problem": problem, "due": now + wait * SECOND}
            _put(writer, _load({**kept, **changed}), now)

        self._store.writing(work)


def _put(writer: Writer, one: QueuedScore, now: int) -> None:
    value = {name: getattr(one, name) for name in QueuedScore.__dataclass_fields__}
    keys = (f"tenant\x1f{one.tenant}", f"status\x1f{one.status}")
    keeping.put(writer, KIND, one.name, value, now=now, keys=keys, order=keeping.expiry_order(one.due))


def _load(value: dict[str, Any]) -> QueuedScore:
    return QueuedScore(**value)

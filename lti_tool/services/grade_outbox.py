"""Scores on their way to platforms: kept until they arrive, visible while they wait.

One person has at most one waiting score per line item: a newer one replaces an older one, so an
older result is never posted after a newer. A platform that is down loses nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from lrs.store import json_documents
from lrs.store.documents import DocumentQuery
from lrs.store.port import Reader, Store, Writer
from lrs.store.writes import WriteHints
from lti_tool.platforms.platforms import ACTIVE, Platforms
from lti_tool.services.ags import SCORE, Grades, Score
from lti_tool.services.client import ServiceError, Services
from lti_tool.settings import SECOND
from lti_tool.tokens import digest

log = structlog.get_logger(__name__)

KIND = "grade"
WAITING, SENT, SUPERSEDED, FAILED = "waiting", "sent", "superseded", "failed"
FIRST_WAIT_SECONDS = 30
LONGEST_WAIT_SECONDS = 6 * 3600
KEEP_TRYING_SECONDS = 14 * 86_400
LEASE_SECONDS = 120
CONFLICT = 409
NO_ANSWER = "no answer"
LOOKED = 200
"""Platforms that one look for due scores asks about."""
DROPPED = 200
"""Scores that one write forgets."""


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
        self._guard = threading.Lock()
        self._looked: tuple[str, str] | None = None
        """The platform that was looked at last; the next look begins behind it."""
        self._delivering: set[str] = set()
        """Platforms to which scores are on their way right now."""
        self._resting: dict[str, int] = {}
        """Platforms that gave no answer, until when (microseconds) they are not asked again."""

    def put(self, *, tenant: str, platform_id: str, line_item: str, score: Score) -> bool:
        """Queue a score; False when one as new is known already.

        `line_item` must come from a signed launch or from the platform's own answer, never from a
        browser: this tool may write every column that the platform lets it write.
        """
        now = self._clock()
        queued = _queued(tenant, platform_id, line_item, score, now)

        def work(writer: Writer) -> bool:
            kept = json_documents.get(writer, KIND, queued.name)
            if kept is not None and kept["at"] >= score.at:
                return False
            _put(writer, queued, now)
            return True

        return self._store.writing(work, WriteHints(tenant=tenant))

    def renew(self, *, tenant: str, platform_id: str, line_item: str, score: Score) -> bool:
        """Queue what a person has reached now; False when the same was queued last, whatever became of it.

        The score's time is moved on to a later whole second than the last one's where it is not: platforms
        (Moodle) keep seconds and refuse what is not newer. A first score of 0 is not sent: in many
        gradebooks an empty cell does not count, a 0 does.
        """
        now = self._clock()
        queued = _queued(tenant, platform_id, line_item, score, now)
        said = queued.given, queued.maximum, queued.activity, queued.comment
        with self._store.reading() as reader:
            if _stands(json_documents.get(reader, KIND, queued.name), said):
                return False

        def work(writer: Writer) -> bool:
            kept = json_documents.get(writer, KIND, queued.name)
            if _stands(kept, said):
                return False
            at = score.at if kept is None else max(score.at, (kept["at"] // SECOND + 1) * SECOND)
            _put(writer, replace(queued, at=at), now)
            return True

        return self._store.writing(work, WriteHints(tenant=tenant))

    def run_once(self, limit: int = 50, *, patience: float | None = None) -> int:
        """Try the scores that are due; how many were tried. Safe to run in several workers at once.

        Platforms are served side by side. One that takes longer than `patience` seconds goes on by itself
        while others have their next turn; without it all are waited for.
        """
        groups: dict[str, list[QueuedScore]] = {}
        claimed = self._claim(limit)
        for one in claimed:
            groups.setdefault(one.platform_id, []).append(one)
        begun = [self._begin(platform_id, group) for platform_id, group in groups.items()]
        done, _ = wait([future for future in begun if future is not None], timeout=patience)
        for future in done:
            future.result()
        return len(claimed)

    def _begin(self, platform_id: str, group: Sequence[QueuedScore]) -> Future[None] | None:
        """Deliver one platform's scores in a thread of their own; put them back while an earlier one runs."""
        with self._guard:
            free = platform_id not in self._delivering
            if free:
                self._delivering.add(platform_id)
        if not free:
            self._untried(group)
            return None
        future: Future[None] = Future()

        def run() -> None:
            problem: BaseException | None = None
            try:
                for one in group:
                    self._deliver(one)
            except BaseException as error:
                problem = error
            with self._guard:
                self._delivering.discard(platform_id)
            if problem is None:
                future.set_result(None)
            else:
                future.set_exception(problem)

        try:
            threading.Thread(target=run, name="grades", daemon=True).start()
        except RuntimeError as error:
            # The system has no thread to give: nobody would ever say that the platform is free again.
            log.warning("lti_scores_not_begun", platform=platform_id, error=str(error))
            with self._guard:
                self._delivering.discard(platform_id)
            self._untried(group)
            return None
        return future

    def _untried(self, group: Sequence[QueuedScore]) -> None:
        """Put claimed scores back; this was no attempt."""
        for one in group:
            self._settle(replace(one, attempts=one.attempts - 1), WAITING, one.problem or NO_ANSWER)

    def listed(
        self, tenant: str, status: str, *, platform_id: str = "", limit: int = 200
    ) -> list[QueuedScore]:
        """A tenant's scores of one status, of one platform or of all, for the administrator's page."""
        keys = [f"tenant\x1f{tenant}", f"status\x1f{status}"]
        if platform_id:
            keys.append(f"platform\x1f{platform_id}")
        with self._store.reading() as reader:
            return [
                _load(json_documents.value_of(d))
                for d in reader.find_documents(DocumentQuery(KIND, "", keys, limit=limit))
            ]

    def retry(self, tenant: str, name: str, *, platform_id: str = "") -> bool:
        """Try a score that failed or waits again now; False when the tenant (and platform) has none such."""
        now = self._clock()

        def work(writer: Writer) -> bool:
            kept = json_documents.get(writer, KIND, name)
            if kept is None or kept["tenant"] != tenant or kept["status"] not in (FAILED, WAITING):
                return False
            if platform_id not in ("", kept["platform_id"]):
                return False
            _put(writer, _load({**kept, "status": WAITING, "due": now, "queued": now, "attempts": 0}), now)
            return True

        return self._store.writing(work, WriteHints(tenant=tenant))

    def drop(self, tenant: str, platform_id: str, line_item: str) -> int:
        """Forget what failed or waits for a line item that is no longer wanted; how many scores.

        In slices: a course has thousands of learners, and others write, too.
        """
        dropped = 0
        for status in (FAILED, WAITING):
            keys = (f"tenant\x1f{tenant}", f"status\x1f{status}", f"platform\x1f{platform_id}")
            after: tuple[str, str] | None = None
            while True:
                with self._store.reading() as reader:
                    found = reader.find_documents(DocumentQuery(KIND, "", keys, after=after, limit=DROPPED))
                names = [d.name for d in found if json_documents.value_of(d)["line_item"] == line_item]
                if names:
                    dropped += self._store.writing(partial(_forget, names=names), WriteHints(tenant=tenant))
                if len(found) < DROPPED:
                    break
                after = found[-1].order, found[-1].name
        return dropped

    def _claim(self, limit: int) -> list[QueuedScore]:
        """Take due scores for a while, so that no other worker sends them too; platforms take turns."""
        now = self._clock()
        with self._store.reading() as reader:
            first = reader.find_documents(DocumentQuery(KIND, "", (f"status\x1f{WAITING}",), limit=1))
            # Most looks find nothing; they shall cost neither further questions nor a write.
            if not first or json_documents.value_of(first[0])["due"] > now:
                return []
            names = self._due_names(reader, limit, now)
        if self._platforms.get(json_documents.value_of(first[0])["platform_id"]) is None:
            names.append(first[0].name)
        if not names:
            return []

        def work(writer: Writer) -> list[QueuedScore]:
            claimed = []
            for document in writer.documents(KIND, "", names).values():
                value = json_documents.value_of(document)
                if value["status"] != WAITING or value["due"] > now:
                    continue
                one = _load({**value, "due": now + LEASE_SECONDS * SECOND, "attempts": value["attempts"] + 1})
                _put(writer, one, now)
                claimed.append(one)
            return sorted(claimed, key=lambda one: one.queued)

        return self._store.writing(work)

    def _due_names(self, reader: Reader, limit: int, now: int) -> list[str]:
        """Names of due scores, of each platform in turn; none of platforms that rest or are busy.

        A platform with thousands of them, or one that does not answer, keeps no other waiting.
        """
        page = self._platforms.places(after=self._looked, limit=LOOKED)
        if self._looked is not None and len(page) < LOOKED:
            page = [*page, *self._platforms.places(limit=LOOKED - len(page))]
        with self._guard:
            passed_over = set(self._delivering)
        passed_over.update(id for id, until in self._resting.copy().items() if until > now)
        due: dict[str, deque[str]] = {}
        for order, platform_id in page:
            if len(due) == limit:
                break
            self._looked = order, platform_id
            if platform_id in passed_over or platform_id in due:
                continue
            keys = (f"status\x1f{WAITING}", f"platform\x1f{platform_id}")
            found = reader.find_documents(DocumentQuery(KIND, "", keys, limit=limit))
            names = deque(one.name for one in found if json_documents.value_of(one)["due"] <= now)
            if names:
                due[platform_id] = names
        taken: list[str] = []
        while len(taken) < limit and any(due.values()):
            taken += [names.popleft() for names in due.values() if names]
        return taken[:limit]

    def _deliver(self, one: QueuedScore) -> None:
        platform = self._platforms.get(one.platform_id)
        problem = "the platform is no longer registered"
        status = FAILED
        patient = self._clock() - one.queued < KEEP_TRYING_SECONDS * SECOND
        if platform is not None and platform.status != ACTIVE:
            problem, status = "the platform is not active", WAITING if patient else FAILED
        elif platform is not None and self._resting.get(platform.id, 0) > self._clock():
            # One that hangs must not hold up what others wait for; this was no attempt.
            self._untried([one])
            return
        elif platform is not None:
            score = Score(one.subject, one.given, one.maximum, one.at, one.activity, one.grading, one.comment)
            try:
                Grades(self._services, platform, {"scope": [SCORE]}).post(one.line_item, score)
                status, problem = SENT, ""
            except ServiceError as error:
                problem = str(error)
                if error.status == CONFLICT:
                    # The platform holds a newer result: ours must not replace it.
                    status = SUPERSEDED
                elif error.may_pass and patient:
                    status = WAITING
                if error.status is None:
                    self._resting[platform.id] = self._clock() + FIRST_WAIT_SECONDS * SECOND
        log.info("lti_score", status=status, platform=one.platform_id, attempts=one.attempts, problem=problem)
        self._settle(one, status, problem)

    def _settle(self, one: QueuedScore, status: str, problem: str) -> None:
        now = self._clock()
        wait = min(FIRST_WAIT_SECONDS * 2 ** max(0, min(one.attempts - 1, 20)), LONGEST_WAIT_SECONDS)

        def work(writer: Writer) -> None:
            kept = json_documents.get(writer, KIND, one.name)
            if kept is None or kept["at"] != one.at:
                # A newer score has taken the place of the one just tried.
                return
            changed = {
                "status": status,
                "problem": problem,
                "due": now + wait * SECOND,
                "attempts": one.attempts,
            }
            _put(writer, _load({**kept, **changed}), now)

        self._store.writing(work, WriteHints(tenant=one.tenant))


def _forget(writer: Writer, names: Collection[str]) -> int:
    return writer.delete(KIND, "", names)


def _queued(tenant: str, platform_id: str, line_item: str, score: Score, now: int) -> QueuedScore:
    """A score that waits from now on."""
    return QueuedScore(
        name=digest(platform_id, line_item, score.subject),
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


def _stands(kept: dict[str, Any] | None, said: tuple[float, float, str, str]) -> bool:
    """Whether what is kept says this already; nothing kept says 0."""
    if kept is None:
        return said[0] == 0
    return (kept["given"], kept["maximum"], kept["activity"], kept["comment"]) == said


def _put(writer: Writer, one: QueuedScore, now: int) -> None:
    value = {name: getattr(one, name) for name in QueuedScore.__dataclass_fields__}
    keys = (f"tenant\x1f{one.tenant}", f"status\x1f{one.status}", f"platform\x1f{one.platform_id}")
    json_documents.put(
        writer, KIND, one.name, value, now=now, keys=keys, order=json_documents.expiry_order(one.due)
    )


def _load(value: dict[str, Any]) -> QueuedScore:
    return QueuedScore(**value)

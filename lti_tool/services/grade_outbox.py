"""Scores on their way to platforms: kept until they arrive, visible while they wait.

One person has at most one waiting score per line item: a newer one replaces an older one, so an
older result is never posted after a newer. A platform that is down loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import structlog

from lrs.outbox.messages import (
    DELIVERED,
    FAILED,
    SUPERSEDED,
    WAITING,
    Draft,
    Message,
    MessageKind,
    OutboxFullError,
    Outcome,
)
from lrs.outbox.outbox import Outbox
from lti_tool.platforms.platforms import ACTIVE, Platforms
from lti_tool.services.ags import SCORE, Grades, Score
from lti_tool.services.client import ServiceError, Services, TokenError
from lti_tool.services.earlier_grades import EarlierGrades
from lti_tool.settings import SECOND
from lti_tool.tokens import digest

log = structlog.get_logger(__name__)

GRADE = "grade"
"""Kind of the messages."""
NOT_ACTIVE, NOT_REGISTERED = "not-active", "not-registered"
NO_TOKEN, NO_ANSWER, REFUSED = "no-token", "no-answer", "refused"
"""Codes: why an attempt failed."""
CONFLICT = 409
MOST_OF_PLATFORM, MOST_OF_TENANT = 1_000_000, 2_000_000
"""Scores that may wait or have failed; there is one at most for each learner and goal."""


@dataclass(frozen=True, slots=True)
class QueuedScore:
    """A score with how its delivery stands. `code` and `http_status` say why the last attempt failed."""

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
    code: str
    http_status: int | None
    detail: str


class GradeQueue:
    """Queue, deliver and show scores."""

    def __init__(
        self, outbox: Outbox, clock: Callable[[], int], platforms: Platforms, services: Services
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._platforms = platforms
        self._services = services
        # What was sent is kept: it says what the platform was told last.
        kind = MessageKind(
            GRADE,
            self.deliver,
            keep_delivered_seconds=None,
            keep_failed_seconds=None,
            most_of_target=MOST_OF_PLATFORM,
            most_of_tenant=MOST_OF_TENANT,
        )
        outbox.add_kind(kind)
        self._earlier = EarlierGrades(outbox.store, clock, kind)

    def put(self, *, tenant: str, platform_id: str, line_item: str, score: Score) -> bool:
        """Queue a score; False when one as new is known already.

        `line_item` must come from a signed launch or from the platform's own answer, never from a
        browser: this tool may write every column that the platform lets it write.
        """

        def decide(kept: Message | None) -> Draft | None:
            if kept is not None and kept.payload["at"] >= score.at:
                return None
            return _draft(tenant, platform_id, line_item, score)

        return self._change(tenant, digest(platform_id, line_item, score.subject), decide)

    def renew(self, *, tenant: str, platform_id: str, line_item: str, score: Score) -> bool:
        """Queue what a person has reached now; False when the same was queued last, whatever became of it.

        The score's time is moved on to a later whole second than the last one's where it is not: platforms
        (Moodle) keep seconds and refuse what is not newer. A first score of 0 is not sent: in many
        gradebooks an empty cell does not count, a 0 does.
        """

        def decide(kept: Message | None) -> Draft | None:
            if _stands(kept, score):
                return None
            at = score.at
            if kept is not None:
                at = max(at, (kept.payload["at"] // SECOND + 1) * SECOND)
            return _draft(tenant, platform_id, line_item, replace(score, at=at))

        name = digest(platform_id, line_item, score.subject)
        if self._earlier.taken_over and decide(self._outbox.get(GRADE, tenant, name)) is None:
            return False
        return self._change(tenant, name, decide)

    def _change(self, tenant: str, name: str, decide: Callable[[Message | None], Draft | None]) -> bool:
        self._earlier.take_over_one(name)
        try:
            return self._outbox.change(GRADE, tenant, name, decide)
        except OutboxFullError as error:
            # Nothing is lost: each goal is looked at again once an hour.
            log.warning("lti_score_not_queued", tenant=tenant, problem=str(error))
            return False

    def take_over(self) -> bool:
        """Take over some scores that an earlier version queued; whether there may be more."""
        return self._earlier.take_over()

    def listed(
        self, tenant: str, status: str, *, platform_id: str = "", limit: int = 200
    ) -> list[QueuedScore]:
        """A tenant's scores of one status, of one platform or of all, for the administrator's page."""
        found = self._outbox.listed(GRADE, tenant, status, target=platform_id, limit=limit)
        return [_score(one) for one in found]

    def retry(self, tenant: str, name: str, *, platform_id: str = "") -> bool:
        """Try a score that failed or waits again now; False when the tenant (and platform) has none such."""
        return self._outbox.retry(GRADE, tenant, name, target=platform_id)

    def drop(self, tenant: str, platform_id: str, line_item: str) -> int:
        """Forget what failed or waits for a line item that is no longer wanted; how many scores."""

        def of_item(one: Message) -> bool:
            return bool(one.payload["line_item"] == line_item)

        return self._outbox.drop(GRADE, tenant, platform_id, of_item)

    def deliver(self, one: Message) -> Outcome:
        """Post one score."""
        platform = self._platforms.get(one.target)
        if platform is None:
            return Outcome(FAILED, NOT_REGISTERED, detail="the platform is no longer registered")
        if platform.status != ACTIVE:
            return Outcome(WAITING, NOT_ACTIVE, detail="the platform is not active")
        queued = _score(one)
        score = Score(
            queued.subject,
            queued.given,
            queued.maximum,
            queued.at,
            queued.activity,
            queued.grading,
            queued.comment,
        )
        try:
            Grades(self._services, platform, {"scope": [SCORE]}).post(queued.line_item, score)
        except ServiceError as error:
            return _refused(error)
        return Outcome(DELIVERED)


def _refused(error: ServiceError) -> Outcome:
    if error.status == CONFLICT and not isinstance(error, TokenError):
        # The platform holds a newer result: ours must not replace it.
        return Outcome(SUPERSEDED, http_status=CONFLICT)
    if isinstance(error, TokenError):
        code = NO_TOKEN
    else:
        code = NO_ANSWER if error.status is None else REFUSED
    return Outcome(
        WAITING if error.may_pass else FAILED,
        code,
        error.status,
        str(error),
        answered=error.status is not None,
        retry_after=error.retry_after,
    )


def _draft(tenant: str, platform_id: str, line_item: str, score: Score) -> Draft:
    name = digest(platform_id, line_item, score.subject)
    return Draft(tenant, platform_id, name, {"line_item": line_item, **asdict(score)})


def _stands(kept: Message | None, score: Score) -> bool:
    """Whether what is kept says this already; nothing kept says 0."""
    if kept is None:
        return score.given == 0
    said: dict[str, Any] = asdict(score)
    return all(kept.payload[name] == said[name] for name in ("given", "maximum", "activity", "comment"))


def _score(one: Message) -> QueuedScore:
    return QueuedScore(
        name=one.name,
        tenant=one.tenant,
        platform_id=one.target,
        status=one.status,
        attempts=one.attempts,
        code=one.code,
        http_status=one.http_status,
        detail=one.detail,
        **one.payload,
    )

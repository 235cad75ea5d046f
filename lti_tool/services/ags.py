"""Assignment and Grade Services 2.0: line items, scores and results of one course."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from lrs.outbound.http_client import OutboundError
from lti_tool.platforms.platforms import Platform
from lti_tool.services.client import ServiceError, Services, finite, next_page, with_path_end

SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/"
LINE_ITEM, LINE_ITEM_READ = SCOPE + "lineitem", SCOPE + "lineitem.readonly"
SCORE, RESULT_READ = SCOPE + "score", SCOPE + "result.readonly"
LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"
MAX_PAGES = 200


@dataclass(frozen=True, slots=True)
class LineItem:
    """One column of the gradebook. `id` is its address, empty before it exists."""

    label: str
    maximum: float
    id: str = ""
    resource_id: str = ""
    tag: str = ""
    resource_link_id: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The item as the service wants it; what is empty is left out."""
        value = {
            "label": self.label,
            "scoreMaximum": self.maximum,
            "resourceId": self.resource_id,
            "tag": self.tag,
            "resourceLinkId": self.resource_link_id,
        }
        return {name: one for name, one in value.items() if one != ""}


@dataclass(frozen=True, slots=True)
class Score:
    """What one person has reached, at one moment (`at`, microseconds)."""

    subject: str
    given: float
    maximum: float
    at: int
    activity: str = "Completed"
    grading: str = "FullyGraded"
    comment: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The score as the service wants it (AGS 2.0, section 3.4)."""
        value: dict[str, Any] = {
            "userId": self.subject,
            "scoreGiven": self.given,
            "scoreMaximum": self.maximum,
            "timestamp": timestamp(self.at),
            "activityProgress": self.activity,
            "gradingProgress": self.grading,
        }
        return {**value, "comment": self.comment} if self.comment else value


@dataclass(frozen=True, slots=True)
class Result:
    """What the platform's gradebook says of one person; Moodle leaves a score of 0 out."""

    subject: str
    score: float
    maximum: float


class Grades:
    """The gradebook of a course, as far as the platform lets this tool in."""

    def __init__(self, services: Services, platform: Platform, claim: dict[str, Any]) -> None:
        self._services = services
        self._platform = platform
        self._items_url = str(claim.get("lineitems") or "")
        self._item_url = str(claim.get("lineitem") or "")
        self._scopes = frozenset(claim.get("scope") or ())

    @property
    def may_score(self) -> bool:
        """Whether scores may be posted."""
        return SCORE in self._scopes

    @property
    def may_create(self) -> bool:
        """Whether line items may be made."""
        return LINE_ITEM in self._scopes and bool(self._items_url)

    def line_items(self) -> Iterator[LineItem]:
        """All line items of the course that the platform shows us, over all pages."""
        scope = LINE_ITEM if LINE_ITEM in self._scopes else LINE_ITEM_READ
        for one in self._pages(self._items_url, scope, LINE_ITEMS_TYPE):
            item = _line_item(one)
            if item is not None:
                yield item

    def find_or_create(self, wanted: LineItem) -> LineItem:
        """Our line item: that of the launched link, else one of same resource id and tag, else a new one.

        Items that are not ours are never changed, whatever their label.
        """
        if self._item_url:
            return self.line_item(self._item_url)
        for item in self.line_items():
            if (item.resource_id, item.tag) == (wanted.resource_id, wanted.tag) and item.resource_id:
                return item
        return self.create(wanted)

    def line_item(self, url: str) -> LineItem:
        """One line item by its address."""
        scope = LINE_ITEM if LINE_ITEM in self._scopes else LINE_ITEM_READ
        answer = self._services.call(self._platform, [scope], "GET", url, accept=LINE_ITEM_TYPE)
        return _required(_line_item(_json(answer.json)))

    def create(self, item: LineItem) -> LineItem:
        """Make a line item."""
        return self._write("POST", self._items_url, item)

    def update(self, item: LineItem) -> LineItem:
        """Replace a line item of ours (PUT)."""
        return self._write("PUT", item.id, item)

    def delete(self, item: LineItem) -> None:
        """Remove a line item of ours, with its grades."""
        self._services.call(self._platform, [LINE_ITEM], "DELETE", item.id, accept="*/*")

    def post(self, line_item: str, score: Score) -> None:
        """Post a score. ServiceError; its status is 409 when the platform has a newer one."""
        for number in (score.given, score.maximum):
            if not math.isfinite(number) or number < 0:
                raise ValueError("a score is a number that is not negative")
        self._services.call(
            self._platform,
            [SCORE],
            "POST",
            with_path_end(line_item, "scores"),
            accept="*/*",
            content_type=SCORE_TYPE,
            body=orjson.dumps(score.as_dict()),
        )

    def results(self, line_item: str) -> Iterator[Result]:
        """The platform's own view of everyone's result."""
        for one in self._pages(with_path_end(line_item, "results"), RESULT_READ, RESULTS_TYPE):
            if isinstance(one, dict) and isinstance(one.get("userId"), str):
                yield Result(one["userId"], finite(one.get("resultScore")), finite(one.get("resultMaximum")))

    def _write(self, method: str, url: str, item: LineItem) -> LineItem:
        answer = self._services.call(
            self._platform,
            [LINE_ITEM],
            method,
            url,
            accept=LINE_ITEM_TYPE,
            content_type=LINE_ITEM_TYPE,
            body=orjson.dumps(item.as_dict()),
        )
        return _required(_line_item(_json(answer.json)))

    def _pages(self, url: str, scope: str, accept: str) -> Iterator[Any]:
        following: str | None = url
        seen: set[str] = set()
        while following and following not in seen and len(seen) < MAX_PAGES:
            seen.add(following)
            answer = self._services.call(self._platform, [scope], "GET", following, accept=accept)
            page = _json(answer.json)
            if not isinstance(page, list):
                raise ServiceError("the answer is not a list")
            yield from page
            following = next_page(answer, following)


def timestamp(at: int) -> str:
    """Microseconds as the service's time: ISO 8601 with milliseconds, in UTC."""
    return (
        datetime.fromtimestamp(at / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def _line_item(value: Any) -> LineItem | None:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        return None
    return LineItem(
        label=_text(value.get("label")),
        maximum=finite(value.get("scoreMaximum")),
        id=value["id"],
        resource_id=_text(value.get("resourceId")),
        tag=_text(value.get("tag")),
        resource_link_id=_text(value.get("resourceLinkId")),
    )


def _required(item: LineItem | None) -> LineItem:
    if item is None:
        raise ServiceError("the answer is not a line item")
    return item


def _json(read: Any) -> Any:
    try:
        return read()
    except OutboundError as error:
        raise ServiceError(str(error)) from error


def _text(value: Any) -> str:
    # Moodle sends numbers here for some items.
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""

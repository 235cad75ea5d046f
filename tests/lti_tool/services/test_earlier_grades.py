"""Scores that an earlier version queued are taken over once, with how their delivery stood."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lrs.outbox.messages import DELIVERED, FAILED, SUPERSEDED, WAITING
from lrs.store import json_documents
from lrs.store.documents import DocumentQuery
from lrs.store.port import Writer
from lti_tool.services import earlier_grades
from lti_tool.services.ags import Score
from lti_tool.tokens import digest
from tests.lti_tool.conftest import World
from tests.lti_tool.platform import answer
from tests.lti_tool.services.test_client import ITEM, serve_tokens

SCORES = ITEM + "/scores"


def earlier(world: World, subject: str, status: str, problem: str = "", **changes: Any) -> None:
    """Queue a score as the earlier version did."""
    name = digest(world.platform_id, ITEM, subject)
    value: dict[str, Any] = {
        "name": name,
        "tenant": "agency",
        "platform_id": world.platform_id,
        "line_item": ITEM,
        "subject": subject,
        "given": 50.0,
        "maximum": 100.0,
        "at": 1_000_000,
        "comment": "",
        "activity": "InProgress",
        "grading": "FullyGraded",
        "status": status,
        "attempts": 2,
        "due": world.clock.now,
        "queued": world.clock.now,
        "problem": problem,
    } | changes
    keys = ("tenant\x1fagency", f"status\x1f{status}", f"platform\x1f{world.platform_id}")
    order = json_documents.expiry_order(value["due"])

    def work(writer: Writer) -> None:
        json_documents.put(writer, "grade", name, value, now=world.clock.now, keys=keys, order=order)

    world.store.writing(work)


def take_over(world: World) -> None:
    while world.tool.grades.take_over():
        pass


@pytest.mark.parametrize(
    ("status", "problem", "now", "code", "http_status"),
    [
        ("waiting", "", WAITING, "", None),
        ("waiting", "POST was refused (HTTP 503)", WAITING, "refused", 503),
        ("waiting", "no access token (HTTP 404)", WAITING, "no-token", 404),
        ("waiting", "no access token: no answer (TimeoutError)", WAITING, "no-token", None),
        ("waiting", "no answer", WAITING, "no-answer", None),
        ("waiting", "the platform is not active", WAITING, "not-active", None),
        ("failed", "POST was refused (HTTP 410)", FAILED, "refused", 410),
        ("failed", "the platform is no longer registered", FAILED, "not-registered", None),
        ("superseded", "POST was refused (HTTP 409)", SUPERSEDED, "refused", 409),
        ("sent", "", DELIVERED, "", None),
    ],
)
def test_each_state_is_taken_over(
    world: World, status: str, problem: str, now: str, code: str, http_status: int | None
) -> None:
    """State, attempts and reason stay; the reason is data from then on."""
    earlier(world, "42", status, problem)
    take_over(world)
    (one,) = world.tool.grades.listed("agency", now, platform_id=world.platform_id)
    assert (one.subject, one.given, one.attempts) == ("42", 50.0, 2)
    assert (one.code, one.http_status) == (code, http_status)
    counts = {WAITING: (1, 0), FAILED: (0, 1)}.get(now, (0, 0))
    assert world.tool.outbox.counts("grade", "agency") == counts


def test_what_waited_is_sent_and_nothing_is_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that wait come first; every slice is taken once."""
    monkeypatch.setattr(earlier_grades, "SLICE", 2)
    serve_tokens(world, world.platform)
    world.wire.handlers[SCORES] = lambda _sent: answer([], 200)
    for number in range(5):
        earlier(world, str(number), "sent", due=1)
    earlier(world, "42", "waiting")
    world.tool.grades.take_over()
    world.tool.deliveries.run_once()
    assert [json.loads(sent.body)["userId"] for sent in world.wire.to(SCORES)] == ["42"]
    take_over(world)
    assert len(world.tool.grades.listed("agency", DELIVERED)) == 6
    with world.store.reading() as reader:
        assert reader.find_documents(DocumentQuery("grade", "", limit=1)) == []


def test_what_was_said_before_is_not_said_again(world: World) -> None:
    """A result that the earlier version sent is known, also before its turn to be taken over has come."""
    earlier(world, "42", "sent")
    score = Score("42", 50.0, 100.0, 9_000_000, "InProgress")
    put = {"tenant": "agency", "platform_id": world.platform_id, "line_item": ITEM}
    assert not world.tool.grades.renew(**put, score=score)
    assert not world.tool.grades.put(**put, score=Score("42", 10.0, 100.0, 1))
    assert world.tool.grades.listed("agency", WAITING) == []

"""Scores on their way: queued, retried, never older after newer; goals and how far they are."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.outbound.http_client import OutboundError
from lrs.outbox.messages import DELIVERED, FAILED, SUPERSEDED, WAITING
from lti_tool.services.ags import SCORE, Score
from lti_tool.services.goals import Goal, progress
from lti_tool.services.grade_outbox import QueuedScore
from tests.lti_tool.conftest import World
from tests.lti_tool.platform import AGS_CLAIM, CLAIM, ROLE, Sent, TestPlatform, answer
from tests.lti_tool.services.test_client import ITEM, ITEMS, serve_tokens

SCORES = ITEM + "/scores"


@pytest.fixture(autouse=True)
def tokens(world: World) -> None:
    serve_tokens(world, world.platform)
    respond(world, 200)


def respond(world: World, status: int) -> None:
    world.wire.handlers[SCORES] = lambda _sent: answer([], status)


def queue(world: World, given: float, at: int, subject: str = "42") -> bool:
    return world.tool.grades.put(
        tenant="agency", platform_id=world.platform_id, line_item=ITEM, score=Score(subject, given, 100.0, at)
    )


def listed(world: World, status: str, tenant: str = "agency") -> list[QueuedScore]:
    return world.tool.grades.listed(tenant, status)


def sent_scores(world: World) -> list[float]:
    return [json.loads(sent.body)["scoreGiven"] for sent in world.wire.to(SCORES)]


def test_a_queued_score_is_sent_once(world: World) -> None:
    """A score goes out with the next run, and not again."""
    assert queue(world, 40, at=1)
    assert [one.status for one in listed(world, WAITING)] == [WAITING]
    assert (world.tool.deliveries.run_once(), world.tool.deliveries.run_once()) == (1, 0)
    assert sent_scores(world) == [40]
    assert [one.given for one in listed(world, DELIVERED)] == [40]


def test_a_platform_that_is_down_loses_nothing(world: World) -> None:
    """Attempts are repeated at growing distances until the platform is back, and are visible meanwhile."""
    respond(world, 503)
    queue(world, 40, at=1)
    distances = []
    for _ in range(6):
        before = world.clock.now
        while world.tool.deliveries.run_once() == 0:
            world.clock.forward(10)
        distances.append((world.clock.now - before) // 10_000_000 * 10)
    for distance, most in zip(distances, [0, 30, 60, 120, 240, 480], strict=True):
        assert most * 0.75 - 10 <= distance <= most
    (waiting,) = listed(world, WAITING)
    assert (waiting.attempts, waiting.code, waiting.http_status) == (6, "refused", 503)
    respond(world, 200)
    world.clock.forward(3600)
    world.tool.deliveries.run_once()
    assert [one.code for one in listed(world, DELIVERED)] == [""]


def test_only_the_newest_score_goes_out(world: World) -> None:
    """A newer score takes the place of one that still waits; an older one is not taken at all."""
    respond(world, 503)
    assert queue(world, 40, at=1)
    world.tool.deliveries.run_once()
    assert queue(world, 60, at=2)
    assert not queue(world, 50, at=2)
    assert not queue(world, 30, at=1)
    respond(world, 200)
    world.tool.deliveries.run_once()
    assert sent_scores(world) == [40, 60]
    assert not queue(world, 10, at=1)


def test_a_conflict_leaves_the_platforms_newer_result(world: World) -> None:
    """409 means that the platform has a newer result; ours is put away, not repeated."""
    respond(world, 409)
    queue(world, 40, at=1)
    world.tool.deliveries.run_once()
    world.clock.forward(86_400)
    assert world.tool.deliveries.run_once() == 0
    assert [one.given for one in listed(world, SUPERSEDED)] == [40]


def test_a_refused_score_is_shown_and_can_be_retried(world: World) -> None:
    """400 (a teacher, an unknown user) is final until an administrator tries again."""
    respond(world, 400)
    queue(world, 40, at=1)
    world.tool.deliveries.run_once()
    (failed,) = listed(world, FAILED)
    assert failed.detail == "POST was refused (HTTP 400)"
    assert not world.tool.grades.retry("other-agency", failed.name)
    assert not world.tool.grades.retry("agency", failed.name, platform_id="another")
    assert world.tool.grades.retry("agency", failed.name, platform_id=world.platform_id)
    respond(world, 200)
    world.tool.deliveries.run_once()
    assert len(listed(world, DELIVERED)) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 500])
def test_a_platform_that_gives_no_token_keeps_its_scores_waiting(world: World, status: int) -> None:
    """Moodle answers a token request 404 when it may not fetch our keys: the column is there all the same."""
    refuse: Any = lambda _sent: answer({"error": "no"}, status)  # noqa: E731
    world.wire.handlers[world.platform.token_url] = refuse
    queue(world, 40, at=1)
    world.tool.deliveries.run_once()
    (waiting,) = listed(world, WAITING)
    assert waiting.detail == f"no access token (HTTP {status})"
    serve_tokens(world, world.platform)
    world.clock.forward(31)
    world.tool.deliveries.run_once()
    assert sent_scores(world) == [40]


@pytest.mark.parametrize("status", [404, 410])
def test_a_column_that_is_gone_ends_the_sending(world: World, status: int) -> None:
    """Only the line item's own answer says so."""
    respond(world, status)
    queue(world, 40, at=1)
    world.tool.deliveries.run_once()
    assert [one.detail for one in listed(world, FAILED)] == [f"POST was refused (HTTP {status})"]


def test_a_sent_score_cannot_be_tried_again(world: World) -> None:
    """What has arrived is not sent a second time, whoever asks."""
    queue(world, 40, at=1)
    world.tool.deliveries.run_once()
    (sent,) = listed(world, DELIVERED)
    assert not world.tool.grades.retry("agency", sent.name)


def test_a_waiting_score_can_be_tried_at_once(world: World) -> None:
    """Once the platform is back, nobody has to sit out the pause between two attempts."""
    respond(world, 503)
    queue(world, 40, at=1)
    world.tool.deliveries.run_once()
    respond(world, 200)
    assert world.tool.deliveries.run_once() == 0
    (waiting,) = listed(world, WAITING)
    assert world.tool.grades.retry("agency", waiting.name)
    world.tool.deliveries.run_once()
    assert sent_scores(world) == [40, 40]
    assert len(listed(world, DELIVERED)) == 1


def test_a_platform_that_is_switched_off_keeps_its_scores_waiting(world: World) -> None:
    """Scores of a disabled platform are not given up; they go out when it is active again."""
    world.tool.platforms.disable(world.platform_id)
    queue(world, 40, at=1)
    world.tool.deliveries.run_once()
    assert [one.detail for one in listed(world, WAITING)] == ["the platform is not active"]
    assert sent_scores(world) == []
    world.tool.platforms.activate(world.platform_id)
    world.clock.forward(60)
    world.tool.deliveries.run_once()
    assert sent_scores(world) == [40]


def test_a_platform_that_hangs_is_left_alone_for_a_while(world: World) -> None:
    """After one request without an answer the others to this platform wait; they lose no attempt by it."""
    asked = []

    def hang(sent: Sent) -> Any:
        asked.append(sent)
        raise OutboundError("no answer")

    world.wire.handlers[SCORES] = hang
    for subject in ("41", "42", "43"):
        queue(world, 40, at=1, subject=subject)
    assert world.tool.deliveries.run_once() == 3
    assert len(asked) == 1
    assert sorted(one.attempts for one in listed(world, WAITING)) == [0, 0, 1]
    respond(world, 200)
    world.clock.forward(31)
    world.tool.deliveries.run_once()
    assert len(listed(world, DELIVERED)) == 3


def test_a_platform_that_hangs_does_not_hold_up_others(world: World) -> None:
    """Platforms are served side by side: others' scores arrive while one gives no answer."""
    other = TestPlatform(world.clock, issuer="https://other.example", client_id="client-9", key="other")
    registered = other.register(world.tool.platforms, world.wire, tenant="another agency")
    serve_tokens(world, other)
    column = "https://other.example/item"
    world.wire.handlers[column + "/scores"] = lambda _sent: answer([], 200)
    asked, ended = threading.Event(), threading.Event()

    def hang(_sent: Sent) -> Any:
        asked.set()
        assert ended.wait(30)
        raise OutboundError("no answer")

    world.wire.handlers[SCORES] = hang
    queue(world, 40, at=1)
    assert world.tool.deliveries.run_once(patience=0) == 1
    assert asked.wait(10)
    queue(world, 50, at=1, subject="43")
    world.tool.grades.put(
        tenant="another agency",
        platform_id=registered.id,
        line_item=column,
        score=Score("7", 1, 1, 1),
    )
    assert world.tool.deliveries.run_once() == 1
    assert len(listed(world, DELIVERED, "another agency")) == 1
    assert [(one.subject, one.attempts) for one in listed(world, WAITING)] == [("43", 0), ("42", 1)]
    ended.set()


def other_platform(world: World) -> Callable[[int], None]:
    """Queues scores of another agency's platform, which takes them."""
    other = TestPlatform(world.clock, issuer="https://other.example", client_id="client-9", key="other")
    registered = other.register(world.tool.platforms, world.wire, tenant="another agency")
    serve_tokens(world, other)
    column = "https://other.example/item"
    world.wire.handlers[column + "/scores"] = lambda _sent: answer([], 200)

    def put(number: int) -> None:
        score = Score(str(number), 1, 1, 1)
        world.tool.grades.put(
            tenant="another agency", platform_id=registered.id, line_item=column, score=score
        )

    return put


def test_platforms_take_turns_whatever_the_backlog_of_one(world: World) -> None:
    """A run shares its places out among the platforms; thousands of earlier scores delay nobody else's."""
    put = other_platform(world)
    for number in range(20):
        queue(world, 40, at=1, subject=str(number))
    world.clock.forward(1)
    for number in range(3):
        put(number)
    assert world.tool.deliveries.run_once(4) == 4
    assert (len(listed(world, DELIVERED)), len(listed(world, DELIVERED, "another agency"))) == (2, 2)
    assert world.tool.deliveries.run_once(4) == 4
    assert (len(listed(world, DELIVERED)), len(listed(world, DELIVERED, "another agency"))) == (5, 3)


def test_a_platform_that_rests_takes_no_places(world: World) -> None:
    """What waits for a platform that gave no answer is not claimed before its rest is over."""

    def hang(_sent: Sent) -> Any:
        raise OutboundError("no answer")

    world.wire.handlers[SCORES] = hang
    put = other_platform(world)
    for number in range(3):
        queue(world, 40, at=1, subject=str(number))
    assert world.tool.deliveries.run_once(1) == 1
    put(1)
    assert world.tool.deliveries.run_once(1) == 1
    assert len(listed(world, DELIVERED, "another agency")) == 1
    assert world.tool.deliveries.run_once(1) == 0


def test_scores_of_a_platform_that_is_gone_are_given_up(world: World) -> None:
    """They do not wait for ever: the administrator sees that they have failed."""
    score = Score("42", 1, 1, 1)
    world.tool.grades.put(tenant="agency", platform_id="gone", line_item=ITEM, score=score)
    assert world.tool.deliveries.run_once() == 1
    assert [one.detail for one in listed(world, FAILED)] == ["the platform is no longer registered"]


def test_a_system_without_threads_holds_no_platform_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores that no thread could be begun for go out with a later run, and lose no attempt."""

    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    queue(world, 40, at=1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        world.tool.deliveries.run_once()
    assert [one.attempts for one in listed(world, WAITING)] == [0]
    world.clock.forward(31)
    world.tool.deliveries.run_once()
    assert len(listed(world, DELIVERED)) == 1


def renew(world: World, given: float, at: int) -> bool:
    score = Score("42", given, 100.0, at)
    return world.tool.grades.renew(
        tenant="agency", platform_id=world.platform_id, line_item=ITEM, score=score
    )


def test_the_same_result_is_queued_once(world: World) -> None:
    """Repeating what was said last queues nothing, before and after it was sent; another result does."""
    assert renew(world, 50, at=1_000_000)
    assert not renew(world, 50, at=2_000_000)
    world.tool.deliveries.run_once()
    assert not renew(world, 50, at=9_000_000)
    assert renew(world, 25, at=9_000_000)
    world.tool.deliveries.run_once()
    assert sent_scores(world) == [50, 25]


def test_results_of_one_second_do_not_collide(world: World) -> None:
    """A second result within the same second, or by a slower clock, gets a later whole second."""
    assert renew(world, 50, at=5_200_000)
    world.tool.deliveries.run_once()
    assert renew(world, 75, at=5_900_000)
    world.tool.deliveries.run_once()
    assert renew(world, 100, at=1_000_000)
    world.tool.deliveries.run_once()
    times = [json.loads(sent.body)["timestamp"] for sent in world.wire.to(SCORES)]
    assert times == ["1970-01-01T00:00:05.200Z", "1970-01-01T00:00:06.000Z", "1970-01-01T00:00:07.000Z"]


def test_nothing_reached_yet_is_not_a_score(world: World) -> None:
    """A first 0 is not sent, for it would count in the gradebook; falling back to 0 is."""
    assert not renew(world, 0, at=1_000_000)
    assert renew(world, 50, at=2_000_000)
    assert renew(world, 0, at=3_000_000)


def test_one_platforms_messages_are_listed_alone(world: World) -> None:
    """The list can be narrowed to one platform of an agency."""
    queue(world, 40, at=1)
    assert len(world.tool.grades.listed("agency", WAITING, platform_id=world.platform_id)) == 1
    assert world.tool.grades.listed("agency", WAITING, platform_id="another") == []


def test_trying_ends_after_two_weeks(world: World) -> None:
    """A score that could not be sent for a fortnight is shown as failed."""
    respond(world, 503)
    queue(world, 40, at=1)
    world.clock.forward(15 * 86_400)
    world.tool.deliveries.run_once()
    assert len(listed(world, FAILED)) == 1


def test_a_score_that_came_while_another_was_sent_is_kept(world: World) -> None:
    """A newer score queued during a delivery is not marked as sent by it."""

    def serve(_sent: Sent) -> Any:
        queue(world, 60, at=2)
        return answer([])

    world.wire.handlers[SCORES] = serve
    queue(world, 40, at=1)
    world.tool.deliveries.run_once()
    assert [one.given for one in listed(world, WAITING)] == [60]


def test_two_workers_do_not_send_the_same_score(world: World) -> None:
    """While one worker sends a score, another finds nothing to do."""
    counts = []

    def serve(_sent: Sent) -> Any:
        counts.append(world.tool.deliveries.run_once())
        return answer([])

    world.wire.handlers[SCORES] = serve
    queue(world, 40, at=1)
    world.tool.deliveries.run_once()
    assert counts == [0]


def test_one_agency_sees_its_own_queue(world: World) -> None:
    """The queue of one tenant is not another's."""
    queue(world, 40, at=1)
    assert listed(world, WAITING, "other") == []


def goal_launch(world: World, **changes: Any) -> Goal | None:
    custom = {"jejak_view": "goal", "jejak_form": "mentoring", "jejak_jp": "4", "jejak_goal": "g1"}
    claims = {
        CLAIM + "custom": custom,
        AGS_CLAIM: {"scope": [SCORE], "lineitems": ITEMS, "lineitem": ITEM},
        **changes,
    }
    world.visit().go(**claims)
    return world.tool.goals.remember(world.seen[-1][0])


def test_a_goal_is_remembered_and_its_progress_sent(world: World) -> None:
    """A learner who opened a graded goal gets progress in the gradebook, also later on."""
    goal_launch(world)
    (goal,) = world.tool.goals.of("agency", "https://lms.example", "42")
    assert (goal.line_item, goal.form, goal.jp) == (ITEM, "mentoring", Decimal(4))
    assert world.tool.goals.of("other", "https://lms.example", "42") == []
    world.tool.goals.report(goal, Decimal("3"), at=1)
    world.tool.deliveries.run_once()
    world.tool.goals.report(goal, Decimal("5"), at=2)
    world.tool.deliveries.run_once()
    bodies = [json.loads(sent.body) for sent in world.wire.to(SCORES)]
    assert [(one["scoreGiven"], one["activityProgress"]) for one in bodies] == [
        (75.0, "InProgress"),
        (100.0, "Completed"),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {CLAIM + "roles": [ROLE + "Instructor"]},
        {CLAIM + "custom": {}},
        {CLAIM + "custom": {"jejak_view": "goal", "jejak_form": "mentoring", "jejak_jp": "many"}},
        {AGS_CLAIM: None},
        {AGS_CLAIM: {"scope": [], "lineitem": ITEM}},
        {AGS_CLAIM: {"scope": [SCORE], "lineitems": ITEMS}},
    ],
)
def test_what_is_no_goal_of_a_learner_is_not_remembered(world: World, changes: dict[str, Any]) -> None:
    """Instructors, other links, and courses without a gradebook have no goals."""
    assert goal_launch(world, **changes) is None


def test_a_goal_opened_again_keeps_its_beginning(world: World) -> None:
    """Opening the link again changes nothing; a changed goal replaces the old one."""
    first = goal_launch(world)
    world.clock.forward(60)
    assert goal_launch(world) == first
    custom = {"jejak_view": "goal", "jejak_form": "mentoring", "jejak_jp": "6"}
    changed = goal_launch(world, **{CLAIM + "custom": custom})
    assert changed is not None
    assert changed.jp == Decimal(6)
    assert world.tool.goals.of("agency", "https://lms.example", "42") == [changed]


def test_a_grade_cannot_be_forged_for_another_line_item(world: World) -> None:
    """The line item comes from the signed message alone (compare CVE-2023-23611)."""
    visit = world.visit()
    visit.login()
    token = world.platform.sign(
        world.platform.claims(
            visit.nonce,
            **{
                CLAIM + "custom": {"jejak_view": "goal", "jejak_form": "mentoring", "jejak_jp": "4"},
                AGS_CLAIM: {"scope": [SCORE], "lineitems": ITEMS, "lineitem": ITEM},
            },
        )
    )
    fields = {"id_token": token, "state": visit.state, "lineitem": ITEMS + "/666/lineitem"}
    visit.client.post("/lti/launch?lineitem=x", data=fields, base_url="https://tool.example")
    goal = world.tool.goals.remember(world.seen[-1][0])
    assert goal is not None
    assert goal.line_item == ITEM


@given(jp=st.decimals(0, 500, places=1), wanted=st.decimals("0.1", 200, places=1))
def test_progress_stays_within_bounds(jp: Decimal, wanted: Decimal) -> None:
    """Progress is between nothing and the maximum, and complete exactly when the goal is reached."""
    share = progress(jp, wanted)
    assert 0 <= share <= 100
    if jp >= wanted:
        assert share == 100

"""From the learning record to the gradebook: what counts, when it is reported, and after a crash."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from lrs.access import Access
from lrs.outbox.messages import WAITING
from lrs.records.learning_record import LearningRecord
from lrs.store.errors import UnavailableError
from lrs.xapi.ingest import Ingest
from lti_tool.services.ags import SCORE
from lti_tool.services.goal_progress import MAX_REMEMBERED, Progress, Standing
from lti_tool.services.goals import Goal
from statements.data_types.versions import Version
from statements.profile.build import activity_statement, decision_statement, voiding_statement
from statements.profile.vocabulary import Decision
from tests.lti_tool.conftest import World
from tests.lti_tool.platform import AGS_CLAIM, CLAIM, ROLE, answer
from tests.lti_tool.services.test_client import ITEM, ITEMS, serve_tokens
from tests.waiting import wait_until

SCORES = ITEM + "/scores"
ISSUER = "https://lms.example"
AUTHORITY = {"objectType": "Agent", "account": {"homePage": "https://jejak.example", "name": "tool"}}
YEAR = 2025


def agent(subject: str) -> dict[str, Any]:
    return {"objectType": "Agent", "account": {"homePage": ISSUER, "name": subject}}


@dataclass
class Course:
    """A record with its follower, progress over it, and a learner with subject 42."""

    world: World
    told: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    undo_seconds: float = 0.0
    deaf: bool = False
    """Whether what the follower tells is lost, as in a crash right after its commit."""

    def __post_init__(self) -> None:
        world = self.world
        self.record = LearningRecord.over(
            world.store,
            world.clock,
            lambda: str(uuid4()),
            on_changed=self._changed,
            undo_seconds=self.undo_seconds,
        )
        tool = world.tool
        self.progress = Progress(self.record, tool.goals, tool.grades, tool.platforms, world.clock)

    def _changed(self, tenant: str, persons: Collection[str]) -> None:
        self.told.append((tenant, frozenset(persons)))
        if not self.deaf:
            self.progress.changed(tenant, persons)

    def open_goal(self, jp: str = "4", form: str = "mentoring") -> Goal:
        custom = {"jejak_view": "goal", "jejak_form": form, "jejak_jp": jp, "jejak_goal": "g1"}
        ags = {"scope": [SCORE], "lineitems": ITEMS, "lineitem": ITEM}
        roles = [ROLE + "Learner"]
        self.world.visit().go(**{CLAIM + "custom": custom, CLAIM + "roles": roles, AGS_CLAIM: ags})
        (goal,) = self.world.tool.goals.of("agency", ISSUER, "42")
        return goal

    def submit(self, *statements: dict[str, Any]) -> None:
        access = Access.internal("agency", "tool", AUTHORITY)
        Ingest(self.world.store, self.world.clock, lambda: str(uuid4())).submit(
            access, list(statements), Version.V1
        )
        self.world.clock.forward(5)
        while self.record.follower.run_once():
            pass

    def learn(self, form: str = "mentoring", *, year: int = YEAR, month: int = 10) -> str:
        id = str(uuid4())
        table = self.record.tables.of("agency")
        title, end = "Menyusun telaahan", date(year, month, 3)
        self.submit(activity_statement(table, form=form, id=id, actor=agent("42"), title=title, end=end))
        return id

    def decide(self, target: str, decision: Decision = Decision.VERIFIED) -> None:
        at, reason = self.world.clock.now, "" if decision is Decision.VERIFIED else "Tanggal keliru"
        self.submit(
            decision_statement(
                decision, target=target, id=str(uuid4()), verifier=agent("7"), reason=reason, at=at
            )
        )

    def turn(self) -> None:
        while self.progress.run_once():
            pass
        while self.world.tool.deliveries.run_once():
            pass

    @property
    def sent(self) -> list[float]:
        return [json.loads(sent.body)["scoreGiven"] for sent in self.world.wire.to(SCORES)]

    @property
    def person(self) -> str:
        return self.record.people.ensure("agency", [f"account\x1f{ISSUER}\x1f42"])


@pytest.fixture
def course(world: World) -> Course:
    serve_tokens(world, world.platform)
    world.wire.handlers[SCORES] = lambda _sent: answer([], 200)
    return Course(world)


def test_each_sign_off_moves_the_grade(course: Course) -> None:
    """Verified mentoring counts towards the goal at once; what waits or is of another form does not."""
    goal = course.open_goal()
    first = course.learn()
    course.learn("coaching")
    course.turn()
    assert course.sent == []
    course.decide(first)
    course.turn()
    second = course.learn(month=9)
    assert course.progress.standing(goal, course.person) == Standing(
        "mentoring", Decimal(4), Decimal(2), Decimal(2), YEAR
    )
    course.decide(second)
    course.turn()
    assert course.sent == [50, 100]


def test_a_grade_waits_until_the_decision_can_no_longer_be_undone(world: World) -> None:
    """What is undone in time never reaches the gradebook; what stands does, ten minutes later."""
    serve_tokens(world, world.platform)
    world.wire.handlers[SCORES] = lambda _sent: answer([], 200)
    course = Course(world, undo_seconds=600)
    course.open_goal()
    told = course.learn()
    course.decide(told)
    course.turn()
    at = course.record.verification.recent("agency", agent("7"))[0].at
    course.submit(*course.record.verification.undo("agency", at, verifier=agent("7")).statements)
    world.clock.forward(601)
    course.turn()
    assert course.sent == []
    course.decide(told)
    course.turn()
    world.clock.forward(300)
    course.turn()
    assert course.sent == []
    world.clock.forward(301)
    course.turn()
    assert course.sent == [50]


def test_a_grade_that_left_is_taken_back(world: World) -> None:
    """A verified entry that is returned later lowers the grade, once that decision stands."""
    serve_tokens(world, world.platform)
    world.wire.handlers[SCORES] = lambda _sent: answer([], 200)
    course = Course(world, undo_seconds=600)
    course.open_goal()
    told = course.learn()
    for decision in (Decision.VERIFIED, Decision.RETURNED):
        course.decide(told, decision)
        course.turn()
        world.clock.forward(601)
        course.turn()
    assert course.sent == [50, 0]


def test_a_grade_falls_when_an_entry_is_taken_back(course: Course) -> None:
    """A voided entry lowers the grade again: the gradebook says what the record says."""
    course.open_goal()
    told = course.learn()
    course.decide(told)
    course.turn()
    course.submit(
        voiding_statement(id=str(uuid4()), actor=agent("42"), target=told, at=course.world.clock.now)
    )
    course.turn()
    assert course.sent == [50, 0]


def test_learning_before_the_goal_was_opened_counts(course: Course) -> None:
    """Mentoring of the same year counts even when the goal was opened after it; last year's does not."""
    course.decide(course.learn())
    course.decide(course.learn(year=YEAR - 1))
    goal = course.open_goal()
    course.progress.changed("agency", [course.person])
    course.turn()
    assert course.sent == [50]
    assert course.progress.standing(goal, course.person).year == YEAR


def test_the_new_year_takes_nothing_away(course: Course) -> None:
    """A goal counts the year in which it was first opened, also after that year has ended."""
    goal = course.open_goal()
    course.decide(course.learn())
    course.world.clock.forward(60 * 86_400)
    assert course.progress.standing(goal, course.person).verified == 2


def test_repeating_a_report_sends_nothing(course: Course) -> None:
    """Being told again, or walking over everything, sends no score that was sent."""
    course.open_goal()
    course.decide(course.learn())
    course.turn()
    course.progress.changed("agency", [course.person])
    course.progress.look_at_everything()
    course.turn()
    assert course.sent == [50]


def test_what_was_lost_in_a_crash_is_made_up_for(course: Course) -> None:
    """When nobody heard of a change, the walk over all goals at the next start finds it."""
    course.open_goal()
    course.deaf = True
    course.decide(course.learn())
    course.turn()
    assert course.sent == []
    after = Course(course.world)
    after.progress.look_at_everything()
    after.turn()
    assert course.sent == [50]


def test_a_failing_store_loses_no_change(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that fails keeps what it was told for the next one."""
    course.open_goal()
    course.decide(course.learn())

    def fail(*_: Any) -> Any:
        raise UnavailableError("away")

    with monkeypatch.context() as broken:
        broken.setattr(course.world.tool.goals, "of", fail)
        with pytest.raises(UnavailableError):
            course.progress.run_once()
    course.turn()
    assert course.sent == [50]


def test_a_walk_that_fails_begins_again(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure in the middle of the walk over all goals does not end it for an hour."""
    course.open_goal()
    course.deaf = True
    course.decide(course.learn())
    course.progress.look_at_everything()

    def fail(*_: Any) -> Any:
        raise UnavailableError("away")

    with monkeypatch.context() as broken:
        broken.setattr(course.record.people, "resolve_all", fail)
        with pytest.raises(UnavailableError):
            course.progress.run_once()
    course.turn()
    assert course.sent == [50]


def test_a_flood_of_changes_becomes_a_walk(course: Course) -> None:
    """More changed persons than are worth remembering are looked at by walking over the goals."""
    course.open_goal()
    course.deaf = True
    course.decide(course.learn())
    course.progress.changed("agency", [str(number) for number in range(MAX_REMEMBERED + 1)])
    course.turn()
    assert course.sent == [50]


def test_a_slow_reader_does_not_undo_what_is_newer(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who read the record before a change and queues after it puts the newest result back by itself."""
    goal = course.open_goal()
    course.decide(course.learn())
    standing = course.progress.standing
    stale = standing(goal, course.person)
    course.decide(course.learn(month=9))
    course.turn()
    answers = iter([stale])
    monkeypatch.setattr(course.progress, "standing", lambda *given: next(answers, None) or standing(*given))
    course.progress.report(goal, course.person)
    assert [one.given for one in course.world.tool.grades.listed("agency", WAITING)] == [100]


def test_it_works_in_the_background(course: Course) -> None:
    """The thread reports what changes and ends when it is told to."""
    course.open_goal()
    stop = threading.Event()
    thread = threading.Thread(target=course.progress.run_forever, args=(stop,), kwargs={"sweeping": False})
    thread.start()
    try:
        course.decide(course.learn())
        grades = course.world.tool.grades
        wait_until(lambda: grades.listed("agency", WAITING), "a grade was queued")
    finally:
        stop.set()
        course.progress.changed("agency", ())
        thread.join(timeout=5)
    course.turn()
    assert course.sent == [50]
    assert not thread.is_alive()


def test_a_start_looks_at_all_goals(course: Course) -> None:
    """The one thread that sweeps begins with a walk over all goals."""
    course.open_goal()
    course.deaf = True
    course.decide(course.learn())
    stop = threading.Event()
    thread = threading.Thread(target=course.progress.run_forever, args=(stop,), kwargs={"sweeping": True})
    thread.start()
    try:
        grades = course.world.tool.grades
        wait_until(lambda: grades.listed("agency", WAITING), "a grade was queued")
    finally:
        stop.set()
        course.progress.changed("agency", ())
        thread.join(timeout=5)
    course.turn()
    assert course.sent == [50]
    assert not thread.is_alive()


def test_agencies_do_not_mix(course: Course) -> None:
    """The same account at another agency moves no grade here."""
    course.open_goal()
    course.deaf = True
    course.decide(course.learn())
    course.progress.changed("another", [course.person])
    course.turn()
    assert course.sent == []
    course.progress.changed("agency", [course.person])
    course.turn()
    assert course.sent == [50]


def test_the_follower_tells_whose_record_changed(course: Course) -> None:
    """Each change is told with its agency and person, and nobody else."""
    course.learn()
    assert set(course.told) == {("agency", frozenset({course.person}))}

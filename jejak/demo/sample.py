"""A year of sample data as statements, in the order in which they would have been sent.

Deterministic: the same year, issuer and seed give the same statements, ids included, so that sending them
twice changes nothing (what the LMS sends has no ids; see `loading`).
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from jejak.demo import plan
from jejak.demo.lms.people import BY_ID, INSTRUCTOR, Person, course_of
from jejak.demo.moodle import Module, Site
from statements.profile.build import activity_statement, decision_statement, quantity
from statements.profile.shipped import shipped
from statements.profile.table import Table
from statements.profile.vocabulary import BY_LINK, LINKS, NAMED_PEOPLE, Decision

NAMESPACE = uuid.UUID("6f0f8a52-6c8e-5d0e-9a52-7a1f3f0c2026")
DECISIONS = {"verified": Decision.VERIFIED, "returned": Decision.RETURNED, "rejected": Decision.REJECTED}
Sender = Literal["lms", "tool"]
Photos = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement, who sends it, and when (microseconds)."""

    at: int
    sender: Sender
    statement: dict[str, Any]


def sample(issuer: str, year: int, seed: int = 2026, *, photos: Photos | None = None) -> list[Sent]:
    """All statements of the year, oldest first. `issuer` is the LMS's address.

    `photos`: attachments of activities, by title.
    """
    site, chance = Site(issuer), random.Random(seed + 1)  # noqa: S311
    made = [*_from_lms(site, year, random.Random(seed)), *_from_tool(site, year, chance, photos or {})]  # noqa: S311
    return sorted(made, key=lambda one: one.at)


def _moment(day: date, chance: random.Random, table: Table, after: int = 8, before: int = 17) -> datetime:
    minutes = chance.randrange(after * 60, before * 60)
    return datetime.combine(day, time(minutes // 60, minutes % 60, chance.randrange(60)), table.zone)


def _microseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _day(year: int, text: str) -> date:
    return date.fromisoformat(f"{year}-{text}")


def _from_lms(site: Site, year: int, chance: random.Random) -> Iterator[Sent]:
    table, main = shipped(), course_of(year)
    number, title = int(main.id), main.title

    def sent(moment: datetime, statement: dict[str, Any]) -> Sent:
        return Sent(_microseconds(moment), "lms", statement)

    def moments(days: tuple[tuple[str, str], ...]) -> Iterator[tuple[Person, datetime]]:
        for person, day in days:
            yield BY_ID[person], _moment(_day(year, day), chance, table)

    courses = (plan.LmsCourse(number, title, plan.MAIN_COURSE_DONE), *plan.OTHER_COURSES)
    for course in courses:
        for person, when in moments(course.done):
            yield sent(when, site.course_completed(person, course.id, course.name, when))
    results: tuple[tuple[Module, tuple[tuple[str, str], ...], bool | None], ...] = (
        (plan.QUIZ, plan.QUIZ_PASSED, True),
        (plan.QUIZ, plan.QUIZ_FAILED, False),
        (plan.BOOK, plan.BOOK_READ, None),
    )
    for module, days, passed in results:
        for person, when in moments(days):
            yield sent(when, site.module_completed(person, module, number, title, when, passed=passed))
    for person, when in moments(plan.BOOK_TAKEN_BACK):
        yield sent(when, site.module_uncompleted(person, plan.BOOK, number, title, when))
    sessions = (
        (plan.FIRST, plan.FIRST_DAY, plan.FIRST_SECONDS, plan.FIRST_PEOPLE),
        (plan.SECOND, plan.SECOND_DAY, plan.SECOND_SECONDS, plan.SECOND_PEOPLE),
    )
    for module, day, seconds, people in sessions:
        # One click of the instructor marks everybody: the same second for all.
        when = _moment(_day(year, day), chance, table, 15)
        for one in people:
            yield sent(
                when,
                site.attended(BY_ID[one], INSTRUCTOR, module, number, title, when, seconds=seconds),
            )


def _from_tool(site: Site, year: int, chance: random.Random, photos: Photos) -> Iterator[Sent]:
    table, main = shipped(), course_of(year)
    course = site.course(int(main.id), main.title)
    verifier = _agent(site, INSTRUCTOR)
    for index, activity in enumerate(plan.ACTIVITIES):
        name = f"{site.url} {year} {index}"
        identifier = str(uuid.uuid5(NAMESPACE, name))
        end = _day(year, activity.end)
        logged = _microseconds(_moment(end, chance, table, 16, 21))
        unit = quantity(table.forms[activity.form])
        amount: dict[str, Any] = {} if unit == "none" else {unit: activity.amount}
        yield Sent(
            logged,
            "tool",
            activity_statement(
                table,
                id=identifier,
                form=activity.form,
                actor=_agent(site, BY_ID[activity.person]),
                title=activity.title,
                start=_day(year, activity.start),
                end=end,
                at=logged,
                organiser=activity.organiser,
                international=activity.international,
                mentor=_mentor(name, activity, verifier),
                courses=[course],
                attachments=photos.get(activity.title, ()),
                **amount,
            ),
        )
        if activity.confirmed:
            yield _confirmed(name, activity, identifier, end, table)
        if activity.outcome == "waiting":
            continue
        later = end + timedelta(days=chance.randrange(2, 12))
        decided = _microseconds(_moment(later, chance, table))
        yield Sent(
            decided,
            "tool",
            decision_statement(
                DECISIONS[activity.outcome],
                id=str(uuid.uuid5(NAMESPACE, f"{name} decision")),
                target=identifier,
                at=decided,
                reason=activity.reason,
                **({"verifier": verifier} if activity.confirmed else _decider(name, activity, verifier)),
            ),
        )


def _mentor(name: str, activity: plan.Activity, verifier: dict[str, Any]) -> dict[str, Any] | None:
    """Who is named in the entry: whoever the link was made for, or the instructor, or nobody."""
    if activity.linked is not None:
        return _named(NAMED_PEOPLE, f"{name} mentor", activity.linked[0])
    return verifier if activity.coached else None


def _confirmed(name: str, activity: plan.Activity, target: str, end: date, table: Table) -> Sent:
    """The confirmation by a one-time link, at noon of the day after."""
    at = _microseconds(datetime.combine(end + timedelta(days=1), time(12), table.zone))
    made = decision_statement(
        Decision.CONFIRMED,
        id=str(uuid.uuid5(NAMESPACE, f"{name} confirmation")),
        target=target,
        at=at,
        **_decider(name, activity, {}),
    )
    return Sent(at, "tool", made)


def _decider(name: str, activity: plan.Activity, verifier: dict[str, Any]) -> dict[str, Any]:
    """Who decides: the holder of the link, as they call themselves, else the instructor."""
    if activity.linked is None:
        return {"verifier": verifier}
    called, position = activity.linked
    return {"verifier": _named(LINKS, f"{name} link", called), "channel": BY_LINK, "position": position}


def _named(home_page: str, name: str, called: str) -> dict[str, Any]:
    account = {"homePage": home_page, "name": str(uuid.uuid5(NAMESPACE, name))}
    return {"objectType": "Agent", "name": called, "account": account}


def _agent(site: Site, person: Person) -> dict[str, Any]:
    """A person as the tool names them: the account (issuer, sub) of their launches."""
    return {"objectType": "Agent", **site.actor(person)}

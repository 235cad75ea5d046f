"""Does a statement count as learning? As which form and pillar, how much of it, and why.

Two families are recognised: statements of our own profile, by their category activities, and what learning
platforms send (Moodle's logstore_xapi, cmi5, H5P). Sign-off, voiding and the reversal of a completion are
told apart, too: they change what other statements count for. Nothing here looks at other statements or at a
clock.

Statements are expected to have passed the rules and to be as they were stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from statements.data_types import timestamps
from statements.data_types.identity import agent_key, is_group, is_uuid
from statements.profile import reading as read
from statements.profile import vocabulary as words
from statements.profile.jp import LONGEST_DAYS, Amount
from statements.profile.reading import Evidence
from statements.profile.table import Form, Table
from statements.profile.vocabulary import DECISIONS, Decision

_MOST_COURSES: Final = 5
_DETAILS: Final = {
    "certificate": words.CERTIFICATE,
    "place": words.PLACE,
    "role": words.ROLE,
    "competency": words.COMPETENCY,
}
SOURCES: Final = frozenset({"self", "mentor", "import", "system"})
"""Where an entry of our own profile may say it comes from; "lms" is found out, never believed."""


@dataclass(frozen=True, slots=True)
class Someone:
    """A person as a statement names them."""

    key: str
    """Identity key, see `statements.data_types.identity.agent_key`."""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Learning:
    """One piece of learning of one person."""

    actor: Someone
    form: str
    pillar: str
    title: Mapping[str, str]
    """By language tag."""
    start: date
    end: date
    at: int
    """The statement's timestamp, in microseconds."""
    why: str
    """Which rule recognised it: profile, course-completed, session-attended or unit-completed."""
    activity: str
    amount: Amount = field(default_factory=Amount)
    international: bool = False
    jp_claimed: Decimal | None = None
    jp_given: Decimal | None = None
    automatic: bool = False
    """A learning platform saw it: the entry is verified as it arrives."""
    source: str = "self"
    organiser: str = ""
    mentor: Someone | None = None
    evidence: tuple[Evidence, ...] = ()
    courses: tuple[str, ...] = ()
    """Activities that it was part of."""
    details: Mapping[str, str] = field(default_factory=dict)
    """Certificate number, place, role and competency, as far as given."""
    replaces: str | None = None
    """Id of the voided statement that this one corrects."""


@dataclass(frozen=True, slots=True)
class SignOff:
    """A verifier's decision about another statement."""

    target: str
    decision: Decision
    by: Someone
    at: int
    reason: str = ""
    channel: str = ""
    """How the verifier came to it, one of `vocabulary.CHANNELS`; empty where nothing is said."""
    position: str = ""
    """The verifier's office, as they say it."""


@dataclass(frozen=True, slots=True)
class Voiding:
    """A statement that voids another."""

    target: str


@dataclass(frozen=True, slots=True)
class Reversal:
    """A platform takes back that an activity was completed."""

    actor: Someone
    activity: str
    at: int


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing for the learning record, and why."""

    why: str


Classified = Learning | SignOff | Voiding | Reversal | Ignored


def classify(statement: Mapping[str, Any], table: Table) -> Classified:
    """What a statement means for the learning record."""
    verb: str = statement["verb"]["id"]
    target = statement["object"]
    if target.get("objectType", "Activity") != "Activity":
        return _about_a_statement(statement, verb, target)
    grouped = (statement.get("context") or {}).get("contextActivities") or {}
    form = _form(grouped.get("category"))
    lms = table.lms
    if form is None and verb not in lms.completion_verbs | lms.attendance_verbs | lms.reversal_verbs:
        return Ignored("verb")
    actor = _someone(statement["actor"])
    if actor is None:
        return Ignored("actor")
    at = timestamps.parse(statement["timestamp"])
    if not read.EARLIEST <= at < read.LATEST:
        return Ignored("date")
    if form is not None:
        known = table.forms.get(form)
        return Ignored("unknown-form") if known is None else _own(statement, known, actor, at, table)
    if verb in lms.reversal_verbs:
        return Reversal(actor, target["id"], at)
    return _platform(statement, verb, actor, at, table)


def _about_a_statement(statement: Mapping[str, Any], verb: str, target: Mapping[str, Any]) -> Classified:
    if target.get("objectType") != "StatementRef":
        return Ignored("object")
    if verb == words.VOIDED:
        return Voiding(target["id"].lower())
    decision = DECISIONS.get(verb)
    if decision is None:
        return Ignored("verb")
    by = _someone(statement["actor"])
    if by is None:
        return Ignored("actor")
    reason = (statement.get("result") or {}).get("response") or ""
    at = timestamps.parse(statement["timestamp"])
    told = (statement.get("context") or {}).get("extensions") or {}
    channel = read.text(told.get(words.CHANNEL))
    return SignOff(
        target["id"].lower(),
        decision,
        by,
        at,
        reason[:2000],
        channel if channel in words.CHANNELS else "",
        read.text(told.get(words.POSITION)),
    )


def _own(statement: Mapping[str, Any], form: Form, actor: Someone, at: int, table: Table) -> Learning:
    """A statement of our own profile. What is badly said in an extension counts as not said."""
    context, result = statement.get("context") or {}, statement.get("result") or {}
    told, measured = context.get("extensions") or {}, result.get("extensions") or {}
    grouped = context.get("contextActivities") or {}
    pillar = next(_named(grouped.get("category"), words.PILLARS), "")
    amount = Amount(
        seconds=read.seconds(result),
        days=read.whole(measured.get(words.DAYS)),
        sessions=read.whole(measured.get(words.SESSIONS)),
        semesters=read.whole(measured.get(words.SEMESTERS)),
    )
    end = read.day(told.get(words.END)) or table.day(at)
    start = read.day(told.get(words.START)) or end - timedelta(days=min(amount.days or 1, LONGEST_DAYS) - 1)
    source = told.get(words.SOURCE)
    replaces = told.get(words.REPLACES)
    return Learning(
        actor=actor,
        form=form.code,
        pillar=pillar if pillar in form.pillars else form.pillar,
        title=read.title(statement["object"]),
        start=max(min(start, end), end - timedelta(days=LONGEST_DAYS)),
        end=end,
        at=at,
        why="profile",
        activity=statement["object"]["id"],
        amount=amount,
        international=told.get(words.EVENT_SCOPE) == "international",
        jp_claimed=read.decimal(measured.get(words.JP_CLAIMED)),
        source=source if isinstance(source, str) and source in SOURCES else "self",
        organiser=read.text(told.get(words.ORGANISER)),
        mentor=_someone(context.get("instructor")),
        evidence=tuple(read.evidence(statement.get("attachments"), told.get(words.EVIDENCE))),
        courses=tuple(_ids(grouped)),
        details={name: text for name, iri in _DETAILS.items() if (text := read.text(told.get(iri)))},
        replaces=replaces.lower() if isinstance(replaces, str) and is_uuid(replaces) else None,
    )


def _platform(statement: Mapping[str, Any], verb: str, actor: Someone, at: int, table: Table) -> Classified:
    """What a learning platform reports: a course completed, a session attended, a part completed."""
    target, result = statement["object"], statement.get("result") or {}
    context = statement.get("context") or {}
    grouped = context.get("contextActivities") or {}
    if result.get("completion") is False or result.get("success") is False:
        return Ignored("not-completed")
    lms, kind = table.lms, (target.get("definition") or {}).get("type")
    # A module may have the type of a course (Moodle's imscp has): what lies inside a course is a part of it.
    inside = any(_type(parent) in lms.course_types for parent in _each(grouped.get("parent")))
    course = table.courses.get(target["id"])
    if verb in lms.attendance_verbs:
        if kind not in lms.session_types and course is None:
            return Ignored("activity-type")
        why, form_code = "session-attended", lms.attended_form
    elif course is not None or (kind in lms.course_types and not inside):
        why, form_code = "course-completed", lms.form
    elif lms.units == "count":
        why, form_code = "unit-completed", lms.form
    else:
        return Ignored("unit")
    form = table.forms[course.form if course is not None and course.form else form_code]
    day = table.day(at)
    return Learning(
        actor=actor,
        form=form.code,
        pillar=course.pillar if course is not None and course.pillar else form.pillar,
        title=read.title(target),
        start=day,
        end=day,
        at=at,
        why=why,
        activity=target["id"],
        amount=Amount(seconds=read.seconds(result) if why != "unit-completed" else read.seconds(result) or 0),
        jp_given=course.jp if course is not None else None,
        automatic=True,
        source="lms",
        organiser=course.organiser if course is not None and course.organiser else _site(grouped),
        mentor=_someone(context.get("instructor")),
        courses=tuple(_ids(grouped)),
    )


def _form(category: Any) -> str | None:
    return next(_named(category, words.FORMS), None)


def _named(activities: Any, prefix: str) -> Iterator[str]:
    """What follows the prefix in the ids that begin with it."""
    for activity in _each(activities):
        if activity["id"].startswith(prefix):
            yield activity["id"].removeprefix(prefix)


def _each(activities: Any) -> Iterable[Mapping[str, Any]]:
    """One activity or many: contextActivities may come as either."""
    if activities is None:
        return ()
    return activities if isinstance(activities, list) else (activities,)


def _ids(grouped: Mapping[str, Any]) -> list[str]:
    found = [activity["id"] for name in ("parent", "grouping") for activity in _each(grouped.get(name))]
    return list(dict.fromkeys(found))[:_MOST_COURSES]


def _type(activity: Mapping[str, Any]) -> str | None:
    kind: str | None = (activity.get("definition") or {}).get("type")
    return kind


def _site(grouped: Mapping[str, Any]) -> str:
    """The name of the platform, which logstore_xapi puts among the categories."""
    for activity in _each(grouped.get("category")):
        if (_type(activity) or "").endswith("/activitytype/lms"):
            return next(iter(read.title(activity).values()), "")
    return ""


def _someone(actor: Any) -> Someone | None:
    """The agent; None for groups, of whom no single person can be credited, and for nobody."""
    if not isinstance(actor, Mapping) or is_group(actor):
        return None
    key = agent_key(actor)
    return None if key is None else Someone(key, read.text(actor.get("name")))

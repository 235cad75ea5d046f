"""The instructor's pages: everyone in the course, and the entries and statements behind each number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

from flask import Blueprint, abort, render_template, request

from lrs.records import reports
from lrs.records.reports import Cohort, Row, Standing, Tally
from lrs.records.waiting import WaitingPage
from lti_tool.launch.course_members import Member
from lti_tool.launch.sessions import COHORT_ROLES
from lti_tool.pages.shared import asked_year, entry_page, in_year, use_table, years_around
from lti_tool.roles import ADMINISTRATOR
from lti_tool.services.roster import RosterState
from lti_tool.services.sign_off import LATE_DAYS
from lti_tool.text import charts, sentences
from lti_tool.text.charts import Dot
from lti_tool.text.formats import jp, time_of_day
from lti_tool.text.i18n import gettext, ngettext
from lti_tool.text.masking import masked
from lti_tool.web.guard import current_session, launch_session_required, launch_url
from lti_tool.web.record_services import current_record_services
from statements.profile.table import PILLAR_CODES

PAGE = 50
"""People on one page of the list."""
MAX_PLACE = 64
"""Characters of a place in the list: a digest, never a name."""


def create_instructor_blueprint() -> Blueprint:
    """The blueprint of /l/<launch_id>/cohort and what is below it."""
    blueprint = Blueprint("instructor", __name__, url_prefix="/l/<launch_id>/cohort")
    guard = launch_session_required(roles=COHORT_ROLES)
    for path, view in (("", cohort), ("/<key>", person), ("/<key>/<entry_id>", entry)):
        blueprint.add_url_rule(path, view.__name__, guard(view), methods=["GET"])
    return blueprint


def cohort(launch_id: str) -> str:
    """Everyone in the course with JP per pillar, some people at a time."""
    desk, session = current_record_services(), current_session()
    today = use_table().day(desk.clock())
    year = asked_year(today)
    state = desk.roster.state(session)
    asked = {name: request.args.get(name, "")[:MAX_PLACE] for name in ("after", "before")}
    page = desk.roster.learners(session, limit=PAGE, **asked)
    few = desk.cohorts.few(session)
    shown = page.members if few is None else few
    persons = desk.persons_of(session, shown)
    members = {persons[one.subject]: called(one) for one in shown}
    found = reports.cohort(desk.record.records, session.tenant, members, year, today=today)
    rows = _on_page(found, [persons[one.subject] for one in page.members if one.subject in persons])
    if few is not None:
        tally: Tally | None = reports.tally(year, (row.summary for row in found.rows))
        dots, counted = [_dot(row) for row in found.rows], 0
    else:
        numbers = desk.cohorts.numbers(session, year, since=state.fetched, patient=not state.fetching)
        tally, counted = (None, 0) if numbers is None else (numbers.tally, numbers.counted)
        dots = [] if tally is None else _dots(tally, today)
    mine = desk.sign_off.front(session, desk.sign_off.reach(session)) if session.is_instructor else None
    sentence = _sentence(tally, today, counts_waiting=mine is None)
    target = sentences.table_in_force().target(None).jp
    return render_template(
        "instructor/cohort.html",
        title=session.context_title or gettext("Participants"),
        year=year,
        years=years_around(year, today),
        in_year=in_year(year, today),
        ring=_ring(year, today),
        rows=rows,
        target=target,
        sentence=sentence,
        verify=_verify(mine, tally) if session.is_instructor else "",
        late=sentences.late_sentence(mine.late, LATE_DAYS) if mine else "",
        counted=counted,
        strip=charts.strip(dots, target, sentence) if dots else None,
        segments=sentences.segments,
        longest=max((_length(row) for row in rows), default=Decimal(0)),
        row_label=_label,
        administrator=ADMINISTRATOR in session.roles,
        notes=_notes(state),
        fetching=state.fetching,
        here="?" + urlencode(request.args.to_dict()) if request.args else "",
        before=_place(year, today, "before", page.before),
        after=_place(year, today, "after", page.after),
        begin=_place(year, today, "", "") if page.before else "",
    )


def person(launch_id: str, key: str) -> str:
    """One participant's year, all of it or one pillar."""
    desk, session = current_record_services(), current_session()
    today = use_table().day(desk.clock())
    year = asked_year(today)
    name = _participant(key)
    pillar = request.args.get("pillar", "")
    summary = desk.record.records.summary(session.tenant, key, year)
    entries = desk.record.records.entries(session.tenant, key, year=year)
    return render_template(
        "instructor/person.html",
        name=name,
        key=key,
        year=year,
        years=years_around(year, today),
        in_year=in_year(year, today),
        pillar=pillar if pillar in PILLAR_CODES else "",
        summary=summary,
        segments=sentences.segments(summary),
        sentence=sentences.standing(summary, own=False),
        entries=[one for one in entries if pillar not in PILLAR_CODES or one.pillar == pillar],
    )


def entry(launch_id: str, key: str, entry_id: str) -> str:
    """One entry of a participant, with the statements behind it."""
    desk, session = current_record_services(), current_session()
    today = use_table().day(desk.clock())
    name = _participant(key)
    found = desk.record.records.entry(session.tenant, entry_id)
    if found is None or not desk.record.records.is_own(found, key):
        abort(404)
    back = launch_url(f"cohort/{key}") + in_year(found.year, today)
    return entry_page(found, back=back, back_name=name, name=name)


def called(member: Member) -> str:
    """What to call someone whose platform may not tell their name."""
    return masked(member.name or member.given_name) or gettext("No name")


def _on_page(found: Cohort, persons: Sequence[str]) -> list[Row]:
    """The rows of some people, in their order; a person with two accounts here has one row."""
    rows = {row.person: row for row in found.rows}
    return [rows[person] for person in dict.fromkeys(persons) if person in rows]


def _place(year: int, today: date, name: str, place: str) -> str:
    """The query of another page of the list; empty when there is none."""
    asked = {"year": str(year)} if year != today.year else {}
    if name and not place:
        return ""
    return "?" + urlencode({**asked, **({name: place} if name else {})})


def _notes(state: RosterState) -> list[str]:
    """What to know about the list of people."""
    notes = []
    if state.fetching:
        notes.append(
            gettext("The LMS is being asked for its list: %(num)s people so far.", num=state.done)
            if state.done
            else gettext("The LMS is being asked for its list; until it answers, those known here are shown.")
        )
    elif state.paused_until:
        notes.append(
            gettext(
                "The LMS did not answer several times, so it is left alone until %(time)s."
                " This is the last list known.",
                time=time_of_day(state.paused_until),
            )
        )
    elif state.stale:
        notes.append(gettext("The LMS could not be asked for its list just now; this is the last one known."))
    elif not state.complete:
        notes.append(gettext("The list of the LMS is longer than this tool reads; some people are missing."))
    return notes


def _dots(tally: Tally, today: date) -> list[Dot]:
    return [
        Dot(
            "",
            verified,
            reports.standing_of(verified, target, tally.year, today) is Standing.BELOW_HALF,
            people,
        )
        for (target, verified), people in tally.groups.items()
    ]


def _dot(row: Row) -> Dot:
    jps = row.summary.total_verified
    return Dot(f"{row.name}: {jp(jps)} JP", jps, below=row.standing is Standing.BELOW_HALF)


def _length(row: Row) -> Decimal:
    return charts.shown_length(sentences.segments(row.summary), row.summary.target.jp)


def _label(row: Row) -> str:
    return f"{row.name}: {sentences.standing(row.summary, own=False)}"


def _verify(mine: WaitingPage | None, tally: Tally | None) -> str:
    """The link to what waits for the instructor; "" when nothing does."""
    if mine is not None:
        return sentences.waiting_for_you(mine) if mine.total else ""
    return gettext("Verify what waits") if tally is not None and tally.waiting else ""


def _sentence(tally: Tally | None, today: date, *, counts_waiting: bool) -> str:
    if tally is None:
        return gettext("The people of this course are being counted.")
    if not tally.people:
        return gettext("Nobody is here yet.")
    parts = [
        ngettext("%(num)s participant:", "%(num)s participants:", tally.people),
        _standings(tally, today),
    ]
    if tally.waiting and counts_waiting:
        parts.append(
            ngettext(
                "%(num)s entry waits for verification.",
                "%(num)s entries wait for verification.",
                tally.waiting,
            )
        )
    return " ".join(parts)


def _ring(year: int, today: date) -> str:
    """What a ring around a dot means."""
    if year == today.year:
        return gettext("A ring means below half of what is due by today.")
    return gettext("A ring means below half of the target.")


def _standings(tally: Tally, today: date) -> str:
    """How many people stand how; a year that has ended has no today."""
    told = {
        "on": tally.count(Standing.ON_TRACK, today),
        "behind": tally.count(Standing.BEHIND, today),
        "below": tally.count(Standing.BELOW_HALF, today),
    }
    if tally.year == today.year:
        return gettext(
            "%(on)s on target, %(behind)s behind, %(below)s below half of what is due by today.", **told
        )
    return gettext(
        "%(on)s reached the target, %(behind)s did not, %(below)s have less than half of it.", **told
    )


def _participant(key: str) -> str:
    """The name of a person of this course; anybody else is as if they were not there."""
    desk, session = current_record_services(), current_session()
    people = desk.record.people
    person = people.person(session.tenant, key)
    # Merged into another one, it is found under that one's address alone.
    own = person is not None and person.id == key
    accounts = people.identifiers(session.tenant, key, "account") if own else []
    for account in accounts:
        issuer, _, subject = account.partition("\x1f")
        member = desk.roster.member(session, subject) if issuer == session.issuer else None
        if member is not None:
            return called(member)
    return abort(404)

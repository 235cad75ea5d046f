"""The instructor's pages: everyone in the course, and the entries and statements behind each number."""

from __future__ import annotations

from decimal import Decimal

from flask import Blueprint, abort, render_template, request

from lrs.records import reports
from lrs.records.reports import Cohort, Row, Standing
from lti_tool import wording
from lti_tool.charts import Dot, total
from lti_tool.desk import current_desk
from lti_tool.formats import jp
from lti_tool.guard import current_session, launch_session_required, launch_url
from lti_tool.i18n import gettext, ngettext
from lti_tool.learner.routes import asked_year, entry_page, use_table
from lti_tool.masking import masked
from lti_tool.members import Member
from lti_tool.roles import ADMINISTRATOR
from lti_tool.sessions import COHORT_ROLES
from statements.profile.table import PILLAR_CODES


def create_instructor_blueprint() -> Blueprint:
    """The blueprint of /l/<launch_id>/cohort and what is below it."""
    blueprint = Blueprint("instructor", __name__, url_prefix="/l/<launch_id>/cohort")
    guard = launch_session_required(roles=COHORT_ROLES)
    for path, view in (("", cohort), ("/<key>", person), ("/<key>/<entry_id>", entry)):
        blueprint.add_url_rule(path, view.__name__, guard(view), methods=["GET"])
    return blueprint


def cohort(launch_id: str) -> str:
    """Everyone in the course with JP per pillar."""
    desk, session = current_desk(), current_session()
    today = use_table().day(desk.clock())
    year = asked_year(today)
    view = desk.roster.view(session)
    persons = desk.persons_of(session, view.learners)
    members = {persons[one.subject]: called(one) for one in view.learners}
    found = reports.cohort(desk.record.records, session.tenant, members, year, today=today)
    sentence = _sentence(found)
    return render_template(
        "instructor/cohort.html",
        title=session.context_title or gettext("Participants"),
        year=year,
        rows=found.rows,
        target=wording.table_in_force().target(None).jp,
        sentence=sentence,
        dots=[_dot(row) for row in found.rows],
        segments=wording.segments,
        longest=max((total(wording.segments(row.summary)) for row in found.rows), default=Decimal(0)),
        row_label=_label,
        administrator=ADMINISTRATOR in session.roles,
        problem=gettext("The LMS could not be asked for its list just now; this is the last one known.")
        if view.stale
        else "",
    )


def person(launch_id: str, key: str) -> str:
    """One participant's year, all of it or one pillar."""
    desk, session = current_desk(), current_session()
    year = asked_year(use_table().day(desk.clock()))
    name = _participant(key)
    pillar = request.args.get("pillar", "")
    summary = desk.record.records.summary(session.tenant, key, year)
    entries = desk.record.records.entries(session.tenant, key, year=year)
    return render_template(
        "instructor/person.html",
        name=name,
        key=key,
        year=year,
        pillar=pillar if pillar in PILLAR_CODES else "",
        summary=summary,
        segments=wording.segments(summary),
        sentence=wording.standing(summary, own=False),
        entries=[one for one in entries if pillar not in PILLAR_CODES or one.pillar == pillar],
    )


def entry(launch_id: str, key: str, entry_id: str) -> str:
    """One entry of a participant, with the statements behind it."""
    desk, session = current_desk(), current_session()
    use_table()
    name = _participant(key)
    found = desk.record.records.entry(session.tenant, entry_id)
    if found is None or not desk.record.records.is_own(found, key):
        abort(404)
    return entry_page(found, back=launch_url(f"cohort/{key}"), back_name=name, name=name)


def called(member: Member) -> str:
    """What to call someone whose platform may not tell their name."""
    return masked(member.name or member.given_name) or gettext("No name")


def _dot(row: Row) -> Dot:
    jps = row.summary.total_verified
    return Dot(f"{row.name}: {jp(jps)} JP", jps, below=row.standing is Standing.BELOW_HALF)


def _label(row: Row) -> str:
    return f"{row.name}: {wording.standing(row.summary, own=False)}"


def _sentence(found: Cohort) -> str:
    if not found.rows:
        return gettext("Nobody is here yet.")
    parts = [
        ngettext("%(num)s participant:", "%(num)s participants:", len(found.rows)),
        gettext(
            "%(on)s on track, %(behind)s behind, %(below)s below half of what is due by today.",
            on=found.count(Standing.ON_TRACK),
            behind=found.count(Standing.BEHIND),
            below=found.count(Standing.BELOW_HALF),
        ),
    ]
    if found.waiting:
        parts.append(
            ngettext(
                "%(num)s entry waits for verification.",
                "%(num)s entries wait for verification.",
                found.waiting,
            )
        )
    return " ".join(parts)


def _participant(key: str) -> str:
    """The name of a person of this course; anybody else is as if they were not there."""
    desk, session = current_desk(), current_session()
    members = desk.roster.view(session).members
    persons = desk.persons_of(session, members)
    found = next((one for one in members if persons[one.subject] == key), None)
    if found is None:
        abort(404)
    return called(found)

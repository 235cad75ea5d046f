"""The learner's pages: the record of a year, an entry, and the form to log an activity."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from lrs.records.entries import Entry, Status
from lti_tool.launch.deep_linking import COHORT, GOAL, LOG, RECORD, embedded
from lti_tool.launch.sessions import LaunchSession
from lti_tool.pages.learner import log_form
from lti_tool.pages.learner.form_limits import most
from lti_tool.pages.learner.preview import preview
from lti_tool.pages.learner.saving import Saved, Why, save
from lti_tool.pages.shared import asked_year, entry_page, use_table
from lti_tool.roles import LEARNER
from lti_tool.text import sentences
from lti_tool.text.i18n import gettext
from lti_tool.web.guard import current_session, launch_session_required, launch_url
from lti_tool.web.record_services import current_record_services
from statements.profile.build import quantity
from statements.profile.table import PILLAR_CODES, Form, Table

AUTOMATIC = "automatic"
COUNT_ONLY = "count_only"
"""Name of the button that counts the JP without sending anything, for browsers without scripts."""
NEEDS_NEW_ID = frozenset({Why.WITHDRAWN, Why.FOREIGN})


def create_learner_blueprint() -> Blueprint:
    """The blueprint of /l/<launch_id>/ and the learner's pages below it."""
    blueprint = Blueprint("learner", __name__, url_prefix="/l/<launch_id>")
    guard = launch_session_required()
    for path, view, methods in (
        ("/", home, ["GET"]),
        ("/record", record, ["GET"]),
        ("/entries/<entry_id>", entry, ["GET"]),
        ("/log", choose, ["GET"]),
        ("/log/<form_code>", log, ["GET", "POST"]),
        ("/log/<form_code>/jp", count, ["GET"]),
    ):
        blueprint.add_url_rule(path, view.__name__, guard(view), methods=methods)
    return blueprint


def home(launch_id: str) -> ResponseReturnValue:
    """Where a launch lands."""
    return redirect(launch_url(landing(current_session(), use_table())), 303)


def landing(session: LaunchSession, table: Table) -> str:
    """The page that a launch opens: what its link was made for, as far as the role goes.

    Else the cohort for instructors, and the own record for everyone else. A goal is each learner's own; who
    teaches wants to see how everybody stands. An administrator who takes part as a learner is one here, and a
    form that the agency no longer has is like no form.
    """
    wanted = embedded(session)
    teaches = session.is_instructor or (session.sees_cohort and LEARNER not in session.roles)
    usual = "cohort" if teaches else "record"
    if wanted.view == LOG:
        form = table.forms.get(wanted.form)
        return usual if form is None or form.verifier == AUTOMATIC else f"log/{form.code}"
    if wanted.view == COHORT:
        return "cohort" if session.sees_cohort else "record"
    return {RECORD: "record", GOAL: usual}.get(wanted.view, usual)


def record(launch_id: str) -> str:
    """The person's own year: one sentence, one bar, the entries."""
    desk, session = current_record_services(), current_session()
    table = use_table()
    today = table.day(desk.clock())
    year = asked_year(today)
    person = desk.person(session)
    summary = desk.record.records.summary(session.tenant, person, year)
    entries = desk.record.records.entries(session.tenant, person, year=year)
    return render_template(
        "learner/record.html",
        year=year,
        years=[other for other in (today.year, today.year - 1) if other != year],
        today=today,
        summary=summary,
        segments=sentences.segments(summary),
        sentence=sentences.standing(summary, own=True),
        entries=[one for one in entries if one.status is not Status.RETURNED],
        returned=[one for one in entries if one.status is Status.RETURNED],
        logged=own_entry(request.args.get("logged", "")),
        how=request.args.get("how", ""),
        instructor=session.sees_cohort,
        goals=[goal for goal in desk.progress.shown_to(session, person) if goal.year == year],
    )


def entry(launch_id: str, entry_id: str) -> str:
    """One entry of the person's own: what it is, how its JP were counted, the statements behind it."""
    use_table()
    found = own_entry(entry_id)
    if found is None:
        abort(404)
    return entry_page(found, back=launch_url("record"), back_name=gettext("My learning record"))


def choose(launch_id: str) -> str:
    """First step of logging: the question how something was learned."""
    table = use_table()
    groups = {code: loggable(table, code) for code in PILLAR_CODES}
    return render_template(
        "learner/choose.html",
        groups=groups,
        opened=request.args.get("pillar", ""),
        examples={
            "70": gettext("On-the-job training, internship, secondment"),
            "20": gettext("Coaching, mentoring, community of practice"),
            "10": gettext("External course, seminar, workshop"),
        },
    )


def log(launch_id: str, form_code: str) -> ResponseReturnValue:
    """Second step: the form; a good one becomes a statement and leads back to the record."""
    desk, session = current_record_services(), current_session()
    table = use_table()
    form = table.forms.get(form_code)
    if form is None or form.verifier == AUTOMATIC:
        abort(404)
    today = table.day(desk.clock())
    filled = log_form.Filled({"end": today.isoformat(), "count": "1"})
    colleagues = [
        log_form.Colleague(one.subject, one.name)
        for one in desk.roster.members(session)
        if one.subject != session.subject and one.active and one.name
    ]
    form_id, saved, refused = uuid.uuid4(), None, ""
    if request.method == "POST" and COUNT_ONLY in request.form:
        filled = log_form.Filled(request.form.to_dict())
    elif request.method == "POST":
        filled = log_form.read(form, table, request.form.to_dict(), today)
        if not filled.errors:

            def make(id: uuid.UUID) -> Mapping[str, Any]:
                values = {**filled.values, "statement_id": id}
                return log_form.statement(table, form, values, session, colleagues)

            saved = save(desk, session, filled.values["statement_id"], make)
            if isinstance(saved, Saved):
                query = f"?logged={saved.entry_id}&how={saved.how}&year={filled.values['end'].year}"
                return redirect(launch_url("record") + query, 303)
            refused = why_not(saved)
        if "statement_id" in filled.errors or saved in NEEDS_NEW_ID:
            filled.typed = {**filled.typed, "statement_id": str(form_id)}
    typed = {"statement_id": str(form_id), **filled.typed}
    counted = preview(desk, session, form, table, typed, today)
    page = render_template(
        "learner/log.html",
        form=form,
        asked=quantity(form),
        typed=typed,
        errors=filled.errors,
        refused=refused,
        colleagues=colleagues,
        today=today,
        most=most(form),
        rule_sentence=sentences.rule_sentence(form, table),
        # What is wrong stands beside its field already.
        counted="" if counted in filled.errors.values() else counted,
        title_hint=title_hint(form),
        mentor_hint=mentor_hint(form),
    )
    return page, 422 if filled.errors else 409 if refused else 200


def count(launch_id: str, form_code: str) -> Response:
    """The JP of what is typed so far, as a sentence; empty while there is too little to count."""
    desk, session = current_record_services(), current_session()
    table = use_table()
    form = table.forms.get(form_code)
    if form is None:
        abort(404)
    text = preview(desk, session, form, table, request.args, table.day(desk.clock()))
    return Response(text, mimetype="text/plain")


def why_not(why: Why) -> str:
    """Why a form that was sent before was not stored with its new content, and what to do."""
    return {
        Why.VERIFIED: gettext(
            "This entry is verified already, so it was not changed. "
            "Ask its verifier to return it, then send your correction again."
        ),
        Why.WITHDRAWN: gettext("This entry was withdrawn meanwhile. To log it anew, send it once more."),
        Why.FOREIGN: str(log_form.SPENT),
        Why.NOT_YET: gettext("What you sent before is still being saved. Please send it again in a moment."),
    }[why]


def own_entry(entry_id: str) -> Entry | None:
    """An entry of the person who launched; anybody else's is as if it were not there."""
    desk, session = current_record_services(), current_session()
    found = desk.record.records.entry(session.tenant, entry_id) if entry_id else None
    own = found is not None and desk.record.records.is_own(found, desk.person(session))
    return found if own else None


def loggable(table: Table, pillar: str) -> list[Form]:
    """The forms of a pillar that people log themselves."""
    return [form for form in table.forms.values() if form.pillar == pillar and form.verifier != AUTOMATIC]


def title_hint(form: Form) -> str:
    """An example of a title that fits the form."""
    examples = {
        "coaching": gettext("What it was about, for example “Giving feedback to a team”."),
        "mentoring": gettext("What it was about, for example “Preparing a policy brief”."),
        "on-the-job-training": gettext("What you learned to do, for example “Running the e-budget closing”."),
    }
    return examples.get(form.code, gettext("As it stands on the invitation or certificate."))


def mentor_hint(form: Form) -> str:
    """Who should be named."""
    return {
        "coach": gettext("Your coach; the entry waits under their name."),
        "mentor": gettext("Your mentor; the entry waits under their name."),
    }.get(form.verifier, gettext("Your supervisor, or whoever saw you do it."))

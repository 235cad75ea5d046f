"""The learner's pages: the record of a year, an entry, and the form to log an activity."""

from __future__ import annotations

import re
from typing import Final

from flask import Blueprint, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from lrs.records.entries import Status
from lti_tool.launch.deep_linking import COHORT, GOAL, LOG, RECORD, embedded
from lti_tool.launch.sessions import LaunchSession
from lti_tool.pages.learner.choose_routes import AUTOMATIC, choose
from lti_tool.pages.learner.entry_routes import entry, own_entry, withdraw_entry
from lti_tool.pages.learner.log_routes import count, draft, log
from lti_tool.pages.learner.which_form_routes import which_form
from lti_tool.pages.shared import asked_year, use_table, years_around
from lti_tool.roles import LEARNER
from lti_tool.text import sentences
from lti_tool.web.guard import current_session, launch_session_required, launch_url
from lti_tool.web.record_services import current_record_services
from statements.profile.table import Table

FORM_BYTES: Final = 1024 * 1024
"""Bytes that the form of an activity may have besides its files."""
SHOWN: Final = 25
"""Entries on one page of the record; a link leads to those before them."""
_PLACE: Final = re.compile(r"(\d{4}-\d\d-\d\d)~(-?\d{1,20})~([0-9a-f-]{36})", re.ASCII)


def create_learner_blueprint() -> Blueprint:
    """The blueprint of /l/<launch_id>/ and the learner's pages below it."""
    blueprint = Blueprint("learner", __name__, url_prefix="/l/<launch_id>")
    blueprint.before_request(_bound)
    guard = launch_session_required()
    for path, view, methods in (
        ("/", home, ["GET"]),
        ("/record", record, ["GET"]),
        ("/entries/<entry_id>", entry, ["GET"]),
        ("/entries/<entry_id>/withdraw", withdraw_entry, ["POST"]),
        ("/log", choose, ["GET"]),
        ("/which-form", which_form, ["GET"]),
        ("/log/<form_code>", log, ["GET", "POST"]),
        ("/log/<form_code>/draft", draft, ["POST"]),
        ("/log/<form_code>/jp", count, ["GET"]),
        ("/<path:nowhere>", missing, ["GET", "POST"]),
    ):
        blueprint.add_url_rule(path, view.__name__, guard(view), methods=methods)
    return blueprint


def _bound() -> None:
    """Let the form of an activity bring files, and nothing else more than any other form."""
    if request.endpoint == "learner.log" and request.mimetype == "multipart/form-data":
        request.max_content_length = current_record_services().evidence.bounds.entry_bytes + FORM_BYTES


def home(launch_id: str) -> ResponseReturnValue:
    """Where a launch lands."""
    return redirect(launch_url(landing(current_session(), use_table())), 303)


def missing(launch_id: str, nowhere: str) -> ResponseReturnValue:
    """Nothing is at this address: said inside the launch, so that its frame shows the page."""
    abort(404)


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


def _asked_place() -> tuple[str, str] | None:
    """Where the page of the record begins, if the address says so; see `Records.entry_page`."""
    found = _PLACE.fullmatch(request.args.get("after", ""))
    return None if found is None else (f"{found[1]}\x1f{found[2]}", found[3])


def record(launch_id: str) -> str:
    """The person's own year: one sentence, one bar, the entries."""
    desk, session = current_record_services(), current_session()
    table = use_table()
    today = table.day(desk.clock())
    year = asked_year(today)
    person = desk.person(session)
    summary = desk.record.records.summary(session.tenant, person, year)
    records, place = desk.record.records, _asked_place()
    page = records.entry_page(session.tenant, person, year=year, after=place, limit=SHOWN)
    returned = [one for one in page.entries if one.status is Status.RETURNED]
    if len(returned) != summary.returned:
        # Whatever asks for an answer stands on every page, however far back it lies.
        returned = records.entries(session.tenant, person, year=year, status={Status.RETURNED})
    waiting = desk.sign_off.named(session, desk.sign_off.reach(session))
    return render_template(
        "learner/record.html",
        year=year,
        years=years_around(year, today),
        today=today,
        summary=summary,
        segments=sentences.segments(summary),
        sentence=sentences.standing(summary, own=True),
        entries=[one for one in page.entries if one.status is not Status.RETURNED],
        returned=returned,
        later=place is not None,
        more="" if page.after is None else f"?year={year}&after={'~'.join(page.after).replace(chr(31), '~')}",
        logged=own_entry(request.args.get("logged", "")),
        how=request.args.get("how", ""),
        drafts=[
            (one, form)
            for one in desk.drafts.all(session.tenant, desk.draft_owner(session))
            if (form := table.forms.get(one.page.partition("?")[0])) is not None
        ],
        instructor=session.sees_cohort,
        verify=sentences.waiting_for_you(waiting) if waiting.total else "",
        goals=[goal for goal in desk.progress.shown_to(session, person) if goal.year == year],
    )

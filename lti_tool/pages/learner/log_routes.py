"""The pages on which a learner logs an activity: which form, and the form itself."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from flask import Response, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from lti_tool.pages.learner import log_form
from lti_tool.pages.learner.form_limits import most
from lti_tool.pages.learner.log_hints import mentor_hint, title_hint
from lti_tool.pages.learner.preview import preview
from lti_tool.pages.learner.saving import Saved, Why, save
from lti_tool.pages.shared import use_table
from lti_tool.text import counting
from lti_tool.text.i18n import gettext
from lti_tool.web.guard import current_session, launch_url
from lti_tool.web.record_services import current_record_services
from statements.profile.build import quantity
from statements.profile.table import PILLAR_CODES, Form, Table

AUTOMATIC: Final = "automatic"
COUNT_ONLY: Final = "count_only"
"""Name of the button that counts the JP without sending anything, for browsers without scripts."""
NEEDS_NEW_ID: Final = frozenset({Why.WITHDRAWN, Why.FOREIGN})


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
        rule_sentence=counting.rule_sentence(form, table),
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


def loggable(table: Table, pillar: str) -> list[Form]:
    """The forms of a pillar that people log themselves."""
    return [form for form in table.forms.values() if form.pillar == pillar and form.verifier != AUTOMATIC]

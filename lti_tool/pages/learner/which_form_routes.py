"""The page of the four questions that lead to a form of learning."""

from __future__ import annotations

from flask import render_template, request

from lrs.records.forms_used import forms_used
from lti_tool.pages.learner.choose_routes import AUTOMATIC
from lti_tool.pages.learner.which_form import End, walk
from lti_tool.pages.shared import use_table
from lti_tool.text import counting
from lti_tool.web.guard import current_session
from lti_tool.web.record_services import current_record_services

MOST_ANSWERS = 4


def which_form(launch_id: str) -> str:
    """One question at a time; the answers so far stand in the query, so that each can be taken back."""
    desk, session = current_record_services(), current_session()
    table = use_table()
    answers = request.args.get("answers", "")[:MOST_ANSWERS]
    given, now = walk(answers)
    told = "".join(str(number) for _, number in given)
    page = {"given": given, "told": told}
    if not isinstance(now, End):
        return render_template("learner/which_form.html", **page, question=now, end=None)
    today = table.day(desk.clock())
    used = forms_used(
        desk.record.store, desk.record.tables, session.tenant, desk.person(session), today.year
    ).used
    known = [table.forms[code] for code in now.forms if code in table.forms]
    return render_template(
        "learner/which_form.html",
        **page,
        question=None,
        end=now,
        forms=[form for form in known if form.verifier != AUTOMATIC],
        worth=lambda form: counting.worth_sentence(form, table, used, today),
    )

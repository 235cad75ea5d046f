"""The page on which a learner chooses the form of an activity: what each is worth and what is left of it."""

from __future__ import annotations

from typing import Final

from flask import render_template, request

from lrs.records.entries import Entry
from lrs.records.forms_used import FormsUsed, forms_used
from lti_tool.pages.shared import use_table
from lti_tool.text import counting
from lti_tool.text.i18n import gettext
from lti_tool.web.guard import current_session
from lti_tool.web.record_services import current_record_services
from statements.profile.table import PILLAR_CODES, Form, Table

AUTOMATIC: Final = "automatic"
LOOKED_AT: Final = 20
"""The latest entries among which the one to be repeated is looked for."""


def choose(launch_id: str) -> str:
    """First step of logging: the question how something was learned."""
    desk, session = current_record_services(), current_session()
    table = use_table()
    today = table.day(desk.clock())
    uses = forms_used(desk.record.store, desk.record.tables, session.tenant, desk.person(session), today.year)
    groups = {code: loggable(table, code, uses) for code in PILLAR_CODES}
    last = table.forms.get(uses.last)
    return render_template(
        "learner/choose.html",
        groups=groups,
        last=last if last is not None and last.verifier != AUTOMATIC else None,
        repeat=last_logged(table),
        worth=lambda form: counting.worth_sentence(form, table, uses.used, today),
        opened=request.args.get("pillar", ""),
        examples={
            "70": gettext("On-the-job training, internship, secondment"),
            "20": gettext("Coaching, mentoring, community of practice"),
            "10": gettext("External course, seminar, workshop"),
        },
    )


def last_logged(table: Table) -> Entry | None:
    """The latest entry that the person logged by a form which the agency still has."""
    desk, session = current_record_services(), current_session()
    page = desk.record.records.entry_page(session.tenant, desk.person(session), limit=LOOKED_AT)
    for entry in page.entries:
        form = table.forms.get(entry.form)
        if not entry.automatic and form is not None and form.verifier != AUTOMATIC:
            return entry
    return None


def loggable(table: Table, pillar: str, uses: FormsUsed) -> list[Form]:
    """The forms of a pillar that people log themselves: the last one, then those that are used most."""
    forms = (form for form in table.forms.values() if form.pillar == pillar and form.verifier != AUTOMATIC)
    return sorted(forms, key=lambda form: uses.order(form.code))

"""What an entry will be worth, said while it is being typed.

The form is read as when it is sent, and the statement that it would make is counted as when it is stored: so
the number that is shown is the number that is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final
from uuid import NAMESPACE_OID, uuid5

from lti_tool.launch.sessions import LaunchSession
from lti_tool.pages.learner import log_form
from lti_tool.pages.learner.saving import revision, sent_before
from lti_tool.services.emitter import as_sent
from lti_tool.text.counting import cap_sentence, explained
from lti_tool.text.formats import plain_jp
from lti_tool.text.i18n import gettext
from lti_tool.web.record_services import RecordServices
from statements.profile.jp import Award
from statements.profile.table import Form, Table

COUNTS: Final = ("start", "end", "hours", "minutes", "count")
"""The fields that decide about the JP and may be wrong; what is wrong in others says nothing about them."""
_OTHERS: Final = {"title": "-", "statement_id": str(uuid5(NAMESPACE_OID, "preview"))}


def preview(
    desk: RecordServices,
    session: LaunchSession,
    form: Form,
    table: Table,
    typed: Mapping[str, str],
    today: date,
    instead_of: str = "",
) -> str:
    """One or more sentences: the JP and why, what is wrong, or what is still to be filled in.

    `instead_of` is the id of the statement whose place the form is to take, if it changes an entry.
    """
    known = {name: typed[name] for name in (*COUNTS, "international", "statement_id") if typed.get(name)}
    filled = log_form.read(form, table, _OTHERS | known, today)
    if filled.errors:
        wrong = [filled.errors[name] for name in COUNTS if name in filled.errors and known.get(name)]
        wrong += [text for name, text in filled.errors.items() if name not in COUNTS]
        return wrong[0] if wrong else gettext("The JP appear here once date and duration are filled in.")
    form_id = filled.values["statement_id"]
    before = sent_before(desk.record.store, session.tenant, form_id)
    id = form_id
    if before is not None:
        id, instead_of = revision(form_id, before[0] + 1), before[1].id
    made = log_form.statement(table, form, {**filled.values, "statement_id": id}, session, ())
    person = desk.person(session)
    award = desk.record.records.worth(session.tenant, person, as_sent(made), instead_of=instead_of)
    return "" if award is None else in_words(award)


def in_words(award: Award) -> str:
    """How JP were counted, and how many they are where a limit lowered them."""
    counted = [explained(award), *(cap_sentence(cap, award.jp) for cap in award.caps)]
    if award.caps:
        counted.append(gettext("Counted: %(jp)s JP.", jp=plain_jp(award.jp)))
    return " ".join(counted)

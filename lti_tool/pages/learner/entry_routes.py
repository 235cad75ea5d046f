"""The page of one entry of the learner's own, and its withdrawal."""

from __future__ import annotations

from flask import abort, redirect
from flask.typing import ResponseReturnValue

from lrs.records.entries import Entry
from lti_tool.pages.learner.choose_routes import AUTOMATIC
from lti_tool.pages.learner.refill import changeable
from lti_tool.pages.learner.saving import Why, withdraw
from lti_tool.pages.shared import entry_page, in_year, use_table
from lti_tool.text.i18n import gettext
from lti_tool.text.sentences import table_in_force
from lti_tool.web.guard import current_session, launch_url
from lti_tool.web.record_services import current_record_services


def entry(launch_id: str, entry_id: str) -> str:
    """One entry of the person's own: what it is, how its JP were counted, what can be done with it."""
    use_table()
    return _page(own_entry(entry_id) or abort(404))


def withdraw_entry(launch_id: str, entry_id: str) -> ResponseReturnValue:
    """Take an entry of the person's own out of the record; its statements stay."""
    use_table()
    found = own_entry(entry_id)
    if found is None:
        return redirect(launch_url("record?how=gone"), 303)
    refused = withdraw(current_record_services(), current_session(), found.statement_id)
    if refused in (Why.CHANGED, None):
        how = "gone" if refused else "withdrawn"
        return redirect(launch_url(f"record?how={how}&year={found.year}"), 303)
    text = {
        Why.VERIFIED: gettext("This entry was verified meanwhile, so it was not withdrawn."),
    }.get(refused, gettext("What you sent before is still being saved. Please try again in a moment."))
    return _page(own_entry(entry_id) or found, refused=text), 409


def _page(found: Entry, refused: str = "") -> str:
    form = table_in_force().forms.get(found.form)
    today = table_in_force().day(current_record_services().clock())
    is_loggable = form is not None and form.verifier != AUTOMATIC
    return entry_page(
        found,
        back=launch_url("record") + in_year(found.year, today),
        back_name=gettext("My learning record"),
        own=True,
        may_withdraw=changeable(found),
        change=f"log/{found.form}?change={found.statement_id}" if changeable(found) and is_loggable else "",
        repeat=f"log/{found.form}?repeat={found.statement_id}" if is_loggable and not found.automatic else "",
        refused=refused,
    )


def own_entry(entry_id: str) -> Entry | None:
    """An entry of the person who launched; anybody else's is as if it were not there."""
    desk, session = current_record_services(), current_session()
    found = desk.record.records.entry(session.tenant, entry_id) if entry_id else None
    own = found is not None and desk.record.records.is_own(found, desk.person(session))
    return found if own else None

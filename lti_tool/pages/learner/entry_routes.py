"""The page of one entry of the learner's own."""

from __future__ import annotations

from flask import abort

from lrs.records.entries import Entry
from lti_tool.pages.shared import entry_page, in_year, use_table
from lti_tool.text.i18n import gettext
from lti_tool.web.guard import current_session, launch_url
from lti_tool.web.record_services import current_record_services


def entry(launch_id: str, entry_id: str) -> str:
    """One entry of the person's own: what it is, how its JP were counted, the statements behind it."""
    today = use_table().day(current_record_services().clock())
    found = own_entry(entry_id)
    if found is None:
        abort(404)
    back = launch_url("record") + in_year(found.year, today)
    return entry_page(found, back=back, back_name=gettext("My learning record"))


def own_entry(entry_id: str) -> Entry | None:
    """An entry of the person who launched; anybody else's is as if it were not there."""
    desk, session = current_record_services(), current_session()
    found = desk.record.records.entry(session.tenant, entry_id) if entry_id else None
    own = found is not None and desk.record.records.is_own(found, desk.person(session))
    return found if own else None

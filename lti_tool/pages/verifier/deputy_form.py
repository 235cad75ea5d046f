"""The form by which a verifier names a deputy: somebody of the course, until a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from lti_tool.launch.course_members import Member
from lti_tool.services.deputies import MOST_DAYS
from lti_tool.text.formats import day
from lti_tool.text.i18n import gettext
from lti_tool.text.sentences import table_in_force
from lti_tool.web.guard import current_session
from lti_tool.web.record_services import current_record_services


@dataclass(slots=True)
class Asked:
    """What was chosen, and what is wrong with it."""

    who: str = ""
    until: str = ""
    error: str = ""


def read(form: Mapping[str, str]) -> Asked:
    """Name the deputy; where that is not possible, say what to do."""
    desk, session = current_record_services(), current_session()
    asked = Asked(form.get("who", "")[:255], form.get("until", "")[:40])
    chosen = next((one for one in colleagues() if one.subject == asked.who), None)
    if chosen is None:
        asked.error = gettext("Choose a person of this course.")
        return asked
    try:
        until = date.fromisoformat(asked.until)
    except ValueError:
        until = date.min
    if not _today() <= until <= last_day():
        asked.error = gettext("Choose a day from today to %(day)s.", day=day(last_day()))
        return asked
    end = datetime.combine(until, time(23, 59, 59), table_in_force().zone)
    desk.deputies.appoint(session, chosen.subject, chosen.name, round(end.timestamp()) * 1_000_000)
    return asked


def colleagues() -> list[Member]:
    """Who can be named: the active people of the course, but for oneself."""
    desk, session = current_record_services(), current_session()
    everybody = desk.roster.members(session) if session.context_key else []
    return [one for one in everybody if one.active and one.name and one.subject != session.subject]


def last_day() -> date:
    """The last day until which somebody can be named today."""
    return _today() + timedelta(days=MOST_DAYS - 1)


def _today() -> date:
    return table_in_force().day(current_record_services().clock())

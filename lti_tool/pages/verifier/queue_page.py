"""The page of the queue: each entry with its evidence, how its JP were counted, and what can be undone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from flask import render_template, request

from lrs.records.entries import Entry, Status
from lrs.records.recent_decisions import RecentDecision
from lrs.records.waiting import Place, Waiting, WaitingPage
from lti_tool.accounts import agent
from lti_tool.pages.shared import MOST_SHOWN
from lti_tool.pages.verifier import deputy_form
from lti_tool.pages.verifier.hint_words import hint_sentence
from lti_tool.pages.verifier.queue_form import Asked
from lti_tool.services.sign_off import LATE_DAYS, Reach
from lti_tool.settings import SECOND
from lti_tool.text import counting, sentences
from lti_tool.text.formats import day
from lti_tool.text.i18n import gettext, ngettext
from lti_tool.text.masking import masked
from lti_tool.web.guard import current_session
from lti_tool.web.record_services import current_record_services
from statements.profile.vocabulary import Decision

PAGE: Final = 50
"""Entries on one page, and the most that are decided about at once."""
MOST_UNDOS: Final = 5
"""Acts that the page offers to undo, the latest."""
DAY: Final = 86_400 * SECOND


@dataclass(frozen=True, slots=True)
class Row:
    """An entry of the queue with what is shown of it."""

    entry: Entry
    name: str
    """The learner's."""
    waited: int
    """Days since it was sent."""
    explanation: str
    caps: Sequence[str]
    reflection: str
    hints: Sequence[str]
    """Facts beside it, as sentences."""

    @property
    def late(self) -> bool:
        """Whether it has waited too long."""
        return self.waited >= LATE_DAYS


@dataclass(frozen=True, slots=True)
class Undo:
    """What was decided together and can be taken back."""

    at: int
    sentence: str
    until: int
    """Microseconds."""


def queue_page(
    *, after: Place | None, asked: Asked | None = None, deputy: deputy_form.Asked | None = None
) -> str:
    """The queue from a place on; `asked` and `deputy` are forms that could not be carried out."""
    desk, session = current_record_services(), current_session()
    reach = desk.sign_off.reach(session)
    # The list of the platform, so that those count who have not opened the tool themselves.
    state = desk.roster.state(session) if reach.teaches else None
    page = desk.sign_off.queue(session, reach, after=after, limit=PAGE)
    return render_template(
        "verifier/queue.html",
        rows=_rows(page.found),
        sentence=_sentence(page, reach, is_first=after is None),
        late=sentences.late_sentence(page.late, LATE_DAYS),
        asked=asked or Asked(),
        undos=_undos(),
        places=desk.deputies.represented_by(session.tenant, reach.mine),
        deputies=desk.deputies.of(session.tenant, reach.mine),
        deputy=deputy or deputy_form.Asked(),
        colleagues=deputy_form.colleagues(),
        last_day=deputy_form.last_day(),
        told=_told(),
        fetching=state is not None and state.fetching,
        teaches=reach.teaches,
        sees_cohort=session.sees_cohort,
        here=request.args.get("after", ""),
        after="" if page.after is None else "~".join(page.after),
    )


def place_of(text: str) -> Place | None:
    """The place in the queue that an address names; None, its beginning, for anything else."""
    order, found, name = text.partition("~")
    return (order, name) if found and order.isascii() and order.isdigit() and len(text) < 100 else None


def _rows(found: Sequence[Waiting]) -> list[Row]:
    desk, session = current_record_services(), current_session()
    records = desk.record.records
    entries = records.entries_by_id(session.tenant, [one.entry_id for one in found])
    # Whatever was decided since the queue was read is no longer in it.
    waiting = [one for one in found if _waits(entries.get(one.entry_id))]
    shown = [entries[one.entry_id] for one in waiting]
    people = desk.record.people.persons(session.tenant, {entry.person for entry in shown})
    reflections = records.reflections(session.tenant, shown, most_bytes=MOST_SHOWN)
    facts = desk.record.hints.about(session.tenant, list(zip(waiting, shown, strict=True)))
    now = desk.clock()
    rows = []
    for one, entry in zip(waiting, shown, strict=True):
        person = people.get(entry.person)
        explanation, caps = counting.entry_explanation(entry)
        name = masked(person.name if person else "") or gettext("No name")
        waited = max(0, now - one.since) // DAY
        reflection = masked(reflections.get(entry.id, ""))
        hints = [hint_sentence(hint) for hint in facts.get(entry.id, ())]
        rows.append(Row(entry, name, waited, explanation, caps, reflection, hints))
    return rows


def _waits(entry: Entry | None) -> bool:
    return entry is not None and entry.status is Status.SUBMITTED


def _sentence(page: WaitingPage, reach: Reach, *, is_first: bool) -> str:
    if not page.total and page.after is None:
        if not is_first:
            return gettext("Nothing more waits for you.")
        if reach.teaches:
            return gettext("Nothing waits for you. What the people of your course log appears here.")
        return gettext("Nothing waits for you. Entries that name you appear here.")
    if page.is_more:
        text = ngettext(
            "More than %(num)s entry waits for you.", "More than %(num)s entries wait for you.", page.total
        )
    else:
        text = ngettext("%(num)s entry waits for you.", "%(num)s entries wait for you.", page.total)
    if page.oldest:
        text += " " + gettext("The first since %(day)s.", day=day(page.oldest))
    return text


def _undos() -> list[Undo]:
    desk, session = current_record_services(), current_session()
    verification = desk.record.verification
    recent = verification.recent(session.tenant, agent(*session.account, session.name))
    until = round(verification.undo_seconds * SECOND)
    together = groupby(recent, key=lambda one: one.at)
    made = [Undo(at, _decided(several), at + until) for at, several in together]
    return made[:MOST_UNDOS]


def _decided(several: Iterable[RecentDecision]) -> str:
    made = list(several)
    count = len(made)
    return {
        Decision.VERIFIED: ngettext("%(num)s entry verified.", "%(num)s entries verified.", count),
        Decision.RETURNED: ngettext("%(num)s entry returned.", "%(num)s entries returned.", count),
        Decision.REJECTED: ngettext("%(num)s entry rejected.", "%(num)s entries rejected.", count),
        Decision.CONFIRMED: ngettext("%(num)s entry confirmed.", "%(num)s entries confirmed.", count),
    }[made[0].decision]


def _told() -> list[str]:
    """What the page before tells of what it did beyond what can be undone."""
    notes = []
    if refused := _count("refused"):
        notes.append(
            ngettext(
                "%(num)s entry was left as it is: it was changed or decided about meanwhile,"
                " or it is not yours to decide about.",
                "%(num)s entries were left as they are: they were changed or decided about meanwhile,"
                " or they are not yours to decide about.",
                refused,
            )
        )
    if undone := _count("undone"):
        notes.append(
            ngettext("Undone: %(num)s entry waits again.", "Undone: %(num)s entries wait again.", undone)
        )
    elif "undone" in request.args:
        notes.append(gettext("The time to undo it is over. Open the entry to decide about it anew."))
    if _count("late"):
        notes.append(gettext("It is stored and shows here in a moment."))
    return notes


def _count(name: str) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0

"""Storing a form that was filled in well, once, however often it is sent.

Each form carries the id of its statement. Sent again as it is, it changes nothing. Sent again with other
content (after a step back in the browser, say) it is the correction that the person meant: the statement is
voided and a new one takes its place, whose id is made from the form's id and a number. So the same correction
that is sent twice at once has the same ids, and is stored once.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from lrs.records.entries import entry_id
from lrs.records.verification import Refusal
from lrs.store.log import Record
from lrs.store.port import Store
from lrs.xapi.repeated_statements import DiffersError
from lti_tool.accounts import account_key
from lti_tool.launch.sessions import LaunchSession
from lti_tool.pages.learner.log_form import agent
from lti_tool.services.emitter import as_sent
from lti_tool.web.record_services import RecordServices
from statements.data_types.exact_json import loads
from statements.data_types.identity import agent_key
from statements.profile import vocabulary as words

MOST_CORRECTIONS: Final = 50
"""Corrections of one form; more need a new one."""
_ATTEMPTS: Final = 5


class Done(StrEnum):
    """What became of a form."""

    SAVED = "saved"
    CORRECTED = "corrected"
    """It took the place of what was sent before."""
    AGAIN = "again"
    """The same is stored already; nothing was changed."""


class Why(StrEnum):
    """Why a form that was sent before cannot be stored with other content."""

    VERIFIED = "verified"
    WITHDRAWN = "withdrawn"
    FOREIGN = "foreign"
    """The id belongs to something else."""
    NOT_YET = "not-yet"
    """What was sent before is still being worked on."""


@dataclass(frozen=True, slots=True)
class Saved:
    """The entry that stands for the form now."""

    entry_id: str
    how: Done


Make = Callable[[uuid.UUID], Mapping[str, Any]]
"""Makes the form's statement with an id."""


def save(desk: RecordServices, session: LaunchSession, form_id: uuid.UUID, make: Make) -> Saved | Why:
    """Store the statement of a form, durably, and wait until its entry can be seen."""
    for _ in range(_ATTEMPTS):
        try:
            receipt = desk.emitter.emit(session.tenant, make(form_id))
        except DiffersError:
            pass
        else:
            if receipt.new:
                desk.seen(session.tenant, receipt.stored)
                return Saved(entry_id(session.tenant, receipt.ids[0]), Done.SAVED)
        outcome = _again(desk, session, form_id, make)
        if outcome is not None:
            return outcome
    return Why.NOT_YET


def _again(
    desk: RecordServices, session: LaunchSession, form_id: uuid.UUID, make: Make
) -> Saved | Why | None:
    """What becomes of a form whose id is stored; None when somebody else was quicker."""
    before = sent_before(desk.record.store, session.tenant, form_id)
    if before is None:
        return None
    number, last = before
    stored = loads(last.body)
    if agent_key(stored["actor"]) != account_key(session.issuer, session.subject):
        return Why.FOREIGN
    desk.seen(session.tenant, last.stored)
    here = entry_id(session.tenant, last.id)
    # Not every voiding takes an entry out of the record: one by a stranger hides the statement alone.
    if last.hidden and desk.record.records.entry(session.tenant, here) is None:
        return Why.WITHDRAWN
    if _told(stored) == _told(as_sent(make(form_id))):
        return Saved(here, Done.AGAIN)
    if number == MOST_CORRECTIONS:
        return Why.FOREIGN
    replacement = make(revision(form_id, number + 1))
    plan = desk.record.verification.correct(
        session.tenant,
        here,
        replacement,
        actor=agent(session.issuer, session.subject, session.name),
        void_id=str(uuid.uuid5(revision(form_id, number), "void")),
    )
    if plan.refused:
        now = sent_before(desk.record.store, session.tenant, form_id)
        if now is not None and (now[0], now[1].hidden) != (number, last.hidden):
            return None
        return _WHY.get(plan.refused[here], Why.FOREIGN)
    try:
        receipt = desk.emitter.emit_all(session.tenant, plan.statements)
    except DiffersError:
        return None
    desk.seen(session.tenant, receipt.stored)
    return Saved(entry_id(session.tenant, str(replacement["id"])), Done.CORRECTED)


_WHY: Final = {Refusal.VERIFIED: Why.VERIFIED, Refusal.GONE: Why.NOT_YET}


def sent_before(store: Store, tenant: str, form_id: uuid.UUID) -> tuple[int, Record] | None:
    """What stands for a form that was sent: how often it was corrected, and the statement."""
    ids = [str(revision(form_id, number)) for number in range(MOST_CORRECTIONS + 1)]
    with store.reading() as reader:
        held = reader.get(tenant, ids[:1])
        if held:
            held = reader.get(tenant, ids)
    number = sum(id in held for id in ids) - 1
    return (number, held[ids[number]]) if held else None


def revision(form_id: uuid.UUID, number: int) -> uuid.UUID:
    """The id of a form's statement after so many corrections."""
    return uuid.uuid5(form_id, f"correction {number}") if number else form_id


def _told(statement: Mapping[str, Any]) -> object:
    """What a form's statement tells of what was typed: not when, with which table, or instead of what."""
    context, result = statement.get("context") or {}, statement.get("result") or {}
    definition = statement["object"].get("definition") or {}
    mentor = context.get("instructor")
    categories = (context.get("contextActivities") or {}).get("category") or ()
    return (
        definition.get("name"),
        definition.get("type"),
        result.get("duration"),
        result.get("response"),
        _without(result.get("extensions"), words.JP_TABLE),
        _without(context.get("extensions"), words.REPLACES),
        None if mentor is None else agent_key(mentor),
        {category["id"] for category in categories},
    )


def _without(extensions: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    return {key: value for key, value in (extensions or {}).items() if key != name}

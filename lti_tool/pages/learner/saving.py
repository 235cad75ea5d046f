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
from lti_tool.accounts import account_key, agent
from lti_tool.launch.sessions import LaunchSession
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
    CHANGED = "changed"
    """The entry that was to be changed was changed or withdrawn meanwhile."""
    NOT_YET = "not-yet"
    """What was sent before is still being worked on."""


@dataclass(frozen=True, slots=True)
class Saved:
    """The entry that stands for the form now."""

    entry_id: str
    how: Done


Make = Callable[[uuid.UUID], Mapping[str, Any]]
"""Makes the form's statement with an id."""


def save(
    desk: RecordServices,
    session: LaunchSession,
    form_id: uuid.UUID,
    make: Make,
    *,
    instead_of: str = "",
    before: Mapping[str, Any] | None = None,
) -> Saved | Why:
    """Store the statement of a form, durably, and wait until its entry can be seen.

    `instead_of` is the id of the statement whose place it takes, if it was made to change an entry, and
    `before` that statement, where sending it once more without a change should change nothing.
    """
    for _ in range(_ATTEMPTS):
        outcome = (
            _in_place_of(desk, session, form_id, make, instead_of, before)
            if instead_of
            else _first(desk, session, form_id, make)
        )
        if outcome is None:
            outcome = _again(desk, session, form_id, make)
        if outcome is not None:
            return outcome
    return Why.NOT_YET


def withdraw(desk: RecordServices, session: LaunchSession, statement_id: str) -> Why | None:
    """Take an entry out of the record, by its owner; None when that is done, however often it is asked."""
    here = entry_id(session.tenant, statement_id)
    for _ in range(_ATTEMPTS):
        plan = desk.record.verification.withdraw(
            session.tenant, here, actor=_agent(session), void_id=void_id(statement_id)
        )
        if plan.refused:
            return _WHY.get(plan.refused[here], Why.CHANGED)
        try:
            receipt = desk.emitter.emit_all(session.tenant, plan.statements)
        except DiffersError:
            # Somebody else was quicker; the record does not show it yet.
            _see_void(desk, session, statement_id)
            continue
        desk.seen(session.tenant, receipt.stored)
        return None
    return Why.NOT_YET


def _first(desk: RecordServices, session: LaunchSession, form_id: uuid.UUID, make: Make) -> Saved | None:
    """Store a form as a new entry; None when its id is stored already."""
    try:
        receipt = desk.emitter.emit(session.tenant, make(form_id))
    except DiffersError:
        return None
    if not receipt.new:
        return None
    desk.seen(session.tenant, receipt.stored)
    return Saved(entry_id(session.tenant, receipt.ids[0]), Done.SAVED)


def _in_place_of(
    desk: RecordServices,
    session: LaunchSession,
    form_id: uuid.UUID,
    make: Make,
    statement_id: str,
    before: Mapping[str, Any] | None,
) -> Saved | Why | None:
    """Store a form in the place of another statement; None when its id is stored already."""
    if sent_before(desk.record.store, session.tenant, form_id) is not None:
        return None
    here = entry_id(session.tenant, statement_id)
    replacement = make(form_id)
    if before is not None and _told(before) == _told(as_sent(replacement)):
        standing = desk.record.records.entry(session.tenant, here) is not None
        return Saved(here, Done.AGAIN) if standing else Why.CHANGED
    outcome = _replace(desk, session, statement_id, replacement)
    if isinstance(outcome, Refusal):
        return Why.VERIFIED if outcome is Refusal.VERIFIED else Why.CHANGED
    if outcome is None:
        _see_void(desk, session, statement_id)
    return outcome


def _replace(
    desk: RecordServices, session: LaunchSession, statement_id: str, replacement: Mapping[str, Any]
) -> Saved | Refusal | None:
    """Void a statement and store another in its place; None when one of the ids is stored already.

    The id of the voiding follows from what it voids: of several who replace or withdraw it at once, one does.
    """
    here = entry_id(session.tenant, statement_id)
    plan = desk.record.verification.correct(
        session.tenant, here, replacement, actor=_agent(session), void_id=void_id(statement_id)
    )
    if plan.refused:
        return plan.refused[here]
    try:
        receipt = desk.emitter.emit_all(session.tenant, plan.statements)
    except DiffersError:
        return None
    desk.seen(session.tenant, receipt.stored)
    return Saved(entry_id(session.tenant, str(replacement["id"])), Done.CORRECTED)


def _see_void(desk: RecordServices, session: LaunchSession, statement_id: str) -> None:
    """Wait until the record shows that a statement was voided by its owner."""
    id = void_id(statement_id)
    with desk.record.store.reading() as reader:
        held = reader.get(session.tenant, [id], bodies=False).get(id)
    if held is not None:
        desk.seen(session.tenant, held.stored)


def void_id(statement_id: str) -> str:
    """The id of the statement by which the owner of a statement voids it."""
    return str(uuid.uuid5(uuid.UUID(statement_id), "void"))


def _agent(session: LaunchSession) -> dict[str, Any]:
    return agent(session.issuer, session.subject, session.name)


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
    outcome = _replace(desk, session, last.id, replacement)
    if isinstance(outcome, Refusal):
        now = sent_before(desk.record.store, session.tenant, form_id)
        if now is not None and (now[0], now[1].hidden) != (number, last.hidden):
            return None
        return _WHY.get(outcome, Why.FOREIGN)
    return outcome


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
        {attachment["sha2"] for attachment in statement.get("attachments") or ()},
    )


def _without(extensions: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    return {key: value for key, value in (extensions or {}).items() if key != name}

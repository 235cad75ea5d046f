"""Carrying out what a verifier decided, and taking it back: checked, stored, and waited for."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import get_locale

from lti_tool.accounts import agent
from lti_tool.pages.verifier.queue_form import Asked
from lti_tool.web.guard import current_session
from lti_tool.web.record_services import current_record_services


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a decision about some entries."""

    decided: int
    refused: int
    """How many were not decided about: gone, decided meanwhile, or not theirs to decide about."""
    seen: bool
    """Whether the record shows it already."""

    @property
    def told(self) -> dict[str, int]:
        """What the next page is told of it, as a query."""
        told = {"decided": self.decided, "refused": self.refused, "late": int(not self.seen)}
        return {name: count for name, count in told.items() if count}


def decide(asked: Asked, *, only_waiting: bool = True) -> Outcome:
    """Store the decisions in the name of the person who launched."""
    desk, session = current_record_services(), current_session()
    entries = desk.record.records.entries_by_id(session.tenant, asked.ids)
    reach = desk.sign_off.reach(session)
    allowed = desk.sign_off.allowed(session, reach, entries.values())
    plan = desk.record.verification.decide(
        session.tenant,
        [id for id in asked.ids if id in allowed],
        asked.decision,
        verifier=agent(*session.account, session.name),
        reason=asked.reason,
        language=str(get_locale() or "id")[:2],
        only_waiting=only_waiting,
    )
    decided, seen = len(plan.statements), True
    if plan.statements:
        receipt = desk.emitter.emit_all(session.tenant, plan.statements)
        seen = desk.seen(session.tenant, receipt.stored)
    return Outcome(decided, len(asked.ids) - decided, seen)


def undo(at: int) -> int:
    """Take back what the person decided at this moment (microseconds); how many decisions."""
    desk, session = current_record_services(), current_session()
    plan = desk.record.verification.undo(session.tenant, at, verifier=agent(*session.account, session.name))
    if plan.statements:
        receipt = desk.emitter.emit_all(session.tenant, plan.statements)
        desk.seen(session.tenant, receipt.stored)
    return len(plan.statements)

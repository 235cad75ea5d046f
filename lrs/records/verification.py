"""Sign-off, its undoing, and correction: who may, and the statements that say it.

Nothing is stored here. What is decided becomes statements; whoever sends them sees the entry change when the
follower has passed them. The rule that nobody decides about their own entry is kept there once more, for
statements that come by other ways.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lrs.people.people import People
from lrs.records.entries import Entry, Status
from lrs.records.recent_decisions import RecentDecision
from lrs.records.records import Records
from statements.data_types.identity import agent_key
from statements.profile import vocabulary as words
from statements.profile.build import decision_statement, voiding_statement
from statements.profile.vocabulary import Decision

Agent = Mapping[str, Any]
UNDO_SECONDS = 600.0
"""How long a decision can be undone by who made it; nobody is told of it before."""


class Refusal(StrEnum):
    """Why an entry cannot be decided about, corrected or withdrawn."""

    GONE = "gone"
    """There is no such entry, or no longer."""
    OWN = "own-entry"
    """Nobody decides about their own entry."""
    NOT_OWN = "not-own-entry"
    """Only its owner corrects or withdraws an entry."""
    DECIDED = "decided-already"
    """The same decision stands."""
    SETTLED = "not-waiting"
    """Somebody has decided meanwhile."""
    VERIFIED = "verified"
    """A verified entry is not changed by its owner."""
    PLATFORM = "from-platform"
    """What a learning platform reported is corrected there."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Statements to send, in one batch and in this order, and what was refused."""

    statements: tuple[dict[str, Any], ...] = ()
    refused: Mapping[str, Refusal] = field(default_factory=dict)
    """By entry id."""
    at: int = 0
    """The timestamp of all its decisions, in microseconds."""


class Verification:
    """Plans sign-offs and corrections in the name of people."""

    def __init__(
        self,
        records: Records,
        people: People,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        *,
        undo_seconds: float = UNDO_SECONDS,
    ) -> None:
        self._records = records
        self._people = people
        self._clock = clock
        self._new_id = new_id
        self.undo_seconds = undo_seconds

    def decide(
        self,
        tenant: str,
        entry_ids: Collection[str],
        decision: Decision,
        *,
        verifier: Agent,
        reason: str = "",
        language: str = "id",
        only_waiting: bool = False,
    ) -> Plan:
        """The sign-off of one or many entries. ValueError when a return or a rejection has no reason.

        `only_waiting` refuses those about which somebody else has decided: who decides from a list means what
        the list showed.
        """
        if decision in words.NEEDS_REASON and not reason.strip():
            raise ValueError("a return or a rejection needs a reason")
        mine = self._person(tenant, verifier)
        entries = self._records.entries_by_id(tenant, entry_ids)
        statements: list[dict[str, Any]] = []
        refused: dict[str, Refusal] = {}
        at = self._clock()
        for id in dict.fromkeys(entry_ids):
            refusal = _may_decide(entries.get(id), decision, mine, only_waiting=only_waiting)
            if refusal is not None:
                refused[id] = refusal
                continue
            statements.append(
                decision_statement(
                    decision,
                    id=self._new_id(),
                    verifier=verifier,
                    target=entries[id].statement_id,
                    at=at,
                    reason=reason,
                    language=language,
                )
            )
        return Plan(tuple(statements), refused, at)

    def recent(self, tenant: str, verifier: Agent) -> list[RecentDecision]:
        """What this agent has decided and can still undo, the latest first."""
        since = self._clock() - round(self.undo_seconds * 1_000_000)
        return self._records.recent_decisions(tenant, verifier, since)

    def undo(self, tenant: str, at: int, *, verifier: Agent) -> Plan:
        """Void the decisions that an agent made together at one moment (`RecentDecision.at`).

        What stood before them stands again. Nothing is planned once the time to undo is over.
        """
        return Plan(
            tuple(
                voiding_statement(
                    id=self._new_id(), actor=verifier, target=one.statement_id, at=self._clock()
                )
                for one in self.recent(tenant, verifier)
                if one.at == at
            )
        )

    def correct(
        self,
        tenant: str,
        entry_id: str,
        replacement: Mapping[str, Any],
        *,
        actor: Agent,
        void_id: str | None = None,
    ) -> Plan:
        """Void the statement of an entry and put `replacement` in its place, by its owner.

        The replacement (of `activity_statement`) is marked with the id of what it replaces. Its entry is a
        new one and waits for a verifier. `void_id`: id of the voiding, where it must be the same each time.
        """
        void = self.withdraw(tenant, entry_id, actor=actor, void_id=void_id)
        if void.refused:
            return void
        context = dict(replacement["context"])
        told = {words.REPLACES: void.statements[0]["object"]["id"]}
        context["extensions"] = {**context.get("extensions", {}), **told}
        return Plan((*void.statements, {**replacement, "context": context}))

    def withdraw(self, tenant: str, entry_id: str, *, actor: Agent, void_id: str | None = None) -> Plan:
        """Void the statement of an entry, by its owner."""
        entry = self._records.entry(tenant, entry_id)
        refusal = _may_change(entry, self._person(tenant, actor))
        if refusal is not None or entry is None:
            return Plan(refused={entry_id: refusal or Refusal.GONE})
        target = entry.statement_id
        void = voiding_statement(id=void_id or self._new_id(), actor=actor, target=target, at=self._clock())
        return Plan((void,))

    def _person(self, tenant: str, agent: Agent) -> str:
        """The person of an agent; ValueError when it is nobody in particular."""
        key = agent_key(agent)
        if key is None:
            raise ValueError("a group without an identifier decides nothing")
        return self._people.resolve(tenant, key) or self._people.persona(tenant, key)


def _may_decide(
    entry: Entry | None, decision: Decision, person: str, *, only_waiting: bool
) -> Refusal | None:
    if entry is None:
        return Refusal.GONE
    if entry.person == person:
        return Refusal.OWN
    if entry.status == Status(decision.value):
        return Refusal.DECIDED
    if only_waiting and entry.status is not Status.SUBMITTED:
        return Refusal.SETTLED
    return None


def _may_change(entry: Entry | None, person: str) -> Refusal | None:
    if entry is None:
        return Refusal.GONE
    if entry.person != person:
        return Refusal.NOT_OWN
    if entry.automatic:
        return Refusal.PLATFORM
    if entry.status is Status.VERIFIED:
        return Refusal.VERIFIED
    return None

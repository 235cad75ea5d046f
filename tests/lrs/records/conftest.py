"""A learning record over a store, with a desk at which to write statements in people's names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from lrs.access import Access
from lrs.records.entries import Entry, entry_id
from lrs.records.learning_record import LearningRecord
from lrs.records.summaries import Summary
from lrs.store.port import Store
from lrs.xapi.ingest import Ingest, Receipt
from statements.data_types.identity import agent_key
from statements.data_types.versions import Version
from statements.profile.build import activity_statement, decision_statement, voiding_statement
from statements.profile.vocabulary import Decision
from tests.contract.engines import ENGINES
from tests.contract.make import now

AUTHORITY = {"objectType": "Agent", "account": {"homePage": "https://jejak.example", "name": "tool"}}
NOON = 1_794_459_600_000_000
"""12 November 2026, 12:00 in Jakarta, in microseconds."""


def agent(name: str) -> dict[str, Any]:
    """A person's account on the platform."""
    return {
        "objectType": "Agent",
        "name": name.title(),
        "account": {"homePage": "https://lms.example", "name": name},
    }


def key(name: str) -> str:
    """The identity key of that account."""
    found = agent_key(agent(name))
    assert found is not None
    return found


@dataclass
class RecordServices:
    """Writes statements, follows the log, reads the record."""

    store: Store
    record: LearningRecord
    tenant: str = "bkd"

    def send(self, *statements: dict[str, Any]) -> Receipt:
        """Store statements as one batch, without following them."""
        access = Access.internal(self.tenant, "tool", AUTHORITY)
        ingest = Ingest(self.store, now, lambda: str(uuid4()))
        return ingest.submit(access, list(statements), Version.V1)

    def follow(self) -> int:
        """Follow until nothing is left to do; how much was done."""
        done = 0
        while count := self.record.follower.run_once():
            done += count
        return done

    def write(self, *statements: dict[str, Any]) -> str:
        """Store and follow; the entry id that the first statement makes."""
        receipt = self.send(*statements)
        self.follow()
        return entry_id(self.tenant, receipt.ids[0])

    def learn(self, who: str = "budi", form: str = "coaching", **more: Any) -> dict[str, Any]:
        """A statement by which somebody tells what they learned."""
        given: dict[str, Any] = {
            "id": str(uuid4()),
            "actor": agent(who),
            "title": "Pendampingan SPBE",
            "end": date(2026, 11, 12),
        }
        return activity_statement(self.record.tables.of(self.tenant), form=form, **(given | more))

    def decide(
        self,
        target: str,
        decision: Decision = Decision.VERIFIED,
        *,
        by: str = "anwar",
        at: int = NOON,
        **more: Any,
    ) -> dict[str, Any]:
        """A statement by which somebody decides about another statement."""
        reason = "" if decision is Decision.VERIFIED else "Tanggal keliru"
        given: dict[str, Any] = {"id": str(uuid4()), "verifier": agent(by), "reason": reason, "at": at} | more
        return decision_statement(decision, target=target, **given)

    def void(self, target: str, by: str = "budi") -> dict[str, Any]:
        """A statement that voids another."""
        return voiding_statement(id=str(uuid4()), actor=agent(by), target=target, at=NOON)

    def person(self, who: str = "budi") -> str:
        """The id of the person with that account."""
        found = self.record.people.resolve(self.tenant, key(who))
        return found or self.record.people.persona(self.tenant, key(who))

    def entries(self, who: str = "budi") -> list[Entry]:
        """What is in the person's record of all years."""
        return self.record.records.entries(self.tenant, self.person(who))

    def only(self, who: str = "budi") -> Entry:
        """The person's one entry."""
        (entry,) = self.entries(who)
        return entry

    def summary(self, who: str = "budi", year: int = 2026) -> Summary:
        """The sums of the person's year."""
        return self.record.records.summary(self.tenant, self.person(who), year)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store: the oracle's and the embedded engine's. A module may ask for more engines."""
    place = ENGINES[request.param](tmp_path)
    opened = place.open()
    yield opened
    opened.close()
    place.remove()


def learning_record(store: Store) -> LearningRecord:
    """A learning record with a follower of its own, as in another process."""
    return LearningRecord.over(store, now, lambda: str(uuid4()))


@pytest.fixture
def desk(store: Store) -> RecordServices:
    """A learning record over an empty store."""
    return RecordServices(store, learning_record(store))

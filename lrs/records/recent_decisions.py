"""What somebody has decided in the last minutes, read from the statements themselves: what can be undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lrs.records.entries import entry_id
from lrs.store.log import LogQuery, Record
from lrs.store.port import Reader
from lrs.xapi.decisions import DECISION, counts
from statements.data_types import timestamps
from statements.data_types.exact_json import loads
from statements.keys import agent_filter_key, target_of, verb_filter_key
from statements.profile.vocabulary import DECISION_VERBS, Decision

MOST: Final = 500
"""Decisions of each kind that are looked at, the latest."""


@dataclass(frozen=True, slots=True)
class RecentDecision:
    """A decision that is in force and was stored a short time ago."""

    statement_id: str
    entry_id: str
    """Of the entry that it is about."""
    decision: Decision
    at: int
    """The statement's timestamp (microseconds): those that were sent together have the same."""


def recent_decisions(
    reader: Reader, tenant: str, verifier: Mapping[str, Any], since: int
) -> list[RecentDecision]:
    """The decisions that an agent has made, and that were stored, since a moment; the latest first.

    `since` is in microseconds. Voided ones are not among them, nor those that do not count. ValueError for an
    anonymous group.
    """
    agent = agent_filter_key(verifier)
    found: list[tuple[Record, Decision]] = []
    for decision, verb in DECISION_VERBS.items():
        keys = {agent, verb_filter_key(verb)}
        page = reader.find(LogQuery(tenant, keys, since=since, limit=MOST))
        # Whatever refers to a decision is found by its keys as well.
        found += [(record, decision) for record in page if keys <= record.views[0]]
    kept = reader.documents(DECISION, tenant, {record.id for record, _ in found})
    made = [
        RecentDecision(
            record.id,
            entry_id(tenant, target),
            decision,
            timestamps.parse(loads(record.body)["timestamp"]),
        )
        for record, decision in found
        if (target := target_of(record.views[0])) is not None
        and record.id in kept
        and counts(kept[record.id])
    ]
    # One that is stored late, as by an import, was made long ago.
    return sorted(
        (one for one in made if one.at > since), key=lambda one: (one.at, one.statement_id), reverse=True
    )

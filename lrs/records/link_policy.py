"""What a decision by one-time link is worth in an agency: it verifies, or it only confirms.

A learner can open their own link in a private window, and nobody can tell. So by default a link only
confirms, and an instructor completes it; an agency that trusts its people lets it verify, up to so many JP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lrs import document_kinds
from lrs.records.entries import Entry
from lrs.store import json_documents
from lrs.store.port import Store, Writer
from lrs.store.writes import WriteHints
from statements.profile.vocabulary import Decision

KIND: Final = document_kinds.VERIFIER_LINK_POLICY
_NAME: Final = "current"


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """What an agency lets a link do."""

    verifies: bool = False
    most_jp: Decimal | None = None
    """Entries of more JP are confirmed at most; None for no bound."""

    def decision(self, entry: Entry) -> Decision:
        """What saying yes to this entry is worth."""
        within = self.most_jp is None or entry.jp <= self.most_jp
        return Decision.VERIFIED if self.verifies and within else Decision.CONFIRMED


class LinkPolicies:
    """Reads and changes the policy of each agency."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        """`clock` gives microseconds since the epoch."""
        self._store = store
        self._clock = clock

    def of(self, tenant: str) -> LinkPolicy:
        """The policy of an agency: a link only confirms unless somebody said otherwise."""
        with self._store.reading() as reader:
            held = json_documents.get(reader, KIND, _NAME, scope=tenant)
        if held is None:
            return LinkPolicy()
        most = held["most_jp"]
        return LinkPolicy(held["verifies"], None if most is None else Decimal(most))

    def set(self, tenant: str, policy: LinkPolicy) -> None:
        """Change it for what is decided from now on; what was decided stays."""
        value = {
            "verifies": policy.verifies,
            "most_jp": None if policy.most_jp is None else str(policy.most_jp),
        }

        def work(writer: Writer) -> None:
            json_documents.put(writer, KIND, _NAME, value, now=self._clock(), scope=tenant)

        self._store.writing(work, WriteHints(tenant=tenant))

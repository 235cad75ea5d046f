"""The learning record as one thing: its parts, connected over one store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lrs.admin_log import AdminLog
from lrs.people.people import People
from lrs.people.unmatched_actors import UnmatchedActors
from lrs.records.account_names import AccountNames
from lrs.records.hints import Hints
from lrs.records.history import Histories
from lrs.records.link_policy import LinkPolicies
from lrs.records.projection.follower import Follower, OnChanged
from lrs.records.projection.rebuild import rebuild
from lrs.records.records import Records
from lrs.records.tables import Tables
from lrs.records.verification import UNDO_SECONDS, Verification
from lrs.records.verifier_links import VerifierLinks
from lrs.records.waiting import WaitingEntries
from lrs.store.port import Store


@dataclass(frozen=True, slots=True)
class LearningRecord:
    """Made once for each process by `over`; safe to use from many threads."""

    store: Store
    clock: Callable[[], int]
    new_id: Callable[[], str]
    people: People
    tables: Tables
    records: Records
    waiting: WaitingEntries
    hints: Hints
    verification: Verification
    follower: Follower
    account_names: AccountNames
    unmatched: UnmatchedActors
    admin_log: AdminLog
    links: VerifierLinks
    link_policies: LinkPolicies
    histories: Histories

    @classmethod
    def over(
        cls,
        store: Store,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        *,
        on_changed: OnChanged | None = None,
        undo_seconds: float = UNDO_SECONDS,
    ) -> LearningRecord:
        """The learning record that is kept in `store`; `on_changed` as in `Follower`.

        `undo_seconds`: how long a decision can be undone, see `Verification.undo`.
        """
        people = People(store, clock)
        tables = Tables(store, clock)
        records = Records(store, tables)
        links = VerifierLinks(store, records, clock)
        return cls(
            store,
            clock,
            new_id,
            people,
            tables,
            records,
            WaitingEntries(store),
            Hints(store),
            Verification(records, people, clock, new_id, undo_seconds=undo_seconds),
            Follower(store, people, tables, clock, holder=new_id(), on_changed=on_changed),
            AccountNames(store, clock),
            UnmatchedActors(store),
            AdminLog(store, clock),
            links,
            LinkPolicies(store, clock),
            Histories(store, people, tables, links),
        )

    def rebuild(self, progress: Callable[[int], None] | None = None) -> int:
        """Derive everything anew, see `lrs.records.projection.rebuild`."""
        return rebuild(
            self.store, self.people, self.tables, self.clock, holder=self.new_id(), progress=progress
        )

"""The product at work keeps no document of a kind that is not registered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from lrs import document_kinds
from lrs.document_kinds import KINDS
from lrs.records.account_names import AccountName
from lrs.records.link_policy import LinkPolicy
from lrs.store.memory import MemoryStore
from lti_tool.services.ags import SCORE, Score
from tests.jejak.test_document_kinds import WHAT_TO_DO
from tests.lrs.client import Client
from tests.lrs.samples import COURSE, agent, statement
from tests.lti_tool.conftest import World
from tests.lti_tool.pages.admin.test_pages import site
from tests.lti_tool.pages.verifier.test_links import Asking
from tests.lti_tool.platform import AGS_CLAIM, CLAIM, ROLE
from tests.lti_tool.services.test_client import ITEM, ITEMS
from tests.serving import application

__all__ = ["site"]


@dataclass
class Watched:
    """A writer that notes the kinds of what is put."""

    writer: Any
    kinds: set[str]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.writer, name)

    def put(self, document: Any) -> None:
        """Note the kind, then put."""
        self.kinds.add(str(document.kind))
        self.writer.put(document)


@contextmanager
def watched(patch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The kinds of documents that any store in memory is given meanwhile."""
    kinds: set[str] = set()
    writing, submit = MemoryStore.writing, MemoryStore.submit

    def noting(work: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda writer: work(writer if isinstance(writer, Watched) else Watched(writer, kinds))

    with patch.context() as here:
        here.setattr(MemoryStore, "writing", lambda self, work, *rest: writing(self, noting(work), *rest))
        here.setattr(MemoryStore, "submit", lambda self, work, *rest: submit(self, noting(work), *rest))
        yield kinds


def test_the_product_keeps_registered_kinds_alone(site: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Launches, a log form, a one-time link, a goal, grades, statements, documents, choices of operators."""
    with watched(monkeypatch) as kinds:
        asking = Asking(site)
        asking.decide(asking.make())
        goal = {"jejak_view": "goal", "jejak_form": "coaching", "jejak_jp": "4", "jejak_goal": "g1"}
        ags = {"scope": [SCORE], "lineitems": ITEMS, "lineitem": ITEM}
        site.visit().go(**{CLAIM + "custom": goal, CLAIM + "roles": [ROLE + "Learner"], AGS_CLAIM: ags})
        site.tool.grades.put(
            tenant="agency", platform_id=site.platform_id, line_item=ITEM, score=Score("42", 1, 1, 1)
        )
        site.tool.deliveries.run_once()
        site.tool.registrations.invites.create("agency")
        site.tool.platforms.change(site.platform_id, name="Moodle")
        record = asking.desk.record
        record.account_names.set("agency", "Moodle", AccountName.USERNAME)
        record.link_policies.set("agency", LinkPolicy(verifies=True))
        record.tables.change("agency", {"version": "a"}, author="operator")
        record.admin_log.note("keys.rotated", by="operator", name="root")
        client = Client(application(site.store), None).as_(site.store, "all", name="everything")
        about = json.dumps(agent())
        new = {"If-None-Match": "*"}
        client.put("/activities/state", {"activityId": COURSE, "agent": about, "stateId": "s"}, {})
        client.put("/activities/profile", {"activityId": COURSE, "profileId": "p"}, {}, headers=new)
        client.put("/agents/profile", {"agent": about, "profileId": "p"}, {}, headers=new)
        client.post("/statements", statement())
        while record.follower.run_once():
            pass
    unknown = kinds - set(KINDS)
    assert not unknown, f"kinds of documents that are not registered: {sorted(unknown)}{WHAT_TO_DO}"
    assert kinds >= {
        document_kinds.ACTIVITY,
        document_kinds.ACTIVITY_PROFILE,
        document_kinds.AGENT_PROFILE,
        document_kinds.ALIAS,
        document_kinds.CHECKPOINT,
        document_kinds.CREDENTIAL,
        document_kinds.DECISION,
        document_kinds.ENTRY,
        document_kinds.GOAL,
        document_kinds.LAUNCH_SESSION,
        document_kinds.OUTBOX_MESSAGE,
        document_kinds.PERSON,
        document_kinds.STATE,
        document_kinds.SUMMARY,
        document_kinds.VERIFIER_LINK,
    }

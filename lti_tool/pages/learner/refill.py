"""An entry that was sent, as the form shows it again: to be changed, or sent once more after a return.

What the form asks for is filled in as it was sent. What it does not ask for (a claim of JP, the courses it
was part of, whom another program named) is kept. Each piece of evidence can be kept or left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import orjson

from lrs.records.entries import Entry, Status, entry_id
from lrs.records.evidence.files import file_id
from lti_tool.launch.sessions import LaunchSession
from lti_tool.pages.learner.evidence_field import BOX
from lti_tool.pages.learner.log_form import AS_SENT, Colleague, Kept
from lti_tool.text.sentences import safe_link
from lti_tool.web.record_services import RecordServices
from statements.data_types.identity import agent_key, is_uuid
from statements.profile import vocabulary as words
from statements.profile.build import quantity
from statements.profile.classify import Learning, classify
from statements.profile.table import Form, Table

KEEP: Final = "keep_"
"""Begins the name of the box that keeps a piece of evidence; its place in `Sent.evidence` follows."""
_COUNTS: Final = ("sessions", "days", "semesters")


@dataclass(frozen=True, slots=True)
class Proof:
    """A piece of evidence that was sent with an entry."""

    field: str
    """Name of the box that keeps it."""
    title: str
    url: str
    """Where it is; empty when only its name may be shown."""


@dataclass(frozen=True)
class Sent:
    """A statement of the person's own that a form made, or could have made."""

    tenant: str
    statement_id: str
    statement: Mapping[str, Any]
    learning: Learning

    @property
    def entry_id(self) -> str:
        """The entry that it makes, as long as it is not replaced or withdrawn."""
        return entry_id(self.tenant, self.statement_id)

    @cached_property
    def links(self) -> list[Mapping[str, str]]:
        """Links to evidence, as they were sent."""
        told = _context(self.statement).get("extensions") or {}
        found = told.get(words.EVIDENCE)
        return [
            one
            for one in (found if isinstance(found, list) else ())
            if isinstance(one, Mapping) and isinstance(one.get("url"), str)
        ]

    @cached_property
    def attachments(self) -> list[Mapping[str, Any]]:
        """Attachments that another program sent, as they were sent."""
        return [one for one in self.statement.get("attachments") or () if not _file_in(one)]

    @cached_property
    def files(self) -> list[str]:
        """Ids of the files that were sent here."""
        return [id for one in self.statement.get("attachments") or () if (id := _file_in(one))]

    @property
    def proofs(self) -> list[Proof]:
        """Everything that was sent as evidence, in the order of its boxes."""
        named = [(str(link.get("title") or link["url"]), link["url"]) for link in self.links]
        named += [(_first(one.get("display")), str(one.get("fileUrl") or "")) for one in self.attachments]
        return [
            Proof(f"{KEEP}{place}", title, url if safe_link(url) else "")
            for place, (title, url) in enumerate(named)
        ]

    def typed(self, form: Form, session: LaunchSession, colleagues: Collection[Colleague]) -> dict[str, str]:
        """What stands in the fields of a form: all that was sent and that this form asks for."""
        told, asked = self.learning, quantity(form)
        minutes = 0 if told.amount.seconds is None else told.amount.seconds // 60
        counted = {name: getattr(told.amount, name) for name in _COUNTS}
        fields = {
            "title": next(iter(told.title.values()), ""),
            "end": told.end.isoformat(),
            "start": told.start.isoformat() if told.start != told.end else "",
            "hours": str(minutes // 60) if minutes else "",
            "minutes": str(minutes % 60) if minutes % 60 else "",
            "count": str(counted.get(asked) or 1),
            "mentor": self._mentor(session, colleagues),
            "organiser": told.organiser,
            "certificate": told.details.get("certificate", ""),
            "international": "1" if told.international else "",
            "reflection": str((self.statement.get("result") or {}).get("response") or ""),
        }
        fields |= {BOX + id: "1" for id in self.files}
        return fields | {proof.field: "1" for proof in self.proofs}

    def kept(self, typed: Mapping[str, str]) -> Kept:
        """What the statement that takes its place keeps, given which boxes of evidence are ticked."""
        ticked = [bool(typed.get(proof.field)) for proof in self.proofs]
        links, attachments = ticked[: len(self.links)], ticked[len(self.links) :]
        context = _context(self.statement)
        courses: Any = (context.get("contextActivities") or {}).get("grouping") or ()
        return Kept(
            titles=self.learning.title,
            mentor=context.get("instructor"),
            links=[link for link, keep in zip(self.links, links, strict=True) if keep],
            attachments=[one for one, keep in zip(self.attachments, attachments, strict=True) if keep],
            courses=[courses] if isinstance(courses, Mapping) else courses,
            jp_claimed=self.learning.jp_claimed,
            pillar=self.learning.pillar,
            details=self.learning.details,
        )

    def _mentor(self, session: LaunchSession, colleagues: Collection[Colleague]) -> str:
        named = _context(self.statement).get("instructor")
        if not named:
            return ""
        account = named.get("account") or {}
        subject = str(account.get("name", "")) if account.get("homePage") == session.issuer else ""
        return subject if any(one.subject == subject for one in colleagues) else AS_SENT


def changeable(entry: Entry) -> bool:
    """Whether its owner may change or withdraw an entry."""
    return not entry.automatic and entry.status is not Status.VERIFIED


def find_sent(desk: RecordServices, session: LaunchSession, table: Table, statement_id: str) -> Sent | None:
    """A statement of this person's own from which a form can be filled, voided or not; else None."""
    if not is_uuid(statement_id):
        return None
    with desk.record.store.reading() as reader:
        record = reader.get(session.tenant, [statement_id.lower()]).get(statement_id.lower())
    if record is None:
        return None
    statement = orjson.loads(record.body)
    learning = classify(statement, table)
    if not isinstance(learning, Learning) or learning.automatic:
        return None
    key = agent_key(statement["actor"])
    owner = None if key is None else desk.record.people.resolve(session.tenant, key)
    if owner is None or owner != desk.person(session):
        return None
    return Sent(session.tenant, record.id, statement, learning)


def _context(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    return statement.get("context") or {}


def _file_in(attachment: Mapping[str, Any]) -> str:
    return file_id(str(attachment.get("fileUrl") or ""))


def _first(texts: Mapping[str, str] | None) -> str:
    return next(iter((texts or {}).values()), "")

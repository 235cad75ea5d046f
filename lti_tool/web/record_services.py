"""What the pages of the record work with, bundled once per application."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from flask import Flask, current_app
from jinja2 import PackageLoader

from lrs.records.evidence.files import EvidenceFiles
from lrs.records.evidence.uploads import Uploads
from lrs.records.learning_record import LearningRecord
from lti_tool.accounts import account_key
from lti_tool.launch.course_members import Member
from lti_tool.launch.sessions import LaunchSession
from lti_tool.services.cohorts import Cohorts
from lti_tool.services.deputies import Deputies
from lti_tool.services.drafts import Drafts
from lti_tool.services.emitter import Emitter
from lti_tool.services.goal_progress import Progress
from lti_tool.services.roster import Roster
from lti_tool.services.sign_off import SignOff
from lti_tool.text import formats, masking, sentences

EXTENSION = "record_desk"
PATIENCE_SECONDS = 3.0
"""How long a page that has just written waits until its entry can be seen."""


@dataclass(frozen=True, slots=True)
class RecordServices:
    """The parts of the learning record that pages use.

    `current_record_services()` finds them inside a request.
    """

    record: LearningRecord
    emitter: Emitter
    roster: Roster
    clock: Callable[[], int]
    progress: Progress
    evidence: EvidenceFiles
    uploads: Uploads

    def person(self, session: LaunchSession) -> str:
        """The person who launched; made known by the launch itself."""
        key = account_key(session.issuer, session.subject)
        return self.record.people.resolve(session.tenant, key) or self.record.people.ensure(
            session.tenant, [key], session.name
        )

    @property
    def drafts(self) -> Drafts:
        """What keeps forms that are not sent yet."""
        return Drafts(self.record.store, self.clock)

    def draft_owner(self, session: LaunchSession) -> str:
        """Whose drafts a person finds: those of the account that launched."""
        return self.record.people.persona(session.tenant, account_key(session.issuer, session.subject))

    def persons_of(self, session: LaunchSession, members: Collection[Member]) -> dict[str, str]:
        """The person of each member, by subject; one seen for the first time is made known here."""
        keys = {one.subject: account_key(session.issuer, one.subject) for one in members}
        known = self.record.people.resolve_all(session.tenant, set(keys.values()))
        names = {one.subject: one.name for one in members}
        return {
            subject: known.get(key) or self.record.people.ensure(session.tenant, [key], names[subject])
            for subject, key in keys.items()
        }

    @property
    def cohorts(self) -> Cohorts:
        """What counts the people of a course."""
        return Cohorts(self.roster, self.record, self.clock)

    @property
    def sign_off(self) -> SignOff:
        """What finds what waits for somebody."""
        return SignOff(self.record, self.roster, self.deputies, self.clock)

    @property
    def deputies(self) -> Deputies:
        """Who decides in whose place."""
        return Deputies(self.record.store, self.record.people, self.clock)

    def seen(self, tenant: str, stored: int) -> bool:
        """Wait until the tenant's records up to `stored` were worked out; False when that takes too long."""
        self.record.follower.notify()
        return self.record.follower.wait_past(stored, PATIENCE_SECONDS, tenant=tenant)


def install_record_services(app: Flask, desk: RecordServices) -> None:
    """Give the application its templates, what they call to put the record in words, and the desk."""
    app.jinja_loader = PackageLoader("lti_tool", "templates")
    app.extensions[EXTENSION] = desk
    app.jinja_env.filters.update(masked=masking.masked, isolated=formats.isolated)
    app.jinja_env.globals.update(
        words=sentences.words,
        pillar_name=sentences.pillar_name,
        form_name=sentences.form_name,
        goal_sentence=sentences.goal_sentence,
        duration=sentences.duration,
        decided_by=sentences.decided_by,
        safe_link=sentences.safe_link,
    )


def current_record_services() -> RecordServices:
    """The desk of the application that handles this request."""
    desk: RecordServices = current_app.extensions[EXTENSION]
    return desk

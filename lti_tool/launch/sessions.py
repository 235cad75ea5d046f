"""One session per launch: who is here, in which course, with which role.

A session is opened by a launch and found by its id (in the path) together with its secret (in a
cookie of that launch); either alone opens nothing. It holds no employee number and no e-mail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from lrs import document_kinds
from lrs.store import json_documents
from lrs.store.port import Store, Writer
from lrs.store.writes import STRANGERS, WriteHints
from lti_tool.roles import ADMINISTRATOR, INSTRUCTOR
from lti_tool.settings import SECOND, LtiSettings
from lti_tool.tokens import digest, matches, new_id, new_secret

KIND: Final = document_kinds.LAUNCH_SESSION
COHORT_ROLES = frozenset({INSTRUCTOR, ADMINISTRATOR})


@dataclass(frozen=True, slots=True)
class LaunchSession:
    """What a launch told us. Texts come from the platform: escape them."""

    id: str
    tenant: str
    platform_id: str
    issuer: str
    client_id: str
    deployment_id: str
    subject: str
    name: str
    given_name: str
    roles: frozenset[str]
    """Of "learner", "instructor", "administrator"."""
    context_id: str
    context_title: str
    resource_link_id: str
    resource_link_title: str
    message_type: str
    locale: str
    custom: dict[str, str]
    nrps_url: str
    ags: dict[str, Any]
    """`lineitems`, `lineitem` and `scope` of the AGS claim; empty when the platform offers none."""
    deep_linking: dict[str, Any]
    return_url: str
    created: int
    expires: int

    @property
    def is_instructor(self) -> bool:
        """Whether the person teaches this course."""
        return "instructor" in self.roles

    @property
    def sees_cohort(self) -> bool:
        """Whether the person may see everybody in the course."""
        return bool(self.roles & COHORT_ROLES)

    @property
    def account(self) -> tuple[str, str]:
        """(issuer, subject): the account under which statements know this person."""
        return self.issuer, self.subject

    @property
    def context_key(self) -> str:
        """A name for the course that is unique over platforms and deployments; empty without one."""
        if not self.context_id:
            return ""
        return digest(self.platform_id, self.deployment_id, self.context_id)


class Sessions:
    """Open, find and close sessions."""

    def __init__(self, store: Store, clock: Callable[[], int], settings: LtiSettings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings

    def open(self, described: dict[str, Any]) -> tuple[LaunchSession, str]:
        """Keep a new session and return it with its secret, which is nowhere kept in clear."""
        now = self._clock()
        expires = now + self._settings.session_seconds * SECOND
        session = LaunchSession(id=new_id(), created=now, expires=expires, **described)
        secret = new_secret()
        value = {"session": _dump(session), "secret": digest(secret)}

        def work(writer: Writer) -> None:
            json_documents.clear_expired(writer, KIND, now)
            order = json_documents.expiry_order(expires)
            json_documents.put(writer, KIND, session.id, value, now=now, order=order)

        self._store.writing(work, WriteHints(tenant=session.tenant))
        return session, secret

    def find(self, launch_id: str, secret: str) -> LaunchSession | None:
        """The session of this id, if the secret is its own and it has not expired."""
        with self._store.reading() as reader:
            value = json_documents.get(reader, KIND, launch_id)
        if value is None or not secret or not matches(secret, value["secret"]):
            return None
        session = _load(value["session"])
        return session if session.expires > self._clock() else None

    def close(self, launch_id: str, secret: str) -> bool:
        """Forget a session, given its secret; whether there was one."""

        def work(writer: Writer) -> bool:
            value = json_documents.get(writer, KIND, launch_id)
            if value is None or not matches(secret, value["secret"]):
                return False
            return writer.delete(KIND, "", [launch_id]) > 0

        return self._store.writing(work, WriteHints(tenant=STRANGERS))


def _dump(session: LaunchSession) -> dict[str, Any]:
    value = {name: getattr(session, name) for name in LaunchSession.__dataclass_fields__}
    return {**value, "roles": sorted(session.roles)}


def _load(value: dict[str, Any]) -> LaunchSession:
    return LaunchSession(**{**value, "roles": frozenset(value["roles"])})

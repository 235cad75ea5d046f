"""Every kind of document that the store keeps: what it is, whose, and for how long.

A new kind is registered here, and its module takes its name from here (`KIND: Final = document_kinds.MINE`).
Erasure, export and backup go by this list: a kind that is not in it would be forgotten by all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """How the `scope` of a kind's documents is made up."""

    SERVICE = "the service"
    """Empty: those of all tenants stand together; whose one is, an index key or the document itself tells."""
    TENANT = "tenant"
    """The tenant."""
    PLACE = "tenant and place"
    """The tenant, a unit separator, and a course or what else the tenant has several of."""
    OTHER = "see there"
    """Something else, which `what` says."""


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """One kind of documents."""

    name: str
    owner: str
    """The module that writes them."""
    what: str
    """What one document is, for the page about them."""
    personal: bool
    """Whether it holds data about a person: erasing a person must look here."""
    kept: str
    """How long it is kept, and what ends it."""
    scope: Scope
    derived: bool
    """Whether `jejak rebuild` can make it anew from the statements."""


KINDS: Final[dict[str, DocumentKind]] = {}
"""All kinds, by name."""


def _kind(
    name: str,
    owner: str,
    what: str,
    *,
    personal: bool,
    kept: str,
    scope: Scope = Scope.TENANT,
    derived: bool = False,
) -> str:
    if name in KINDS:
        raise ValueError(f"two kinds of documents are called {name!r}")
    KINDS[name] = DocumentKind(name, owner, what, personal, kept, scope, derived)
    return name


_WITH_STATEMENTS = "as long as the statements"
_WITH_PERSON = "as long as the person"
_WITH_TENANT = "as long as the agency"
_UNTIL_DONE = "until it is done"

# The xAPI.
STATE: Final = _kind(
    "state",
    "lrs.xapi.documents",
    "a document of the State resource; the scope is tenant, activity and agent",
    personal=True,
    kept="until its sender deletes it",
    scope=Scope.OTHER,
)
ACTIVITY_PROFILE: Final = _kind(
    "activity-profile",
    "lrs.xapi.documents",
    "a document of the Activity Profile resource; the scope is tenant and activity",
    personal=True,
    kept="until its sender deletes it",
    scope=Scope.OTHER,
)
AGENT_PROFILE: Final = _kind(
    "agent-profile",
    "lrs.xapi.documents",
    "a document of the Agent Profile resource; the scope is tenant and agent",
    personal=True,
    kept="until its sender deletes it",
    scope=Scope.OTHER,
)
ACTIVITY: Final = _kind(
    "activity",
    "lrs.xapi.activities",
    "what statements say of an activity, merged",
    personal=False,
    kept=_WITH_STATEMENTS,
    derived=True,
)
AGENT: Final = _kind(
    "agent",
    "lrs.xapi.agents",
    "the names by which statements call an agent",
    personal=True,
    kept=_WITH_STATEMENTS,
    derived=True,
)
ATTACHMENT: Final = _kind(
    "attachment",
    "lrs.xapi.attachments",
    "an attachment that a tenant sent: the digest of its bytes and its type",
    personal=False,
    kept=_WITH_STATEMENTS,
)
DECISION: Final = _kind(
    "decision",
    "lrs.xapi.decisions",
    "that a statement may decide about an entry or void another",
    personal=False,
    kept=_WITH_STATEMENTS,
)
DECISIONS_COUNTED: Final = _kind(
    "decisions-counted",
    "lrs.xapi.decisions",
    "how far decisions of an earlier version were looked for",
    personal=False,
    kept="for good; there is one",
    scope=Scope.SERVICE,
)
AWAITED: Final = _kind(
    "awaited",
    "lrs.xapi.pending_ids",
    "that statements refer to an id that is not stored yet",
    personal=False,
    kept="until the statement comes",
    derived=True,
)
AWAITED_EVER: Final = _kind(
    "awaited-ever",
    "lrs.xapi.pending_ids",
    "whether a tenant ever had such an id",
    personal=False,
    kept=_WITH_TENANT,
)
REFERENCES_OWED: Final = _kind(
    "references-owed",
    "lrs.xapi.pending_references",
    "a statement whose referrers are still to be indexed, and how far that is",
    personal=False,
    kept=_UNTIL_DONE,
)
REFERENCES_TURN: Final = _kind(
    "references-turn",
    "lrs.xapi.pending_references",
    "a tenant that has such statements, and when it last had its turn",
    personal=False,
    kept=_UNTIL_DONE,
    scope=Scope.SERVICE,
)

# Evidence.
EVIDENCE: Final = _kind(
    "evidence",
    "lrs.records.evidence.files",
    "a photo or PDF that somebody sent to prove learning: whose it is, its name, hash, and what names it; "
    "its bytes are a blob of its own",
    personal=True,
    kept="as long as the statements that name it; 30 days if none does",
)
EVIDENCE_PREVIEW: Final = _kind(
    "evidence-preview",
    "lrs.records.evidence.files",
    "the small picture of such a photo, by the same name",
    personal=True,
    kept="as the file",
)
EVIDENCE_UPLOAD: Final = _kind(
    "evidence-upload",
    "lrs.records.evidence.uploads",
    "an upload that was begun: whose it is, how far it has come, and what became of it",
    personal=True,
    kept="a day",
)
EVIDENCE_UPLOAD_PIECE: Final = _kind(
    "evidence-upload-piece",
    "lrs.records.evidence.uploads",
    "some bytes of an upload that is not finished",
    personal=True,
    kept="until the upload is finished, ended or expired",
)

# People.
ALIAS: Final = _kind(
    "alias",
    "lrs.people.links",
    "an identifier of a person: account, e-mail, user name or employee number",
    personal=True,
    kept="as long as the person or the statements that name it",
)
PERSON: Final = _kind(
    "person", "lrs.people.links", "a person: name and identifiers", personal=True, kept=_WITH_PERSON
)
LINK: Final = _kind(
    "link",
    "lrs.people.links",
    "why two identifiers are one person: author, time, reason",
    personal=True,
    kept=_WITH_PERSON,
)
SALT: Final = _kind(
    "salt",
    "lrs.people.people",
    "the key with which an agency's identifiers are hashed",
    personal=False,
    kept=_WITH_TENANT,
)
RECOUNT: Final = _kind(
    "recount",
    "lrs.people.links",
    "a person, or everybody, whose entries are to be worked out anew",
    personal=False,
    kept=_UNTIL_DONE,
)

# The learning record.
ENTRY: Final = _kind(
    "entry",
    "lrs.records.entries",
    "an entry of a learning record",
    personal=True,
    kept=_WITH_STATEMENTS,
    derived=True,
)
SUMMARY: Final = _kind(
    "summary",
    "lrs.records.summaries",
    "the sums of a person's year",
    personal=True,
    kept=_WITH_STATEMENTS,
    derived=True,
)
CHECKPOINT: Final = _kind(
    "checkpoint",
    "lrs.records.checkpoint",
    "how far the learning record has followed the log",
    personal=False,
    kept="for good; there is one",
    scope=Scope.SERVICE,
)
UNPROJECTED: Final = _kind(
    "unprojected",
    "lrs.records.projection.follower",
    "a statement that the follower could not work on",
    personal=False,
    kept=_WITH_STATEMENTS,
)
UNCOUNTED: Final = _kind(
    "uncounted",
    "lrs.records.projection.project",
    "a year of a person that is still to be summed up",
    personal=False,
    kept=_UNTIL_DONE,
)
REVERSED: Final = _kind(
    "reversed",
    "lrs.records.projection.project",
    "completions that a reversal touches and that are still to be worked out",
    personal=False,
    kept=_UNTIL_DONE,
)
WAITING: Final = _kind(
    "waiting",
    "lrs.records.waiting",
    "an entry that waits for a decision: whose it is, and whom it names",
    personal=True,
    kept="until it is decided",
    derived=True,
)
WAITING_LISTED: Final = _kind(
    "waiting-listed",
    "lrs.records.waiting",
    "how far entries that an earlier version kept were looked at, to list those that wait",
    personal=False,
    kept="for good; there is one",
    scope=Scope.SERVICE,
)
JP_TABLE: Final = _kind(
    "jp-table",
    "lrs.records.tables",
    "a version of an agency's JP table, or the history of its versions",
    personal=False,
    kept=_WITH_TENANT,
)
ACCOUNT_NAMES: Final = _kind(
    "account-names",
    "lrs.records.account_names",
    "what the account names of a source are",
    personal=False,
    kept=_WITH_TENANT,
)
VERIFIER_LINK: Final = _kind(
    "verifier-link",
    "lrs.records.verifier_links",
    "a one-time link by which somebody without an account confirms an entry: whom it was made for",
    personal=True,
    kept="30 days after it has ended",
    scope=Scope.SERVICE,
)
VERIFIER_LINK_POLICY: Final = _kind(
    "verifier-link-policy",
    "lrs.records.link_policy",
    "whether and how an agency lets such links confirm",
    personal=False,
    kept=_WITH_TENANT,
)

# Tenants, access and what administrators do.
TENANT: Final = _kind(
    "tenant",
    "lrs.tenants",
    "that an agency has statements",
    personal=False,
    kept=_WITH_TENANT,
    scope=Scope.SERVICE,
)
CREDENTIAL: Final = _kind(
    "credential",
    "lrs.access",
    "a key of a program: its name, scopes and the digest of its secret",
    personal=False,
    kept="for good; a disabled one stays, so that authorities can be told",
    scope=Scope.SERVICE,
)
CARRIED_OVER: Final = _kind(
    "carried-over",
    "lrs.access",
    "that the rights of credentials of an earlier version were carried over",
    personal=False,
    kept="for good; there is one for each right",
    scope=Scope.SERVICE,
)
ADMIN_ACT: Final = _kind(
    "admin-act",
    "lrs.admin_log",
    "what an administrator did: user name of the operator, or initials",
    personal=True,
    kept="730 days",
    scope=Scope.SERVICE,
)
SECRET: Final = _kind(
    "secret",
    "jejak.secrets",
    "the key from which the service derives others",
    personal=False,
    kept="for good; there is one",
    scope=Scope.SERVICE,
)
HEALTH: Final = _kind(
    "health",
    "jejak.server.health",
    "nothing: it is asked for, to see whether the store answers",
    personal=False,
    kept="never",
    scope=Scope.SERVICE,
)

# The outbox.
OUTBOX_MESSAGE: Final = _kind(
    "outbox-message",
    "lrs.outbox.messages",
    "a message on its way (a grade, for instance) and how its delivery stands; the scope is its kind",
    personal=True,
    kept="as its kind says: what was delivered not at all, what failed 90 days; grades as long as the goal",
    scope=Scope.OTHER,
)
OUTBOX_TARGET: Final = _kind(
    "outbox-target",
    "lrs.outbox.ledger",
    "how many messages for a target wait and have failed, and why; the scope is their kind",
    personal=False,
    kept="as long as the target",
    scope=Scope.OTHER,
)
OUTBOX_TENANT: Final = _kind(
    "outbox-tenant",
    "lrs.outbox.ledger",
    "the same of all targets of an agency; the scope is the kind of the messages",
    personal=False,
    kept=_WITH_TENANT,
    scope=Scope.OTHER,
)

# The tool inside learning platforms.
PLATFORM: Final = _kind(
    "platform",
    "lti_tool.platforms.platforms",
    "a learning platform that an agency has connected",
    personal=False,
    kept="for good; it can be disabled",
    scope=Scope.SERVICE,
)
PLATFORM_CLIENT: Final = _kind(
    "platform-client",
    "lti_tool.platforms.platforms",
    "which platform an issuer and client id belong to",
    personal=False,
    kept="as long as the platform",
    scope=Scope.SERVICE,
)
DEPLOYMENT: Final = _kind(
    "deployment",
    "lti_tool.platforms.platforms",
    "a deployment of a platform; the scope is the platform's id",
    personal=False,
    kept="as long as the platform",
    scope=Scope.OTHER,
)
TOOL_KEY: Final = _kind(
    "tool-key",
    "lti_tool.platforms.tool_keys",
    "a signing key of the tool",
    personal=False,
    kept="a day after the next key signs",
    scope=Scope.SERVICE,
)
INVITE: Final = _kind(
    "invite",
    "lti_tool.services.registration",
    "an invitation to register a platform: the digest of its secret",
    personal=False,
    kept="7 days, or until it is used",
    scope=Scope.SERVICE,
)
LAUNCH_TRANSACTION: Final = _kind(
    "launch-transaction",
    "lti_tool.launch.logins",
    "a login that a platform began: state and nonce",
    personal=False,
    kept="10 minutes, or until it is used",
    scope=Scope.SERVICE,
)
LAUNCH_SESSION: Final = _kind(
    "launch-session",
    "lti_tool.launch.sessions",
    "a session: who launched, with which roles, from which course",
    personal=True,
    kept="12 hours",
    scope=Scope.SERVICE,
)
FORM_DRAFT: Final = _kind(
    "form-draft",
    "lti_tool.services.drafts",
    "a form that is not sent yet: what was typed so far; by a hash of whose draft it is",
    personal=True,
    kept="until the form is sent or the draft thrown away, at most 30 days",
)
MEMBER: Final = _kind(
    "member",
    "lti_tool.launch.course_members",
    "a member of a course: account, name, roles",
    personal=True,
    kept="until the platform no longer lists them",
    scope=Scope.PLACE,
)
ROSTER: Final = _kind(
    "roster",
    "lti_tool.services.roster",
    "when a course's list of members was fetched, and how that went; of an earlier version, the list",
    personal=True,
    kept="as long as the platform",
    scope=Scope.PLACE,
)
COHORT: Final = _kind(
    "cohort",
    "lti_tool.services.cohorts",
    "the counts of a course's report",
    personal=False,
    kept="until they are counted again",
    scope=Scope.PLACE,
)
DEPUTY: Final = _kind(
    "deputy",
    "lti_tool.services.deputies",
    "that somebody decides in a verifier's place for a time: both by name",
    personal=True,
    kept="until it is taken back; it has no effect after its time, 90 days at most",
)
GOAL: Final = _kind(
    "goal",
    "lti_tool.services.goals",
    "a learner's graded goal: account, column of the gradebook, what is asked",
    personal=True,
    kept="as long as the platform",
)
GOAL_LINK: Final = _kind(
    "goal-link",
    "lti_tool.services.goals",
    "an activity that asks for a goal, and whether it was dismissed",
    personal=False,
    kept="as long as the platform",
)
EARLIER_GRADE: Final = _kind(
    "grade",
    "lti_tool.services.earlier_grades",
    "a score that an earlier version queued",
    personal=True,
    kept="until it is taken over into the outbox, at the first start",
    scope=Scope.SERVICE,
)

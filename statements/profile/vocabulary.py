"""The IRIs of this project's own xAPI profile, and of the statements that sign entries off.

A statement belongs to the profile when a category activity names a form. All else is looked up from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

PROFILE: Final = "https://jejak.id/xapi/profile"
PROFILE_VERSION: Final = f"{PROFILE}/v1.0"
"""Also a category activity of each statement, so that a reader knows which version it follows."""

FORMS: Final = f"{PROFILE}/forms/"
"""A category activity `FORMS + code` names the form of learning."""
PILLARS: Final = f"{PROFILE}/pillars/"
"""A category activity `PILLARS + "70" | "20" | "10"` names the pillar."""
FORM_TYPE: Final = f"{PROFILE}/activity-types/form"
PILLAR_TYPE: Final = f"{PROFILE}/activity-types/pillar"
PROFILE_TYPE: Final = "http://adlnet.gov/expapi/activities/profile"
ACTIVITIES: Final = "https://jejak.id/xapi/activities/"
"""Self-reported activities have no address of their own; theirs is this and the statement's id."""

_EXTENSIONS: Final = f"{PROFILE}/extensions/"

# Result extensions: how much was learned.
JP_CLAIMED: Final = f"{_EXTENSIONS}jp-claimed"
JP_TABLE: Final = f"{_EXTENSIONS}jp-table"
DAYS: Final = f"{_EXTENSIONS}days"
SESSIONS: Final = f"{_EXTENSIONS}sessions"
SEMESTERS: Final = f"{_EXTENSIONS}semesters"

# Context extensions: the circumstances.
START: Final = f"{_EXTENSIONS}start"
END: Final = f"{_EXTENSIONS}end"
ORGANISER: Final = f"{_EXTENSIONS}organiser"
EVENT_SCOPE: Final = f"{_EXTENSIONS}scope"
SOURCE: Final = f"{_EXTENSIONS}source"
REPLACES: Final = f"{_EXTENSIONS}replaces"
CERTIFICATE: Final = f"{_EXTENSIONS}certificate"
PLACE: Final = f"{_EXTENSIONS}place"
ROLE: Final = f"{_EXTENSIONS}role"
COMPETENCY: Final = f"{_EXTENSIONS}competency"
EVIDENCE: Final = f"{_EXTENSIONS}evidence"

# Context extensions of a decision: how the verifier came to it, and who they say they are.
CHANNEL: Final = f"{_EXTENSIONS}channel"
POSITION: Final = f"{_EXTENSIONS}position"
BY_LINK: Final = "link"
"""Value of `CHANNEL`: by a one-time link, without an account. The name and the position are as typed."""
CHANNELS: Final = frozenset({BY_LINK})
LINKS: Final = "https://jejak.id/xapi/links/"
"""Home page of the accounts of one-time links: the actor of a decision that was made by one."""
NAMED_PEOPLE: Final = "https://jejak.id/xapi/named-people/"
"""Home page of the accounts of people whom a learner names and of whom no identifier is known."""

EVIDENCE_USAGE: Final = f"{PROFILE}/attachment-usages/evidence"
"""`usageType` of an attachment that proves the learning."""

VOIDED: Final = "http://adlnet.gov/expapi/verbs/voided"


class Decision(StrEnum):
    """What a verifier may decide about an entry."""

    VERIFIED = "verified"
    RETURNED = "returned"
    REJECTED = "rejected"
    CONFIRMED = "confirmed"
    """Somebody vouches for it; it goes on waiting for a verifier."""


NEEDS_REASON: Final = frozenset({Decision.RETURNED, Decision.REJECTED})
"""Decisions of which the learner must be told why."""


DECISION_VERBS: Final[Mapping[Decision, str]] = {
    Decision.VERIFIED: "https://w3id.org/xapi/tla/verbs/verified",
    Decision.RETURNED: "http://activitystrea.ms/return",
    Decision.REJECTED: "http://activitystrea.ms/reject",
    Decision.CONFIRMED: "http://activitystrea.ms/confirm",
}
DECISIONS: Final[Mapping[str, Decision]] = {verb: decision for decision, verb in DECISION_VERBS.items()}

VERB_DISPLAY: Final[Mapping[str, Mapping[str, str]]] = {
    "http://adlnet.gov/expapi/verbs/completed": {"id": "menyelesaikan", "en": "completed"},
    "http://adlnet.gov/expapi/verbs/attended": {"id": "menghadiri", "en": "attended"},
    "http://adlnet.gov/expapi/verbs/experienced": {"id": "mengalami", "en": "experienced"},
    "https://w3id.org/xapi/dod-isd/verbs/observed": {"id": "mengamati", "en": "observed"},
    "https://w3id.org/xapi/dod-isd/verbs/performed": {"id": "melaksanakan", "en": "performed"},
    "http://id.tincanapi.com/verb/performed-offline": {
        "id": "melakukan secara luring",
        "en": "performed offline",
    },
    DECISION_VERBS[Decision.VERIFIED]: {"id": "memverifikasi", "en": "verified"},
    DECISION_VERBS[Decision.RETURNED]: {"id": "mengembalikan", "en": "returned"},
    DECISION_VERBS[Decision.REJECTED]: {"id": "menolak", "en": "rejected"},
    DECISION_VERBS[Decision.CONFIRMED]: {"id": "mengonfirmasi", "en": "confirmed"},
    VOIDED: {"id": "membatalkan", "en": "voided"},
}

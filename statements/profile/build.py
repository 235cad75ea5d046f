"""Builds the statements of the profile: an activity that was learned from, and what is decided about it.

The functions are pure: ids and times come in. The results pass `statements.rules.check` of both versions and
are recognised by `statements.profile.classify`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from statements.data_types import timestamps
from statements.profile import vocabulary as words
from statements.profile.table import Form, JpKind, Table
from statements.profile.vocabulary import Decision

Agent = Mapping[str, Any]


def activity_statement(
    table: Table,
    *,
    id: str,
    form: str,
    actor: Agent,
    title: str | Mapping[str, str],
    end: date,
    start: date | None = None,
    at: int | None = None,
    pillar: str | None = None,
    minutes: int | None = None,
    sessions: int | None = None,
    days: int | None = None,
    semesters: int | None = None,
    jp_claimed: Decimal | None = None,
    international: bool = False,
    mentor: Agent | None = None,
    organiser: str = "",
    reflection: str = "",
    evidence_links: Sequence[Mapping[str, str]] = (),
    attachments: Sequence[Mapping[str, Any]] = (),
    courses: Sequence[Mapping[str, Any]] = (),
    source: str = "self",
    details: Mapping[str, str] | None = None,
    replaces: str | None = None,
    language: str = "id",
    activity_type: str | None = None,
) -> dict[str, Any]:
    """The statement that `actor` learned something. `actor` is always the civil servant, never the mentor.

    - `id`: the statement's id, made by whoever sends it, so that a retry changes nothing.
    - `form`, `pillar`: codes of the table; the pillar only where the form leaves a choice.
    - `start`, `end`: first and last day; `at`: the event's time in microseconds, noon of `end` by default.
    - `jp_claimed`: JP as a certificate says them; the award never is more.
    - `reflection`: only one that the learner shares: everybody who may read the statement can read it.
    - `evidence_links`: `{"url": ..., "title": ...}`; `attachments`: xAPI attachment objects, see `evidence`.
    - `courses`: activities it was part of; each becomes a `grouping`.
    - `details`: `certificate`, `place`, `role`, `competency`.
    - `replaces`: id of the statement that this one corrects (void that one, too).

    ValueError when the form is unknown, the pillar is not one of the form's, or the dates are reversed.
    """
    known = table.forms.get(form)
    if known is None:
        raise ValueError(f"the table has no form {form!r}")
    chosen = pillar or known.pillar
    if chosen not in known.pillars:
        raise ValueError(f"the form {form!r} is not of pillar {chosen!r}")
    if start is not None and start > end:
        raise ValueError("the first day lies after the last day")
    noon = datetime.combine(end, time(12), table.zone).isoformat()
    names = {language: title} if isinstance(title, str) else dict(title)
    measured: dict[str, Any] = {words.JP_TABLE: table.version}
    for extension, count in ((words.DAYS, days), (words.SESSIONS, sessions), (words.SEMESTERS, semesters)):
        if count is not None:
            measured[extension] = count
    if jp_claimed is not None:
        measured[words.JP_CLAIMED] = _number(jp_claimed)
    result: dict[str, Any] = {"extensions": measured}
    if minutes is not None:
        result["duration"] = f"PT{minutes}M"
    if reflection:
        result["response"] = reflection
    told: dict[str, Any] = {words.END: end.isoformat(), words.SOURCE: source}
    if start is not None:
        told[words.START] = start.isoformat()
    if international:
        told[words.EVENT_SCOPE] = "international"
    if organiser:
        told[words.ORGANISER] = organiser
    if evidence_links:
        told[words.EVIDENCE] = [dict(link) for link in evidence_links]
    if replaces:
        told[words.REPLACES] = replaces
    for name, text in (details or {}).items():
        if text:
            told[_DETAILS[name]] = text
    activities: dict[str, Any] = {"category": _category(table, known, chosen)}
    if courses:
        activities["grouping"] = [dict(course) for course in courses]
    context: dict[str, Any] = {"contextActivities": activities, "language": language, "extensions": told}
    if mentor is not None:
        context["instructor"] = dict(mentor)
    statement: dict[str, Any] = {
        "id": id,
        "actor": dict(actor),
        "verb": _verb(known.verb),
        "object": {
            "objectType": "Activity",
            "id": words.ACTIVITIES + id,
            "definition": {"name": names, "type": activity_type or known.types[0]},
        },
        "result": result,
        "context": context,
        "timestamp": noon if at is None else timestamps.render(at),
    }
    if attachments:
        statement["attachments"] = [dict(attachment) for attachment in attachments]
    return statement


_DETAILS = {
    "certificate": words.CERTIFICATE,
    "place": words.PLACE,
    "role": words.ROLE,
    "competency": words.COMPETENCY,
}


def evidence(
    title: str, *, content_type: str, length: int, sha2: str, file_url: str = "", language: str = "id"
) -> dict[str, Any]:
    """The xAPI attachment object of a file that proves the learning.

    Its bytes travel separately, or stay where `file_url` says.
    """
    told = {
        "usageType": words.EVIDENCE_USAGE,
        "display": {language: title},
        "contentType": content_type,
        "length": length,
        "sha2": sha2,
    }
    return told | ({"fileUrl": file_url} if file_url else {})


def decision_statement(
    decision: Decision,
    *,
    id: str,
    verifier: Agent,
    target: str,
    at: int,
    reason: str = "",
    language: str = "id",
    channel: str = "",
    position: str = "",
) -> dict[str, Any]:
    """The statement by which a verifier verifies, returns, rejects or confirms the statement `target`.

    A return or a rejection needs a `reason` (ValueError): the learner must know what to do. `channel`: how
    the verifier came to it, one of `vocabulary.CHANNELS`; `position`: their office, as they say it.
    """
    if decision in words.NEEDS_REASON and not reason.strip():
        raise ValueError("a return or a rejection needs a reason")
    statement: dict[str, Any] = {
        "id": id,
        "actor": dict(verifier),
        "verb": _verb(words.DECISION_VERBS[decision]),
        "object": {"objectType": "StatementRef", "id": target},
        "context": {
            "contextActivities": {"category": [_profile_activity()]},
            "language": language,
        },
        "timestamp": timestamps.render(at),
    }
    if reason.strip():
        statement["result"] = {"response": reason.strip()}
    told = {words.CHANNEL: channel, words.POSITION: position}
    if any(told.values()):
        statement["context"]["extensions"] = {name: text for name, text in told.items() if text}
    return statement


def voiding_statement(*, id: str, actor: Agent, target: str, at: int) -> dict[str, Any]:
    """The statement that voids `target`, the first half of a correction or a withdrawal."""
    return {
        "id": id,
        "actor": dict(actor),
        "verb": _verb(words.VOIDED),
        "object": {"objectType": "StatementRef", "id": target},
        "timestamp": timestamps.render(at),
    }


def quantity(form: Form) -> str:
    """The amount to ask for with this form of learning: minutes, days, sessions, semesters or none."""
    return _QUANTITIES[form.jp.kind]


_QUANTITIES = {
    JpKind.HOURS: "minutes",
    JpKind.DAY: "days",
    JpKind.SESSION: "sessions",
    JpKind.EACH: "none",
    JpKind.SEMESTER: "semesters",
    JpKind.NONE: "none",
}


def _category(table: Table, form: Form, pillar: str) -> list[dict[str, Any]]:
    return [
        _profile_activity(),
        {
            "objectType": "Activity",
            "id": words.FORMS + form.code,
            "definition": {"name": dict(form.name), "type": words.FORM_TYPE},
        },
        {
            "objectType": "Activity",
            "id": words.PILLARS + pillar,
            "definition": {"name": dict(table.pillars[pillar]), "type": words.PILLAR_TYPE},
        },
    ]


def _profile_activity() -> dict[str, Any]:
    return {
        "objectType": "Activity",
        "id": words.PROFILE_VERSION,
        "definition": {"type": words.PROFILE_TYPE},
    }


def _verb(iri: str) -> dict[str, Any]:
    verb: dict[str, Any] = {"id": iri}
    if iri in words.VERB_DISPLAY:
        verb["display"] = dict(words.VERB_DISPLAY[iri])
    return verb


def _number(amount: Decimal) -> int | float:
    """JSON has one kind of number; a float of so few digits is written back with the very same ones."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)

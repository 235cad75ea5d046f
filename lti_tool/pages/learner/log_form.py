"""The form by which a learner logs an activity: its fields, their checks, and the statement it makes."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext
from marshmallow import (
    EXCLUDE,
    Schema,
    ValidationError,
    fields,
    post_load,
    pre_load,
    validate,
    validates_schema,
)

from lti_tool.accounts import agent
from lti_tool.launch.sessions import LaunchSession
from lti_tool.pages.learner.form_limits import beyond, most
from lti_tool.web.evidence import attachments
from statements.profile.build import activity_statement, quantity
from statements.profile.table import Form, Table
from statements.profile.vocabulary import NAMED_PEOPLE

OLDEST = timedelta(days=2 * 366)
COUNTED = frozenset({"sessions", "days", "semesters"})
"""The quantities that the field `count` asks for."""
MAX_TITLE = 200
_NAMED = uuid.UUID("9a1c2f04-52f0-5a0e-9f6d-6a656a616b03")
MAX_TEXT = 4000
AS_SENT = "as-sent"
"""Value of the choice that leaves as mentor whoever an earlier version of the entry named."""
SPENT = lazy_gettext("This form can no longer be used. To log the activity, send it once more.")


@dataclass(frozen=True, slots=True)
class Colleague:
    """Someone who may be named as coach, mentor or supervisor."""

    subject: str
    name: str


@dataclass(slots=True)
class Filled:
    """A form as it was sent: what was typed (to be shown again) and what is wrong with it."""

    typed: Mapping[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a changed entry keeps of what was sent before, beyond the fields of the form."""

    titles: Mapping[str, str] = field(default_factory=dict)
    """By language; kept whole when the title is not changed."""
    mentor: Mapping[str, Any] | None = None
    links: Sequence[Mapping[str, str]] = ()
    attachments: Sequence[Mapping[str, Any]] = ()
    courses: Sequence[Mapping[str, Any]] = ()
    jp_claimed: Decimal | None = None
    pillar: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


def _required(message: Any) -> dict[str, Any]:
    kinds = ("required", "null", "invalid", "invalid_uuid")
    return {"required": True, "error_messages": dict.fromkeys(kinds, message)}


def _refuse(message: Any) -> bool:
    raise ValidationError([message])


def _at_most(longest: int) -> validate.Length:
    return validate.Length(max=longest, error=lazy_gettext("Write at most {max} characters."))


class LogSchema(Schema):
    """What may be sent. Error messages say what to do, in the reader's language."""

    class Meta:
        """The form carries its own bookkeeping fields, which are read elsewhere."""

        unknown = EXCLUDE

    title = fields.String(
        validate=validate.Length(1, MAX_TITLE, error=lazy_gettext("Write a title of 1 to 200 characters.")),
        **_required(lazy_gettext("Write a title, for example what the session was about.")),
    )
    end = fields.Date(**_required(lazy_gettext("Choose the date on which it took place.")))
    start = fields.Date(
        load_default=None,
        allow_none=True,
        error_messages={"invalid": lazy_gettext("Choose a date as YYYY-MM-DD, or leave it empty.")},
    )
    hours = fields.Integer(
        load_default=None,
        validate=validate.Range(0, 2000, error=lazy_gettext("Give hours as a whole number, 0 to 2000.")),
        error_messages={"invalid": lazy_gettext("Give hours as a whole number, 0 to 2000.")},
    )
    minutes = fields.Integer(
        load_default=None,
        validate=validate.Range(0, 59, error=lazy_gettext("Give minutes as a whole number, 0 to 59.")),
        error_messages={"invalid": lazy_gettext("Give minutes as a whole number, 0 to 59.")},
    )
    count = fields.Integer(load_default=None)
    mentor = fields.String(load_default="", validate=_at_most(255))
    mentor_name = fields.String(load_default="", validate=_at_most(200))
    mentor_email = fields.String(
        load_default="",
        validate=validate.And(
            _at_most(254),
            validate.Regexp(
                r"[^@\s]+@[^@\s]+\.[^@\s.]+\Z",
                error=lazy_gettext("Write the whole address, for example anwar@instansi.go.id."),
            ),
        ),
    )
    organiser = fields.String(load_default="", validate=_at_most(200))
    certificate = fields.String(load_default="", validate=_at_most(100))
    evidence = fields.String(
        load_default="",
        validate=validate.Regexp(
            r"https?://[^\s/?#@]+\.[^\s@]{1,2000}\Z",
            error=lazy_gettext("Paste the whole link, beginning with https://"),
        ),
    )
    international = fields.Boolean(
        load_default=False, error_messages={"invalid": lazy_gettext("Tick the box, or leave it empty.")}
    )
    reflection = fields.String(load_default="", validate=_at_most(MAX_TEXT))
    statement_id = fields.UUID(
        # Of the kind that every sender of statements accepts: RFC 4122, of a version that it names.
        validate=lambda id: id.version in range(1, 6) or _refuse(SPENT),
        **_required(SPENT),
    )

    @pre_load
    def trim(self, data: Mapping[str, str], **_: Any) -> dict[str, str]:
        """Empty fields count as not sent, so that `required` speaks for them."""
        return {name: text.strip() for name, text in data.items() if text.strip()}

    @validates_schema(skip_on_field_errors=False)
    def coherent(self, data: Mapping[str, Any], **_: Any) -> None:
        """Rules across fields, as far as these are well by themselves: every mistake is told at once."""
        today = self.today
        errors: dict[str, list[Any]] = {}
        end, start = data.get("end"), data.get("start")
        if end is not None and end > today:
            errors["end"] = [lazy_gettext("This date lies in the future; log it when it has taken place.")]
        elif end is not None and end < today - OLDEST:
            errors["end"] = [lazy_gettext("This is more than two years ago; ask your training unit.")]
        if start is not None and end is not None and start > end:
            errors["start"] = [lazy_gettext("The first day lies after the last day.")]
        for name, message in (*self._amount(data), *beyond(self.form, self.table, data)):
            errors.setdefault(name, [message])
        if data.get("mentor_email") and not data.get("mentor_name"):
            errors["mentor_name"] = [lazy_gettext("Write this person's name, too.")]
        if errors:
            raise ValidationError(errors)

    def _amount(self, data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        asked, count = quantity(self.form), data.get("count")
        if asked == "minutes" and not (data.get("hours") or data.get("minutes")):
            yield "hours", lazy_gettext("Say how long it took.")
        if asked in COUNTED and not (count and 1 <= count <= most(self.form)):
            yield "count", self.whole

    def __init__(self, form: Form, table: Table, today: date) -> None:
        super().__init__()
        self.form = form
        self.table = table
        self.today = today
        self.whole = lazy_gettext("Give a whole number, 1 to %(most)s.", most=most(form))
        self.fields["count"].error_messages |= dict.fromkeys(("invalid", "too_large"), self.whole)

    @post_load
    def flatten(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Hours and minutes become minutes."""
        data["total_minutes"] = (data.pop("hours") or 0) * 60 + (data.pop("minutes") or 0)
        return data


def read(form: Form, table: Table, typed: Mapping[str, str], today: date) -> Filled:
    """Check what was sent; nothing typed is lost whatever is wrong."""
    filled = Filled(typed)
    try:
        filled.values = LogSchema(form, table, today).load(dict(typed))
    except ValidationError as error:
        messages: Mapping[str, Any] = error.messages if isinstance(error.messages, dict) else {}
        filled.errors = {name: str(_first(found)) for name, found in messages.items()}
    return filled


def _first(found: Any) -> Any:
    # Several messages are a list; a single one that is translated late stands by itself.
    return found[0] if isinstance(found, list) else found


def statement(
    table: Table,
    form: Form,
    values: Mapping[str, Any],
    session: LaunchSession,
    colleagues: Sequence[Colleague],
    kept: Kept | None = None,
) -> dict[str, Any]:
    """The statement of a well-filled form; `kept` is what it keeps of the one whose place it takes."""
    asked, kept = quantity(form), kept or Kept()
    measured = {name: values["count"] for name in COUNTED if name == asked}
    title, link = values["title"], values["evidence"]
    links = [*kept.links, *([{"url": link, "title": title}] if link else ())]
    language = session.locale[:2].lower() if session.locale[:2].lower() in {"id", "en"} else "id"
    return activity_statement(
        table,
        id=str(values["statement_id"]),
        form=form.code,
        actor=agent(session.issuer, session.subject, session.name),
        title=kept.titles if title in kept.titles.values() else title,
        end=values["end"],
        start=values["start"],
        pillar=kept.pillar if kept.pillar in form.pillars else None,
        minutes=values["total_minutes"] or None if asked == "minutes" else None,
        **measured,
        jp_claimed=kept.jp_claimed,
        international=values["international"],
        mentor=_mentor(values, session, colleagues, kept),
        organiser=values["organiser"],
        reflection=values["reflection"],
        evidence_links=links,
        attachments=[*kept.attachments, *attachments(values.get("files", ()), language)],
        courses=kept.courses,
        details={**kept.details, "certificate": values["certificate"]},
        language=language,
    )


def _mentor(
    values: Mapping[str, Any], session: LaunchSession, colleagues: Sequence[Colleague], kept: Kept
) -> Mapping[str, Any] | None:
    if values["mentor"] == AS_SENT:
        return kept.mentor
    for one in colleagues:
        if one.subject == values["mentor"]:
            return agent(session.issuer, one.subject, one.name)
    if values["mentor_email"]:
        # A hash links this person to their sign-off later without spreading their address.
        address = f"mailto:{values['mentor_email'].lower()}".encode()
        sha1 = hashlib.sha1(address, usedforsecurity=False).hexdigest()
        return {"objectType": "Agent", "name": values["mentor_name"], "mbox_sha1sum": sha1}
    if values["mentor_name"]:
        # Nothing identifies them: an account of ours, the same one for whom this learner calls by this name.
        called = f"{session.issuer}\x1f{session.subject}\x1f{values['mentor_name'].casefold()}"
        account = {"homePage": NAMED_PEOPLE, "name": str(uuid.uuid5(_NAMED, called))}
        return {"objectType": "Agent", "name": values["mentor_name"], "account": account}
    return None

"""What the table's data may look like: one schema for the shipped file and for an agency's changes.

Settings are small and rarely read, so they are checked with marshmallow; statements are not (see the ADR on
the rule table).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta, timezone
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from statements.data_types.iri import valid_iri
from statements.errors import InvalidError, Problem
from statements.profile.table import (
    PILLAR_CODES,
    ByScope,
    Course,
    DayLimit,
    Form,
    JpKind,
    JpRule,
    Limits,
    LmsRules,
    Table,
    Target,
)

_CODE: Final = re.compile(r"[a-z][a-z0-9-]{0,39}\Z")
_OFFSET: Final = re.compile(r"([+-])(0[0-9]|1[0-4]):([0-5][0-9])")
_LARGEST_JP: Final = 1000


class _Jp(fields.Decimal):
    """JP or another small amount: not negative, exact; written as text so that no reader makes it a float."""

    def __init__(self, **more: Any) -> None:
        super().__init__(allow_nan=False, validate=validate.Range(0, _LARGEST_JP), **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> Decimal:
        if isinstance(value, float | bool):
            raise ValidationError('Write amounts as text, for instance "2.5".')
        if isinstance(value, str) and len(value) > 12:
            raise ValidationError("At most 12 characters.")
        return super()._deserialize(value, attr, data, **more)


def _iri() -> fields.String:
    return fields.String(validate=lambda text: valid_iri(text) or _refuse("Not an absolute IRI."))


def _refuse(message: str) -> bool:
    raise ValidationError(message)


def _words(**more: Any) -> fields.Dict:
    return fields.Dict(
        keys=fields.String(validate=validate.OneOf(("id", "en"))),
        values=fields.String(validate=validate.Length(1, 200)),
        validate=validate.Length(1),
        **more,
    )


class _Strict(Schema):
    class Meta:
        unknown = RAISE


class _DayLimitSchema(_Strict):
    national = _Jp()
    international = _Jp()


class _LimitsSchema(_Strict):
    jp_per_day = fields.Nested(_DayLimitSchema)
    fewest_days = fields.Integer(strict=True, validate=validate.Range(1, 366))
    semesters_per_year = fields.Integer(strict=True, validate=validate.Range(1, 12))
    status = fields.String(validate=validate.OneOf(("proposal", "decided")))


class _JpSchema(_Strict):
    rule = fields.Enum(JpKind, by_value=True, required=True)
    national = _Jp()
    international = _Jp()
    uplift = _Jp()
    international_rule = fields.Enum(JpKind, by_value=True, validate=validate.OneOf((JpKind.DAY,)))
    max_per_day = fields.Nested(_DayLimitSchema)
    max_sessions_per_month = fields.Integer(strict=True, validate=validate.Range(1, 1000))


class _FormSchema(_Strict):
    siasn = fields.Integer(strict=True, validate=validate.Range(1, 999))
    name = _words(required=True)
    pillar = fields.String(required=True, validate=validate.OneOf(PILLAR_CODES))
    pillars = fields.List(fields.String(validate=validate.OneOf(PILLAR_CODES)))
    verb = fields.String(
        required=True, validate=lambda text: valid_iri(text) or _refuse("Not an absolute IRI.")
    )
    types = fields.List(_iri(), required=True, validate=validate.Length(1, 10))
    evidence = fields.List(fields.String(), required=True)
    verifier = fields.String(required=True)
    jp = fields.Nested(_JpSchema, required=True)
    limits = fields.Nested(_LimitsSchema)


class _TargetSchema(_Strict):
    jp = _Jp(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("at-least", "at-most")))


class _CourseSchema(_Strict):
    jp = _Jp()
    form = fields.String()
    pillar = fields.String(validate=validate.OneOf(PILLAR_CODES))
    organiser = fields.String(validate=validate.Length(1, 200))


class _LmsSchema(_Strict):
    form = fields.String(required=True)
    default_jp = _Jp(required=True)
    attended_form = fields.String(required=True)
    units = fields.String(required=True, validate=validate.OneOf(("ignore", "count")))
    course_types = fields.List(_iri(), required=True)
    session_types = fields.List(_iri(), required=True)
    completion_verbs = fields.List(_iri(), required=True)
    attendance_verbs = fields.List(_iri(), required=True)
    reversal_verbs = fields.List(_iri(), required=True)


class _TableSchema(_Strict):
    version = fields.String(required=True, validate=validate.Length(1, 80))
    note = _words(required=True)
    minutes_per_jp = fields.Integer(strict=True, required=True, validate=validate.Range(1, 600))
    step = _Jp(required=True)
    limits = fields.Nested(_LimitsSchema)
    utc_offset = fields.String(required=True, validate=validate.Regexp(re.compile(_OFFSET.pattern + r"\Z")))
    targets = fields.Dict(
        keys=fields.String(validate=validate.OneOf(("pns", "pppk"))),
        values=fields.Nested(_TargetSchema),
        required=True,
    )
    pillars = fields.Dict(
        keys=fields.String(validate=validate.OneOf(PILLAR_CODES)),
        values=_words(),
        required=True,
        validate=validate.Length(3),
    )
    forms = fields.Dict(
        keys=fields.String(validate=validate.Regexp(_CODE)), values=fields.Nested(_FormSchema), required=True
    )
    lms = fields.Nested(_LmsSchema, required=True)
    courses = fields.Dict(
        keys=_iri(), values=fields.Nested(_CourseSchema), validate=validate.Length(0, 20_000)
    )


class _ChangesSchema(_Strict):
    """The outline of an agency's changes; their parts are checked once they lie over the table."""

    version = fields.String(required=True, validate=validate.Regexp(re.compile(r"[A-Za-z0-9._-]{1,40}\Z")))
    note = fields.Dict()
    minutes_per_jp = fields.Raw()
    step = fields.Raw()
    utc_offset = fields.Raw()
    limits = fields.Dict()
    targets = fields.Dict()
    forms = fields.Dict(keys=fields.String(validate=validate.Regexp(_CODE)), values=fields.Dict())
    lms = fields.Dict()
    courses = fields.Dict()


def check_changes(changes: Mapping[str, Any]) -> None:
    """Raise `InvalidError` unless `changes` has the outline of an agency's changes."""
    _load(_ChangesSchema(), changes)


def read(data: Mapping[str, Any]) -> Table:
    """The table from its data. Raises `InvalidError` with every problem; each pointer leads into `data`."""
    loaded = _load(_TableSchema(), data)
    usual = loaded.get("limits", {})
    forms = {code: _form(code, entry, usual) for code, entry in loaded["forms"].items()}
    problems = [*_form_problems(loaded["forms"]), *_reference_problems(loaded, forms)]
    if problems:
        raise InvalidError(problems)
    lms = loaded["lms"]
    return Table(
        version=loaded["version"],
        note=loaded["note"],
        minutes_per_jp=loaded["minutes_per_jp"],
        step=loaded["step"],
        zone=_zone(loaded["utc_offset"]),
        targets={name: Target(**target) for name, target in loaded["targets"].items()},
        pillars=loaded["pillars"],
        forms=forms,
        lms=LmsRules(
            form=lms["form"],
            default_jp=lms["default_jp"],
            attended_form=lms["attended_form"],
            units=lms["units"],
            course_types=frozenset(lms["course_types"]),
            session_types=frozenset(lms["session_types"]),
            completion_verbs=frozenset(lms["completion_verbs"]),
            attendance_verbs=frozenset(lms["attendance_verbs"]),
            reversal_verbs=frozenset(lms["reversal_verbs"]),
        ),
        courses=MappingProxyType({iri: Course(**course) for iri, course in loaded["courses"].items()}),
    )


def _form(code: str, entry: Mapping[str, Any], usual: Mapping[str, Any]) -> Form:
    """A form; `usual` are the limits of every form that does not say otherwise."""
    jp = entry["jp"]
    unit = (
        ByScope(jp["national"], jp["international"]) if {"national", "international"} <= jp.keys() else None
    )
    return Form(
        code=code,
        siasn=entry.get("siasn"),
        name=entry["name"],
        pillar=entry["pillar"],
        pillars=tuple(entry.get("pillars", (entry["pillar"],))),
        verb=entry["verb"],
        types=tuple(entry["types"]),
        evidence=tuple(entry["evidence"]),
        verifier=entry["verifier"],
        jp=JpRule(
            kind=jp["rule"],
            unit=unit,
            uplift=jp.get("uplift", Decimal(0)),
            max_per_day=DayLimit(**jp.get("max_per_day", {})),
            max_sessions_per_month=jp.get("max_sessions_per_month"),
            international_kind=jp.get("international_rule"),
        ),
        limits=_limits({**usual, **entry.get("limits", {})}),
    )


def _limits(told: Mapping[str, Any]) -> Limits:
    return Limits(
        jp_per_day=DayLimit(**told.get("jp_per_day", {})),
        fewest_days=told.get("fewest_days"),
        semesters_per_year=told.get("semesters_per_year"),
        is_proposal=told.get("status") == "proposal",
    )


def _form_problems(forms: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    """What a form must keep within itself."""
    for code, form in forms.items():
        pointer = f"/forms/{code}"
        if form["pillar"] not in form.get("pillars", (form["pillar"],)):
            yield Problem(
                None, f"{pointer}/pillars", "table.pillar-listed", "The usual pillar is among the pillars."
            )
        counted = form["jp"]["rule"] not in (JpKind.HOURS, JpKind.NONE)
        if counted and not {"national", "international"} <= form["jp"].keys():
            hint = "This rule needs the JP of a national and an international event."
            yield Problem(None, f"{pointer}/jp", "table.jp-needed", hint)
        if "international_rule" in form["jp"] and form["jp"]["rule"] is not JpKind.SESSION:
            hint = "Only sessions can be counted by the day when they are international."
            yield Problem(None, f"{pointer}/jp/international_rule", "table.international-rule", hint)


def _reference_problems(loaded: Mapping[str, Any], forms: Mapping[str, Form]) -> Iterator[Problem]:
    """Every form that is named must exist, and the amounts that everything is divided by."""
    named = [("/lms/form", loaded["lms"]["form"]), ("/lms/attended_form", loaded["lms"]["attended_form"])]
    named += [
        (f"/courses/{_escape(iri)}/form", course["form"])
        for iri, course in loaded["courses"].items()
        if "form" in course
    ]
    for pointer, code in named:
        if code not in forms:
            yield Problem(None, pointer, "table.known-form", "Name the code of a form in the table.")
    if loaded["step"] not in (Decimal("0.01"), Decimal("0.1"), Decimal("0.5"), Decimal(1)):
        yield Problem(None, "/step", "table.step", "JP are rounded to 0.01, 0.1, 0.5 or 1.")
    if "pns" not in loaded["targets"]:
        yield Problem(None, "/targets", "table.pns-target", "The target of pns is needed.")


def _zone(text: str) -> timezone:
    found = _OFFSET.fullmatch(text)
    if found is None:
        raise AssertionError("the schema lets only offsets pass")
    minutes = int(found[2]) * 60 + int(found[3])
    return timezone(timedelta(minutes=minutes if found[1] == "+" else -minutes))


def _load(schema: Schema, data: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        loaded: Mapping[str, Any] = schema.load(data)
    except ValidationError as error:
        raise InvalidError(_problems(error.messages, "")) from None
    return loaded


def _problems(messages: Any, pointer: str) -> Iterator[Problem]:
    """Marshmallow's nested messages as problems with pointers."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            # Errors in a mapping come below "key" or "value" of the entry they are about.
            step = "" if name in ("key", "value", "_schema") and pointer else f"/{_escape(str(name))}"
            yield from _problems(inner, pointer + step)
    else:
        for message in messages:
            yield Problem(None, pointer, "table.shape", str(message))


def _escape(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")

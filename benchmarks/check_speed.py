"""How fast statements are checked: our compiled rules beside a marshmallow schema of the same statement.

Both check valid statements of 1.1 KB, as nearly all statements are, of which each names an actor, a verb and
activities that the rules do not remember (`statements/rules/cache.py`); then one that names what they do.
The schema asks for less than the rules do (no depth bound, no rules across members but the identifiers),
which is in its favour.

    python -m benchmarks.check_speed [--seconds 4]

prints one JSON object: microseconds per statement for each (the best of several rounds, measured in turns)
and the ratios. It exits with 1 when the rules are less than 5 times faster.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from itertools import cycle
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from statements.data_types.identity import is_uuid
from statements.data_types.iri import valid_iri
from statements.data_types.timestamps import check_duration, is_timestamp
from statements.data_types.versions import Version
from statements.rules.cache import MOST
from statements.rules.check import check_statement
from statements.rules.values import is_language

NEEDED = 5.0
ROUNDS = 8

STATEMENT: dict[str, Any] = {
    "id": "6690e6c9-3ef0-4ed3-8b37-7f3964730bee",
    "actor": {
        "objectType": "Agent",
        "name": "Siti Rahmawati",
        "account": {"homePage": "https://lms.bkd.example.go.id", "name": "7f3964730bee"},
    },
    "verb": {
        "id": "http://adlnet.gov/expapi/verbs/completed",
        "display": {"en": "completed", "id": "menyelesaikan"},
    },
    "object": {
        "objectType": "Activity",
        "id": "https://lms.bkd.example.go.id/course/view.php?id=42",
        "definition": {
            "type": "https://w3id.org/xapi/cmi5/activitytype/course",
            "name": {"id": "Pelatihan Dasar CPNS 2026", "en": "Basic training 2026"},
            "description": {"id": "Pelatihan dasar bagi calon pegawai negeri sipil."},
        },
    },
    "result": {
        "score": {"scaled": 0.85, "raw": 85, "min": 0, "max": 100},
        "success": True,
        "completion": True,
        "duration": "PT16H30M",
        "extensions": {"https://example.org/xapi/ext/hours": 22},
    },
    "context": {
        "registration": "ec531277-b57b-4c15-8d91-d292c5b2b8f7",
        "language": "id",
        "platform": "Moodle",
        "contextActivities": {
            "category": [
                {
                    "id": "https://lms.bkd.example.go.id",
                    "definition": {"type": "http://id.tincanapi.com/activitytype/lms"},
                }
            ]
        },
    },
    "timestamp": "2026-11-23T10:00:00.123Z",
}


def _other(number: int) -> dict[str, Any]:
    """The statement, about another actor, verb and activities."""
    text = json.dumps(STATEMENT)
    for word in ("7f3964730bee", "completed", "id=42", "lms.bkd"):
        text = text.replace(word, f"{word}{number}")
    other: dict[str, Any] = json.loads(text)
    return other | {"id": STATEMENT["id"]}


def _that(test: Callable[[str], object]) -> Callable[[str], None]:
    def check(value: str) -> None:
        if not test(value):
            raise ValidationError("malformed")

    return check


IRI = _that(valid_iri)
UUID = _that(is_uuid)


def _language_map(**options: Any) -> fields.Dict:
    return fields.Dict(keys=fields.String(validate=_that(is_language)), values=fields.String(), **options)


def _extensions() -> fields.Dict:
    return fields.Dict(keys=fields.String(validate=IRI), values=fields.Raw(allow_none=True))


class _Strict(Schema):
    class Meta:
        unknown = RAISE


class Account(_Strict):
    """An account of an agent."""

    homePage = fields.String(required=True, validate=IRI)
    name = fields.String(required=True)


class Agent(_Strict):
    """An agent with exactly one identifier."""

    objectType = fields.String(validate=validate.Equal("Agent"))
    name = fields.String()
    mbox = fields.String(validate=IRI)
    mbox_sha1sum = fields.String()
    openid = fields.String(validate=IRI)
    account = fields.Nested(Account)

    @validates_schema
    def one_identifier(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse none and more than one."""
        if sum(name in data for name in ("mbox", "mbox_sha1sum", "openid", "account")) != 1:
            raise ValidationError("exactly one identifier")


class Verb(_Strict):
    """A verb."""

    id = fields.String(required=True, validate=IRI)
    display = _language_map()


class Definition(_Strict):
    """What an activity is."""

    name = _language_map()
    description = _language_map()
    type = fields.String(validate=IRI)
    moreInfo = fields.String(validate=IRI)
    extensions = _extensions()


class Activity(_Strict):
    """An activity."""

    objectType = fields.String(validate=validate.Equal("Activity"))
    id = fields.String(required=True, validate=IRI)
    definition = fields.Nested(Definition)


class Score(_Strict):
    """A score."""

    scaled = fields.Float(validate=validate.Range(-1, 1))
    raw = fields.Float()
    min = fields.Float()
    max = fields.Float()


class Result(_Strict):
    """A result."""

    score = fields.Nested(Score)
    success = fields.Boolean()
    completion = fields.Boolean()
    response = fields.String()
    duration = fields.String(validate=_that(check_duration))
    extensions = _extensions()


class ContextActivities(_Strict):
    """Activities around the object."""

    parent = fields.List(fields.Nested(Activity))
    grouping = fields.List(fields.Nested(Activity))
    category = fields.List(fields.Nested(Activity))
    other = fields.List(fields.Nested(Activity))


class Context(_Strict):
    """A context."""

    registration = fields.String(validate=UUID)
    instructor = fields.Nested(Agent)
    contextActivities = fields.Nested(ContextActivities)
    revision = fields.String()
    platform = fields.String()
    language = fields.String(validate=_that(is_language))
    extensions = _extensions()


class Statement(_Strict):
    """A statement about an activity."""

    id = fields.String(validate=UUID)
    actor = fields.Nested(Agent, required=True)
    verb = fields.Nested(Verb, required=True)
    object = fields.Nested(Activity, required=True)
    result = fields.Nested(Result)
    context = fields.Nested(Context)
    timestamp = fields.String(validate=_that(is_timestamp))
    version = fields.String()


def microseconds_each(work: Callable[[], object], seconds: float) -> float:
    """Mean time of one call, over about that many seconds."""
    calls = 0
    start = now = time.perf_counter()
    while now - start < seconds:
        for _ in range(50):
            work()
        calls += 50
        now = time.perf_counter()
    return (now - start) / calls * 1e6


def measure(seconds: float) -> dict[str, float]:
    """The figures; `seconds` is the time for all together."""
    schema = Statement()
    others = [_other(number) for number in range(MOST + 1_000)]
    for each in (STATEMENT, others[0]):
        if schema.validate(each) or check_statement(each, Version.V1):
            raise AssertionError("the statements of the benchmark must be valid")
    unknown, unknown_to_both = cycle(others), cycle(others)
    works: dict[str, Callable[[], object]] = {
        "rules_us": lambda: check_statement(next(unknown), Version.V1),
        "marshmallow_us": lambda: schema.validate(next(unknown_to_both)),
        "rules_remembering_us": lambda: check_statement(STATEMENT, Version.V1),
    }
    best = dict.fromkeys(works, float("inf"))
    for _ in range(ROUNDS):
        for name, work in works.items():
            best[name] = min(best[name], microseconds_each(work, seconds / ROUNDS / len(works)))
    return {
        "bytes": len(json.dumps(STATEMENT, ensure_ascii=False).encode()),
        **{name: round(figure, 2) for name, figure in best.items()},
        "ratio": round(best["marshmallow_us"] / best["rules_us"], 2),
        "ratio_remembering": round(best["marshmallow_us"] / best["rules_remembering_us"], 2),
    }


def main() -> int:
    """Measure, print, and say whether it is fast enough."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0)
    figures = measure(parser.parse_args().seconds)
    print(json.dumps(figures))
    return 0 if figures["ratio"] >= NEEDED else 1


if __name__ == "__main__":
    sys.exit(main())

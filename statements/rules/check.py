"""The rules of xAPI statements: the face of the checker.

`RULES` is the table that the checks are made from and that the documentation shows. Every function here
returns ALL problems found (at most 100 for a statement), an empty list when the value is valid, and raises
nothing whatever JSON value it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from statements.data_types.identity import is_uuid
from statements.data_types.versions import Version
from statements.errors import Problem
from statements.rules.across import VOIDED
from statements.rules.compiler import compiled
from statements.rules.findings import Check, Findings, pointer
from statements.rules.model import ACTOR, ByType, Rule, Shape
from statements.rules.table import RULES

__all__ = [
    "MOST_OF_A_BATCH",
    "RULES",
    "VOIDED",
    "Rule",
    "check_actor",
    "check_agent",
    "check_batch",
    "check_statement",
]

MOST_OF_A_BATCH: Final = 1000
"""`check_batch` stops after so many problems."""

_STATEMENT: Final = {each: compiled(Shape("statement"), "statement.object", each) for each in Version}
_ACTOR: Final = {each: compiled(ACTOR, "statement.actor", each) for each in Version}
_AGENT: Final = {
    each: compiled(ByType({"Agent": "agent", "Group": "named-group"}, "agent"), "statement.actor", each)
    for each in Version
}


def check_statement(value: object, version: Version, *, index: int | None = None) -> list[Problem]:
    """Everything wrong with one statement, in the order of its members; `index` is its place in a batch."""
    found = _STATEMENT[version](value)
    return [] if found is None else _problems(found, index)


def check_batch(values: Sequence[object], version: Version) -> list[Problem]:
    """Everything wrong with a batch: each statement's own problems, and ids that occur twice."""
    check = _STATEMENT[version]
    problems: list[Problem] = []
    seen: set[str] = set()
    for index, value in enumerate(values):
        found = check(value)
        if found is not None:
            problems += _problems(found, index)
        key = value.get("id") if isinstance(value, dict) else None
        if isinstance(key, str) and is_uuid(key):
            if key.lower() in seen:
                hint = "Another statement of this batch has the same id."
                problems += _problems([(("id",), "batch.distinct-ids", hint)], index)
            seen.add(key.lower())
        if len(problems) >= MOST_OF_A_BATCH:
            return problems[:MOST_OF_A_BATCH]
    return problems


def check_actor(value: object, version: Version, *, pointer: str = "") -> list[Problem]:
    """Everything wrong with an agent or a group; `pointer` says where the value stands."""
    return _checked(_ACTOR[version], value, pointer)


def check_agent(value: object, version: Version, *, pointer: str = "") -> list[Problem]:
    """Everything wrong with an agent or identified group, as query parameters and document scopes name it."""
    return _checked(_AGENT[version], value, pointer)


def _checked(check: Check, value: object, prefix: str) -> list[Problem]:
    found = check(value)
    return [] if found is None else _problems(found, None, prefix)


def _problems(found: Findings, index: int | None, prefix: str = "") -> list[Problem]:
    return [
        Problem(index, prefix + pointer(path), slug, hint, RULES[slug].reference)
        for path, slug, hint in found
    ]

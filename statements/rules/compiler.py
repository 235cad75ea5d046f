"""Turns the table of rules into checks: one closure for each place in a statement, made once per version.

A check returns None for a valid value, else its findings. There is one pass and one definition: what is quick
for a valid statement is also what explains an invalid one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, assert_never

from statements.data_types.versions import Version
from statements.rules.across import ACROSS
from statements.rules.cache import remembering
from statements.rules.findings import (
    Check,
    Findings,
    add,
    climb,
    full,
    json_type,
    mismatch,
    shown_key,
    well_formed,
)
from statements.rules.model import (
    ByType,
    Forbidden,
    Kind,
    ListOf,
    MapOf,
    OneOf,
    OneOrMany,
    Rule,
    Scalar,
    Shape,
)
from statements.rules.table import RULES, SHAPES, UNKNOWN
from statements.rules.values import TEXTS, VALUES, VERSION_TEXTS, is_number

DEEPEST: Final = 64
"""How many levels of objects and arrays an extension may have."""


REMEMBERED: Final = frozenset({"activity", "group", "verb"})
"""Shapes that come again and again, besides those that an "objectType" chooses (actors, objects)."""


def compiled(kind: Kind, slug: str, version: Version) -> Check:
    """The check of one place; `slug` is the rule that a value of the wrong kind breaks there."""
    match kind:
        case Scalar("json"):
            return _json
        case Scalar(name):
            return _scalar(name, slug, version)
        case OneOf(words):
            return _one_of(words, slug)
        case Shape(name):
            check = _shape(name, slug, version)
            return remembering(check) if name in REMEMBERED else check
        case ByType():
            return remembering(_by_type(kind, slug, version))
        case ListOf(item, least):
            return _list_of(compiled(item, slug, version), least, slug)
        case OneOrMany(item):
            return _one_or_many(compiled(item, slug, version), slug)
        case MapOf(key, key_rule, value, value_rule):
            return _map_of(key, key_rule, compiled(value, value_rule, version), slug)
        case Forbidden():
            return lambda _value: [((), slug, "Leave this member out.")]
        case _:  # pragma: no cover
            assert_never(kind)


def _scalar(name: str, slug: str, version: Version) -> Check:
    if name in VALUES:
        accepts, wanted = VALUES[name]
        return lambda value: None if accepts(value) else mismatch(value, slug, wanted)
    test, expected = VERSION_TEXTS[version] if name == "version" else TEXTS[name]

    def check(value: Any) -> Findings | None:
        if isinstance(value, str) and test(value):
            return None
        return mismatch(value, slug, expected)

    return check


def _one_of(words: tuple[str, ...], slug: str) -> Check:
    expected = " or ".join(f'"{word}"' for word in words)

    def check(value: Any) -> Findings | None:
        if isinstance(value, str) and value in words:
            return None
        return mismatch(value, slug, expected)

    return check


def _members(name: str, version: Version) -> dict[str, Rule]:
    """The rules of a shape's members in one version, by member name."""
    return {
        slug.partition(".")[2]: rule
        for prefix in SHAPES[name]
        for slug, rule in RULES.items()
        if rule.kind is not None and version in rule.versions and slug.partition(".")[0] == prefix
    }


@cache
def _parts(name: str, version: Version) -> tuple[Mapping[str, Check], tuple[tuple[str, Rule], ...]]:
    """The checks of a shape's members, and its required members."""
    rules = _members(name, version)
    checks = {key: compiled(rule.kind, rule.slug, version) for key, rule in rules.items() if rule.kind}
    return checks, tuple((key, rule) for key, rule in rules.items() if rule.required)


def _shape(name: str, slug: str, version: Version) -> Check:
    checks, required = _parts(name, version)
    find = checks.get
    needed = tuple(key for key, _ in required)
    across = ACROSS.get(name)
    unknown = UNKNOWN.get(name, "json.known-members")

    def check(value: Any) -> Findings | None:
        if not isinstance(value, dict):
            return mismatch(value, slug, "an object")
        found: Findings | None = None
        for key, item in value.items():
            member = find(key)
            if member is None:
                found = add(found, (key,), unknown, _unknown(key, checks))
            elif (deeper := member(item)) is not None:
                found = climb(found, key, deeper)
            else:
                continue
            if full(found):
                return found
        for key in needed:
            if key not in value:
                found = _missing(found, value, required)
                break
        if across is not None and (more := across(value)) is not None:
            found = more if found is None else found + more
        return found

    return check


def _unknown(key: object, known: Mapping[str, Check]) -> str:
    shown = shown_key(key)
    for name in known:
        if name.lower() == shown.lower():
            return f'Write "{name}": the case of a name matters.'
    if shown == "member":
        return 'Only a Group has members: say "objectType": "Group".'
    return "Leave this member out; what the specification does not define belongs in extensions."


def _missing(
    found: Findings | None, value: Mapping[str, Any], required: tuple[tuple[str, Rule], ...]
) -> Findings | None:
    for key, rule in required:
        if key not in value:
            found = add(found, (), rule.slug, f'Add "{key}". {rule.text}')
    return found


def _by_type(kind: ByType, slug: str, version: Version) -> Check:
    by_type = {word: _shape(name, slug, version) for word, name in kind.shapes.items()}
    default = _shape(kind.default, slug, version)
    find = by_type.get
    guesses = {word.lower(): check for word, check in by_type.items()}
    expected = " or ".join(f'"{word}"' for word in by_type)

    def check(value: Any) -> Findings | None:
        if not isinstance(value, dict):
            return mismatch(value, slug, "an object")
        if "objectType" not in value:
            return default(value)
        word = value["objectType"]
        if not isinstance(word, str):
            return climb(None, "objectType", mismatch(word, slug, expected))
        chosen = find(word) or guesses.get(word.lower())
        if chosen is not None:
            return chosen(value)
        return climb(None, "objectType", mismatch(word, slug, expected))

    return check


def _list_of(item: Check, least: int, slug: str) -> Check:
    expected = f"an array of at least {least}" if least else "an array"

    def check(value: Any) -> Findings | None:
        if not isinstance(value, list):
            return mismatch(value, slug, expected)
        if len(value) < least:
            return [((), slug, f"Expected {expected}; leave the member out where there is nothing to say.")]
        found: Findings | None = None
        for place, each in enumerate(value):
            if (deeper := item(each)) is not None:
                found = climb(found, place, deeper)
                if full(found):
                    break
        return found

    return check


def _one_or_many(item: Check, slug: str) -> Check:
    many = _list_of(item, 0, slug)

    def check(value: Any) -> Findings | None:
        if isinstance(value, list):
            return many(value)
        if isinstance(value, dict):
            return item(value)
        return mismatch(value, slug, "an object or an array of objects")

    return check


def _map_of(key: str, key_rule: str, item: Check, slug: str) -> Check:
    test, expected = TEXTS[key]

    def check(value: Any) -> Findings | None:
        if not isinstance(value, dict):
            return mismatch(value, slug, "an object")
        found: Findings | None = None
        for name, each in value.items():
            if not (isinstance(name, str) and test(name)):
                found = add(found, (name,), key_rule, f"Expected a key that is {expected}.")
            if (deeper := item(each)) is not None:
                found = climb(found, name, deeper)
            if found is not None and full(found):
                break
        return found

    return check


def _json(value: Any, depth: int = DEEPEST) -> Findings | None:
    """Any JSON value that can be stored: nothing else may be asked of extensions."""
    if isinstance(value, str):
        return None if well_formed(value) else [((), "json.value", "The text holds a lone surrogate.")]
    if value is None or is_number(value) or value is True or value is False:
        return None
    if not isinstance(value, dict | list):
        return [((), "json.value", f"Expected a JSON value with finite numbers; found {json_type(value)}.")]
    if depth == 0:
        return [((), "json.depth", f"Nest at most {DEEPEST} levels of objects and arrays.")]
    found: Findings | None = None
    items: Any = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in items:
        if isinstance(key, str) and not well_formed(key):
            found = add(found, (key,), "json.value", "The name holds a lone surrogate.")
        if (deeper := _json(each, depth - 1)) is not None:
            found = climb(found, key, deeper)
        if found is not None and full(found):
            break
    return found

"""Rules that look at several members of one object together.

Each function takes a value whose own members may be invalid, so it trusts no type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from statements.rules.findings import Findings, add
from statements.rules.table_parts import COMPONENT_LISTS
from statements.rules.values import is_number

VOIDED: Final = "http://adlnet.gov/expapi/verbs/voided"
"""The one verb with a meaning of its own: its statement voids the statement that it refers to."""

_INTERACTION: Final = frozenset(("correctResponsesPattern", *COMPONENT_LISTS))
_ONE_OF_FOUR: Final = "mbox, mbox_sha1sum, openid or account"


def _identifiers(value: dict[str, Any]) -> int:
    return ("mbox" in value) + ("account" in value) + ("mbox_sha1sum" in value) + ("openid" in value)


def _agent(value: dict[str, Any]) -> Findings | None:
    count = _identifiers(value)
    if count == 1:
        return None
    hint = f"Give one of {_ONE_OF_FOUR}." if count == 0 else f"Keep one of {_ONE_OF_FOUR}; there are {count}."
    return [((), "agent.one-identifier", hint)]


def _group(value: dict[str, Any]) -> Findings | None:
    count = _identifiers(value)
    if count > 1:
        return [((), "group.one-identifier", f"Keep one of {_ONE_OF_FOUR}; there are {count}.")]
    if count == 0 and "member" not in value:
        return [((), "group.member-needed", f'Add "member", or identify the Group by {_ONE_OF_FOUR}.')]
    return None


def _named_group(value: dict[str, Any]) -> Findings | None:
    if _identifiers(value) == 1:
        return None
    return [((), "group.identified", f"Identify the Group by one of {_ONE_OF_FOUR}.")]


def _authority(value: dict[str, Any]) -> Findings | None:
    members = value.get("member")
    if (
        _identifiers(value) == 0
        and isinstance(members, list)
        and len(members) == 2
        and any(isinstance(each, dict) and "account" in each for each in members)
    ):
        return None
    hint = "An authority Group has no identifier of its own and two members, one of them with an account."
    return [((), "authority.two-members", hint)]


def _score(value: dict[str, Any]) -> Findings | None:
    low: Any = value.get("min")
    raw: Any = value.get("raw")
    high: Any = value.get("max")
    has_low, has_high = is_number(low), is_number(high)
    found: Findings | None = None
    # Ungraded work of Open edX is 0 of 0: a scale of one point, on which any raw score is that point.
    if has_low and has_high and not low <= high:
        found = add(found, (), "score.order", 'Make "min" less than "max".')
    if is_number(raw):
        if has_low and raw < low:
            found = add(found, (), "score.within", 'Make "raw" at least "min".')
        if has_high and raw > high:
            found = add(found, (), "score.within", 'Make "raw" at most "max".')
    return found


def _definition(value: dict[str, Any]) -> Findings | None:
    if _INTERACTION.isdisjoint(value):
        return None
    found: Findings | None = None
    if "interactionType" not in value:
        found = add(found, (), "definition.interaction-type-needed", 'Add "interactionType".')
    for name in COMPONENT_LISTS:
        components = value.get(name)
        if not isinstance(components, list):
            continue
        seen: set[str] = set()
        for place, component in enumerate(components):
            key = component.get("id") if isinstance(component, dict) else None
            if not isinstance(key, str):
                continue
            if key in seen:
                hint = "Give each component of the array an id of its own."
                found = add(found, (name, place, "id"), "component.distinct-ids", hint)
            seen.add(key)
    return found


def _statement(value: dict[str, Any]) -> Findings | None:
    found: Findings | None = None
    target = value.get("object")
    kind = target.get("objectType", "Activity") if isinstance(target, dict) else None
    if isinstance(target, dict) and "objectType" not in target and not _TYPED.isdisjoint(target):
        hint = 'Say what the object is: add "objectType". Without it an Activity is meant.'
        found = add(found, ("object",), "object.type-needed", hint)
    verb = value.get("verb")
    if isinstance(verb, dict) and verb.get("id") == VOIDED and kind != "StatementRef" and kind is not None:
        found = add(found, ("object",), "voiding.reference", "Name the statement to void by a StatementRef.")
    context = value.get("context")
    if kind in _NO_ACTIVITY and isinstance(context, dict):
        for name, slug in _OF_ACTIVITY:
            if name in context:
                hint = f'Leave out "{name}": the object is no Activity.'
                found = add(found, ("context", name), slug, hint)
    return found


_TYPED: Final = frozenset(("mbox", "mbox_sha1sum", "openid", "account", "member", "actor", "verb"))
_NO_ACTIVITY: Final = ("Agent", "Group", "StatementRef", "SubStatement")
_OF_ACTIVITY: Final = (
    ("revision", "context.revision-of-activity"),
    ("platform", "context.platform-of-activity"),
)

ACROSS: Final[Mapping[str, Callable[[dict[str, Any]], Findings | None]]] = MappingProxyType(
    {
        "agent": _agent,
        "group": _group,
        "named-group": _named_group,
        "authority": _authority,
        "score": _score,
        "definition": _definition,
        "statement": _statement,
        "substatement": _statement,
    }
)
"""The check across members of each shape that has one."""

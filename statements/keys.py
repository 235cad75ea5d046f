"""Index keys: what a statement can be found by, as flat strings; both sides spell them through this module.

The writing side is `statement_keys`; the asking side are the `*_filter_key` functions. A query matches a
statement when the statement's keys hold every key of the query (GET /statements, xAPI 1.0.3 Part 3, 2.1.3).

Each key is a prefix of two characters and a value in normal form. Prefixes: `a` agent, `A` related agent,
`v` verb, `o` activity that is the object, `O` related activity, `r` registration, `t` the statement that a
StatementRef points at. A statement found by `a` (or `o`) has the same key under `A` (or `O`), too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from statements.data_types.identity import SEPARATOR, agent_key, uuid_key

VOIDED: Final = "http://adlnet.gov/expapi/verbs/voided"
"""The verb of a statement that voids another (xAPI 1.0.3 Part 2, 2.3.2)."""

AGENT: Final = "a" + SEPARATOR
RELATED_AGENT: Final = "A" + SEPARATOR
VERB: Final = "v" + SEPARATOR
ACTIVITY: Final = "o" + SEPARATOR
RELATED_ACTIVITY: Final = "O" + SEPARATOR
_REGISTRATION: Final = "r" + SEPARATOR
_TARGET: Final = "t" + SEPARATOR
AUTHORITY: Final = "m" + SEPARATOR
"""Prefix of the key that a store adds for the authority of a statement, which is no filter of xAPI."""

_Members = Mapping[str, Any]


def agent_filter_key(agent: Mapping[str, Any], *, related: bool = False) -> str:
    """The key that finds statements by agent or identified group. ValueError for an anonymous group."""
    key = agent_key(agent)
    if key is None:
        raise ValueError("an agent filter needs an agent or group with an identifier")
    return (RELATED_AGENT if related else AGENT) + key


def verb_filter_key(verb: str) -> str:
    """The key that finds statements by the IRI of their verb."""
    return VERB + verb


def activity_filter_key(activity: str, *, related: bool = False) -> str:
    """The key that finds statements by the IRI of an activity."""
    return (RELATED_ACTIVITY if related else ACTIVITY) + activity


def registration_filter_key(registration: str) -> str:
    """The key that finds statements by registration. ValueError when it is no UUID."""
    return _REGISTRATION + uuid_key(registration)


def target_key(statement_id: str) -> str:
    """The key that finds statements whose object is a reference to this statement."""
    return _TARGET + uuid_key(statement_id)


def target_of(keys: Iterable[str]) -> str | None:
    """The id of the statement that is the object of one with these keys; None when its object is another."""
    return next((key[len(_TARGET) :] for key in keys if key.startswith(_TARGET)), None)


def statement_keys(statement: Mapping[str, Any]) -> frozenset[str]:
    """All keys of a statement that has passed the rules, prepared or not."""
    narrow: list[str] = []
    broad: list[str] = []
    activities: list[str] = []
    keys = [VERB + statement["verb"]["id"]]

    _actor(statement["actor"], narrow)
    target = statement["object"]
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        keys.append(ACTIVITY + target["id"])
        activities.append(target["id"])
    elif kind == "StatementRef":
        keys.append(_TARGET + target["id"].lower())
    elif kind == "SubStatement":
        _sub_statement(target, broad, activities)
    else:
        _actor(target, narrow)
    if (authority := statement.get("authority")) is not None:
        _actor(authority, broad)
    if (context := statement.get("context")) is not None:
        if (registration := context.get("registration")) is not None:
            keys.append(_REGISTRATION + registration.lower())
        _context(context, broad, activities)

    for key in narrow:
        keys.append(AGENT + key)
        keys.append(RELATED_AGENT + key)
    for key in broad:
        keys.append(RELATED_AGENT + key)
    for activity in activities:
        keys.append(RELATED_ACTIVITY + activity)
    return frozenset(keys)


def _actor(actor: _Members, agents: list[str]) -> None:
    if (key := agent_key(actor)) is not None:
        agents.append(key)
    if "member" in actor:
        for member in actor["member"]:
            if (key := agent_key(member)) is not None:
                agents.append(key)


def _context(context: _Members, agents: list[str], activities: list[str]) -> None:
    if (instructor := context.get("instructor")) is not None:
        _actor(instructor, agents)
    if (team := context.get("team")) is not None:
        _actor(team, agents)
    if (grouped := context.get("contextActivities")) is not None:
        for listed in grouped.values():
            for activity in listed if isinstance(listed, list) else (listed,):
                activities.append(activity["id"])
    for role in context.get("contextAgents", ()):
        _actor(role["agent"], agents)
    for role in context.get("contextGroups", ()):
        _actor(role["group"], agents)


def _sub_statement(statement: _Members, agents: list[str], activities: list[str]) -> None:
    _actor(statement["actor"], agents)
    target = statement["object"]
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        activities.append(target["id"])
    elif kind != "StatementRef":
        _actor(target, agents)
    if (context := statement.get("context")) is not None:
        _context(context, agents, activities)

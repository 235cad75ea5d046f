"""The formats of GET /statements other than `exact`, which is the stored bytes (xAPI 1.0.3 Part 3, 2.1.3).

`ids` keeps of agents, groups, activities and verbs what identifies them. `canonical` gives activities the
definition that the store has put together from all statements, and leaves one language in each language map
of verbs and activities; agents and groups stay as they are. Both take a statement as it was stored and
return a new one; read and write it with `data_types.exact_json`, so that numbers keep their digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from statements.data_types.identity import IDENTIFIERS

_AGENTS_OF_CONTEXT: Final = ("instructor", "team")
_LISTS_OF_COMPONENTS: Final = ("choices", "scale", "source", "target", "steps")


def to_ids(statement: Mapping[str, Any]) -> dict[str, Any]:
    """The statement with agents, groups, activities and verbs cut down to their identifiers (XAPI-00171)."""
    short = {**statement, "actor": _agent_id(statement["actor"]), "verb": {"id": statement["verb"]["id"]}}
    target = statement["object"]
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        short["object"] = {"id": target["id"]}
    elif kind == "SubStatement":
        short["object"] = to_ids(target)
    elif kind != "StatementRef":
        short["object"] = _agent_id(target)
    if "authority" in statement:
        short["authority"] = _agent_id(statement["authority"])
    if "context" in statement:
        short["context"] = _context_ids(statement["context"])
    return short


def _agent_id(agent: Mapping[str, Any]) -> dict[str, Any]:
    """An agent's or group's type, where given, and identifier; the members of an anonymous group."""
    short = {name: agent[name] for name in ("objectType", *IDENTIFIERS) if name in agent}
    if short.keys() <= {"objectType"} and "member" in agent:
        short["member"] = [_agent_id(member) for member in agent["member"]]
    return short


def _context_ids(context: Mapping[str, Any]) -> dict[str, Any]:
    short = dict(context)
    for name in _AGENTS_OF_CONTEXT:
        if name in context:
            short[name] = _agent_id(context[name])
    if "contextActivities" in context:
        short["contextActivities"] = {
            relation: [{"id": activity["id"]} for activity in listed]
            for relation, listed in context["contextActivities"].items()
        }
    for name, role in (("contextAgents", "agent"), ("contextGroups", "group")):
        if name in context:
            short[name] = [{**each, role: _agent_id(each[role])} for each in context[name]]
    return short


_UNRANKED: Final = 1 << 30


class Languages:
    """What an Accept-Language header asks for; prepared once, so that choosing takes each tag but once."""

    __slots__ = ("_any", "_longest", "_ranks", "_unwanted")

    def __init__(self, wanted: Sequence[str] = (), unwanted: Collection[str] = ()) -> None:
        """Ranges in lower case, the most wanted first, and those with the quality 0."""
        ranks: dict[str, int] = {}
        for each in wanted:
            ranks.setdefault(each, len(ranks))
        self._any = ranks.get("*", _UNRANKED)
        for each in wanted:
            while "-" in each:
                each = each.rpartition("-")[0]  # noqa: PLW2901
                ranks.setdefault(each, len(ranks))
        self._ranks = ranks
        # Where all are unwanted, none is more so than another.
        self._unwanted = frozenset() if "*" in unwanted else frozenset(unwanted)
        self._longest = max(map(len, (*ranks, *self._unwanted)), default=0)

    def choose(self, tags: Iterable[str]) -> str | None:
        """The tag to show out of those that a language map has; None when it has none.

        Each range takes the first tag that it equals or begins (RFC 9110, 12.5.4: `en` takes `en-GB`). When
        nothing fits, a range is shortened as in RFC 4647, 3.4 (`id-ID` takes `id`), and in the end the first
        tag that is not unwanted is taken: some language is better than none.
        """
        best: str | None = None
        allowed: str | None = None
        best_rank = allowed_rank = _UNRANKED
        for tag in tags:
            rank, unwanted = self._rank(tag)
            if best is None or rank < best_rank:
                best, best_rank = tag, rank
            if not unwanted and (allowed is None or rank < allowed_rank):
                allowed, allowed_rank = tag, rank
                if not rank:
                    break
        return best if allowed is None else allowed

    def _rank(self, tag: str) -> tuple[int, bool]:
        """How much a tag is wanted, 0 the most, and whether it is unwanted."""
        longest = self._longest
        # Nothing beyond the longest range plays a part, however long a tag is.
        text = tag[: longest + 1].lower()
        rank, unwanted = self._any, False
        at = text.find("-")
        while True:
            start = text if at < 0 else text[:at]
            rank = min(rank, self._ranks.get(start, _UNRANKED))
            unwanted = unwanted or start in self._unwanted
            if at < 0:
                return rank, unwanted
            at = text.find("-", at + 1)


_RANGE: Final = re.compile(
    r"\s*(\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*[qQ]\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?"
)
MOST_RANGES: Final = 32
"""Ranges of a header that count."""
_LONGEST_RANGE: Final = 64
"""Characters of a range; longer ones are left out."""


def parse_languages(header: str | None) -> Languages:
    """The languages of an Accept-Language header; ranges that cannot be read are left out."""
    found: list[tuple[float, str]] = []
    for part in (header or "").split(",")[:MOST_RANGES]:
        if (read := _RANGE.fullmatch(part)) is not None and len(read[1]) <= _LONGEST_RANGE:
            found.append((float(read[2] or 1), read[1].lower()))
    ordered = sorted((pair for pair in found if pair[0] > 0), key=lambda pair: -pair[0])
    return Languages(tuple(tag for _, tag in ordered), frozenset(tag for weight, tag in found if weight == 0))


def activities_in(statement: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every activity object of a statement: its object, the context's activities, those of a SubStatement."""
    target = statement["object"]
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        yield target
    elif kind == "SubStatement":
        yield from activities_in(target)
    for listed in statement.get("context", {}).get("contextActivities", {}).values():
        yield from listed if isinstance(listed, list) else (listed,)


def to_canonical(
    statement: Mapping[str, Any],
    languages: Languages,
    definition_of: Callable[[str], Any],
) -> dict[str, Any]:
    """The statement in canonical form (XAPI-00169, XAPI-00172).

    `definition_of` gives the store's definition of an activity by its id, made by `canonical_definition`, or
    None when it has none; collect the ids with `activities_in` first to read those of a whole page at once.
    """
    shown = {**statement, "verb": _verb(statement["verb"], languages)}
    target = statement["object"]
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        shown["object"] = _activity(target, languages, definition_of)
    elif kind == "SubStatement":
        shown["object"] = to_canonical(target, languages, definition_of)
    context = statement.get("context", {})
    if "contextActivities" in context:
        shown["context"] = {
            **context,
            "contextActivities": {
                relation: [_activity(each, languages, definition_of) for each in listed]
                for relation, listed in context["contextActivities"].items()
            },
        }
    return shown


def _verb(verb: Mapping[str, Any], languages: Languages) -> Mapping[str, Any]:
    return {**verb, "display": _one(verb["display"], languages)} if "display" in verb else verb


def _activity(
    activity: Mapping[str, Any],
    languages: Languages,
    definition_of: Callable[[str], Any],
) -> Mapping[str, Any]:
    shown = definition_of(activity["id"])
    if shown is None:
        if (own := activity.get("definition")) is None:
            return activity
        shown = canonical_definition(own, languages)
    return {**activity, "definition": shown}


def canonical_definition(definition: Mapping[str, Any], languages: Languages) -> dict[str, Any]:
    """The definition of an activity with one language in each language map."""
    shown = dict(definition)
    for name in ("name", "description"):
        if name in shown:
            shown[name] = _one(shown[name], languages)
    for name in _LISTS_OF_COMPONENTS:
        if name in shown:
            shown[name] = [_component(each, languages) for each in shown[name]]
    return shown


def _component(component: Mapping[str, Any], languages: Languages) -> Mapping[str, Any]:
    if "description" not in component:
        return component
    return {**component, "description": _one(component["description"], languages)}


def _one(texts: Mapping[str, str], languages: Languages) -> dict[str, str]:
    tag = languages.choose(texts)
    return {} if tag is None else {tag: texts[tag]}

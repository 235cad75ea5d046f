"""What a write must do because statements refer to each other: views, voiding, late arrivals.

A query matches a statement that targets a match, through any number of StatementRefs (xAPI 1.0.3 Part 3,
2.1.3, Filter Conditions for StatementRefs). So each record carries views: its own keys, then one set for each
statement that it reaches; a query matches when one view holds all its keys. A voided statement is hidden
itself, but what refers to it is still found through its keys.

A target may arrive after the statement that refers to it. Whoever refers to an absent statement leaves a
mark that this id is awaited; when the id arrives, its referrers get its views. Marks make the common case
cheap: a write reads the marks of its ids at once, and looks for referrers only where there is one.

The way of a write, all inside one transaction:

1. read the records `lookups(incoming)` and the marks of the incoming ids;
2. for each marked id find all its referrers, hidden ones too: key `keys.target_key(id)`;
3. `plan(...)`, then append, reindex, hide, and put or delete marks as it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from statements.errors import Problem
from statements.keys import VOIDED, target_key, verb_filter_key
from statements.rules_requests import problem

Views = tuple[frozenset[str], ...]

MAX_VIEWS: Final = 32
"""A statement is found through at most 31 others; longer chains are cut, never refused."""

MAX_REACHED_KEYS: Final = 1_000
MAX_REACHED_LENGTH: Final = 262_144
"""Keys, and characters of keys, of all those others together: the chain is cut before the one that has more.

Else one statement with a hundred thousand activities would make each small statement about it as large.
"""

_VOIDING: Final = verb_filter_key(VOIDED)


class Incoming(Protocol):
    """A new statement; `statements.prepare.Prepared` is one."""

    @property
    def id(self) -> str:
        """Canonical id."""

    @property
    def keys(self) -> frozenset[str]:
        """Its own keys."""

    @property
    def refers_to(self) -> str | None:
        """Id of the statement that is its object."""

    @property
    def voids(self) -> str | None:
        """The same id when it voids that statement."""


class Known(Protocol):
    """A stored statement, as far as references need it; the store's `Record` is one."""

    @property
    def id(self) -> str:
        """Canonical id."""

    @property
    def views(self) -> Views:
        """Its own keys first."""


@dataclass(slots=True)
class Plan:
    """What a write has to do beside appending its statements."""

    views: dict[str, Views] = field(default_factory=dict)
    """The views of each incoming statement."""
    reindex: dict[str, Views] = field(default_factory=dict)
    """New views of statements that are already stored."""
    hide: set[str] = field(default_factory=set)
    """Ids to be hidden: stored or incoming."""
    awaited: set[str] = field(default_factory=set)
    """Ids to mark: something refers to them and they are not there."""
    arrived: set[str] = field(default_factory=set)
    """Ids whose mark is to be removed."""


def is_voiding(views: Views) -> bool:
    """Whether a stored statement voids another."""
    return _VOIDING in views[0]


def lookups(incoming: Iterable[Incoming]) -> set[str]:
    """Ids of the statements that `plan` needs to know, beside the incoming ones."""
    return {each.refers_to for each in incoming if each.refers_to is not None}


def plan(
    incoming: Sequence[Incoming],
    known: Mapping[str, Known],
    referrers: Mapping[str, Sequence[Known]],
) -> Plan:
    """Plan a write of new statements: none of them is stored, and no id occurs twice.

    `known` holds the stored ones among `lookups(incoming)`. `referrers` holds, for each incoming id that is
    marked as awaited, every stored statement with that target in any of its views.
    """
    made = Plan(arrived=set(referrers))
    new = {each.id: each for each in incoming}
    for each in incoming:
        made.views[each.id] = _reach(each, new, known, referrers)
        target = each.refers_to
        if target is None:
            continue
        if target not in new and target not in known:
            made.awaited.add(target)
        if each.voids is not None and _may_be_voided(target, new, known):
            made.hide.add(target)
    for arrived, waiting in referrers.items():
        for one in waiting:
            made.reindex[one.id] = _joined(made.reindex.get(one.id, one.views), made.views[arrived])
            voids = is_voiding(one.views) and target_key(arrived) in one.views[0]
            if voids and new[arrived].voids is None:
                made.hide.add(arrived)
    return made


def views_of(statement_id: str, step: Callable[[str], tuple[frozenset[str], str | None] | None]) -> Views:
    """The views of a stored statement, from nothing but statements: its own keys, then what it reaches.

    `step` gives a statement's own keys and the id that its object refers to; None when it is not there.
    """
    chain: list[frozenset[str]] = []
    seen: set[str] = set()
    place: str | None = statement_id
    while place is not None and place not in seen and len(chain) < MAX_VIEWS:
        seen.add(place)
        found = step(place)
        if found is None:
            break
        chain.append(found[0])
        place = found[1]
    return _joined((), chain)


def voided_voidings(incoming: Sequence[Incoming], known: Mapping[str, Known]) -> list[Problem]:
    """A problem for each statement that tries to void a voiding statement that is there (XAPI-00016)."""
    new = {each.id: each for each in incoming}
    return [
        problem(
            "voiding.target-is-voiding",
            "/object/id",
            "a statement that voids another cannot itself be voided; to undo it, send the statement that it"
            " voided again, under a new id",
            index=index,
        )
        for index, each in enumerate(incoming)
        if (target := each.voids) is not None
        and (target in new or target in known)
        and not _may_be_voided(target, new, known)
    ]


def _may_be_voided(target: str, new: Mapping[str, Incoming], known: Mapping[str, Known]) -> bool:
    if target in new:
        return new[target].voids is None
    return target in known and not is_voiding(known[target].views)


def _reach(
    each: Incoming,
    new: Mapping[str, Incoming],
    known: Mapping[str, Known],
    awaited: Iterable[str],
) -> Views:
    """The keys of a new statement, then of everything it refers to, new or stored."""
    target = each.refers_to
    if target is None:
        return (each.keys,)
    chain: list[frozenset[str]] = []
    seen = {each.id}
    while target is not None and len(chain) < MAX_VIEWS:
        if target in new:
            if target in seen:
                break
            seen.add(target)
            chain.append(new[target].keys)
            target = new[target].refers_to
        elif target in known:
            stored = known[target].views
            chain += stored
            # The stored chain may end at a statement that arrives only now, in this very batch.
            target = next((late for late in awaited if _targets(stored, late)), None)
        else:
            break
    return _joined((each.keys,), chain)


def _targets(views: Views, statement_id: str) -> bool:
    key = target_key(statement_id)
    return any(key in view for view in views)


def _joined(views: Views, more: Iterable[frozenset[str]]) -> Views:
    """Views in order, each once, as many as may be: equal key sets answer every query alike."""
    joined = tuple(dict.fromkeys((*views, *more)))[:MAX_VIEWS]
    keys = length = 0
    for place, view in enumerate(joined[1:], start=1):
        keys += len(view)
        if keys > MAX_REACHED_KEYS or (length := length + sum(map(len, view))) > MAX_REACHED_LENGTH:
            return joined[:place]
    return joined

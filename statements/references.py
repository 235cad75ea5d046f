"""What a write must do because statements refer to each other: views, voiding, late arrivals.

A query matches a statement that targets a match, through any number of StatementRefs (xAPI 1.0.3 Part 3,
2.1.3, Filter Conditions for StatementRefs). So each record carries views: its own keys, then what
`inherited_keys` takes over from each statement that it reaches; a query matches when one view holds all its
keys. A voided statement is hidden itself, but what refers to it is still found through its keys.

A target may arrive after the statement that refers to it. Whoever refers to an absent statement leaves a
mark that this id is awaited; when the id arrives, its referrers get its views. Marks make the common case
cheap: a write reads the marks of its ids at once, and looks for referrers only where there is one.

A write does a bounded amount of this. What it leaves is **owed** to an id: some of the statements that refer
to it do not have its views yet. The views of a statement are always the beginning of its chain: so it is
found by `keys.target_key` of the first statement that it lacks, by whoever pays what is owed to that one
later.

The way of a write, all inside one transaction:

1. read the records `lookups(incoming)`, those that they refer to in turn, and the marks of the incoming ids;
2. for each marked id find its referrers, hidden ones too: key `keys.target_key(id)`;
3. `plan(...)`, then append, reindex, hide, put or delete marks, and note what is owed, as it says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final, Protocol

from statements.errors import Problem
from statements.inherited_keys import MOST_VIEWS, extended, inherited
from statements.keys import VOIDED, target_key, target_of, verb_filter_key
from statements.rules.request_rules import problem

Views = tuple[frozenset[str], ...]

Effect = Callable[[str], tuple[frozenset[str] | None, str | None] | None]
"""From the id of a statement to its keys (None when nobody takes them over) and the id that its object refers
to; None when it is not there."""

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


@dataclass(frozen=True, slots=True)
class Chain:
    """A statement, what it refers to, and so on."""

    parts: Sequence[tuple[str, frozenset[str]]]
    """Their ids and keys."""
    end: str | None
    """The first id that is not there; None where the chain ends, comes to its beginning or is long enough."""

    @classmethod
    def of(cls, statement_id: str, step: Effect) -> Chain:
        """The chain that begins with a statement."""
        parts: dict[str, frozenset[str]] = {}
        place: str | None = statement_id
        while place is not None and place not in parts and len(parts) < MOST_VIEWS:
            found = step(place)
            if found is None:
                return cls(tuple(parts.items()), place)
            keys, after = found
            if keys is None:
                break
            parts[place] = keys
            place = after
        return cls(tuple(parts.items()), None)

    def extending(self, statement_id: str, views: Views) -> Views:
        """The views of a statement that leads to this chain."""
        return extended(views, [keys for each, keys in self.parts if each != statement_id])


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
    voided: set[str] = field(default_factory=set)
    """Those of the awaited ids that are to be hidden when they come."""
    arrived: set[str] = field(default_factory=set)
    """Ids whose mark is to be removed."""
    owed: set[str] = field(default_factory=set)
    """Ids of which some incoming statements did not get the views."""
    overdue: set[str] = field(default_factory=set)
    """Ids of which some stored statements did not get the views."""


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
    *,
    voided: Collection[str] = (),
    unread: Collection[str] = (),
    most_keys: float = inf,
) -> Plan:
    """Plan a write of new statements: none of them is stored, and no id occurs twice.

    `known` holds the stored ones among `lookups(incoming)` and what they lead to, but for the `unread` ids,
    of which it is not known whether they are there. `referrers` holds, for each incoming id that is marked as
    awaited, stored statements with that target in any of their views: all, or those that are to be done now.
    `voided` are incoming ids that a stored statement voids, beside those that one of the `referrers` voids.
    `most_keys` is how many keys the incoming statements may take over: what is beyond that is owed.
    """
    new = {each.id: each for each in incoming}
    made = Plan(arrived=set(referrers), hide={each for each in voided if new[each].voids is None})
    # What others take over from a statement is worked out once, however many refer to it.
    parts: dict[str, tuple[frozenset[str] | None, str | None] | None] = {}

    def step(statement_id: str) -> tuple[frozenset[str] | None, str | None] | None:
        if statement_id not in parts:
            parts[statement_id] = _part(statement_id, new, known)
        return parts[statement_id]

    for each in incoming:
        target = each.refers_to
        if target is None:
            made.views[each.id] = (each.keys,)
            continue
        views: Views = (each.keys,)
        chain = Chain.of(target, step)
        has_room = most_keys > 0  # looked at first: nothing is worked out for what is owed anyway
        if has_room:
            views = chain.extending(each.id, views)
            most_keys -= sum(map(len, views[1:]))
            has_room = most_keys >= 0
        if chain.parts and not has_room:
            views = views[:1]
            made.owed.add(target)
        elif chain.end is not None and chain.end in unread:
            made.owed.add(chain.end)
        made.views[each.id] = views
        if target not in new and target not in known:
            made.awaited.add(target)
            if each.voids is not None:
                made.voided.add(target)
        if each.voids is not None and _may_be_voided(target, new, known):
            made.hide.add(target)
    for arrived, waiting in referrers.items():
        chain = Chain.of(arrived, step)
        if waiting and chain.end is not None and chain.end in unread:
            made.overdue.add(chain.end)
        for one in waiting:
            made.reindex[one.id] = chain.extending(one.id, made.reindex.get(one.id, one.views))
            voids = is_voiding(one.views) and target_key(arrived) in one.views[0]
            if voids and new[arrived].voids is None:
                made.hide.add(arrived)
    return made


def views_of(statement_id: str, step: Effect) -> Views:
    """The views of a stored statement, from nothing but statements: its own keys, then what it reaches."""
    own = step(statement_id)
    if own is None or own[0] is None:
        return ()
    views = (own[0],)
    return views if own[1] is None else Chain.of(own[1], step).extending(statement_id, views)


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


def _part(
    statement_id: str, new: Mapping[str, Incoming], known: Mapping[str, Known]
) -> tuple[frozenset[str] | None, str | None] | None:
    """What others take over from a statement, and the id that it refers to; None when it is not there."""
    if statement_id in new:
        return inherited(new[statement_id].keys), new[statement_id].refers_to
    if statement_id in known:
        own = known[statement_id].views[0]
        return inherited(own), target_of(own)
    return None

"""Which index keys a statement takes over from those that it reaches through references, and how many.

A query for a verb also finds what refers to a statement with that verb (xAPI 1.0.3 Part 3, 2.1.3). So a
statement that refers to another carries the other's keys beside its own, as a view (`statements.references`).
Without a bound, a reference of 150 bytes to a statement with 900 context activities would bring 900 keys, and
ten thousand such references nine million.

All keys of a statement with few are taken over. Of one with more, those by which it is merely related to
agents and activities are left out first (`related_agents`, `related_activities`), then those of all its
agents: what is left are its verb, its object, its registration and what it refers to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from statements.keys import ACTIVITY, AGENT, AUTHORITY, RELATED_ACTIVITY, RELATED_AGENT

Keys = frozenset[str]

MOST_KEYS: Final = 64
MOST_LENGTH: Final = 8_192
"""Keys, and characters of keys, that are taken over from one statement."""

MOST_VIEWS: Final = 32
"""A statement is found by its own keys and through at most 31 others."""

MOST_KEYS_IN_ALL: Final = 256
MOST_LENGTH_IN_ALL: Final = 32_768
"""Keys, and characters of keys, that are taken over from all of them together."""


def inherited(keys: Keys) -> Keys | None:
    """What a statement that refers to one with these keys takes over; None when the least is too much."""
    if _fits(keys):
        return keys
    narrow = frozenset(key for key in keys if not key.startswith((RELATED_AGENT, RELATED_ACTIVITY)))
    # A view with a narrow key always has the wider one of the same value, as the store relies on.
    activities = {RELATED_ACTIVITY + key[len(ACTIVITY) :] for key in narrow if key.startswith(ACTIVITY)}
    agents = {RELATED_AGENT + key[len(AGENT) :] for key in narrow if key.startswith(AGENT)}
    for found in (
        narrow | activities | agents,
        activities.union(key for key in narrow if not key.startswith(AGENT)),
    ):
        if _fits(found):
            return frozenset(found)
    return None


def extended(views: Iterable[Keys], more: Iterable[Keys]) -> tuple[Keys, ...]:
    """The views of a statement, its own keys first, with those of what it is found to reach beyond them.

    Each of what is reached stands once, in order, as `inherited` leaves it: equal key sets answer every query
    alike. From the first that cannot be taken over on, all are left out. An authority's key is taken over by
    statements of the same authority alone: otherwise a caller that may read its own statements would find
    those of others that refer to them.
    """
    own, *reached = views
    mine = frozenset(key for key in own if key.startswith(AUTHORITY))
    joined = {own: None}
    keys = length = 0
    for whole in (*reached, *more):
        part = inherited(whole)
        if part is None:
            break
        foreign = [key for key in part if key.startswith(AUTHORITY) and key not in mine]
        view = part.difference(foreign) if foreign else part
        if view in joined:
            continue
        keys += len(view)
        length += sum(map(len, view))
        if len(joined) == MOST_VIEWS or keys > MOST_KEYS_IN_ALL or length > MOST_LENGTH_IN_ALL:
            break
        joined[view] = None
    return tuple(joined)


def _fits(keys: Iterable[str]) -> bool:
    held = frozenset(keys)
    return len(held) <= MOST_KEYS and sum(map(len, held)) <= MOST_LENGTH

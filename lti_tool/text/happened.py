"""What happened to an entry, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lrs.records.history import Event, History, Way, What
from lti_tool.text.i18n import gettext
from lti_tool.text.masking import masked, masked_statement

MOST_TOGETHER = 262_144
"""Bytes of all the statements that one page shows."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event, ready to be shown. Texts hold what people typed: escape them."""

    event: Event
    sentence: str
    way: str
    reason: str
    statements: Sequence[str]
    """As people read JSON; empty text for one that is too large to be shown."""


def told(history: History, most_shown: int) -> list[Told]:
    """All events of a history. Statements of more than `most_shown` bytes are not shown."""
    left = MOST_TOGETHER
    shown: list[Told] = []
    # The latest ones first: they are the ones that are looked for when not all can be shown.
    for event in reversed(history.events):
        statements = []
        for id in event.statement_ids:
            body = history.bodies[id]
            fits = len(body) <= min(most_shown, left)
            left -= len(body) if fits else 0
            statements.append(masked_statement(body) if fits else "")
        shown.append(Told(event, _sentence(event), _way(event), masked(event.reason), statements))
    return shown[::-1]


def _sentence(event: Event) -> str:
    """What happened, by whom."""
    who = f"\u2068{masked(event.who)}\u2069" if event.who else ""
    if event.position:
        who += f", \u2068{masked(event.position)}\u2069"
    named: Mapping[What, str] = {
        What.LOGGED: gettext("Logged by %(who)s", who=who),
        What.REPORTED: gettext("Reported by the LMS"),
        What.CHANGED: gettext("Changed by %(who)s", who=who),
        What.ASKED: gettext("%(who)s was asked by a one-time link", who=who),
        What.OPENED: gettext("The link for %(who)s was opened", who=who),
        What.REVOKED: gettext("The link for %(who)s was revoked", who=who),
        What.EXPIRED: gettext("The link for %(who)s expired", who=who),
        What.VERIFIED: gettext("Verified by %(who)s", who=who),
        What.RETURNED: gettext("Returned by %(who)s", who=who),
        What.REJECTED: gettext("Rejected by %(who)s", who=who),
        What.CONFIRMED: gettext("Confirmed by %(who)s", who=who),
        What.UNDONE: gettext("The decision was undone by %(who)s", who=who),
    }
    unnamed: Mapping[What, str] = {
        What.LOGGED: gettext("Logged"),
        What.CHANGED: gettext("Changed"),
        What.VERIFIED: gettext("Verified"),
        What.RETURNED: gettext("Returned"),
        What.REJECTED: gettext("Rejected"),
        What.CONFIRMED: gettext("Confirmed"),
        What.UNDONE: gettext("The decision was undone"),
    }
    return named[event.what] if who else unnamed.get(event.what, named[event.what])


def _way(event: Event) -> str:
    """By which way it came."""
    if event.way is Way.LINK:
        return gettext("by one-time link")
    if event.way is Way.PAGE:
        return gettext("in Jejak")
    return gettext("from another system: %(name)s", name=f"\u2068{masked(event.credential)}\u2069")

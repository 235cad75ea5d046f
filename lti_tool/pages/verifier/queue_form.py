"""The form of the queue: which entries, what is decided about them, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from werkzeug.datastructures import MultiDict

from lti_tool.text.i18n import gettext
from statements.profile.vocabulary import NEEDS_REASON, Decision

BUTTONS: Final = (Decision.VERIFIED, Decision.RETURNED, Decision.REJECTED)
"""What can be decided here; a confirmation comes by a link alone."""
SELECTED: Final = "selected"
"""Value of the buttons that decide about every ticked entry."""
MAX_REASON: Final = 2000
"""Characters of a reason."""


@dataclass(slots=True)
class Asked:
    """What was sent: a decision about some entries, or what is wrong with it."""

    decision: Decision = Decision.VERIFIED
    ids: tuple[str, ...] = ()
    reason: str = ""
    where: str = SELECTED
    """The entry whose own button was pressed, or `SELECTED`."""
    typed: Mapping[str, str] = field(default_factory=dict)
    """Every reason as it was typed, by `SELECTED` or entry id."""
    ticked: frozenset[str] = frozenset()
    error: str = ""
    """What to do before it can be sent; it stands beside the field at `where`."""


def read(form: MultiDict[str, str], *, most: int) -> Asked:
    """What the form asks for. Nothing that was typed or ticked is lost when it is wrong.

    Each button has the name of its decision, and as value the entry that it belongs to, or `SELECTED`.
    """
    pressed = next((one for one in BUTTONS if one.value in form), None)
    asked = Asked(
        typed={
            name.removeprefix("reason-"): text
            for name, text in form.items()
            if name.startswith("reason-") and text.strip()
        },
        ticked=frozenset(form.getlist("entry")),
    )
    if pressed is None:
        asked.error = gettext("Choose what to decide: verify, return or reject.")
        return asked
    asked.decision, asked.where = pressed, form[pressed.value]
    asked.ids = tuple(dict.fromkeys(form.getlist("entry"))) if asked.where == SELECTED else (asked.where,)
    if asked.decision in NEEDS_REASON:
        asked.reason = asked.typed.get(asked.where, "").strip()
    if not asked.ids:
        asked.error = gettext("Tick the entries first.")
    elif len(asked.ids) > most:
        asked.error = gettext("Decide about at most %(most)s entries at once.", most=most)
    elif asked.decision in NEEDS_REASON and not asked.reason:
        asked.error = gettext("Write the reason: the learner reads it and must know what to do.")
    elif len(asked.reason) > MAX_REASON:
        asked.error = gettext("Write at most %(most)s characters.", most=MAX_REASON)
    return asked

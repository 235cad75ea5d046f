"""Why a one-time link is refused, in words for who holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask_babel import LazyString, lazy_gettext

from lrs.records.verifier_links import Why

WRONG: Final = lazy_gettext("This is no link of Jejak. Paste the whole link that was sent to you.")


@dataclass(frozen=True, slots=True)
class Refused:
    """What happened, and what to do."""

    sentence: LazyString
    advice: LazyString


_ASK: Final = lazy_gettext("Ask the person who sent it to you for a new one.")
OWN: Final = Refused(
    lazy_gettext("This is your own entry; nobody confirms their own learning."),
    lazy_gettext("Send the link to your supervisor or mentor instead. It was not used up."),
)
_WORDS: Final = {
    Why.UNKNOWN: Refused(lazy_gettext("This link is not known here, or it ended long ago."), _ASK),
    Why.EXPIRED: Refused(lazy_gettext("This link has expired."), _ASK),
    Why.REVOKED: Refused(lazy_gettext("This link was withdrawn by the person who made it."), _ASK),
    Why.USED: Refused(
        lazy_gettext("This link was used already: it takes one decision."),
        lazy_gettext(
            "If you decided by it, nothing is left to do. If you want to change it, tell the learner."
        ),
    ),
    Why.GONE: Refused(
        lazy_gettext("The entry was changed or withdrawn after this link was made."),
        _ASK,
    ),
    Why.DECIDED: Refused(
        lazy_gettext("Somebody else has decided about this entry meanwhile."),
        lazy_gettext("Nothing is left to do. Thank you."),
    ),
}


def why_not(why: Why | None, *, seconds: int = 0) -> Refused:
    """The words for a reason; None for too many wrong codes."""
    if why is None:
        return Refused(
            lazy_gettext("Too many wrong links were tried from your network just now."),
            lazy_gettext("Wait %(seconds)s seconds, then try yours again.", seconds=seconds),
        )
    return _WORDS[why]

"""Facts beside an entry, in words that inform and accuse nobody."""

from __future__ import annotations

from lrs.records.hints import Fact, Hint
from lti_tool.text import sentences
from lti_tool.text.formats import day
from lti_tool.text.i18n import gettext, ngettext

ISOLATED = "\u2068%s\u2069"
"""A title of unknown direction: what surrounds it keeps its own (Unicode FSI and PDI)."""


def hint_sentence(hint: Hint) -> str:
    """One fact as a sentence."""
    other = hint.other
    title = "" if other is None else ISOLATED % sentences.words(other.title)
    told = {"title": title, "day": "" if other is None else day(other.end)}
    match hint.fact:
        case Fact.BURST:
            return ngettext(
                "%(num)s entry was sent within ten minutes.",
                "%(num)s entries were sent within ten minutes.",
                hint.count,
            )
        case Fact.BACKDATED:
            return ngettext(
                "Sent %(num)s day after its last day.", "Sent %(num)s days after its last day.", hint.count
            )
        case Fact.ALIKE:
            return gettext("Looks like “%(title)s” (%(day)s): same form, overlapping dates.", **told)
        case Fact.OVERLAPS:
            return gettext("On the same days: “%(title)s” (%(day)s).", **told)
        case Fact.CERTIFICATE:
            if other is not None:
                return gettext("“%(title)s” (%(day)s) has the same certificate number.", **told)
            return gettext("Another person's entry has the same certificate number.")
        case Fact.FILE:
            if other is not None:
                return gettext("“%(title)s” (%(day)s) has the same file as evidence.", **told)
            return gettext("Another person's entry has the same file as evidence.")

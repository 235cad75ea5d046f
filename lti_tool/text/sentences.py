"""The record in words: names of pillars and forms, and sentences about a year."""

from __future__ import annotations

from collections.abc import Mapping

from flask import g
from flask_babel import get_locale

from lrs.records.entries import Decided
from lrs.records.summaries import Summary
from lrs.records.waiting import WaitingPage
from lti_tool.services.goal_progress import Standing
from lti_tool.text.charts import Segment
from lti_tool.text.formats import jp, plain_jp
from lti_tool.text.i18n import gettext, ngettext
from lti_tool.text.masking import masked
from statements.profile.shipped import shipped
from statements.profile.table import Table
from statements.profile.vocabulary import BY_LINK


def table_in_force() -> Table:
    """The table of the tenant whose pages are shown; the routes put it into `g`."""
    table: Table = g.get("table") or shipped()
    return table


def words(texts: Mapping[str, str] | str) -> str:
    """One of several translations: the reader's language, Indonesian, English, or whatever there is.

    Titles come from statements, so what must not stand on pages is hidden.
    """
    return masked(_chosen(texts))


def _chosen(texts: Mapping[str, str] | str) -> str:
    if isinstance(texts, str):
        return texts
    wanted = str(get_locale() or "id")[:2]
    for tag in (wanted, "id", "en"):
        for known, text in texts.items():
            if known.lower().split("-")[0] == tag and text:
                return text
    return next(iter(texts.values()), "") or gettext("Untitled")


def pillar_name(code: str) -> str:
    """The pillar in words."""
    return words(table_in_force().pillars.get(code, {"id": code}))


def form_name(code: str) -> str:
    """The form in words; a form that the table no longer has keeps its code."""
    form = table_in_force().forms.get(code)
    return words(form.name) if form is not None else code


def decided_by(one: Decided) -> str:
    """Who decided or confirmed, and how they came to it: a name that was typed is marked as such."""
    name = masked(one.by.name)
    if one.channel == BY_LINK:
        # Both were typed by whoever held the link.
        typed = ", ".join(text for text in (name, masked(one.position)) if text)
        return gettext("by link, as %(who)s", who=typed) if typed else gettext("by link")
    return name or gettext("The verifier")


def duration(minutes: int) -> str:
    """Minutes as hours and minutes."""
    hours, rest = divmod(minutes, 60)
    parts = []
    if hours:
        parts.append(ngettext("%(num)s hour", "%(num)s hours", hours))
    if rest or not hours:
        parts.append(ngettext("%(num)s minute", "%(num)s minutes", rest))
    return " ".join(parts)


def segments(summary: Summary) -> list[Segment]:
    """The bar of a year."""
    return [Segment(code, part.verified, part.waiting) for code, part in summary.pillars.items()]


def standing(summary: Summary, *, own: bool) -> str:
    """The one sentence that says how a year stands."""
    parts = [
        gettext(
            "%(verified)s of %(target)s JP in %(year)s.",
            verified=jp(summary.total_verified),
            target=plain_jp(summary.target.jp),
            year=summary.year,
        )
    ]
    if summary.waiting:
        parts.append(
            ngettext(
                "%(num)s entry waits for verification.",
                "%(num)s entries wait for verification.",
                summary.waiting,
            )
        )
    if own and summary.returned:
        parts.append(
            ngettext("%(num)s entry came back to you.", "%(num)s entries came back to you.", summary.returned)
        )
    elif own and not summary.waiting and summary.total_verified >= summary.target.jp:
        parts.append(gettext("The target is reached."))
    return " ".join(parts)


def goal_sentence(goal: Standing) -> str:
    """How far a learner is with a graded goal."""
    parts = [
        gettext(
            "Goal: %(verified)s of %(wanted)s JP %(form)s.",
            verified=plain_jp(goal.verified),
            wanted=plain_jp(goal.wanted),
            form=form_name(goal.form),
        )
    ]
    if goal.verified >= goal.wanted:
        parts.append(gettext("It is reached."))
    elif goal.waiting:
        parts.append(gettext("%(jp)s JP wait for verification.", jp=plain_jp(goal.waiting)))
    return " ".join(parts)


def waiting_for_you(page: WaitingPage) -> str:
    """The link to the queue of what waits for somebody: how many, and what to do."""
    if page.is_more:
        return gettext("More than %(num)s wait for you: verify", num=page.total)
    return ngettext("%(num)s waits for you: verify", "%(num)s wait for you: verify", page.total)


def late_sentence(count: int, days: int) -> str:
    """How many entries wait for too long; "" when none does."""
    if not count:
        return ""
    return ngettext(
        "%(num)s waits for more than %(days)s days.",
        "%(num)s wait for more than %(days)s days.",
        count,
        days=days,
    )


def safe_link(url: str) -> bool:
    """Whether a link may be followed from a page: statements can hold any scheme."""
    return url.startswith(("https://", "http://"))

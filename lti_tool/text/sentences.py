"""The record in words: names of pillars and forms, sentences about a year, and how JP came about."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from flask import g
from flask_babel import get_locale

from lrs.records.entries import Decided, Entry
from lrs.records.summaries import Summary
from lti_tool.services.goal_progress import Standing
from lti_tool.text.charts import Segment
from lti_tool.text.formats import jp, plain_jp
from lti_tool.text.i18n import gettext, ngettext
from lti_tool.text.masking import masked
from statements.profile.jp import Award, Cap
from statements.profile.shipped import shipped
from statements.profile.table import Form, JpKind, Table
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
            "%(verified)s of %(target)s JP this year.",
            verified=jp(summary.total_verified),
            target=plain_jp(summary.target.jp),
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


def rule_sentence(form: Form, table: Table) -> str:
    """How this form counts, before anything is filled in."""
    rule = form.jp
    if rule.kind is JpKind.HOURS:
        said = gettext("Counted by time: %(minutes)s minutes are 1 JP.", minutes=table.minutes_per_jp)
    elif rule.kind is JpKind.NONE or rule.unit is None:
        said = gettext("This form gives no JP yet; your agency may set it.")
    else:
        unit = plain_jp(rule.unit.national)
        said = {
            JpKind.DAY: gettext("%(jp)s JP for each day.", jp=unit),
            JpKind.SESSION: gettext("%(jp)s JP for each session.", jp=unit),
            JpKind.EACH: gettext("%(jp)s JP each time.", jp=unit),
            JpKind.SEMESTER: gettext("%(jp)s JP for each semester.", jp=unit),
        }[rule.kind]
    if rule.kind_of(True) is JpKind.DAY and rule.unit and rule.unit.international != rule.unit.national:
        said += " " + gettext("International: %(jp)s JP for each day.", jp=plain_jp(rule.unit.international))
    limits = []
    if rule.max_sessions_per_month:
        limits.append(
            ngettext(
                "at most %(num)s session a month",
                "at most %(num)s sessions a month",
                rule.max_sessions_per_month,
            )
        )
    if rule.max_per_day.national is not None:
        limits.append(gettext("at most %(jp)s JP a day", jp=plain_jp(rule.max_per_day.national)))
    if limits:
        said += " " + gettext("Limit: %(limits)s.", limits=", ".join(limits))
    return f"{said} {_limits_of_sense(form)}".rstrip()


def _limits_of_sense(form: Form) -> str:
    """What the form's JP cannot go beyond, in a sentence; nothing where its rule never comes near."""
    limits = []
    most = form.plausible_per_day(False)
    if most is not None and form.jp.kind is JpKind.HOURS and form.most_per_day(False) == most:
        limits.append(gettext("at most %(jp)s JP a day", jp=plain_jp(most)))
    if form.limits.fewest_days:
        limits.append(
            ngettext("from %(num)s day on", "from %(num)s days on", form.limits.fewest_days),
        )
    if form.limits.semesters_per_year:
        limits.append(
            ngettext(
                "at most %(num)s semester a year",
                "at most %(num)s semesters a year",
                form.limits.semesters_per_year,
            )
        )
    if not limits:
        return ""
    if form.limits.is_proposal:
        return gettext("Proposed limit, to be confirmed: %(limits)s.", limits=", ".join(limits))
    return gettext("Limit: %(limits)s.", limits=", ".join(limits))


def explained(award: Award) -> str:
    """How the JP of an entry were counted."""
    told = {name: _number(text) for name, text in award.params.items()}
    amount = jp(award.jp)
    match award.rule:
        case "hours":
            return gettext(
                "%(time)s; %(per)s minutes are 1 JP: %(jp)s JP.",
                time=duration(int(award.params["minutes"])),
                per=told["minutes_per_jp"],
                jp=amount,
            )
        case "claimed":
            return gettext("As stated by the learner or the certificate: %(jp)s JP.", jp=amount)
        case "day":
            return ngettext(
                "%(num)s day × %(one)s JP = %(jp)s JP",
                "%(num)s days × %(one)s JP = %(jp)s JP",
                int(award.params["days"]),
                one=told["jp"],
                jp=_product(award, "days"),
            )
        case "session":
            return ngettext(
                "%(num)s session × %(one)s JP = %(jp)s JP",
                "%(num)s sessions × %(one)s JP = %(jp)s JP",
                int(award.params["sessions"]),
                one=told["jp"],
                jp=_product(award, "sessions"),
            )
        case "semester":
            return ngettext(
                "%(num)s semester × %(one)s JP = %(jp)s JP",
                "%(num)s semesters × %(one)s JP = %(jp)s JP",
                int(award.params["semesters"]),
                one=told["jp"],
                jp=_product(award, "semesters"),
            )
        case "each":
            return gettext("%(jp)s JP each time.", jp=told["jp"])
        case "given":
            return gettext("Your agency set %(jp)s JP for this course.", jp=amount)
        case "default":
            return gettext("The LMS did not say how long it took; the table gives %(jp)s JP.", jp=amount)
        case "not-counted":
            return gettext("Not counted while it is returned or rejected.")
        case _:
            return gettext("This form gives no JP yet; your agency may set it.")


def cap_sentence(cap: Cap) -> str:
    """Which limit held an award back."""
    told = {name: _number(text) for name, text in cap.params.items()}
    match cap.code:
        case "already-counted":
            return gettext("The same course was counted before in this year.")
        case "days-in-dates":
            return ngettext(
                "Only %(num)s day lies between the dates.",
                "Only %(num)s days lie between the dates.",
                int(cap.params["days"]),
            )
        case "fewest-days":
            return ngettext(
                "Counted from %(fewest)s days on; this is %(num)s day.",
                "Counted from %(fewest)s days on; these are %(num)s days.",
                int(cap.params["days"]),
                fewest=told["fewest"],
            )
        case "semesters-per-year":
            return gettext(
                "Limit: %(limit)s semesters a year; %(counted)s of these count.",
                limit=told["limit"],
                counted=told["counted"],
            )
        case "days-per-month":
            return gettext(
                "Limit: %(limit)s days a month; %(counted)s of these count.",
                limit=told["limit"],
                counted=told["counted"],
            )
        case "sessions-per-month":
            return gettext(
                "Limit: %(limit)s sessions a month; %(counted)s of these count.",
                limit=told["limit"],
                counted=told["counted"],
            )
        case "day-limit":
            return gettext(
                "Limit: %(limit)s JP a day; without it this would be %(before)s JP.",
                limit=told["limit"],
                before=told["before"],
            )
        case "as-claimed":
            return gettext("Never more than was claimed: %(jp)s JP.", jp=told["claimed"])
        case _:
            return gettext("A limit of the table applied.")


def entry_explanation(entry: Entry) -> tuple[str, list[str]]:
    """The counting of an entry and its limits, in sentences."""
    caps = [cap_sentence(cap) for cap in entry.award.caps]
    if any(cap.code == "already-counted" for cap in entry.award.caps):
        # Its form gives JP, only not for the same course again.
        return caps[0], caps[1:]
    return explained(entry.award), caps


def safe_link(url: str) -> bool:
    """Whether a link may be followed from a page: statements can hold any scheme."""
    return url.startswith(("https://", "http://"))


def _product(award: Award, count: str) -> str:
    return jp(Decimal(award.params["jp"]) * Decimal(award.params[count]))


def _number(text: str) -> str:
    try:
        return plain_jp(Decimal(text))
    except ArithmeticError:
        return text

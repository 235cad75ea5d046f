"""How JP are counted, in words: a form's rule, how an entry was counted, and which limit held it back."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from lrs.records.entries import Entry
from lti_tool.text.formats import jp, month, plain_jp
from lti_tool.text.i18n import gettext, ngettext
from lti_tool.text.sentences import duration, table_in_force
from statements.profile.jp import Award, Cap, Used
from statements.profile.table import Form, JpKind, Table


def rule_sentence(form: Form, table: Table) -> str:
    """How this form counts, before anything is filled in."""
    rule = form.jp
    if rule.kind is JpKind.HOURS:
        said = gettext("Counted by time: %(minutes)s minutes = 1 JP.", minutes=table.minutes_per_jp)
    elif rule.kind is JpKind.NONE or rule.unit is None:
        said = gettext("This form gives no JP yet; your agency may set it.")
    else:
        unit = plain_jp(rule.unit.national)
        said = {
            JpKind.DAY: gettext("%(jp)s JP for each day.", jp=unit),
            JpKind.SESSION: gettext("%(jp)s JP for each session.", jp=unit),
            JpKind.EACH: gettext("%(jp)s JP for each activity.", jp=unit),
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


def worth_sentence(form: Form, table: Table, used: Used, today: date) -> str:
    """What a form is worth and what is left of its limit, short, for a list of forms."""
    rule, parts = form.jp, []
    if rule.kind is JpKind.HOURS:
        parts.append(gettext("1 JP per %(minutes)s minutes", minutes=table.minutes_per_jp))
    elif rule.kind is JpKind.NONE or rule.unit is None:
        parts.append(gettext("no JP yet"))
    else:
        unit = plain_jp(rule.unit.national)
        parts.append(
            {
                JpKind.DAY: gettext("%(jp)s JP per day", jp=unit),
                JpKind.SESSION: gettext("%(jp)s JP per session", jp=unit),
                JpKind.EACH: gettext("%(jp)s JP per activity", jp=unit),
                JpKind.SEMESTER: gettext("%(jp)s JP per semester", jp=unit),
            }[rule.kind]
        )
    if (limit := rule.max_sessions_per_month) is not None:
        left = limit - used.sessions.get((form.code, today.year, today.month), 0)
        parts.append(gettext("%(left)s of %(limit)s left this month", left=max(0, left), limit=limit))
    if (limit := form.limits.semesters_per_year) is not None:
        left = limit - used.semesters.get((form.code, today.year), 0)
        parts.append(
            gettext("%(left)s of %(limit)s left in %(year)s", left=max(0, left), limit=limit, year=today.year)
        )
    if rule.max_per_day.national is not None:
        parts.append(gettext("at most %(jp)s JP a day", jp=plain_jp(rule.max_per_day.national)))
    if form.limits.fewest_days:
        parts.append(ngettext("from %(num)s day on", "from %(num)s days on", form.limits.fewest_days))
    return ", ".join(parts)


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
            return _time_counted(award)
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
            return gettext("%(jp)s JP for each activity.", jp=told["jp"])
        case "given":
            return gettext("Your agency set %(jp)s JP for this course.", jp=amount)
        case "default":
            return gettext("The LMS did not say how long it took; the table gives %(jp)s JP.", jp=amount)
        case "not-counted":
            return gettext("Not counted while it is returned or rejected.")
        case _:
            return gettext("This form gives no JP yet; your agency may set it.")


def cap_sentence(cap: Cap, awarded: Decimal | None = None) -> str:
    """Which limit held an award back, and what other entries have used up of it.

    `awarded`: the JP that were left, from which the part of other entries in a day is told.
    """
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
            return f"{_semesters_limit(cap)} {_semesters_left(int(cap.params['counted']))}"
        case "days-per-month":
            return f"{_days_limit(cap)} {_days_left(int(cap.params['counted']))}"
        case "sessions-per-month":
            return f"{_sessions_limit(cap)} {_sessions_left(int(cap.params['counted']))}"
        case "day-limit":
            said = gettext(
                "Limit: %(limit)s JP a day; without it this would be %(before)s JP.",
                limit=told["limit"],
                before=told["before"],
            )
            return f"{said} {_day_shared(cap, awarded)}".rstrip()
        case "as-claimed":
            return gettext("Never more than was claimed: %(jp)s JP.", jp=told["claimed"])
        case _:
            return gettext("A limit of the table applied.")


def _time_counted(award: Award) -> str:
    """How a time was counted, before any limit: limits have sentences of their own."""
    minutes, per = int(award.params["minutes"]), Decimal(award.params["minutes_per_jp"])
    uplift = Decimal(award.params.get("uplift", 0))
    before = award.jp
    if award.caps:
        before = (minutes / per * (1 + uplift)).quantize(Decimal("0.1"), ROUND_HALF_UP)
    if uplift:
        return gettext(
            "%(time)s; %(per)s minutes = 1 JP, %(percent)s%% more as an international event: %(jp)s JP.",
            time=duration(minutes),
            per=plain_jp(per),
            percent=plain_jp(100 * uplift),
            jp=jp(before),
        )
    return gettext(
        "%(time)s; %(per)s minutes = 1 JP: %(jp)s JP.",
        time=duration(minutes),
        per=plain_jp(per),
        jp=jp(before),
    )


def _sessions_limit(cap: Cap) -> str:
    limit, used, when = int(cap.params["limit"]), int(cap.params["used"]), month(cap.params["month"])
    if used >= limit:
        return ngettext(
            "Limit: %(num)s session a month, and that of %(month)s is used up by other entries.",
            "Limit: %(num)s sessions a month, and those of %(month)s are used up by other entries.",
            limit,
            month=when,
        )
    if used:
        return ngettext(
            "Limit: %(num)s session a month, of which %(used)s was used in %(month)s by other entries.",
            "Limit: %(num)s sessions a month, of which %(used)s was used in %(month)s by other entries.",
            limit,
            month=when,
            used=used,
        )
    return ngettext("Limit: %(num)s session a month.", "Limit: %(num)s sessions a month.", limit)


def _sessions_left(count: int) -> str:
    if not count:
        return gettext("Nothing is left for this entry.")
    return ngettext("Only %(num)s session counts.", "Only %(num)s sessions count.", count)


def _days_limit(cap: Cap) -> str:
    limit, used, when = int(cap.params["limit"]), int(cap.params["used"]), month(cap.params["month"])
    if used >= limit:
        return ngettext(
            "Limit: %(num)s day a month, and that of %(month)s is used up by other entries.",
            "Limit: %(num)s days a month, and those of %(month)s are used up by other entries.",
            limit,
            month=when,
        )
    if used:
        return ngettext(
            "Limit: %(num)s day a month, of which %(used)s was used in %(month)s by other entries.",
            "Limit: %(num)s days a month, of which %(used)s was used in %(month)s by other entries.",
            limit,
            month=when,
            used=used,
        )
    return ngettext("Limit: %(num)s day a month.", "Limit: %(num)s days a month.", limit)


def _days_left(count: int) -> str:
    if not count:
        return gettext("Nothing is left for this entry.")
    return ngettext("Only %(num)s day counts.", "Only %(num)s days count.", count)


def _semesters_limit(cap: Cap) -> str:
    limit, used = int(cap.params["limit"]), int(cap.params["used"])
    if used >= limit:
        return ngettext(
            "Limit: %(num)s semester a year, and that of the year is used up by other entries.",
            "Limit: %(num)s semesters a year, and those of the year are used up by other entries.",
            limit,
        )
    if used:
        return ngettext(
            "Limit: %(num)s semester a year, of which %(used)s was used by other entries.",
            "Limit: %(num)s semesters a year, of which %(used)s was used by other entries.",
            limit,
            used=used,
        )
    return ngettext("Limit: %(num)s semester a year.", "Limit: %(num)s semesters a year.", limit)


def _semesters_left(count: int) -> str:
    if not count:
        return gettext("Nothing is left for this entry.")
    return ngettext("Only %(num)s semester counts.", "Only %(num)s semesters count.", count)


def _day_shared(cap: Cap, awarded: Decimal | None) -> str:
    """Whether other entries of the same days took a part of their limit."""
    room = Decimal(cap.params["limit"]) * int(cap.params["days"])
    if awarded is None or room - awarded < table_in_force().step:
        return ""
    if not awarded:
        return gettext("Other entries use it up.")
    return gettext("Other entries use %(jp)s JP of it.", jp=plain_jp(room - awarded))


def entry_explanation(entry: Entry) -> tuple[str, list[str]]:
    """The counting of an entry and its limits, in sentences."""
    caps = [cap_sentence(cap, entry.award.jp) for cap in entry.award.caps]
    if any(cap.code == "already-counted" for cap in entry.award.caps):
        # Its form gives JP, only not for the same course again.
        return caps[0], caps[1:]
    return explained(entry.award), caps


def _product(award: Award, count: str) -> str:
    return jp(Decimal(award.params["jp"]) * Decimal(award.params[count]))


def _number(text: str) -> str:
    try:
        return plain_jp(Decimal(text))
    except ArithmeticError:
        return text

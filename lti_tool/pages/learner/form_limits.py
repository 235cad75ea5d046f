"""What the form of an activity refuses because it makes no sense: amounts beyond the limits of the table.

The message stands beside the field, names the limit, and says what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from lti_tool.text.formats import plain_jp
from lti_tool.text.i18n import gettext, ngettext
from lti_tool.text.sentences import duration
from statements.profile.build import quantity
from statements.profile.jp import LONGEST_DAYS
from statements.profile.table import Form, Table

OLDEST: Final = timedelta(days=LONGEST_DAYS)
"""How long an activity may last."""
MOST_SESSIONS: Final = 10
MOST_DAYS: Final = 366
MOST_SEMESTERS: Final = 12


def most(form: Form) -> int:
    """The largest count that the field of sessions, days or semesters takes."""
    asked = quantity(form)
    if asked == "semesters":
        return form.limits.semesters_per_year or MOST_SEMESTERS
    return MOST_SESSIONS if asked == "sessions" else MOST_DAYS


def beyond(form: Form, table: Table, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The fields with amounts beyond a limit, each with its message. Dates that are wrong are not judged."""
    asked, start, end = quantity(form), data.get("start"), data.get("end")
    count = data.get("count") or 1
    if end is None or (start is not None and start > end):
        return
    if start is None:
        span = count if asked == "days" else 1
    else:
        span = (end - start).days + 1
        if asked == "days" and count > span:
            yield (
                "count",
                ngettext(
                    "Only %(num)s day lies between these dates. Correct the dates or the number of days.",
                    "Only %(num)s days lie between these dates. Correct the dates or the number of days.",
                    span,
                ),
            )
    if span > OLDEST.days:
        yield "start", gettext("The first day lies more than five years before the last day.")
    elif form.limits.fewest_days and span < form.limits.fewest_days:
        yield (
            "start",
            ngettext(
                "This form counts from %(fewest)s days on, and this is %(num)s day. Choose the first day.",
                "This form counts from %(fewest)s days on, and these are %(num)s days. Check both dates.",
                span,
                fewest=form.limits.fewest_days,
            ),
        )
    if asked == "minutes":
        yield from _time(form, table, data, span)


def _time(form: Form, table: Table, data: Mapping[str, Any], span: int) -> Iterator[tuple[str, str]]:
    limit: Decimal | None = form.limits.jp_per_day.of(bool(data.get("international")))
    minutes = (data.get("hours") or 0) * 60 + (data.get("minutes") or 0)
    if limit is None or minutes <= limit * table.minutes_per_jp * span:
        return
    told = {"jp": plain_jp(limit), "day": duration(int(limit * table.minutes_per_jp))}
    counted = form.most_per_day(bool(data.get("international")))
    if counted is not None and counted < limit:
        # The rule of the form counts less than that: the larger number would contradict it.
        told["jp"] = plain_jp(counted)
        said = gettext(
            "More than %(day)s on one day cannot be right; at most %(jp)s JP of a day count.", **told
        )
        if span == 1:
            said += " " + gettext("If it took several days, choose the first day, too.")
        yield "hours", said
    elif span == 1:
        yield (
            "hours",
            gettext(
                "At most %(jp)s JP a day count (%(day)s). If it took longer, choose the first day, too.",
                **told,
            ),
        )
    else:
        yield (
            "hours",
            gettext(
                "At most %(jp)s JP a day count (%(day)s): for %(days)s days at most %(all)s.",
                **told,
                days=span,
                all=duration(int(limit * table.minutes_per_jp * span)),
            ),
        )

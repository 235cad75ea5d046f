"""What an entry would be worth, said while it is being typed; the same rules count as later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from lrs.records.entries import Entry
from lti_tool.wording import cap_sentence, explained
from statements.profile.build import quantity
from statements.profile.jp import Amount, Claim, Counting, award
from statements.profile.table import Form, Table

ID = "preview"


def preview(
    form: Form, table: Table, typed: Mapping[str, str], year: Sequence[Entry], today: date, now: int
) -> str:
    """One or more sentences, or nothing while too little is typed."""
    end = day_typed(typed.get("end", ""), today)
    start = day_typed(typed.get("start", ""), end)
    hours, minutes, count = (_number(typed.get(name, "")) for name in ("hours", "minutes", "count"))
    asked = quantity(form)
    seconds = (hours * 60 + minutes) * 60
    if (
        start > end
        or (asked == "minutes" and not seconds)
        or (asked in {"sessions", "days", "semesters"} and not count)
    ):
        return ""
    amount = Amount(
        seconds=seconds if asked == "minutes" else None,
        days=count if asked == "days" else None,
        sessions=count if asked == "sessions" else None,
        semesters=count if asked == "semesters" else None,
    )
    claim = Claim(
        id=ID,
        form=form.code,
        start=start,
        end=end,
        at=now,
        counting=Counting.WAITING,
        amount=amount,
        international=bool(typed.get("international")),
    )
    worth = award([*(entry.claim() for entry in year), claim], table)[ID]
    return " ".join([explained(worth), *(cap_sentence(cap) for cap in worth.caps)])


def _number(text: str) -> int:
    return min(int(text), 100_000) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def day_typed(text: str, otherwise: date) -> date:
    """The day that was typed, or `otherwise` while it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return otherwise

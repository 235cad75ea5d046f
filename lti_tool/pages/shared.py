"""What the pages of several audiences share: the table in force, the year asked for, the page of an entry."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from flask import g, render_template, request

from lrs.records.entries import Entry
from lti_tool.text import counting, happened, sentences
from lti_tool.web.guard import current_session
from lti_tool.web.record_services import current_record_services
from statements.data_types.exact_json import loads
from statements.profile.table import Table

MOST_SHOWN: Final = 65_536
"""Bytes of a statement that a page shows; a larger one takes long to be read, hidden in part and written."""


def entry_page(found: Entry, *, back: str, back_name: str, name: str = "", **more: Any) -> str:
    """The page of an entry, for its owner or for a verifier; `more` is what either may do."""
    explanation, caps = counting.entry_explanation(found)
    desk = current_record_services()
    history = desk.record.histories.of(found, desk.clock())
    body = history.bodies.get(found.statement_id, b"")
    return render_template(
        "learner/entry.html",
        entry=found,
        explanation=explanation,
        caps=caps,
        table_note=sentences.words(sentences.table_in_force().note),
        events=happened.told(history, MOST_SHOWN),
        reflection=_reflection(body) if 0 < len(body) <= MOST_SHOWN else "",
        most_shown=MOST_SHOWN // 1024,
        back=back,
        back_name=back_name,
        name=name,
        **more,
    )


def _reflection(body: bytes) -> str:
    """What the learner wrote for whoever verifies the entry."""
    said = (loads(body).get("result") or {}).get("response")
    return said if isinstance(said, str) else ""


def in_year(year: int, today: date) -> str:
    """The query of a page that shows this year; empty for the current one."""
    return "" if year == today.year else f"?year={year}"


def years_around(year: int, today: date) -> list[int]:
    """The years to choose from beside the one shown, the latest first: this year, and its neighbours."""
    return sorted({today.year, today.year - 1, min(year + 1, today.year), year, year - 1}, reverse=True)


def use_table() -> Table:
    """The table in force for this launch's agency; templates find it, too."""
    g.table = current_record_services().record.tables.of(current_session().tenant)
    table: Table = g.table
    return table


def asked_year(today: date) -> int:
    """The year of the query, within reason; this year otherwise."""
    text = request.args.get("year", "")
    if not (len(text) == 4 and text.isascii() and text.isdigit()):
        return today.year
    return int(text) if 2000 <= int(text) <= today.year else today.year

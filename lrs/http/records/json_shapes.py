"""What the record API gives: entries, sums and tables as JSON. JP are text: exact, and never a float."""

from __future__ import annotations

from typing import Any

from lrs.people.people import Person
from lrs.people.unmatched_actors import Counts, UnmatchedPage
from lrs.records.entries import Decided, Entry, Party
from lrs.records.reports import Cohort, Row, Standing
from lrs.records.summaries import Summary
from statements.data_types import timestamps
from statements.profile.jp import jp_text
from statements.profile.table import ByScope, DayLimit, Form, Limits, Table


def unmatched_json(page: UnmatchedPage, counts: Counts) -> dict[str, Any]:
    """A page of actors that match nobody, and how many each source has."""
    return {
        "actors": [
            {
                "id": one.persona,
                "source": one.source,
                "identified_by": one.kind,
                "home_page": one.home_page,
                "identifier": one.hint,
                "name": one.name,
                "listed_since": timestamps.render(one.listed_since),
            }
            for one in page.actors
        ],
        "after": page.after,
        "sources": [{"source": one.source, "actors": one.count} for one in counts.sources],
        "sources_complete": counts.complete,
    }


def entry_json(entry: Entry) -> dict[str, Any]:
    """An entry; what is unknown is left out."""
    award = entry.award
    shown: dict[str, Any] = {
        "id": entry.id,
        "person": entry.person,
        "form": entry.form,
        "pillar": entry.pillar,
        "title": entry.title,
        "organiser": entry.organiser,
        "start": entry.start.isoformat(),
        "end": entry.end.isoformat(),
        "year": entry.year,
        "status": entry.status,
        "source": entry.source,
        "recognised_by": entry.why,
        "international": entry.international,
        "minutes": entry.minutes,
        "days": entry.amount.days,
        "sessions": entry.amount.sessions,
        "semesters": entry.amount.semesters,
        "jp_claimed": None if entry.jp_claimed is None else jp_text(entry.jp_claimed),
        "jp": jp_text(award.jp),
        "jp_rule": {
            "rule": award.rule,
            "params": award.params,
            "caps": [{"code": cap.code, "params": cap.params} for cap in award.caps],
            "table": entry.table,
        },
        "mentor": _party(entry.mentor),
        "decision": _decision(entry.decided),
        "confirmation": _decision(entry.confirmed),
        "evidence": [
            {
                "title": one.title,
                "sha2": one.sha2,
                "url": one.url,
                "content_type": one.content_type,
                "size": one.size,
            }
            for one in entry.evidence
        ],
        "details": entry.details,
        "activity": entry.activity,
        "part_of": entry.courses,
        "statements": entry.statement_ids,
        "replaces": entry.replaces,
    }
    return {name: value for name, value in shown.items() if value not in (None, "", [], (), {})}


def summary_json(summary: Summary) -> dict[str, Any]:
    """A person's year."""
    return {
        "person": summary.person,
        "year": summary.year,
        "target": {"jp": jp_text(summary.target.jp), "kind": summary.target.kind},
        "verified": jp_text(summary.total_verified),
        "waiting": jp_text(summary.total_waiting),
        "entries_waiting": summary.waiting,
        "entries_returned": summary.returned,
        "last": None if summary.last is None else summary.last.isoformat(),
        "pillars": {
            code: {
                "verified": jp_text(pillar.verified),
                "waiting": jp_text(pillar.waiting),
                "entries": pillar.count,
            }
            for code, pillar in summary.pillars.items()
        },
        "table": summary.table,
    }


def cohort_json(cohort: Cohort) -> dict[str, Any]:
    """A cohort report."""
    return {
        "year": cohort.year,
        "people": len(cohort.rows),
        **{str(each).replace("-", "_"): cohort.count(each) for each in Standing},
        "entries_waiting": cohort.waiting,
        "verified_by_pillar": {code: jp_text(jp) for code, jp in cohort.by_pillar.items()},
        "rows": [_row(row) for row in cohort.rows],
    }


def person_json(person: Person, years: list[int]) -> dict[str, Any]:
    """A person; identifiers are not told."""
    return {"id": person.id, "name": person.name, "employment": person.employment or None, "years": years}


def table_json(table: Table) -> dict[str, Any]:
    """The forms and rules in force."""
    return {
        "version": table.version,
        "note": table.note,
        "minutes_per_jp": table.minutes_per_jp,
        "targets": {name: {"jp": jp_text(t.jp), "kind": t.kind} for name, t in table.targets.items()},
        "pillars": table.pillars,
        "forms": {code: _form(form) for code, form in table.forms.items()},
    }


def _row(row: Row) -> dict[str, Any]:
    return {"name": row.name, "standing": row.standing, **summary_json(row.summary)}


def _decision(one: Decided | None) -> dict[str, Any] | None:
    """A decision or a confirmation; `channel` is "link" where a one-time link was used."""
    if one is None:
        return None
    told = {"by": _party(one.by), "at": timestamps.render(one.at), "reason": one.reason}
    more = {"channel": one.channel, "position": one.position}
    return told | {name: text for name, text in more.items() if text}


def _party(party: Party | None) -> dict[str, str] | None:
    return None if party is None else {"persona": party.persona, "name": party.name}


def _form(form: Form) -> dict[str, Any]:
    jp = form.jp
    return {
        "name": form.name,
        "siasn": form.siasn,
        "pillar": form.pillar,
        "pillars": form.pillars,
        "verifier": form.verifier,
        "jp": {
            "rule": jp.kind,
            "unit": _by_scope(jp.unit),
            "uplift": jp_text(jp.uplift),
            "max_per_day": _day_limit(jp.max_per_day),
            "max_sessions_per_month": jp.max_sessions_per_month,
            "international_rule": jp.international_kind,
        },
        "limits": _limits(form.limits),
    }


def _limits(limits: Limits) -> dict[str, Any]:
    return {
        "jp_per_day": _day_limit(limits.jp_per_day),
        "fewest_days": limits.fewest_days,
        "semesters_per_year": limits.semesters_per_year,
        "status": "proposal" if limits.is_proposal else "decided",
    }


def _day_limit(limit: DayLimit) -> dict[str, str | None] | None:
    if limit == DayLimit():
        return None
    told = {"national": limit.national, "international": limit.international}
    return {scope: None if jp is None else jp_text(jp) for scope, jp in told.items()}


def _by_scope(amount: ByScope | None) -> dict[str, str] | None:
    if amount is None:
        return None
    return {"national": jp_text(amount.national), "international": jp_text(amount.international)}

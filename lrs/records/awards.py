"""The JP of a person's year, each entry by its own table: the one place that decides, for all who ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lrs.records.entries import Entry
from lrs.records.table_history import History
from statements.profile.jp import Award, Claim, Used, award, used
from statements.profile.table import Table


def awards_of(entries: Iterable[Entry], tables: History, *more: Claim) -> dict[str, Award]:
    """The award of every entry of a year, by entry id, and of `more` claims that are not entries yet."""
    claims = [*(entry.claim() for entry in entries), *more]
    return award(claims, tables.current, _earlier(claims, tables))


def used_by(entries: Iterable[Entry], tables: History) -> Used:
    """What the entries of a year have used up of the limits of months and years."""
    claims = [entry.claim() for entry in entries]
    return used(claims, tables.current, _earlier(claims, tables))


def _earlier(claims: Iterable[Claim], tables: History) -> Sequence[Table]:
    return tables.earlier({claim.table for claim in claims if claim.table})

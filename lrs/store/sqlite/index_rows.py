"""The rows of `log_index`: what the records of the log are found by.

One row for each key that `IndexKeys.drop_implied` leaves of a view, one for each of its
`IndexKeys.compound_keys`, and one for the record's tenant. Records from before have rows for all keys.

A row's `facet` is the term of its view's facet, so that any key and a facet are one walk: 0 when the view has
none, NULL when it has several; then, and in rows from before, the facet is looked up.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from lrs.store.index_keys import IndexKeys
from lrs.store.log import Record
from lrs.store.sqlite.errors import insert, run
from lrs.store.sqlite.interning import compound_key, key_prefix, tenant_term, texts_of, unpack
from lrs.store.sqlite.selectivity import LATEST

FEW = 200
"""Records that `pair_up` does at a time."""

_COLUMNS = 4


class Marks(NamedTuple):
    """Which terms go together: see `IndexKeys.lead` and `IndexKeys.facet`."""

    leads: frozenset[int]
    facets: frozenset[int]


def marks_among(index_keys: IndexKeys, numbers: Mapping[str, int]) -> Marks:
    """Those of a tenant's keys."""
    return Marks(
        frozenset([number for key, number in numbers.items() if index_keys.is_lead(key)]),
        frozenset([number for key, number in numbers.items() if index_keys.is_facet(key)]),
    )


def marks_of(
    connection: sqlite3.Connection, index_keys: IndexKeys, prefix: str, views: Iterable[Sequence[int]]
) -> Marks:
    """As `marks_among`, of a tenant's terms whose numbers alone are known."""
    texts = texts_of(connection, chain.from_iterable(views))
    return marks_among(index_keys, {text[len(prefix) :]: number for number, text in texts.items()})


def add_rows(
    rows: list[object],
    index_keys: IndexKeys,
    record: Record,
    numbers: Mapping[str, int],
    marks: Marks,
    but: Container[int] = (),
) -> None:
    """Add the values of a record's rows to a flat list for `insert_rows`; no rows for the views `but`."""
    stored = record.stored
    for number, view in enumerate(record.views):
        if number in but:
            continue
        terms = [numbers[key] for key in index_keys.drop_implied(view)]
        facets = [term for term in terms if term in marks.facets]
        facet = facets[0] if len(facets) == 1 else None if facets else 0
        terms += _pairs(terms, facets, marks.leads)
        rows += [value for term in terms for value in (term, stored, number, facet)]


def add_tenant_row(rows: list[object], stored: int, tenant: int) -> None:
    """As `add_rows`, for the row that every record of the tenant has."""
    rows += (tenant, stored, 0, None)


def insert_rows(connection: sqlite3.Connection, rows: list[object]) -> None:
    """Bring new rows into the file."""
    insert(connection, "INSERT OR ROLLBACK INTO log_index", _COLUMNS, rows)


def delete_rows(
    connection: sqlite3.Connection,
    index_keys: IndexKeys,
    prefix: str,
    stored: int,
    views: Sequence[Sequence[int]],
    but: Collection[int] = (),
) -> None:
    """Take the rows of a record's views out of the file, but for those of the views `but`.

    `prefix` is that of its tenant's keys.
    """
    if len(but) == len(views):
        return
    marks = marks_of(connection, index_keys, prefix, views)
    for number, view in enumerate(views):
        if number in but:
            continue
        facets = [term for term in view if term in marks.facets]
        for term in (*view, *_pairs(view, facets, marks.leads)):
            run(
                connection,
                "DELETE FROM log_index WHERE term = ? AND stored = ? AND view = ?",
                (term, stored, number),
            )


def pair_up(connection: sqlite3.Connection, index_keys: IndexKeys, place: int) -> int | None:
    """Add the pairs of a slice of records that were made without them; see `schema.Slice`."""
    slice_ = run(
        connection,
        "SELECT stored, tenant, terms FROM log WHERE stored < ? ORDER BY stored DESC LIMIT ?",
        (place or LATEST, FEW),
    )
    if not slice_:
        return None
    by_tenant: dict[int, list[tuple[int, list[list[int]]]]] = {}
    for stored, tenant, packed in slice_:
        by_tenant.setdefault(tenant, []).append((stored, unpack(packed)))
    names = texts_of(connection, by_tenant)
    rows: list[object] = []
    for tenant, records in by_tenant.items():
        prefix = key_prefix(names[tenant][len(tenant_term("")) :])
        marks = marks_of(connection, index_keys, prefix, [view for _, views in records for view in views])
        for stored, views in records:
            for number, view in enumerate(views):
                for pair in _pairs(view, [term for term in view if term in marks.facets], marks.leads):
                    rows += (pair, stored, number, None)
    insert(connection, "INSERT OR IGNORE INTO log_index", _COLUMNS, rows)
    last: int = slice_[-1][0]
    return last


def _pairs(view: Iterable[int], facets: Iterable[int], leads: Container[int]) -> list[int]:
    found = [compound_key(lead, facet) for lead in view if lead in leads for facet in facets]
    return [pair for pair in found if pair is not None]

"""Rows as records, and how views are fetched when asked for."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import orjson

from lrs.store.log import Position, Record, Views
from lrs.store.pages import RawPage, enough
from lrs.store.sqlite.errors import run_one
from lrs.store.sqlite.sql import FORMS

Resolve = Callable[[str, bytes], Views]
"""Turns the packed views of a tenant's record into texts."""


Restore = Callable[[int, bytes], bytes]
"""Gives bodies their full length again; see `body_dictionary`."""


class Pending:
    """Views that have not been fetched yet."""

    __slots__ = ("packed", "resolve")

    def __init__(self, packed: bytes, resolve: Resolve) -> None:
        self.packed = packed
        self.resolve = resolve


class StoredRecord(Record):
    """A record whose views are fetched when they are first looked at; otherwise like any other.

    Most readers want the body alone, and terms never change, so the views may come later.
    """

    __slots__ = ("_views",)

    _views: Views | Pending

    @property
    def views(self) -> Views:
        """The record's key sets."""
        held = self._views
        if isinstance(held, Pending):
            held = held.resolve(self.tenant, held.packed)
            object.__setattr__(self, "_views", held)
        return held

    @views.setter
    def views(self, views: Views | Pending) -> None:
        object.__setattr__(self, "_views", views)

    def _fields(self) -> tuple[object, ...]:
        return (self.tenant, self.id, self.stored, self.body, self.digest, self.views, self.hidden)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        return (self.id, self.stored, self.tenant, self.body, self.digest, self.hidden, self.views) == (
            other.id, other.stored, other.tenant, other.body, other.digest, other.hidden, other.views,
        )  # fmt: skip

    def __hash__(self) -> int:
        return hash(self._fields())


def uid(id: str) -> bytes:
    """A canonical UUID as 16 bytes; ValueError when it is not one."""
    raw = bytes.fromhex(id.replace("-", ""))
    if len(id) != 36 or len(raw) != 16:
        raise ValueError("not a canonical UUID")
    return raw


def uuid_text(raw: bytes) -> str:
    """The inverse of `uid`."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def one_piece(
    connection: sqlite3.Connection,
    sql: str,
    parameters: Sequence[int],
    limit: int,
    ascending: bool,
    restore: Restore,
    most_bytes: int,
) -> RawPage | None:
    """The page that a query of `find_raw_page` answers with, one record more than `limit` at most.

    None when a record was met twice (by two of its views), or not in order, or when the page has more than
    `most_bytes`, or may have because a body was left out: then it takes `find`.
    """
    size = parameters[-1]
    places, ids, body, least, most = run_one(connection, sql, parameters)
    if places is None:
        return RawPage(b"", None, False)
    numbers: list[int] = orjson.loads(f"[{places}]")  # several times as fast as `int` for each
    if max(numbers[1::2]) // FORMS > size:
        return None
    stored = numbers[::2]
    if len(set(stored)) < len(stored) or stored != sorted(stored, reverse=not ascending):
        return None
    more = len(stored) > limit
    if more:
        body = body[: -1 - numbers[-1] // FORMS] if limit else b""
        del stored[-1], numbers[-2:]
    last = Position(stored[-1], uuid_text(ids[16 * len(stored) - 16 :][:16])) if stored else None
    if least:
        body = restore(most, body)
    elif most:
        body = _restored(numbers[1::2], body, restore)
    if len(body) > most_bytes + len(stored) and len(stored) > 1:
        return None
    return RawPage(body, last, more)


def _restored(sizes: Iterable[int], together: bytes, restore: Restore) -> bytes:
    """Bodies with commas, of which some are as they came."""
    bodies = []
    at = 0
    for number in sizes:
        size, form = divmod(number, FORMS)
        body = together[at : at + size]
        bodies.append(restore(form, body) if form else body)
        at += size + 1
    return b",".join(bodies)


SMALL = 16_384
"""Bodies of at most so many bytes are read whatever a page is allowed: see `fetch_within`."""
LARGEST = 1 << 40
"""More bytes than any body has."""

Row = tuple[int, int, bool, str, bytes, bytes, bytes, int]
"""A record as read: stored, tenant number, hidden, id, digest, packed views, body, and the body's form."""


def fetch(connection: sqlite3.Connection, sql: str, parameters: Sequence[object]) -> list[Row]:
    """The rows of a query that answers with one row for a page (see `sql`)."""
    numbers, data = _answer(connection, sql, parameters)
    return _rows(numbers, data)


def fetch_within(
    connection: sqlite3.Connection, sql: str, parameters: Sequence[object], count: int, most_bytes: int
) -> tuple[list[Row], int]:
    """The first `count` rows of a query of `find`, and how many rows were asked for at last.

    Fewer rows come when their bodies have more than `most_bytes` together.

    `parameters` are those of the query but for the last two. At least two rows come, if there are two, and no
    body beyond that is read which may be large: the sizes come first, and then the rows up to the bound.
    """
    size = max(most_bytes // count, SMALL)
    numbers, data = _answer(connection, sql, [*parameters, count, size])
    if not any(each > size for each in numbers[5::6]):
        return _rows(numbers, data), count
    places = sorted(zip(numbers[::6], numbers[5::6], strict=True), reverse=numbers[0] > numbers[-6])
    count = enough((each for _, each in places), most_bytes) or count
    return fetch(connection, sql, [*parameters, count, LARGEST]), count


def _answer(
    connection: sqlite3.Connection, sql: str, parameters: Sequence[object]
) -> tuple[Sequence[int], bytes]:
    answer: tuple[str | None, bytes] = run_one(connection, sql, parameters)
    return ((), b"") if answer[0] is None else (orjson.loads(f"[{answer[0]}]"), answer[1])


def _rows(values: Sequence[int], data: bytes) -> list[Row]:
    numbers: Iterator[Any] = iter(values)
    rows: list[Row] = []
    at = 0
    while six := tuple(islice(numbers, 6)):
        stored, tenant, flags, digests, terms, bodies = six
        digest = at + 16
        packed = digest + digests
        body = packed + terms
        end = body + bodies
        rows.append(
            (
                stored, tenant, bool(flags & 1), uuid_text(data[at:digest]),
                data[digest:packed], data[packed:body], data[body:end], flags >> 1,
            )
        )  # fmt: skip
        at = end
    return rows

"""Reading statements: one by its id, or page after page of those that match."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from lrs.access import Access
from lrs.store.errors import TooLongError
from lrs.store.log import LogQuery, Position, Record
from lrs.store.pages import fitting
from lrs.store.port import Store, read_page
from lrs.store.read_bounds import quick, slow
from lrs.tenant_turns import TenantTurns
from lrs.xapi.activities import KIND as ACTIVITY
from lrs.xapi.activities import Activities, Definition
from lrs.xapi.attachments import readable
from lrs.xapi.effects import Call, Effects
from statements.filters import BadCursorError, StatementQuery, decode_cursor, encode_cursor

__all__ = ["BadCursorError", "Page", "Query"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the statements that match, in order, and where to go on."""

    bodies: list[bytes]
    """The statements exactly as they are kept."""
    more: str
    """The cursor of the next page; "" when this is the last."""
    through: int
    """Microseconds: a watermark that holds for what was read, see `Reader.consistent_through`."""
    places: list[Position]
    """Where each of the statements stands, for `Query.cursor`."""


@dataclass(frozen=True, slots=True)
class ExactPage:
    """A page as it is sent: the statements exactly as they are kept, with commas between them."""

    joined: bytes
    more: str
    """The cursor of the next page; "" when this is the last."""
    through: int
    """As that of `Page`."""


class Query:
    """Reads the log. Safe to use from many threads."""

    def __init__(
        self,
        store: Store,
        *,
        cursor_key: bytes,
        page_size: int = 100,
        page_size_max: int = 500,
        page_bytes: int = 4 << 20,
    ) -> None:
        """`cursor_key` authenticates cursors; all processes of an installation share it.

        A page ends where its statements would have more than `page_bytes` together.
        """
        self._store = store
        self._cursor_key = cursor_key
        self._page_size = page_size
        self._page_size_max = page_size_max
        self._page_bytes = page_bytes
        self._turns = TenantTurns()

    def one(self, access: Access, statement_id: str, *, voided: bool = False) -> tuple[Record | None, int]:
        """The statement with this id, if the caller may see it, and the watermark as that of `Page`.

        A voided statement is found with `voided` alone, any other without it alone.
        """
        with self._store.reading() as reader:
            record = reader.get(access.tenant, (statement_id,)).get(statement_id)
            through = reader.consistent_through()
        if record is None or record.hidden != voided:
            return None, through
        return record if not access.only_mine or access.mine in record.views[0] else None, through

    def _patiently(self, access: Access, read: Callable[[], T]) -> T:
        """What a read brings that is known to be long: each tenant has one at a time. TooLongError."""
        with self._turns.turn(access.tenant), slow():
            return read()

    def page(self, access: Access, query: StatementQuery, after: Position | None = None) -> Page:
        """The statements that match, from the beginning or after a place that `resume` named."""
        asked = self._log_query(access, query, after)

        def read() -> tuple[list[Record], int]:
            with self._store.reading() as reader:
                found = reader.find(replace(asked, limit=asked.limit + 1))
                return found, reader.consistent_through()

        try:
            with quick():
                found, through = read()
        except TooLongError:
            found, through = self._patiently(access, read)
        more = ""
        count = fitting((len(record.body) for record in found), asked.limit, self._page_bytes)
        if len(found) > count:
            del found[count:]
            more = self.cursor(access, query, Position(found[-1].stored, found[-1].id))
        places = [Position(record.stored, record.id) for record in found]
        return Page([record.body for record in found], more, through, places)

    def exact(
        self, access: Access, query: StatementQuery, after: Position | None = None
    ) -> Effects[ExactPage]:
        """As `page`, for the answer that needs nothing but the bytes as they are kept."""
        asked = self._log_query(access, query, after)
        try:
            found, through = yield asked
        except TooLongError:
            found, through = yield Call(
                lambda: self._patiently(access, lambda: read_page(self._store, asked)), long=True
            )
        more = ""
        if found.more and found.last is not None:
            more = self.cursor(access, query, found.last)
        return ExactPage(found.body, more, through)

    def _log_query(self, access: Access, query: StatementQuery, after: Position | None) -> LogQuery:
        """What the log is asked for: the page of what matches and the caller may see."""
        return LogQuery(
            access.tenant,
            query.keys | {access.mine} if access.only_mine else query.keys,
            limit=min(query.limit or self._page_size, self._page_size_max),
            since=query.since,
            until=query.until,
            after=after,
            ascending=query.ascending,
            most_bytes=self._page_bytes,
        )

    @property
    def page_bytes(self) -> int:
        """Bytes at which a page ends."""
        return self._page_bytes

    def cursor(self, access: Access, query: StatementQuery, place: Position) -> str:
        """The cursor of the page that begins after this place."""
        return encode_cursor(query, place.stored, place.id, key=self._cursor_key, scope=_scope(access))

    def resume(self, access: Access, cursor: str) -> tuple[StatementQuery, Position]:
        """The query that a cursor continues, and after which place. BadCursorError."""
        query, stored, record_id = decode_cursor(cursor, key=self._cursor_key, scope=_scope(access))
        return query, Position(stored, record_id)

    def definition_sizes(self, access: Access, ids: Sequence[str], most_bytes: int) -> dict[str, int]:
        """As `Activities.sizes`: what it takes to read the `definitions` of several activities."""
        with self._store.reading() as reader:
            return Activities.sizes(reader, access.tenant, ids, most_bytes)

    def definitions(
        self, access: Access, sizes: Mapping[str, int], at_once: int, most_bytes: int
    ) -> Iterator[tuple[str, Definition]]:
        """Activities whose `sizes` are known, with their definitions, one parsed at a time.

        About `at_once` bytes of them are held as they are kept. The last ones are missing where the sizes
        were wrong and all together have more than `most_bytes`.
        """
        for names in _groups(sizes, at_once):
            with self._store.reading() as reader:
                found = dict(reader.documents(ACTIVITY, access.tenant, names))
            for name in names:
                document = found.pop(name, None)
                if document is None:
                    continue
                most_bytes -= len(document.body)
                if most_bytes < 0:
                    return
                yield name, Activities.definition(document)

    def attachments(self, access: Access, hashes: Collection[str]) -> dict[str, str]:
        """Of these declared hashes those whose data the caller may read: hash -> blob."""
        if not hashes:
            return {}
        with self._store.reading() as reader:
            return readable(reader, access, hashes)

    def blob(self, blob: str) -> Iterator[bytes]:
        """The bytes of a blob that `attachments` named, a chunk at a time."""
        return self._store.blobs.chunks(blob)


def _scope(access: Access) -> str:
    return f"{access.tenant}\x1f{access.mine if access.only_mine else ''}"


def _groups(sizes: Mapping[str, int], most: int) -> Iterator[list[str]]:
    """The names in groups that have about `most` bytes together, one name at least."""
    group: list[str] = []
    room = most
    for name, size in sizes.items():
        if group and size > room:
            yield group
            group, room = [], most
        group.append(name)
        room -= size
    if group:
        yield group

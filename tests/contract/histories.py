"""Random steps of a write or a read, as data: made by Hypothesis, applied to any Reader or Writer."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from lrs.store.documents import Document, DocumentQuery
from lrs.store.log import LogQuery, Position, Record, Views
from lrs.store.port import Reader, Writer
from tests.contract.make import FACET, closed

TENANTS = 2
IDS = 14
NAMES = 5

Bound = tuple[int, int] | None
"""Which known stamp a bound lies at, and how far beside it."""


@dataclass
class Space:
    """The names of one history, which no other history uses, and the stamps it has seen."""

    number: int
    start: int
    """Every stamp of this history is later; what is earlier belongs to others."""
    stamps: list[int] = field(default_factory=list)

    def tenant(self, n: int) -> str:
        return f"tenant{self.number}-{n}"

    def kind(self) -> str:
        return f"kind{self.number}"

    def id(self, n: int) -> str:
        return str(uuid.UUID(int=(self.number << 64) + (n * 0x9E3779B97F4A7C15) % 2**64))

    def at(self, bound: Bound) -> int | None:
        if bound is None:
            return None
        return self.stamps[bound[0] % len(self.stamps)] + bound[1] if self.stamps else self.start


@dataclass(frozen=True)
class Draft:
    tenant: int
    id: int
    views: Views
    hidden: bool


@dataclass(frozen=True)
class Append:
    drafts: list[Draft]

    def records(self, space: Space, writer: Writer) -> list[Record]:
        """The records to append, stamped by the writer."""
        first = writer.stamp(len(self.drafts))
        return [
            Record(space.tenant(d.tenant), space.id(d.id), first + n, b"%d" % first, b"d", d.views, d.hidden)
            for n, d in enumerate(self.drafts)
        ]


@dataclass(frozen=True)
class Hide:
    tenant: int
    ids: list[int]

    def apply(self, space: Space, writer: Writer) -> Any:
        writer.hide(space.tenant(self.tenant), [space.id(n) for n in self.ids])


@dataclass(frozen=True)
class Reindex:
    tenant: int
    views: dict[int, Views]

    def apply(self, space: Space, writer: Writer) -> Any:
        writer.reindex(space.tenant(self.tenant), {space.id(n): views for n, views in self.views.items()})


@dataclass(frozen=True)
class Put:
    scope: int
    name: int
    keys: frozenset[str]
    order: str
    updated: int

    def apply(self, space: Space, writer: Writer) -> Any:
        body = f"{self.order}{self.updated}".encode()
        writer.put(
            Document(
                space.kind(), f"s{self.scope}", f"n{self.name}", body,
                updated=self.updated, keys=self.keys, order=self.order,
            )
        )  # fmt: skip


@dataclass(frozen=True)
class Delete:
    scope: int
    names: list[int]

    def apply(self, space: Space, writer: Writer) -> Any:
        return writer.delete(space.kind(), f"s{self.scope}", [f"n{n}" for n in self.names])


@dataclass(frozen=True)
class Get:
    tenant: int
    ids: list[int]
    bodies: bool

    def apply(self, space: Space, reader: Reader) -> Any:
        ids = [space.id(n) for n in self.ids]
        found = reader.get(space.tenant(self.tenant), ids, bodies=self.bodies)
        return dict(found) if self.bodies else {id: replace(each, body=b"") for id, each in found.items()}


@dataclass(frozen=True)
class Find:
    tenant: int | None
    keys: list[str]
    since: Bound
    until: Bound
    after: tuple[int, int] | None
    beside: int
    ascending: bool
    limit: int
    hidden: bool

    def apply(self, space: Space, reader: Reader) -> Any:
        since = space.at(self.since)
        place = space.at(self.after)
        if self.tenant is None:
            since = max(since or 0, space.start)
        return reader.find(
            LogQuery(
                None if self.tenant is None else space.tenant(self.tenant),
                [] if self.tenant is None else self.keys,
                since=since,
                until=space.at(self.until),
                after=None if place is None else Position(place, space.id(self.beside)),
                ascending=self.ascending,
                limit=self.limit,
                include_hidden=self.hidden,
            )
        )


@dataclass(frozen=True)
class GetDocuments:
    scope: int
    names: list[int]
    bodies: bool

    def apply(self, space: Space, reader: Reader) -> Any:
        names = [f"n{n}" for n in self.names]
        many = dict(reader.documents(space.kind(), f"s{self.scope}", names, bodies=self.bodies))
        if not self.bodies:
            return {name: replace(each, body=b"") for name, each in many.items()}
        return many, reader.document(space.kind(), f"s{self.scope}", "n0")


@dataclass(frozen=True)
class FindDocuments:
    scope: int | None
    keys: list[str]
    since: int | None
    after: tuple[str, str] | None
    descending: bool
    limit: int
    bodies: bool

    def apply(self, space: Space, reader: Reader) -> Any:
        found = reader.find_documents(
            DocumentQuery(
                space.kind(),
                None if self.scope is None else f"s{self.scope}",
                self.keys,
                since=self.since,
                after=None if self.scope is None else self.after,
                descending=self.descending,
                limit=self.limit,
                bodies=self.bodies,
            )
        )
        return found if self.bodies else [replace(each, body=b"") for each in found]


Read = Get | Find | GetDocuments | FindDocuments
Change = Append | Hide | Reindex | Put | Delete
Effect = Read | Change

_tenant = st.integers(0, TENANTS - 1)
_ids = st.lists(st.integers(0, IDS - 1), max_size=4)
_names = st.lists(st.integers(0, NAMES - 1), max_size=3)
_key = st.sampled_from(["a", "a2", "A", "A2", "b", "o", "O", f"{FACET}1", f"{FACET}2"])
_view = st.frozensets(_key, max_size=4).map(closed)
_views = st.lists(_view, max_size=3).map(tuple)
_order = st.sampled_from(["", "1", "2", "é"])
_updated = st.integers(0, 4)
_bound = st.none() | st.tuples(st.integers(0, 20), st.integers(-1, 1))
_limit = st.sampled_from([1, 2, 3, 100])

reads: st.SearchStrategy[Read] = st.one_of(
    st.builds(Get, _tenant, _ids, st.booleans()),
    st.builds(
        Find,
        st.none() | _tenant,
        st.lists(_key, max_size=3),
        _bound,
        _bound,
        _bound,
        st.integers(0, IDS - 1),
        st.booleans(),
        _limit,
        st.booleans(),
    ),
    st.builds(GetDocuments, st.integers(0, 1), _names, st.booleans()),
    st.builds(
        FindDocuments,
        st.none() | st.integers(0, 1),
        st.lists(_key, max_size=2),
        st.none() | _updated,
        st.none() | st.tuples(_order, st.integers(0, NAMES - 1).map(lambda n: f"n{n}")),
        st.booleans(),
        _limit,
        st.booleans(),
    ),
)

changes: st.SearchStrategy[Change] = st.one_of(
    st.builds(
        Append,
        st.lists(
            st.builds(Draft, _tenant, st.integers(0, IDS - 1), _views, st.booleans()),
            min_size=1,
            max_size=3,
            unique_by=lambda d: (d.tenant, d.id),
        ),
    ),
    st.builds(Hide, _tenant, _ids),
    st.builds(Reindex, _tenant, st.dictionaries(st.integers(0, IDS - 1), _views, max_size=3)),
    st.builds(Put, st.integers(0, 1), st.integers(0, NAMES - 1), _view, _order, _updated),
    st.builds(Delete, st.integers(0, 1), _names),
)

steps: st.SearchStrategy[Effect] = changes | reads

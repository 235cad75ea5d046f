"""Terms: texts that many rows share (tenants and keys), each stored once and known by a small number.

Terms are only ever added, so what was once committed may be remembered for good.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar
from zlib import crc32

from lrs.store.index_keys import IndexKeys
from lrs.store.log import Views
from lrs.store.sqlite.body_dictionary import BodyDictionaries
from lrs.store.sqlite.errors import insert, run, run_one
from lrs.store.sqlite.selectivity import Selectivity

P = TypeVar("P", int, str, bytes)

_REMEMBERED = 50_000
"""Texts in one generation of the memory; two generations are kept (about 20 MB at most)."""

_LONGEST = 512
"""Longer texts are not worth the memory."""


_FACETS = 24
"""Bits of a pair that hold the facet's number."""


def compound_key(lead: int, facet: int) -> int | None:
    """What stands in `log_index` for a lead and a facet in one view: no term of its own, but computed.

    Numbers of terms are positive, these are negative. None for numbers so large that no pair is kept.
    """
    if facet >> _FACETS or lead >> (63 - _FACETS):
        return None
    return -(lead << _FACETS | facet)


def tenant_term(tenant: str) -> str:
    """The text of the term that every record of a tenant holds."""
    return "t" + tenant


def key_prefix(tenant: str) -> str:
    """What goes before a key of that tenant; the length keeps tenant and key apart."""
    return f"k{len(tenant)}:{tenant}"


def document_prefix(kind: str) -> str:
    """What goes before an index key of documents of that kind."""
    return f"d{len(kind)}:{kind}"


class InternedTexts:
    """Numbers of committed terms, shared by all threads of a store; forgets the least used."""

    def __init__(self, index_keys: IndexKeys) -> None:
        self.index_keys = index_keys
        """What is known of the texts that are index keys."""
        self.rarity = Selectivity()
        """How many records the terms have."""
        self.phrases = BodyDictionaries()
        """What the bodies of a tenant have in common."""
        self.has_pairs = False
        """Whether all rows of the log have their pairs in `log_index`."""
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}

    def get(self, text: str) -> int | None:
        """The number of a committed text; None when it is not remembered."""
        number = self._young.get(text)
        if number is None:
            number = self._old.get(text)
            if number is not None:
                self._young[text] = number
        return number

    def learn(self, numbers: Mapping[str, int]) -> None:
        """Remember committed terms."""
        if len(self._young) + len(numbers) > _REMEMBERED:
            self._old, self._young = self._young, {}
        self._young.update((text, number) for text, number in numbers.items() if len(text) <= _LONGEST)


def look_up(connection: sqlite3.Connection, texts: Iterable[str]) -> dict[str, int]:
    """The numbers of those texts that are terms in the connection's present snapshot."""
    wanted = frozenset(texts)
    found: dict[str, int] = {}
    for hashes in padded([_hash(text) for text in wanted]):
        sql = _LOOK_UP[len(hashes)]
        for number, text in run(connection, sql, hashes):
            if text in wanted:
                found[text] = number
    return found


def texts_of(connection: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, str]:
    """The texts of terms, by number."""
    found: dict[int, str] = {}
    for some in padded(list(set(numbers))):
        found.update(run(connection, _TEXTS[len(some)], some))
    return found


class TextInterner:
    """Finds or adds terms inside one transaction."""

    def __init__(self, connection: sqlite3.Connection, memory: InternedTexts) -> None:
        self._connection = connection
        self._memory = memory
        self.index_keys = memory.index_keys
        self._next = 0
        self.fresh: dict[str, int] = {}
        """What this transaction looked up or added; to be learned after it has committed."""

    def numbers(self, texts: Iterable[str]) -> dict[str, int]:
        """The number of each text, adding those that are new in the order given."""
        numbers: dict[str, int] = {}
        missing: dict[str, None] = {}
        for text in texts:
            number = self._memory.get(text) or self.fresh.get(text)
            if number is None:
                missing[text] = None
            else:
                numbers[text] = number
        if missing:
            found = look_up(self._connection, missing)
            new = [text for text in missing if text not in found]
            if new:
                found.update(self._add(new))
            self.fresh.update(found)
            numbers.update(found)
        return numbers

    def _add(self, texts: Collection[str]) -> dict[str, int]:
        if not self._next:
            self._next = (run_one(self._connection, "SELECT max(id) FROM term")[0] or 0) + 1
        added: dict[str, int] = {}
        values: list[object] = []
        for text in texts:
            added[text] = self._next
            values += (self._next, _hash(text), text)
            self._next += 1
        insert(self._connection, "INSERT OR ROLLBACK INTO term", 3, values)
        return added


def pack(views: Iterable[Sequence[int]]) -> bytes:
    """The views of a record as term numbers: per view a count and that many numbers."""
    flat: list[int] = []
    for view in views:
        flat.append(len(view))
        flat += view
    return array("I", flat).tobytes()


def unpack(packed: bytes) -> list[list[int]]:
    """The inverse of `pack`."""
    flat = array("I")
    flat.frombytes(packed)
    views = []
    at = 0
    while at < len(flat):
        stop = at + 1 + flat[at]
        views.append(flat[at + 1 : stop].tolist())
        at = stop
    return views


def views_of(connection: sqlite3.Connection, tenants: Sequence[str], packed: Sequence[bytes]) -> list[Views]:
    """The views of records as texts, given the tenant and the packed views of each."""
    unpacked = [unpack(each) for each in packed]
    texts = texts_of(connection, (number for views in unpacked for view in views for number in view))
    skips = [len(key_prefix(tenant)) for tenant in tenants]
    return [
        tuple(frozenset([texts[number][skip:] for number in view]) for view in views)
        for skip, views in zip(skips, unpacked, strict=True)
    ]


def _hash(text: str) -> int:
    return crc32(text.encode())


_SIZES = (1, 4, 16, 64, 256)


def padded(values: Sequence[P]) -> Iterable[list[P]]:
    """The values in lists of a few fixed sizes (so that prepared statements are reused), padded."""
    for start in range(0, len(values), _SIZES[-1]):
        some = list(values[start : start + _SIZES[-1]])
        size = next(size for size in _SIZES if size >= len(some))
        yield some + [some[0]] * (size - len(some))


_LOOK_UP = {n: f"SELECT id, text FROM term WHERE hash IN ({','.join('?' * n)})" for n in _SIZES}  # noqa: S608
_TEXTS = {n: f"SELECT id, text FROM term WHERE id IN ({','.join('?' * n)})" for n in _SIZES}  # noqa: S608

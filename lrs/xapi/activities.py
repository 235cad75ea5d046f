"""What is known about an activity: one definition, merged from every statement that described it.

The merged definition is a document of its own, written in the same write as the statement and only when
it changes: most statements repeat a definition that is already known, and must not fight for its row.

Its entity tag names the definition that was merged last and the size of the whole, so that a write can tell
by the tag alone that nothing is new. Small definitions are merged inside the write. A large one is merged
before it (`prepared`), and written if its tag is still the same then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lrs import document_kinds
from lrs.store.documents import Document
from lrs.store.port import Reader, Store, Writer
from lrs.tenant_turns import TenantTurns
from statements.data_types.exact_json import canonical, dumps, loads
from statements.formats import activities_in

KIND: Final = document_kinds.ACTIVITY
TRUST_MICROSECONDS = 2_000_000
"""How long a process believes that the definition it merged last is still the last one."""
CACHE_SIZE = 50_000
MOST_REMEMBERED = 8
"""Definitions of one activity that a process remembers to say nothing new."""
MOST_BYTES = 1_048_576
"""A definition that would grow beyond this stays as it is; its statements still say what they say."""
MOST_TOLD = 5_000
"""Activities that one request describes; what it says of more of them stays in its statements."""
SMALL = 32_768
"""Bytes of all definitions that one write merges by itself, what is known and what is told together."""
MOST_PREPARED = 4 * MOST_BYTES
"""Bytes of the large definitions that one request changes; further ones stay as they are."""
LARGE = 65_536
"""Bytes of a definition from which on it is merged in turns."""
READ_AT_ONCE = 64
"""Definitions that are held in memory as they are kept, while they are read."""
LANGUAGE_MAPS = ("name", "description")

Definition = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What one request says about an activity."""

    definition: Definition
    text: bytes
    """The same as JSON."""
    digest: str


Prepared = Mapping[str, tuple[str, Document | None]]
"""By activity: the entity tag that was seen, and what to write if it is still the same; None for nothing."""
LEFT: tuple[str, None] = ("", None)
"""Stands for one that is left as it is, whatever its tag."""


class LargeDefinitionsError(Exception):
    """Raised inside a write, which is undone: these definitions have to be merged before it."""

    def __init__(self, names: Collection[str]) -> None:
        super().__init__(f"{len(names)} definitions are large")
        self.names = tuple(names)


def merged(known: Definition, told: Definition) -> Definition:
    """`known` with everything that `told` adds or says anew; language maps are united."""
    result = {**known, **told}
    for name in LANGUAGE_MAPS:
        if name in known and name in told:
            result[name] = {**known[name], **told[name]}
    if "extensions" in known and "extensions" in told:
        result["extensions"] = {**known["extensions"], **told["extensions"]}
    return result


class Activities:
    """The known definitions. Safe to use from many threads."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._fresh: dict[tuple[str, str], tuple[int, frozenset[str]]] = {}
        """(tenant, activity id) -> when it was looked at, and digests of what says nothing new about it."""

    def describe(self, tenant: str, activity: str) -> bytes:
        """The activity object as JSON; just its id and type when no statement has described it."""
        with self._store.reading() as reader:
            document = reader.document(KIND, tenant, activity)
        if document is None:
            return dumps({"objectType": "Activity", "id": activity})
        return document.body

    @staticmethod
    def sizes(reader: Reader, tenant: str, ids: Sequence[str], most_bytes: int) -> dict[str, int]:
        """Bytes of the definitions of several activities, by id; those never described are missing.

        So are the last ones, where all together would have more than `most_bytes`. Nothing of them is read.
        """
        sizes: dict[str, int] = {}
        for start in range(0, len(ids), READ_AT_ONCE):
            some = ids[start : start + READ_AT_ONCE]
            heads = reader.documents(KIND, tenant, some, bodies=False)
            for name in some:
                head = heads.get(name)
                if head is None:
                    continue
                # The tags of older builds do not tell the size.
                size = int(head.etag.partition("-")[2] or SMALL)
                most_bytes -= size
                if most_bytes < 0:
                    return sizes
                sizes[name] = size
        return sizes

    @staticmethod
    def definition(document: Document) -> Definition:
        """The definition in a document of this kind."""
        found: Definition = loads(document.body)["definition"]
        return found

    def told(self, tenant: str, statements: Sequence[Mapping[str, Any]]) -> dict[str, Told]:
        """The definitions in these statements that may be news, by activity."""
        said: dict[str, Definition] = {}
        for statement in statements:
            for activity in activities_in(statement):
                definition = activity.get("definition")
                if not definition:
                    continue
                name = activity["id"]
                before = said.get(name)
                if before is None:
                    if len(said) < MOST_TOLD:
                        said[name] = definition
                elif before != definition or "extensions" in definition:
                    # What is equal is all of it text; in extensions, 1 and True can be equal and yet differ.
                    said[name] = merged(before, definition)
        now = self._clock()
        news: dict[str, Told] = {}
        for name, definition in said.items():
            text = dumps(definition)
            digest = hashlib.blake2b(text, digest_size=16).hexdigest()
            fresh = self._fresh.get((tenant, name))
            if fresh is None or digest not in fresh[1] or now - fresh[0] > TRUST_MICROSECONDS:
                news[name] = Told(definition, text, digest)
        return news

    def learn(
        self, writer: Writer, tenant: str, news: Mapping[str, Told], prepared: Prepared
    ) -> Collection[str]:
        """Inside a write: put the definitions that change; which ones they are.

        LargeDefinitionsError when some are large and not `prepared`, or no longer as they were then.
        """
        if not news:
            return ()
        heads = writer.documents(KIND, tenant, news.keys(), bodies=False)
        now = self._clock()
        changed: dict[str, Document] = {}
        merging: dict[str, Told] = {}
        large: list[str] = []
        room = SMALL
        for name, told in news.items():
            head = heads.get(name)
            if head is None:
                if len(told.text) <= MOST_BYTES:
                    changed[name] = _document(tenant, name, told.text, told.digest, now)
                continue
            digest, _, size = head.etag.partition("-")
            if digest == told.digest:
                continue
            if name in prepared:
                seen, document = prepared[name]
                if seen not in (LEFT[0], head.etag):
                    large.append(name)
                elif document is not None:
                    changed[name] = document
                continue
            # The tags of older builds do not tell the size.
            room -= int(size or SMALL) + len(told.text)
            if room < 0:
                large.append(name)
            else:
                merging[name] = told
        if large:
            raise LargeDefinitionsError(large)
        if merging:
            for name, document in writer.documents(KIND, tenant, merging.keys()).items():
                if (made := _merged(tenant, document, merging[name], now)) is not None:
                    changed[name] = made
        for made in changed.values():
            writer.put(made)
        return changed.keys()

    def prepare(
        self, tenant: str, news: Mapping[str, Told], names: Collection[str], turns: TenantTurns
    ) -> Prepared:
        """Outside a write: merge large definitions, as far as one request may change them."""
        prepared: dict[str, tuple[str, Document | None]] = {}
        room = MOST_PREPARED
        for name in names:
            if room < 0:
                prepared[name] = LEFT
                continue
            with self._store.reading() as reader:
                document = reader.document(KIND, tenant, name)
            if document is None:
                continue
            size = len(document.body) + len(news[name].text)
            if size > LARGE:
                with turns.turn(tenant):
                    made = _merged(tenant, document, news[name], self._clock())
            else:
                made = _merged(tenant, document, news[name], self._clock())
            room -= size
            prepared[name] = (document.etag, made)
        return prepared

    def learned(
        self, tenant: str, news: Mapping[str, Told], changed: Collection[str], prepared: Prepared
    ) -> None:
        """After the write is durable: remember what says nothing new any more."""
        if len(self._fresh) > CACHE_SIZE:
            self._fresh.clear()
        now = self._clock()
        for name, told in news.items():
            if prepared.get(name) == LEFT:
                continue
            since, others = self._fresh.get((tenant, name), (0, frozenset[str]()))
            if name in changed or now - since > TRUST_MICROSECONDS or len(others) >= MOST_REMEMBERED:
                since, others = now, frozenset()
            self._fresh[tenant, name] = (since, others | {told.digest})


def _merged(tenant: str, document: Document, told: Told, now: int) -> Document | None:
    """The document with what is told; None when that changes nothing, or would make it too large."""
    before = loads(document.body)["definition"]
    after = merged(before, told.definition)
    if canonical(after) == canonical(before):
        return None
    text = dumps(after)
    return _document(tenant, document.name, text, told.digest, now) if len(text) <= MOST_BYTES else None


def _document(tenant: str, name: str, definition: bytes, digest: str, now: int) -> Document:
    body = b'{"objectType":"Activity","id":%b,"definition":%b}' % (dumps(name), definition)
    return Document(KIND, tenant, name, body, etag=f"{digest}-{len(body)}", updated=now)

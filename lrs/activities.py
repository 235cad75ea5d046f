"""What is known about an activity: one definition, merged from every statement that described it.

The merged definition is a document of its own, written in the same write as the statement and only when
it changes: most statements repeat a definition that is already known, and must not fight for its row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lrs.store.port import Document, Reader, Store, Writer
from statements.formats import activities_in
from statements.jsontext import canonical, dumps, loads

KIND = "activity"
TRUST_MICROSECONDS = 2_000_000
"""How long a process believes that the definition it merged last is still the last one."""
CACHE_SIZE = 50_000
MOST_BYTES = 1_048_576
"""A definition that would grow beyond this stays as it is; its statements still say what they say."""
READ_AT_ONCE = 64
"""Definitions that are held in memory as they are kept, while they are read."""
LANGUAGE_MAPS = ("name", "description")

Definition = dict[str, Any]
Seen = Mapping[tuple[str, str], bytes]
"""(tenant, activity id) -> digest of the definition that a write has merged."""


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
        self._fresh: dict[tuple[str, str], tuple[int, bytes]] = {}

    def describe(self, tenant: str, activity: str) -> bytes:
        """The activity object as JSON; just its id and type when no statement has described it."""
        with self._store.reading() as reader:
            document = reader.document(KIND, tenant, activity)
        if document is None:
            return dumps({"objectType": "Activity", "id": activity})
        return document.body

    @staticmethod
    def definitions(
        reader: Reader, tenant: str, ids: Sequence[str], most_bytes: int
    ) -> dict[str, Definition]:
        """The definitions of several activities, by id; those never described are missing.

        So are the last ones, where all together would have more than `most_bytes`.
        """
        definitions: dict[str, Definition] = {}
        for start in range(0, len(ids), READ_AT_ONCE):
            some = ids[start : start + READ_AT_ONCE]
            found = reader.documents(KIND, tenant, some)
            for name in some:
                document = found.get(name)
                if document is None:
                    continue
                most_bytes -= len(document.body)
                if most_bytes < 0:
                    return definitions
                definitions[name] = loads(document.body)["definition"]
        return definitions

    def told(
        self, tenant: str, statements: Sequence[Mapping[str, Any]]
    ) -> list[tuple[str, Definition, bytes]]:
        """The definitions in these statements that may be news: (id, definition, digest), in order."""
        now = self._clock()
        news: list[tuple[str, Definition, bytes]] = []
        latest: dict[str, bytes] = {}
        told: dict[str, Definition] = {}
        for statement in statements:
            for activity in activities_in(statement):
                definition = activity.get("definition")
                if not definition:
                    continue
                name = activity["id"]
                if told.get(name) == definition and "extensions" not in definition:
                    continue  # all of it is text: nothing like 1 and True can be equal and yet differ
                told[name] = definition
                digest = hashlib.blake2b(dumps(definition), digest_size=16).digest()
                if name not in latest:
                    fresh = self._fresh.get((tenant, name))
                    if fresh is not None and fresh[1] == digest and now - fresh[0] <= TRUST_MICROSECONDS:
                        latest[name] = digest
                        continue
                if latest.get(name) != digest:
                    latest[name] = digest
                    news.append((name, definition, digest))
        return news

    def learn(self, writer: Writer, tenant: str, news: Sequence[tuple[str, Definition, bytes]]) -> None:
        """Inside a write: merge what `told` found, and put only the definitions that change."""
        if not news:
            return
        known = writer.documents(KIND, tenant, {name for name, _, _ in news})
        before = {name: loads(document.body)["definition"] for name, document in known.items()}
        after = dict(before)
        for name, definition, _ in news:
            after[name] = merged(after.get(name, {}), definition)
        now = self._clock()
        for name, definition in after.items():
            if name in before and canonical(definition) == canonical(before[name]):
                continue
            body = dumps({"objectType": "Activity", "id": name, "definition": definition})
            if len(body) > MOST_BYTES:
                continue
            etag = hashlib.blake2b(body, digest_size=16).hexdigest()
            writer.put(Document(KIND, tenant, name, body, etag=etag, updated=now))

    def learned(self, tenant: str, news: Sequence[tuple[str, Definition, bytes]]) -> None:
        """After the write is durable: remember what was merged last."""
        if len(self._fresh) > CACHE_SIZE:
            self._fresh.clear()
        now = self._clock()
        for name, _, digest in news:
            self._fresh[tenant, name] = (now, digest)

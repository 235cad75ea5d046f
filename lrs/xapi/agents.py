"""What is known about an agent: the names it was given in statements.

A Person answers for the one identifier that was asked about. Identifiers that an agency linked to the
same human being are never shown here: the alias table is more private than a statement.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from lrs import document_kinds
from lrs.store.documents import Document
from lrs.store.port import Store, Writer
from statements.data_types.identity import IDENTIFIERS, agent_key, members

KIND: Final = document_kinds.AGENT
MOST_NAMES = 20
"""Names kept for one agent; later ones push out the earliest."""
MOST_BYTES = 4_096
"""Bytes of the names kept for one agent, in JSON; the earliest go."""
LONGEST_NAME = 1_000
"""Characters of a name that is kept; what is longer is no name."""
MOST_TOLD = 500
"""Names that one request brings; more of them stay in its statements until a later one brings them again."""
CACHE_SIZE = 100_000
NAME_SIZE = 1_024
"""What a name counts for among the bytes of a write, besides its own: a document is read, put and hashed."""

Names = frozenset[tuple[str, str]]
"""(agent key, name)"""


def actors(statement: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every agent and group of a statement with its members; not the authority, which is ours."""
    for role in ("actor", "object"):
        actor = statement[role]
        if role == "actor" or actor.get("objectType") in {"Agent", "Group"}:
            yield actor
            yield from members(actor)
        elif actor.get("objectType") == "SubStatement":
            yield from actors(actor)
    context = statement.get("context") or {}
    found = [context[role] for role in ("instructor", "team") if role in context]
    found += [item["agent"] for item in context.get("contextAgents", ())]
    found += [item["group"] for item in context.get("contextGroups", ())]
    for actor in found:
        yield actor
        yield from members(actor)


class Agents:
    """The names of agents. Safe to use from many threads."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._seen: set[int] = set()
        """Hashes of (tenant, key, name): the names themselves would be a hundred megabytes."""

    def person(self, tenant: str, agent: Mapping[str, Any], *, names: bool) -> bytes:
        """The Person object of an agent as JSON. `names`: with what its statements called it."""
        known: list[str] = []
        if names and (key := agent_key(agent)) is not None:
            with self._store.reading() as reader:
                document = reader.document(KIND, tenant, key)
            known = orjson.loads(document.body)["names"] if document is not None else []
        asked = agent.get("name")
        if asked is not None and asked not in known:
            known.append(asked)
        person: dict[str, Any] = {"objectType": "Person"}
        if known:
            person["name"] = known
        person.update({kind: [agent[kind]] for kind in IDENTIFIERS if kind in agent})
        return orjson.dumps(person)

    def told(self, tenant: str, statements: Sequence[Mapping[str, Any]]) -> Names:
        """The names in these statements that this process has not seen stored yet."""
        found: set[tuple[str, str]] = set()
        for statement in statements:
            for actor in actors(statement):
                name = actor.get("name")
                if not name or len(name) > LONGEST_NAME or len(found) >= MOST_TOLD:
                    continue
                if (key := agent_key(actor)) is not None and hash((tenant, key, name)) not in self._seen:
                    found.add((key, name))
        return frozenset(found)

    def learn(self, writer: Writer, tenant: str, news: Names) -> None:
        """Inside a write: keep the names that are new."""
        if not news:
            return
        known = writer.documents(KIND, tenant, {key for key, _ in news})
        names = {key: list(orjson.loads(document.body)["names"]) for key, document in known.items()}
        changed: set[str] = set()
        for key, name in sorted(news):
            kept = names.setdefault(key, [])
            if name not in kept:
                kept.append(name)
                changed.add(key)
        now = self._clock()
        for key in changed:
            body = orjson.dumps({"names": _kept(names[key])})
            etag = hashlib.blake2b(body, digest_size=16).hexdigest()
            writer.put(Document(KIND, tenant, key, body, etag=etag, updated=now))

    def learned(self, tenant: str, news: Names) -> None:
        """After the write is durable: do not look these names up again."""
        if len(self._seen) > CACHE_SIZE:
            self._seen.clear()
        self._seen.update(hash((tenant, key, name)) for key, name in news)


def size_of(news: Names) -> int:
    """What these names count for among the bytes of a write."""
    return sum(len(name) + NAME_SIZE for _, name in news)


def _kept(names: Sequence[str]) -> list[str]:
    """The latest of the names, as many as are kept; one at least."""
    kept: list[str] = []
    size = 0
    for name in reversed(names[-MOST_NAMES:]):
        size += len(orjson.dumps(name))
        if kept and size > MOST_BYTES:
            break
        kept.append(name)
    return kept[::-1]

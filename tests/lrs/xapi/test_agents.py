"""The names of agents: few are kept, and what is remembered of them is small."""

from __future__ import annotations

import orjson
import pytest

from lrs.store.port import Store
from lrs.xapi.agents import KIND, MOST_BYTES, NAME_SIZE, Agents, size_of

KEY = "mbox:mailto:siti@example.go.id"


@pytest.mark.parametrize(
    ("count", "name", "kept"),
    [(30, "Siti", 20), (30, "s" * 1000, 4), (30, "\x01" * 1000, 1), (3, "\U0001f600" * 1000, 1)],
)
def test_a_document_of_names_stays_small(store: Store, count: int, name: str, kept: int) -> None:
    """The latest names are kept, as many as fit; one always is."""
    agents = Agents(store, lambda: 0)
    for number in range(count):
        news = frozenset({(KEY, f"{number:03d}{name}"[:1000])})
        store.writing(lambda writer, news=news: agents.learn(writer, "bkd", news))  # type: ignore[misc]
    with store.reading() as reader:
        document = reader.document(KIND, "bkd", KEY)
    assert document is not None
    names = orjson.loads(document.body)["names"]
    assert [held[:3] for held in names] == [f"{number:03d}" for number in range(count - kept, count)]
    assert len(document.body) < MOST_BYTES + 100 or kept == 1


def test_names_count_in_the_size_of_a_write() -> None:
    """Each by itself, for the document that it changes."""
    assert size_of(frozenset({(KEY, "Siti"), (KEY, "Siti Aminah")})) == 2 * NAME_SIZE + 15


def test_names_that_were_stored_are_remembered_by_their_hash(store: Store) -> None:
    """A name that was learned is told no more; what is remembered has no text."""
    agents = Agents(store, lambda: 0)
    told = {
        "actor": {"mbox": "mailto:siti@example.go.id", "name": "Siti"},
        "object": {"id": "https://x.example"},
    }
    news = agents.told("bkd", [told])
    assert len(news) == 1
    agents.learned("bkd", news)
    assert agents.told("bkd", [told]) == frozenset()
    assert agents.told("other", [told]) == news
    assert all(isinstance(held, int) for held in agents._seen)

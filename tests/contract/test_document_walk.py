"""Walks over documents give each once, in pages that are never empty, from wherever they begin."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lrs.store.document_walk import walk_documents, walk_stored_documents
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Store, Writer

COUNT = 12


def put(store: Store) -> None:
    documents = [
        Document("note", "bkn", f"n{number:02}", b"", keys=frozenset("k"), order=f"{number % 3}")
        for number in range(COUNT)
    ]

    def work(writer: Writer) -> None:
        for document in documents:
            writer.put(document)

    store.writing(work)


@pytest.mark.parametrize("limit", [1, 4, 5, COUNT, 99])
@pytest.mark.parametrize("descending", [False, True])
def test_a_walk_gives_each_document_once(store: Store, limit: int, *, descending: bool) -> None:
    """In the order of the query, from one snapshot or from one for each page, from the start or a place."""
    put(store)
    query = DocumentQuery("note", "bkn", ("k",), limit=limit, descending=descending)
    with store.reading() as reader:
        whole = reader.find_documents(replace(query, limit=99))
        pages = list(walk_documents(reader, query))
        assert [one for page in pages for one in page] == whole
        assert all(0 < len(page) <= limit for page in pages)
        behind = replace(query, after=(whole[4].order, whole[4].name))
        assert [one for page in walk_documents(reader, behind) for one in page] == whole[5:]
    assert [one for page in walk_stored_documents(store, query) for one in page] == whole


def test_a_walk_over_nothing_has_no_page(store: Store) -> None:
    """Nobody need ask whether a page is empty."""
    query = DocumentQuery("note", "bkn", limit=3)
    with store.reading() as reader:
        assert list(walk_documents(reader, query)) == []
    assert list(walk_stored_documents(store, query)) == []


def test_a_long_walk_holds_nothing(store: Store) -> None:
    """Between two pages of a walk over the store others write, and what is deleted is passed over."""
    put(store)
    seen = []
    for page in walk_stored_documents(store, DocumentQuery("note", "bkn", limit=1)):
        seen += [one.name for one in page]
        store.writing(lambda writer: writer.delete("note", "bkn", ["n11"]))
    assert len(seen) == COUNT - 1

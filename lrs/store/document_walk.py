"""Walking over documents, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Reader, Store


def walk_documents(reader: Reader, query: DocumentQuery) -> Iterator[Sequence[Document]]:
    """All documents that are asked for, as a snapshot has them: pages of `query.limit`, none of them empty.

    The walk begins behind `query.after`, if there is one. For short walks: a snapshot that is held for long
    costs the store.
    """
    following: DocumentQuery | None = query
    while following is not None:
        page = reader.find_documents(following)
        if page:
            yield page
        following = _following(following, page)


def walk_stored_documents(store: Store, query: DocumentQuery) -> Iterator[Sequence[Document]]:
    """The same with a snapshot for each page, released before the page is given.

    However long the walk and whatever is done between two pages, nothing is held. What is written meanwhile
    may be seen or not; what is there all the time is seen once.
    """
    following: DocumentQuery | None = query
    while following is not None:
        with store.reading() as reader:
            page = reader.find_documents(following)
        if page:
            yield page
        following = _following(following, page)


def _following(query: DocumentQuery, page: Sequence[Document]) -> DocumentQuery | None:
    """What to ask for after a page; None when that was the last one."""
    if len(page) < query.limit:
        return None
    return replace(query, after=(page[-1].order, page[-1].name))

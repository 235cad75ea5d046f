"""The documents of the State and Profile resources: read, compared, merged and written in one write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lrs.access import Access
from lrs.sizes import check_size
from lrs.store.port import Document, Reader, Store, Writer
from statements.documents import Preconditions, Resource, check_write, etag, merge
from statements.versions import Version

PAGE = 500
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Place:
    """Where documents of one resource live: of an activity, an agent, or both."""

    resource: Resource
    owner: tuple[str, ...]
    """Activity id and agent key, or the one that the resource has."""
    registration: str | None = None
    """State alone; None means no registration, or any where many documents are asked for."""

    def scope(self, access: Access) -> str:
        """The store's scope. No IRI or key but the last part can hold the separator, so none collide."""
        return _SEPARATOR.join((access.tenant, *self.owner))

    def name(self, document_id: str) -> str:
        """The store's name of one document."""
        return f"{self.registration or ''}{_SEPARATOR}{document_id}"

    def keys(self) -> frozenset[str]:
        """The index keys of the documents here."""
        return frozenset() if self.registration is None else frozenset({f"r{_SEPARATOR}{self.registration}"})


@dataclass(frozen=True, slots=True)
class Listing:
    """Ids of documents, in order of name, each once."""

    ids: list[str]
    updated: int
    """Microseconds: the latest change among them; 0 when there are none."""


class Documents:
    """State and profile documents. Safe to use from many threads."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock

    def get(self, access: Access, place: Place, document_id: str) -> Document | None:
        """The document, or None."""
        with self._store.reading() as reader:
            return reader.document(place.resource, place.scope(access), place.name(document_id))

    def list(self, access: Access, place: Place, since: int | None = None) -> Listing:
        """The ids of the documents here, of those changed after `since` (microseconds) if given."""
        ids: dict[str, None] = {}
        updated = 0
        with self._store.reading() as reader:
            for page in _pages(reader, place, access, since):
                for document in page:
                    ids[document.name.partition(_SEPARATOR)[2]] = None
                    updated = max(updated, document.updated)
        return Listing(list(ids), updated)

    def put(
        self,
        access: Access,
        place: Place,
        document_id: str,
        body: bytes,
        content_type: str,
        version: Version,
        preconditions: Preconditions,
    ) -> None:
        """Write a document whole. `statements.documents.Refused` when the preconditions forbid it."""

        def work(writer: Writer) -> None:
            current = writer.document(place.resource, place.scope(access), place.name(document_id))
            tag = current.etag if current is not None else None
            check_write("PUT", place.resource, version, preconditions, tag)
            self._write(writer, access, place, document_id, body, content_type)

        self._store.writing(work)

    def post(
        self,
        access: Access,
        place: Place,
        document_id: str,
        body: bytes,
        content_type: str,
        version: Version,
        preconditions: Preconditions,
    ) -> None:
        """Merge JSON into a document, or write a new one. `Refused`, or Invalid when it cannot be merged."""

        def work(writer: Writer) -> None:
            current = writer.document(place.resource, place.scope(access), place.name(document_id))
            tag = current.etag if current is not None else None
            check_write("POST", place.resource, version, preconditions, tag)
            old, old_type = (None, "") if current is None else (current.body, current.content_type)
            whole = merge(old, old_type, body, content_type)
            self._write(writer, access, place, document_id, whole, content_type)

        self._store.writing(work)

    def delete(
        self,
        access: Access,
        place: Place,
        document_id: str,
        version: Version,
        preconditions: Preconditions,
    ) -> None:
        """Remove a document, if it is there. `Refused` when the preconditions forbid it."""

        def work(writer: Writer) -> None:
            scope, name = place.scope(access), place.name(document_id)
            current = writer.document(place.resource, scope, name)
            tag = current.etag if current is not None else None
            check_write("DELETE", place.resource, version, preconditions, tag)
            if current is not None:
                writer.delete(place.resource, scope, (name,))

        self._store.writing(work)

    def delete_all(self, access: Access, place: Place) -> None:
        """Remove every document here; without a registration those of every registration."""

        def work(writer: Writer) -> None:
            scope = place.scope(access)
            while page := writer.find_documents(place.resource, scope, place.keys(), limit=PAGE):
                writer.delete(place.resource, scope, [document.name for document in page])

        self._store.writing(work)

    def _write(
        self,
        writer: Writer,
        access: Access,
        place: Place,
        document_id: str,
        body: bytes,
        content_type: str,
    ) -> None:
        check_size(len(body))
        writer.put(
            Document(
                place.resource,
                place.scope(access),
                place.name(document_id),
                body,
                content_type=content_type,
                etag=etag(body),
                updated=self._clock(),
                keys=place.keys(),
            )
        )


def _pages(reader: Reader, place: Place, access: Access, since: int | None) -> Iterator[Sequence[Document]]:
    after: tuple[str, str] | None = None
    while page := reader.find_documents(
        place.resource, place.scope(access), place.keys(), since=since, after=after, limit=PAGE
    ):
        yield page
        after = (page[-1].order, page[-1].name)

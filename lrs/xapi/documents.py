"""The documents of the State and Profile resources.

What depends on the size of a document (its entity tag, merging) is worked out before the write, from the
document as it is then. Inside the write only entity tags are compared; where another one is there by now,
everything is done once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from lrs.access import Access
from lrs.store.documents import Document, DocumentQuery
from lrs.store.errors import UnavailableError
from lrs.store.port import Reader, Store, Writer
from lrs.store.writes import WriteHints
from lrs.tenant_turns import TenantTurns
from lrs.xapi.size_limits import MOST_BYTES, TooLargeError, check_size
from statements.data_types.versions import Version
from statements.documents import Preconditions, Resource, check_write, etag, merge

T = TypeVar("T")

PAGE = 500
"""Documents that are listed in one reading."""
DELETED_AT_ONCE = 200
"""Documents that are deleted in one write."""
ATTEMPTS = 5
"""How often a large merge is done anew because somebody else has changed the document meanwhile."""
SMALL = 4_096
"""Bytes up to which both documents of a merge are small: these are merged inside the write, so that many
clients that write to one document do not undo each other's work."""
LARGE = 65_536
"""Bytes of both documents together from which on they are merged in turns."""
LISTS_AT_ONCE = 8
"""Long lists and long deletions under way in one process."""
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

    ids: Sequence[str]
    updated: int
    """Microseconds: the latest change among them, when these are all; 0 when there are none."""
    rest: Iterator[Sequence[str]] | None
    """The ids that come after these, some at a time; None when these are all."""


class Documents:
    """State and profile documents. Safe to use from many threads."""

    def __init__(self, store: Store, clock: Callable[[], int], turns: TenantTurns | None = None) -> None:
        """`turns` are taken to merge large documents."""
        self._store = store
        self._clock = clock
        self._turns = turns or TenantTurns()
        self.long_lists = TenantTurns(LISTS_AT_ONCE)
        self._long_deletes = TenantTurns(LISTS_AT_ONCE)

    def get(self, access: Access, place: Place, document_id: str) -> Document | None:
        """The document, or None."""
        with self._store.reading() as reader:
            return reader.document(place.resource, place.scope(access), place.name(document_id))

    def list(self, access: Access, place: Place, since: int | None = None) -> Listing:
        """The ids of the documents here, of those changed after `since` (microseconds) if given.

        What does not fit on a page is read when `rest` is asked for it, each page by itself: a long list is
        not of one moment. Whoever asks for it is in line (`long_lists`) meanwhile.
        """
        seen: set[int] = set()
        page = self._page(access, place, since, None)
        ids = _new_ids(page, seen)
        if len(page) < PAGE:
            return Listing(ids, max((document.updated for document in page), default=0), None)
        return Listing(ids, 0, self._rest(access, place, since, _after(page), seen))

    def _rest(
        self, access: Access, place: Place, since: int | None, after: tuple[str, str], seen: set[int]
    ) -> Iterator[Sequence[str]]:
        while True:
            with self.long_lists.step(access.tenant):
                page = self._page(access, place, since, after)
            if page:
                yield _new_ids(page, seen)
            if len(page) < PAGE:
                return
            after = _after(page)

    def _page(
        self, access: Access, place: Place, since: int | None, after: tuple[str, str] | None
    ) -> Sequence[Document]:
        scope, keys = place.scope(access), place.keys()
        with self._store.reading() as reader:
            return reader.find_documents(
                DocumentQuery(place.resource, scope, keys, since=since, after=after, limit=PAGE, bodies=False)
            )

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
        """Write a document whole.

        `statements.documents.PreconditionFailedError` when the preconditions forbid it.
        """
        document = self._made(access, place, document_id, body, content_type)

        def work(writer: Writer) -> None:
            tag = _tag(writer, document)
            check_write("PUT", place.resource, version, preconditions, tag)
            writer.put(replace(document, updated=self._clock()))

        self._write(access, work, document)

    def post(
        self,
        access: Access,
        place: Place,
        document_id: str,
        body: bytes,
        content_type: str,
        version: Version,
        preconditions: Preconditions,
        read: Callable[[bytes], Any] | None = None,
        most: int = MOST_BYTES,
    ) -> None:
        """Merge JSON into a document, or write a new one.

        `read` gives the value of the posted JSON (default: `exact_json.loads`). PreconditionFailedError as
        for `put`; InvalidError when it cannot be merged; TooLargeError when the document to merge into has,
        or would have, more than `most` bytes; UnavailableError when it never stayed the same for long enough.
        """
        scope, name = place.scope(access), place.name(document_id)
        for _ in range(ATTEMPTS):
            with self._store.reading() as reader:
                seen = reader.document(place.resource, scope, name)
            check_write("POST", place.resource, version, preconditions, seen.etag if seen else None)

            def merged(current: Document | None) -> Document:
                old, old_type = (None, "") if current is None else (current.body, current.content_type)
                if old is not None and len(old) > most:
                    raise TooLargeError(
                        f"the document has more than {most} bytes: it can be replaced, not merged into"
                    )
                whole = merge(old, old_type, body, content_type, read)
                if old is not None and len(whole) > most:
                    raise TooLargeError(f"the merged document would have more than {most} bytes")
                return self._made(access, place, document_id, whole, content_type)

            size = len(body) + (len(seen.body) if seen is not None else 0)
            if size <= SMALL:
                if self._merge_within(access, place, name, version, preconditions, merged):
                    return
                continue
            if size > LARGE:
                with self._turns.turn(access.tenant):
                    document = merged(seen)
            else:
                document = merged(seen)
            if self._swap(access, document, seen.etag if seen is not None else None):
                return
        raise UnavailableError(
            "others changed this document again and again; nothing of this change was kept"
        )

    def _merge_within(
        self,
        access: Access,
        place: Place,
        name: str,
        version: Version,
        preconditions: Preconditions,
        merged: Callable[[Document | None], Document],
    ) -> bool:
        """Merge a small document inside the write; False when it has become a large one."""
        key = (place.resource, place.scope(access), name)

        def work(writer: Writer) -> bool:
            current = writer.document(*key)
            check_write("POST", place.resource, version, preconditions, current.etag if current else None)
            if current is not None and len(current.body) > SMALL:
                return False
            writer.put(replace(merged(current), updated=self._clock()))
            return True

        return self._store.writing(work, WriteHints(documents=[key], tenant=access.tenant, size=2 * SMALL))

    def _swap(self, access: Access, document: Document, tag: str | None) -> bool:
        """Write a document if the one there still has this entity tag (None: is not there)."""

        def work(writer: Writer) -> bool:
            if _tag(writer, document) != tag:
                return False
            writer.put(replace(document, updated=self._clock()))
            return True

        return self._write(access, work, document)

    def delete(
        self,
        access: Access,
        place: Place,
        document_id: str,
        version: Version,
        preconditions: Preconditions,
    ) -> None:
        """Remove a document, if it is there. `PreconditionFailedError` when the preconditions forbid it."""
        key = (place.resource, place.scope(access), place.name(document_id))

        def work(writer: Writer) -> None:
            tag = _tag(writer, Document(*key, b""))
            check_write("DELETE", place.resource, version, preconditions, tag)
            if tag is not None:
                writer.delete(key[0], key[1], (key[2],))

        self._store.writing(work, WriteHints(heads=[key], tenant=access.tenant))

    def delete_all(self, access: Access, place: Place) -> None:
        """Remove every document here; without a registration those of every registration.

        Many are removed page after page, in the order of their names, each page in a write of its own. What
        is written here meanwhile may be removed as well, or stay.
        """
        after = self._delete_page(access, place, None)
        if after is None:
            return
        with self._long_deletes.turn(access.tenant):
            while after is not None:
                after = self._delete_page(access, place, after)

    def _delete_page(
        self, access: Access, place: Place, after: tuple[str, str] | None
    ) -> tuple[str, str] | None:
        """Remove a page of documents; where the next one begins, None when this was the last."""

        def work(writer: Writer) -> tuple[str, str] | None:
            scope = place.scope(access)
            page = writer.find_documents(
                DocumentQuery(
                    place.resource, scope, place.keys(), after=after, limit=DELETED_AT_ONCE, bodies=False
                )
            )
            writer.delete(place.resource, scope, [document.name for document in page])
            return _after(page) if len(page) == DELETED_AT_ONCE else None

        return self._store.writing(work, WriteHints(tenant=access.tenant))

    def _made(
        self, access: Access, place: Place, document_id: str, body: bytes, content_type: str
    ) -> Document:
        check_size(len(body))
        return Document(
            place.resource,
            place.scope(access),
            place.name(document_id),
            body,
            content_type=content_type,
            etag=etag(body),
            keys=place.keys(),
        )

    def _write(self, access: Access, work: Callable[[Writer], T], document: Document) -> T:
        key = (document.kind, document.scope, document.name)
        return self._store.writing(
            work, WriteHints(heads=[key], tenant=access.tenant, size=len(document.body))
        )


def _tag(reader: Reader, document: Document) -> str | None:
    """The entity tag of the document that is there under the name of this one; None when there is none."""
    held = reader.documents(document.kind, document.scope, (document.name,), bodies=False)
    return held[document.name].etag if document.name in held else None


def _after(page: Sequence[Document]) -> tuple[str, str]:
    return page[-1].order, page[-1].name


def _new_ids(page: Sequence[Document], seen: set[int]) -> Sequence[str]:
    """The ids of these documents that were not seen yet: one id may be there under several registrations.

    Those seen are kept as hashes, which Python makes with a secret of each process.
    """
    ids = []
    for document in page:
        document_id = document.name.partition(_SEPARATOR)[2]
        mark = hash(document_id)
        if mark not in seen:
            seen.add(mark)
            ids.append(document_id)
    return ids

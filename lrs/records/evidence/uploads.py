"""Uploads that may break off and go on later, as tus 1.0 has them (tus.io/protocols/resumable-upload).

An upload is known by its offset: the bytes that have arrived. They are kept in pieces of the store, so that
any worker on any machine can take the next ones, and each piece is written together with the offset that
counts it. When all have come, the file is looked at and kept under the upload's own id, or refused; either is
remembered until the upload expires.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from typing import Final

import orjson

from lrs import document_kinds
from lrs.records.evidence.files import SECOND, EvidenceFile, EvidenceFiles, owner_key, tidy_name
from lrs.records.evidence.kinds import EvidenceError, Why
from lrs.store import json_documents
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Reader, Store, Writer
from lrs.store.writes import WriteHints

UPLOAD: Final = document_kinds.EVIDENCE_UPLOAD
PIECE: Final = document_kinds.EVIDENCE_UPLOAD_PIECE
PIECE_BYTES: Final = 262_144
"""Bytes of one write; what comes in smaller portions is added to the last piece."""
EXPIRES_SECONDS: Final = 86_400
"""How long an upload can be gone on with after it was begun."""
MOST_OF_PERSON: Final = 10
"""Unfinished uploads of one person."""
STILL_SECONDS: Final = 600
"""An upload that nothing has come for in so long gives way to a new one of the same person."""
MOST_OF_TENANT: Final = 500
MOST_BYTES_OF_TENANT: Final = 512 * 1024 * 1024
"""Bytes that the unfinished uploads of one agency may come to have together."""
MOST_REMOVED: Final = 10
"""Expired uploads that a new one removes."""
UNFINISHED: Final = "u"
_ID: Final = 32


class OffsetError(ValueError):
    """Bytes for another place than the next one; `offset` is where the upload stands."""

    def __init__(self, offset: int) -> None:
        super().__init__("the upload stands at another offset")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that was begun."""

    id: str
    owner: str
    """The persona of whoever sends it."""
    length: int
    """Bytes in all."""
    name: str
    expires: int
    """Microseconds."""
    touched: int
    """When something came for it last."""
    offset: int = 0
    last: int = 0
    """Where its last piece begins."""
    kept: bool = False
    """Whether the file was taken; then it is an `EvidenceFile` of the same id."""
    refused: str = ""
    """The `Why` for which it was not."""

    @property
    def is_whole(self) -> bool:
        """Whether all bytes have come."""
        return self.offset == self.length

    @property
    def is_settled(self) -> bool:
        """Whether nothing more happens to it."""
        return self.kept or bool(self.refused)


class Uploads:
    """The uploads of every tenant. Safe to use from many threads."""

    def __init__(self, store: Store, files: EvidenceFiles, clock: Callable[[], int]) -> None:
        self._store = store
        self._files = files
        self._clock = clock

    def begin(self, tenant: str, owner: str, length: int, name: str) -> Upload:
        """Begin an upload of `length` bytes; EvidenceError when it cannot be kept, or too many are begun."""
        if length > self._files.bounds.file_bytes:
            raise EvidenceError(Why.TOO_LARGE)
        if length <= 0:
            raise EvidenceError(Why.EMPTY)
        now = self._clock()
        expires = now + EXPIRES_SECONDS * SECOND
        upload = Upload(secrets.token_hex(_ID // 2), owner, length, tidy_name(name), expires, touched=now)

        def work(writer: Writer) -> None:
            _remove_expired(writer, tenant, now)
            self._make_room(writer, tenant, owner, length, now)
            writer.put(_document(tenant, upload))

        self._store.writing(work, WriteHints(tenant=tenant))
        return upload

    def find(self, tenant: str, owners: Collection[str], id: str) -> Upload | None:
        """An upload of one of these personas that has not expired."""
        with self._store.reading() as reader:
            return self._held(reader, tenant, owners, id)

    def add(self, tenant: str, owners: Collection[str], id: str, offset: int, data: bytes) -> Upload | None:
        """The next bytes, `PIECE_BYTES` at most; None when there is no such upload, or no longer.

        OffsetError when they are not the next ones; ValueError when they are more than were announced.
        """

        def work(writer: Writer) -> Upload | None:
            upload = self._held(writer, tenant, owners, id)
            if upload is None:
                return None
            if upload.offset != offset or upload.is_settled:
                raise OffsetError(upload.offset)
            if offset + len(data) > upload.length:
                raise ValueError("more bytes than were announced")
            begin, body = offset, data
            if offset > 0 and offset - upload.last + len(data) <= PIECE_BYTES:
                before = writer.document(PIECE, tenant, _piece_name(id, upload.last))
                if before is not None:
                    begin, body = upload.last, before.body + data
            upload = replace(upload, offset=offset + len(data), last=begin, touched=self._clock())
            name = _piece_name(id, begin)
            keys = frozenset({id})
            writer.put(Document(PIECE, tenant, name, body, "application/octet-stream", keys=keys, order=name))
            writer.put(_document(tenant, upload))
            return upload

        return self._store.writing(work, WriteHints(tenant=tenant, size=len(data)))

    def settle(self, tenant: str, upload: Upload) -> EvidenceFile | None:
        """Keep the file of an upload whose bytes have all come; EvidenceError when it cannot be evidence.

        Asked again it tells the same; None when the upload or its file is gone.
        """
        if upload.refused:
            raise EvidenceError(Why(upload.refused))
        if upload.kept:
            return self._files.file(tenant, upload.id)
        with self._store.reading() as reader:
            data = b"".join(piece.body for piece in _pieces(reader, tenant, upload.id))
        if len(data) != upload.length:
            # Somebody else has settled it, or ended it.
            return self._files.file(tenant, upload.id)
        try:
            file = self._files.keep(tenant, upload.owner, data, upload.name, id=upload.id)
        except EvidenceError as error:
            self._note(tenant, replace(upload, refused=error.why.value))
            raise
        self._note(tenant, replace(upload, kept=True))
        return file

    def end(self, tenant: str, upload: Upload) -> None:
        """Give an upload up, with what has come of it. A file that was kept stays."""
        self._store.writing(lambda writer: _remove(writer, tenant, [upload.id]), WriteHints(tenant=tenant))

    def _note(self, tenant: str, upload: Upload) -> None:
        """Remember what became of an upload, whose pieces are not needed any more."""

        def work(writer: Writer) -> None:
            if writer.document(UPLOAD, tenant, upload.id) is not None:
                _remove(writer, tenant, [upload.id])
                writer.put(_document(tenant, upload))

        self._store.writing(work, WriteHints(tenant=tenant))

    def _held(self, reader: Reader, tenant: str, owners: Collection[str], id: str) -> Upload | None:
        held = reader.document(UPLOAD, tenant, id) if len(id) == _ID else None
        upload = None if held is None else _upload_of(held)
        is_theirs = upload is not None and upload.owner in owners and upload.expires > self._clock()
        return upload if is_theirs else None

    def _make_room(self, writer: Writer, tenant: str, owner: str, length: int, now: int) -> None:
        """EvidenceError when the person, or the agency, has too many uploads under way."""
        ours = DocumentQuery(UPLOAD, tenant, {UNFINISHED, owner_key(owner)}, limit=MOST_OF_PERSON)
        mine = [_upload_of(held) for held in writer.find_documents(ours)]
        if len(mine) == MOST_OF_PERSON:
            longest = min(mine, key=lambda upload: upload.touched)
            if longest.touched > now - STILL_SECONDS * SECOND:
                raise EvidenceError(Why.TOO_MANY_UNFINISHED)
            _remove(writer, tenant, [longest.id])
        everybody = DocumentQuery(UPLOAD, tenant, {UNFINISHED}, limit=MOST_OF_TENANT, bodies=False)
        held = writer.find_documents(everybody)
        if len(held) == MOST_OF_TENANT or length + sum(int(one.etag) for one in held) > MOST_BYTES_OF_TENANT:
            raise EvidenceError(Why.TOO_MANY_UNFINISHED)


def _remove_expired(writer: Writer, tenant: str, now: int) -> None:
    oldest = writer.find_documents(DocumentQuery(UPLOAD, tenant, limit=MOST_REMOVED, bodies=False))
    _remove(writer, tenant, [held.name for held in oldest if held.order < json_documents.expiry_order(now)])


def _remove(writer: Writer, tenant: str, ids: Collection[str]) -> None:
    for id in ids:
        names = [piece.name for piece in _pieces(writer, tenant, id, bodies=False)]
        if names:
            writer.delete(PIECE, tenant, names)
    if ids:
        writer.delete(UPLOAD, tenant, list(ids))


def _pieces(reader: Reader, tenant: str, id: str, *, bodies: bool = True) -> list[Document]:
    return reader.find_documents(DocumentQuery(PIECE, tenant, {id}, limit=1000, bodies=bodies))


def _piece_name(id: str, begin: int) -> str:
    return f"{id}/{begin:012d}"


def _document(tenant: str, upload: Upload) -> Document:
    """The upload as it is stored; its tag is its length, which is asked for without the body."""
    body = asdict(upload)
    del body["id"]
    keys = () if upload.is_settled else (UNFINISHED, owner_key(upload.owner))
    return Document(
        UPLOAD,
        tenant,
        upload.id,
        orjson.dumps(body),
        etag=str(upload.length),
        updated=upload.touched,
        keys=frozenset(keys),
        order=json_documents.expiry_order(upload.expires),
    )


def _upload_of(held: Document) -> Upload:
    return Upload(id=held.name, **orjson.loads(held.body))

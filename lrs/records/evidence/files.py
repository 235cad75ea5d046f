"""The files that prove learning: kept for one person, then named in the statement of an entry.

A file belongs to whoever sent it. It is kept for 30 days; once a statement names it, it stays as long as that
statement. Who may see it is asked of the file and of the statements that it was attached to by this program:
a statement that somebody else wrote opens nothing by naming it.

Its bytes are a blob of its own, which begins with the file's id. So two files with the same content are two
blobs, and removing one never takes away the other; the hash that statements tell is that of the content.
"""

from __future__ import annotations

import hashlib
import io
import re
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import orjson

from lrs import document_kinds
from lrs.people.people import People
from lrs.records.entries import Entry
from lrs.records.evidence.kinds import PDF, EvidenceError, Why, kind_of
from lrs.records.evidence.pictures import Picture, Pictures
from lrs.store import json_documents
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Reader, Store, Writer
from lrs.store.writes import WriteHints
from statements.data_types.identity import agent_key
from statements.masking import masked
from statements.profile.reading import Evidence

EVIDENCE: Final = document_kinds.EVIDENCE
PREVIEW: Final = document_kinds.EVIDENCE_PREVIEW
SECOND: Final = 1_000_000
DAY_SECONDS: Final = 86_400
KEPT_SECONDS: Final = 30 * DAY_SECONDS
"""How long a file is kept that no statement names: as long as the draft of a form may name it."""
LATE_SECONDS: Final = 3_600
"""How much later it is removed: whoever attaches it in the last moment must not lose it."""
MOST_A_DAY: Final = 200
"""Files that one person may send within a day."""
MOST_BYTES_A_DAY: Final = 256 * 1024 * 1024
MOST_REMOVED: Final = 20
"""Old files that one new file removes."""
LONGEST_NAME: Final = 100
MOST_STATEMENTS: Final = 60
"""Statements that may name one file: an entry and its corrections."""
_ID: Final = 32
_URL: Final = re.compile(r"/evidence/([0-9a-f]{32})\Z")
UNNAMED: Final = "u"
"""Index key of files that are kept for a time at first."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one file and one entry may have."""

    file_bytes: int = 10 * 1024 * 1024
    files: int = 5

    @property
    def entry_bytes(self) -> int:
        """Bytes of all the files of one entry."""
        return self.file_bytes * self.files


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A file that is kept."""

    id: str
    """128 random bits in hexadecimal."""
    tenant: str
    owner: str
    """The persona (`lrs.people.people`) of whoever sent it."""
    name: str
    """As its sender called it, without employee numbers and addresses; may be empty."""
    content_type: str
    """image/jpeg or application/pdf."""
    size: int
    sha2: str
    """SHA-256 of what is kept, in hexadecimal."""
    blob: str
    width: int = 0
    height: int = 0
    statements: tuple[str, ...] = ()
    """Ids of the statements that name it."""

    @property
    def is_picture(self) -> bool:
        """Whether there is a picture of it, and a preview."""
        return self.content_type != PDF


class EvidenceFiles:
    """The files of every tenant. Safe to use from many threads."""

    def __init__(
        self, store: Store, people: People, clock: Callable[[], int], bounds: Bounds | None = None
    ) -> None:
        self._store = store
        self._people = people
        self._clock = clock
        self._pictures = Pictures()
        self.bounds = bounds or Bounds()

    def keep(self, tenant: str, owner: str, data: bytes, name: str, *, id: str = "") -> EvidenceFile:
        """Keep a file for whoever sends it; EvidenceError when it cannot be evidence.

        A picture is drawn anew, anything else is kept as it is. `id`: chosen by the caller, who may ask again
        with the same one.
        """
        if len(data) > self.bounds.file_bytes:
            raise EvidenceError(Why.TOO_LARGE)
        kind = kind_of(data)
        with self._store.reading() as reader:
            self._refuse_too_much(reader, tenant, owner, len(data))
        picture = None if kind == PDF else self._pictures.drawn(tenant, data, kind)
        content = data if picture is None else picture.jpeg
        made = self._made(tenant, owner, content, name, picture, id or secrets.token_hex(_ID // 2))
        self._put_blob(made, content)
        now = self._clock()

        def work(writer: Writer) -> EvidenceFile:
            held = writer.document(EVIDENCE, tenant, made.id)
            if held is not None:
                return _file_of(held)
            self._refuse_too_much(writer, tenant, owner, made.size)
            writer.put(_document(made, now, expires=now + KEPT_SECONDS * SECOND))
            if picture is not None:
                preview = Document(PREVIEW, tenant, made.id, picture.preview, "image/jpeg", updated=now)
                writer.put(preview)
            return made

        try:
            kept = self._store.writing(
                work, WriteHints(tenant=tenant, size=len(picture.preview) if picture else 0)
            )
        except BaseException:
            if self.file(tenant, made.id) is None:
                self._store.blobs.delete(made.blob)
            raise
        if kept.blob != made.blob:
            self._store.blobs.delete(made.blob)
        self.remove_old(tenant)
        return kept

    def attach(self, tenant: str, statements: Iterable[Mapping[str, Any]]) -> None:
        """Note which files these statements name, which this program is about to store.

        A file that is not there, or that is not the actor's, is not opened by being named.
        """
        named = [(str(one["id"]), one["actor"], ids) for one in statements if (ids := _ids_in(one))]
        if not named:
            return
        owners = {id: self._people.persona(tenant, agent_key(actor) or "") for id, actor, _ in named}
        person = {id: self._people.person(tenant, owner) for id, owner in owners.items()}
        theirs = {id: {owners[id], *(one.personas if (one := person[id]) else ())} for id in owners}

        def work(writer: Writer) -> None:
            asked = {file_id for _, _, ids in named for file_id in ids}
            held = dict(writer.documents(EVIDENCE, tenant, asked))
            for statement_id, _, ids in named:
                for document in [held[file_id] for file_id in ids if file_id in held]:
                    file = _file_of(document)
                    if file.owner not in theirs[statement_id] or statement_id in file.statements:
                        continue
                    named_in = (*file.statements, statement_id)[-MOST_STATEMENTS:]
                    file = replace(file, statements=named_in)
                    held[file.id] = _document(file, document.updated, expires=_expiry(document))
                    writer.put(held[file.id])

        self._store.writing(work, WriteHints(tenant=tenant))

    def held(self, tenant: str, owners: Collection[str], ids: Sequence[str]) -> list[EvidenceFile]:
        """Those of these files that one of these personas has sent, in the order asked for."""
        wanted = [id for id in dict.fromkeys(ids) if len(id) == _ID][: 4 * self.bounds.files]
        now = self._clock()
        with self._store.reading() as reader:
            documents = reader.documents(EVIDENCE, tenant, set(wanted))
        found = [_usable(documents.get(id), owners, now) for id in wanted]
        return [file for file in found if file is not None]

    def file(self, tenant: str, id: str) -> EvidenceFile | None:
        """One file of the tenant, whoever's it is."""
        with self._store.reading() as reader:
            held = reader.document(EVIDENCE, tenant, id) if len(id) == _ID else None
        return None if held is None else _file_of(held)

    def of_entries(self, tenant: str, entries: Iterable[Entry]) -> dict[str, list[EvidenceFile | None]]:
        """The files of entries, by entry id: for each piece of `Entry.evidence` its file, None for others.

        A file counts where a statement that this program stored for its owner names it; so a statement by
        somebody else that names it as its own evidence opens nothing.
        """
        all_of_them = list(entries)
        asked = {id for entry in all_of_them for one in entry.evidence if (id := file_id(one.url))}
        found: dict[str, EvidenceFile] = {}
        if asked:
            with self._store.reading() as reader:
                documents = reader.documents(EVIDENCE, tenant, asked)
            found = {id: _file_of(held) for id, held in documents.items()}
        return {entry.id: [_named(entry, one, found) for one in entry.evidence] for entry in all_of_them}

    def chunks(self, file: EvidenceFile) -> Iterator[bytes]:
        """The bytes of a file, a piece at a time; KeyError when they are gone."""
        before = len(_salt(file.id))
        for chunk in self._store.blobs.chunks(file.blob):
            yield chunk[before:]
            before = 0

    def preview(self, file: EvidenceFile) -> bytes | None:
        """The small JPEG of a picture."""
        return self.previews(file.tenant, (file.id,)).get(file.id)

    def previews(self, tenant: str, ids: Collection[str]) -> dict[str, bytes]:
        """The small pictures of several files by id; files without one are missing."""
        with self._store.reading() as reader:
            found = reader.documents(PREVIEW, tenant, set(ids))
        return {id: held.body for id, held in found.items()}

    def remove_old(self, tenant: str) -> int:
        """Remove some files that no statement came to name in time, and note which are there to stay."""
        now = self._clock()
        with self._store.reading() as reader:
            oldest = reader.find_documents(DocumentQuery(EVIDENCE, tenant, {UNNAMED}, limit=MOST_REMOVED))
            before = json_documents.expiry_order(now - LATE_SECONDS * SECOND)
            old = {held.name: _file_of(held) for held in oldest if held.order < before}
            if not old:
                return 0
            asked = {id for file in old.values() for id in file.statements}
            stored = reader.get(tenant, asked, bodies=False).keys() if asked else ()
        gone = {id for id, file in old.items() if not any(each in stored for each in file.statements)}
        for id in gone:
            self._store.blobs.delete(old[id].blob)

        def work(writer: Writer) -> None:
            writer.delete(EVIDENCE, tenant, list(gone))
            writer.delete(PREVIEW, tenant, list(gone))
            for held in writer.documents(EVIDENCE, tenant, old.keys() - gone).values():
                writer.put(_document(_file_of(held), held.updated, expires=None))

        self._store.writing(work, WriteHints(tenant=tenant))
        return len(gone)

    def _made(
        self, tenant: str, owner: str, content: bytes, name: str, picture: Picture | None, id: str
    ) -> EvidenceFile:
        return EvidenceFile(
            id=id,
            tenant=tenant,
            owner=owner,
            name=tidy_name(name),
            content_type=PDF if picture is None else "image/jpeg",
            size=len(content),
            sha2=hashlib.sha256(content).hexdigest(),
            blob=hashlib.sha256(_salt(id) + content).hexdigest(),
            width=picture.width if picture else 0,
            height=picture.height if picture else 0,
        )

    def _put_blob(self, file: EvidenceFile, content: bytes) -> None:
        salt = _salt(file.id)
        self._store.blobs.put(file.blob, io.BytesIO(salt + content), len(salt) + len(content))

    def _refuse_too_much(self, reader: Reader, tenant: str, owner: str, size: int) -> None:
        """EvidenceError when the owner has sent too much within a day."""
        held = reader.find_documents(
            DocumentQuery(
                EVIDENCE,
                tenant,
                {owner_key(owner)},
                since=self._clock() - DAY_SECONDS * SECOND,
                limit=MOST_A_DAY,
                bodies=False,
            )
        )
        if len(held) >= MOST_A_DAY or size + sum(int(each.etag) for each in held) > MOST_BYTES_A_DAY:
            raise EvidenceError(Why.TOO_MUCH_A_DAY)


def owner_key(persona: str) -> str:
    """Index key of the files of one owner."""
    return f"o\x1f{persona}"


def file_url(origin: str, id: str) -> str:
    """The address of a file that stands in statements; whoever opens it is asked who they are."""
    return f"{origin}/evidence/{id}"


def file_id(url: str) -> str:
    """The id of the file whose address this is, whatever the origin was at that time; else empty."""
    found = _URL.search(url)
    return found[1] if found else ""


def tidy_name(name: str) -> str:
    """A file's name as pages may show it: without its folder, control characters, numbers of people."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return masked("".join(c for c in last if c.isprintable()).strip())[:LONGEST_NAME]


def _ids_in(statement: Mapping[str, Any]) -> list[str]:
    urls = [str(one.get("fileUrl", "")) for one in statement.get("attachments") or ()]
    return [id for url in urls if (id := file_id(url))]


def _named(entry: Entry, one: Evidence, found: Mapping[str, EvidenceFile]) -> EvidenceFile | None:
    file = found.get(file_id(one.url))
    is_it = file is not None and file.sha2 == one.sha2 and entry.statement_id in file.statements
    return file if is_it else None


def _salt(id: str) -> bytes:
    return bytes.fromhex(id)


def _usable(held: Document | None, owners: Collection[str], now: int) -> EvidenceFile | None:
    """The file if it is one of theirs and stays; one whose time is over is about to be removed."""
    if held is None:
        return None
    file = _file_of(held)
    expires = _expiry(held)
    return file if file.owner in owners and (file.statements or expires is None or expires > now) else None


def _document(file: EvidenceFile, now: int, *, expires: int | None) -> Document:
    """The file as it is stored; its tag is its size, which is asked for without the body."""
    body: dict[str, Any] = asdict(file)
    del body["id"], body["tenant"]
    keys = {owner_key(file.owner)}
    if expires is not None:
        keys.add(UNNAMED)
    return Document(
        EVIDENCE,
        file.tenant,
        file.id,
        orjson.dumps(body),
        etag=str(file.size),
        updated=now,
        keys=frozenset(keys),
        order="" if expires is None else json_documents.expiry_order(expires),
    )


def _expiry(held: Document) -> int | None:
    with suppress(ValueError):
        return int(held.order)
    return None


def _file_of(held: Document) -> EvidenceFile:
    body = orjson.loads(held.body)
    return EvidenceFile(**{**body, "statements": tuple(body["statements"])}, id=held.name, tenant=held.scope)

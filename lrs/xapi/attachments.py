"""The data of attachments: received with statements, kept as blobs, given back with them.

Blobs are shared by content. That a tenant may read one is a document of the tenant, written with the
statement that brought the data; so is, for those who see nothing but their own statements, that it came from
them. Knowing a hash alone opens nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from os import SEEK_END
from typing import IO, Final

import orjson

from lrs import document_kinds
from lrs.access import Access
from lrs.store.documents import Document
from lrs.store.port import Reader, Store, Writer
from lrs.xapi.spool import full_without_room
from statements.attachments import hasher

KIND: Final = document_kinds.ATTACHMENT
GRANT_SIZE = 1_000
"""Bytes that the two documents are reckoned with by which a write lets the data of one attachment be read."""


class WrongHashError(ValueError):
    """Data that does not have the hash it was sent with."""


@dataclass(frozen=True, slots=True)
class Received:
    """The data of one attachment, complete and true to its hash: `size` bytes of `file` from `start` on."""

    sha2: str
    """The hash it is declared with, lower case: SHA-224, -256, -384 or -512."""
    sha256: str
    size: int
    content_type: str
    file: IO[bytes]
    start: int

    def read(self, limit: int) -> bytes | None:
        """All of the data, or None when it is longer than `limit` bytes."""
        if self.size > limit:
            return None
        self.file.seek(self.start)
        return self.file.read(self.size)


class Receiver:
    """Adds the data of one attachment to the end of a file, while its hash is taken."""

    def __init__(self, sha2: str, content_type: str, file: IO[bytes]) -> None:
        """`sha2` is the hash that the sender gives; WrongHashError when it is none."""
        promised = hasher(sha2)
        if promised is None:
            raise WrongHashError("the hash is no SHA-2 in hexadecimal")
        self._sha2 = sha2.lower()
        self._content_type = content_type
        self._file = file
        self._start = file.seek(0, SEEK_END)
        self._size = 0
        self._sha256 = hashlib.sha256()
        self._promised = self._sha256 if promised.name == "sha256" else promised

    def add(self, chunk: bytes) -> None:
        """The next bytes. FullError when the file finds no room."""
        self._sha256.update(chunk)
        if self._promised is not self._sha256:
            self._promised.update(chunk)
        self._size += len(chunk)
        with full_without_room():
            self._file.write(chunk)

    def is_whole(self) -> bool:
        """Whether what was added so far has the hash that was promised."""
        return self._promised.hexdigest() == self._sha2

    def received(self) -> Received:
        """All that was added; WrongHashError when it is not what was promised."""
        if not self.is_whole():
            raise WrongHashError("the data does not have the hash it was sent with")
        with full_without_room():
            self._file.flush()
        sha256 = self._sha256.hexdigest()
        return Received(self._sha2, sha256, self._size, self._content_type, self._file, self._start)


def keep_blobs(store: Store, received: Sequence[Received]) -> None:
    """Make the data durable, before the write that refers to it."""
    for each in received:
        each.file.seek(each.start)
        store.blobs.put(each.sha256, each.file, each.size)


def grant(writer: Writer, access: Access, received: Sequence[Received], now: int) -> None:
    """Inside a write: let the tenant read this data, and the authority that sent it."""
    if not received:
        return
    names = {name: each for each in received for name in (each.sha2, _own(each.sha2, access))}
    known = writer.documents(KIND, access.tenant, names.keys())
    for name, each in names.items():
        if name not in known:
            body = orjson.dumps({"blob": each.sha256, "size": each.size})
            writer.put(Document(KIND, access.tenant, name, body, etag=each.sha256, updated=now))


def readable(reader: Reader, access: Access, hashes: Collection[str]) -> dict[str, str]:
    """Of these hashes those whose data the caller may read: declared hash -> blob."""
    names = {_own(sha2, access) if access.only_mine else sha2: sha2 for sha2 in hashes}
    found = reader.documents(KIND, access.tenant, names.keys())
    return {names[name]: orjson.loads(document.body)["blob"] for name, document in found.items()}


def _own(sha2: str, access: Access) -> str:
    """Name of the document that says that this authority sent this data."""
    return f"{sha2}\x1f{hashlib.blake2b(access.mine.encode(), digest_size=16).hexdigest()}"

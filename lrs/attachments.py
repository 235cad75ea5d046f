"""The data of attachments: received with statements, kept as blobs, given back with them.

Blobs are shared by content. That a tenant may read one is a document of the tenant, written with the
statement that brought the data; so is, for those who see nothing but their own statements, that it came from
them. Knowing a hash alone opens nothing.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import SEEK_END
from tempfile import SpooledTemporaryFile
from typing import IO

import orjson

from lrs.access import Access
from lrs.store.port import Document, Full, Reader, Store, Writer
from statements.attachments import hasher

KIND = "attachment"
IN_MEMORY = 262_144
"""More data than this, all parts of a request together, waits in a temporary file."""
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class WrongHash(ValueError):
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


@contextlib.contextmanager
def spool() -> Iterator[IO[bytes]]:
    """A file for the data of one request, however many parts it has: files of a process are few."""
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed below, whatever that says
    try:
        yield file
    finally:
        with contextlib.suppress(OSError):  # closing writes what is left, which nobody needs any more
            file.close()


def receive(sha2: str, content_type: str, chunks: Iterable[bytes], file: IO[bytes]) -> Received:
    """Add data to the end of a file while its hash is taken; WrongHash when it is not `sha2`.

    Full when the file finds no room.
    """
    promised = hasher(sha2)
    if promised is None:
        raise WrongHash("the hash is no SHA-2 in hexadecimal")
    own = hashlib.sha256()
    size, start = 0, file.seek(0, SEEK_END)
    try:
        for chunk in chunks:
            own.update(chunk)
            if promised.name != "sha256":
                promised.update(chunk)
            size += len(chunk)
            file.write(chunk)
        file.flush()
    except OSError as error:
        if error.errno in NO_SPACE:
            raise Full("there is no room to receive an attachment") from error
        raise
    found = own.hexdigest() if promised.name == "sha256" else promised.hexdigest()
    if found != sha2.lower():
        raise WrongHash("the data does not have the hash it was sent with")
    return Received(sha2.lower(), own.hexdigest(), size, content_type, file, start)


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

"""The data of attachments: received with statements, kept as blobs, given back with them.

Blobs are shared by content. That a tenant may read one is a document of the tenant, written with the
statement that brought the data: knowing a hash alone opens nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO

import orjson

from lrs.store.port import Document, Reader, Store, Writer
from statements.attachments import hasher

KIND = "attachment"
IN_MEMORY = 65_536
"""Larger data waits in a temporary file."""


class WrongHash(ValueError):
    """Data that does not have the hash it was sent with."""


@dataclass(frozen=True, slots=True)
class Received:
    """The data of one attachment, complete and true to its hash. `file` stands at its start."""

    sha2: str
    """The hash it is declared with, lower case: SHA-224, -256, -384 or -512."""
    sha256: str
    size: int
    content_type: str
    file: IO[bytes]

    def read(self, limit: int) -> bytes | None:
        """All of the data, or None when it is longer than `limit` bytes."""
        if self.size > limit:
            return None
        self.file.seek(0)
        return self.file.read()


def receive(sha2: str, content_type: str, chunks: Iterable[bytes]) -> Received:
    """Spool data to a file while its hash is taken; WrongHash when it is not `sha2`.

    The caller closes `file`.
    """
    promised = hasher(sha2)
    if promised is None:
        raise WrongHash("the hash is no SHA-2 in hexadecimal")
    own = hashlib.sha256()
    size = 0
    file: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the caller closes it
    try:
        for chunk in chunks:
            own.update(chunk)
            if promised.name != "sha256":
                promised.update(chunk)
            size += len(chunk)
            file.write(chunk)
        found = own.hexdigest() if promised.name == "sha256" else promised.hexdigest()
        if found != sha2.lower():
            raise WrongHash("the data does not have the hash it was sent with")
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return Received(sha2.lower(), own.hexdigest(), size, content_type, file)


def keep_blobs(store: Store, received: Sequence[Received]) -> None:
    """Make the data durable, before the write that refers to it."""
    for each in received:
        each.file.seek(0)
        store.blobs.put(each.sha256, each.file, each.size)


def grant(writer: Writer, tenant: str, received: Sequence[Received], now: int) -> None:
    """Inside a write: let the tenant read this data."""
    if not received:
        return
    known = writer.documents(KIND, tenant, {each.sha2 for each in received})
    for each in received:
        if each.sha2 not in known:
            body = orjson.dumps({"blob": each.sha256, "size": each.size})
            writer.put(Document(KIND, tenant, each.sha2, body, etag=each.sha256, updated=now))


def readable(reader: Reader, tenant: str, hashes: Collection[str]) -> dict[str, str]:
    """Of these hashes those whose data the tenant has: declared hash -> blob."""
    found = reader.documents(KIND, tenant, hashes)
    return {sha2: orjson.loads(document.body)["blob"] for sha2, document in found.items()}

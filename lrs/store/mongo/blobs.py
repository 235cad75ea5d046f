"""Blobs in GridFS, found by their SHA-256 as the file's name.

GridFS writes the chunks first and the file last, so a blob is whole or not there. An upload announces
itself in `blobs.uploads`; what an interrupted one left behind is removed a day later.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import IO

from bson import ObjectId
from gridfs import GridFSBucket
from gridfs.errors import NoFile
from pymongo.database import Database

from lrs.store.mongo.codec import Raw
from lrs.store.mongo.errors import translating
from lrs.store.mongo.schema import BLOBS, DURABLE, UPLOADS

STEP = 262_144
ABANDONED = datetime.timedelta(days=1)


class MongoBlobs:
    """The port's Blobs."""

    def __init__(self, database: Database[Raw]) -> None:
        durable = database.with_options(write_concern=DURABLE)
        self._bucket = GridFSBucket(durable, BLOBS)
        self._files = durable[BLOBS + ".files"]
        self._chunks = durable[BLOBS + ".chunks"]
        self._uploads = durable[UPLOADS]

    def put(self, sha2: str, source: IO[bytes], size: int) -> None:
        """See `Blobs.put`; ValueError when the source ends early."""
        if self.size(sha2) is not None:
            return
        upload = ObjectId()
        with translating():
            self._uploads.insert_one({"_id": upload})
            with self._bucket.open_upload_stream_with_id(upload, sha2) as out:
                left = size
                while left:
                    data = source.read(min(left, STEP))
                    if not data:
                        raise ValueError("the source ended early")
                    out.write(data)
                    left -= len(data)
            self._uploads.delete_one({"_id": upload})

    def size(self, sha2: str) -> int | None:
        """See `Blobs.size`."""
        with translating():
            held = self._files.find_one({"filename": sha2}, {"length": 1})
        return None if held is None else int(held["length"])

    def chunks(self, sha2: str, *, chunk: int = STEP) -> Iterator[bytes]:
        """See `Blobs.chunks`."""
        with translating():
            try:
                with self._bucket.open_download_stream_by_name(sha2) as source:
                    while data := source.read(chunk):
                        yield data
            except NoFile:
                raise KeyError(sha2) from None

    def delete(self, sha2: str) -> None:
        """See `Blobs.delete`."""
        with translating():
            for held in self._files.find({"filename": sha2}, {"_id": 1}):
                self._remove(held["_id"])

    def sweep(self, now: datetime.datetime) -> None:
        """Remove what uploads left that began more than a day before `now` and never ended."""
        with translating():
            for held in self._uploads.find({"_id": {"$lt": ObjectId.from_datetime(now - ABANDONED)}}):
                if self._files.find_one({"_id": held["_id"]}) is None:
                    self._remove(held["_id"])
                self._uploads.delete_one({"_id": held["_id"]})

    def _remove(self, file: ObjectId) -> None:
        self._files.delete_one({"_id": file})
        self._chunks.delete_many({"files_id": file})

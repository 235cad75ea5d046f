"""Uploads to GridFS that do not come to their end."""

from __future__ import annotations

import datetime
import io

import pytest

from lrs.store.mongo.blobs import MongoBlobs
from lrs.store.mongo.store import MongoStore, connect
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests import mongod


def test_an_upload_that_was_cut_off_is_removed_later() -> None:
    """What a broken upload left is invisible, harms no second attempt, and is swept a day later."""
    with mongod.database() as address:
        store = MongoStore(address, STATEMENT_KEYS)
        client, name = connect(address)
        with client:
            blobs = MongoBlobs(client[name])
            with pytest.raises(ValueError, match="early"):
                blobs.put("ab" * 32, io.BytesIO(b"x" * 600_000), 700_000)
            assert blobs.size("ab" * 32) is None
            (upload,) = client[name]["blobs.uploads"].find()
            client[name]["blobs.chunks"].insert_one({"files_id": upload["_id"], "n": 0})
            blobs.sweep(datetime.datetime.now(datetime.UTC))
            assert client[name]["blobs.chunks"].count_documents({}) == 1
            blobs.sweep(datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2))
            assert client[name]["blobs.chunks"].count_documents({}) == 0
            assert client[name]["blobs.uploads"].count_documents({}) == 0
        store.close()

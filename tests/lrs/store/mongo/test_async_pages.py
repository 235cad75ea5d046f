"""The client that MongoDB's driver has for an event loop: made once, and ended with the loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from lrs.store.log import LogQuery
from lrs.store.mongo import store as mongo
from lrs.store.mongo.store import MongoStore
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests import mongod
from tests.contract.make import add, draft


def test_many_first_pages_at_once_make_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """A burst of requests to a fresh worker shares one set of connections, which end with the loop."""
    made: list[Any] = []

    class Noted(AsyncMongoClient[Any]):
        def __init__(self, *options: Any, **more: Any) -> None:
            made.append(self)
            self.ended = 0
            super().__init__(*options, **more)

        async def close(self) -> None:
            self.ended += 1
            await super().close()

    monkeypatch.setattr(mongo, "AsyncMongoClient", Noted)
    with mongod.database() as address:
        store = MongoStore(address, STATEMENT_KEYS)
        (kept,) = add(store, draft("a", body=b"here"))

        async def scenario() -> list[bytes]:
            finds = [store.page(LogQuery("bkn", ["a"], limit=1)) for _ in range(20)]
            return [page.body for page, _ in await asyncio.gather(*finds)]

        with ThreadPoolExecutor(1) as thread:  # a browser's tests may have left a loop in this one
            for _ in range(2):
                assert thread.submit(lambda: asyncio.run(scenario())).result() == [kept.body] * 20
        assert [each.ended for each in made] == [1, 1]
        store.close()

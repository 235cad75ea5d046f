"""Pages that an event loop awaits: the same as those that a thread reads."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import pytest
import uvloop

from lrs.store.errors import UnavailableError
from lrs.store.log import LogQuery, Position
from lrs.store.port import Store, read_page
from tests.contract.engines import Engine
from tests.contract.make import add, draft

T = TypeVar("T")


def run(scenario: Callable[[], Awaitable[T]]) -> T:
    """Run a scenario in a loop of its own."""

    async def bounded() -> T:
        return await asyncio.wait_for(scenario(), 20)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(bounded())


async def closed(store: Store) -> None:
    """Close a store as a server does, which still has its loop."""
    await asyncio.to_thread(store.close)


def test_a_page_is_what_a_reader_finds(engine: Engine) -> None:
    """Whatever is asked for, the loop gets the page and a promise that covers it, as a thread does."""
    store = engine.open()
    kept = add(store, *(draft("a", "b" if n % 3 else "c", body=b"%d" % n) for n in range(40)))
    add(store, draft("a", tenant="other"))
    plain = LogQuery("bkn", ["a"], limit=7)
    asked = [
        plain,
        replace(plain, keys=[], limit=100),
        replace(plain, keys=["a", "c"]),
        replace(plain, keys=["nothing"]),
        replace(plain, ascending=True, since=kept[3].stored),
        replace(plain, until=kept[30].stored, after=Position(kept[20].stored, kept[20].id)),
        replace(plain, limit=0),
    ]

    async def scenario() -> None:
        for find in asked:
            page, through = await store.page(find)
            assert page == read_page(store, find)[0]
            assert through <= read_page(store, find)[1]
        await closed(store)

    run(scenario)


def test_many_pages_are_awaited_at_once(engine: Engine) -> None:
    """Pages of one loop do not mix, however many are under way."""
    store = engine.open()
    add(store, *(draft(f"k{n % 10}", body=b"%d" % (n % 10)) for n in range(200)))

    async def scenario() -> None:
        finds = [LogQuery("bkn", [f"k{n % 10}"], limit=20) for n in range(150)]
        pages = await asyncio.gather(*map(store.page, finds))
        assert [page.body for page, _ in pages] == [b",".join([b"%d" % (n % 10)] * 20) for n in range(150)]
        await closed(store)

    run(scenario)


def test_two_loops_may_ask_the_same_store(engine: Engine) -> None:
    """Loops of two threads do not get into each other's way, and end with the store."""
    store = engine.open()
    (kept,) = add(store, draft("a", body=b"here"))
    both = threading.Barrier(2, timeout=20)

    async def scenario() -> bytes:
        found = await store.page(LogQuery("bkn", ["a"], limit=1))
        await asyncio.to_thread(both.wait)
        await closed(store)
        await asyncio.sleep(0.2)  # the other one may be the one who closes
        return found[0].body

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(run, [scenario] * 2)) == [kept.body] * 2


def test_a_closed_store_gives_no_page(engine: Engine) -> None:
    """UnavailableError, whether the store was used by the loop before or not."""
    used, fresh = engine.open(), engine.open()

    async def scenario() -> None:
        await used.page(LogQuery("bkn", [], limit=1))
        for store in (used, fresh):
            await closed(store)
            with pytest.raises(UnavailableError):
                await store.page(LogQuery("bkn", [], limit=1))

    run(scenario)


def test_a_store_may_be_closed_by_the_loop_itself(engine: Engine) -> None:
    """It does not wait for itself."""
    store = engine.open()

    async def scenario() -> None:
        await store.page(LogQuery("bkn", [], limit=1))
        store.close()
        with pytest.raises(UnavailableError):
            await store.page(LogQuery("bkn", [], limit=1))

    run(scenario)
    gc.collect()  # what the loop left open would say so


def test_loops_may_end_before_the_store(engine: Engine) -> None:
    """A loop takes its connections with it, the next one gets its own, and the store closes without them."""
    store = engine.open()
    add(store, draft("a", body=b"here"))

    async def scenario() -> bytes:
        return (await store.page(LogQuery("bkn", ["a"], limit=1)))[0].body

    assert [run(scenario) for _ in range(3)] == [b"here"] * 3
    store.close()
    gc.collect()  # what a loop left open would say so

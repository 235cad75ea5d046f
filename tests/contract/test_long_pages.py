"""Pages that cost too much are given up, by whoever reads them within bounds, and nothing else is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from lrs.access import Access
from lrs.store import read_bounds
from lrs.store.errors import TooLongError
from lrs.store.log import LogQuery
from lrs.store.mongo import async_pages
from lrs.store.port import Store, read_page
from lrs.store.sqlite import schema
from lrs.xapi.effects import run_sync
from lrs.xapi.query import Query
from statements.filters import StatementQuery
from tests.contract.engines import ENGINES
from tests.contract.make import add, draft
from tests.contract.test_page import run
from tests.lrs.samples import agent

PAGE = LogQuery("bkn", ["a"], limit=3)
ACCESS = Access.internal("bkn", "test", agent("tool"))
FOUND = b"8,7,6"


@pytest.fixture(params=["sqlite", "mongo"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Nine records, in a store that looks at its bounds at every step."""
    monkeypatch.setattr(schema, "STEPS", 1)
    engine = ENGINES[request.param](tmp_path)
    opened = engine.open()
    add(opened, *(draft("a", body=b"%d" % n) for n in range(9)))
    yield opened
    opened.close()
    engine.remove()


@pytest.fixture
def nothing_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every page is more than a quick one may be."""
    monkeypatch.setattr(async_pages, "QUICK_COMMANDS", 0)
    monkeypatch.setattr(read_bounds, "QUICK_SECONDS", -1.0)


def read(store: Store) -> bytes:
    """The first statements, as a request for them reads them in a thread."""
    query = Query(store, cursor_key=b"key")
    return run_sync(store, query.exact(ACCESS, StatementQuery(limit=3))).joined


def test_a_read_without_bounds_is_read_to_its_end(store: Store, nothing_is_quick: None) -> None:
    """Only who asks for bounds has them."""
    assert read_page(store, PAGE)[0].body == FOUND


@pytest.mark.parametrize("seconds", ["QUICK_SECONDS", "SLOW_SECONDS"])
def test_a_read_ends_at_its_bound(store: Store, seconds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside either bound, a read that goes on too long is given up; the next one is as ever."""
    monkeypatch.setattr(read_bounds, seconds, -1.0)
    bound: Callable[[], AbstractContextManager[None]]
    bound = read_bounds.quick if seconds == "QUICK_SECONDS" else read_bounds.slow
    with pytest.raises(TooLongError), bound():
        read_page(store, PAGE)
    assert read_page(store, PAGE)[0].body == FOUND


def test_the_loop_gives_up_a_long_page(store: Store, nothing_is_quick: None) -> None:
    """An event loop is told that a page is too long for it, whatever it awaits it from."""

    async def scenario() -> None:
        with pytest.raises(TooLongError):
            await store.page(PAGE)
        await asyncio.to_thread(store.close)

    run(scenario)


def test_a_long_page_is_the_same_page(store: Store, nothing_is_quick: None) -> None:
    """What was given up is read again with patience, and is what anybody would have got."""
    assert read(store) == FOUND


def test_patience_has_an_end(store: Store, nothing_is_quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its deadline a long page is refused."""
    monkeypatch.setattr(read_bounds, "SLOW_SECONDS", -1.0)
    with pytest.raises(TooLongError):
        read(store)


def test_bounds_end_with_their_block() -> None:
    """What is read after a bounded block has no bounds, even if the block failed."""

    def fail() -> None:
        held = read_bounds.deadline()
        assert held is not None
        assert held > time.monotonic()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), read_bounds.slow():
        fail()
    assert read_bounds.deadline() is None
    assert not read_bounds.is_over()

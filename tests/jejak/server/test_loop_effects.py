"""Effects that write, carried out by an event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop

from jejak.server import loop_effects
from jejak.server.loop_effects import LoopEffects, NeedsThreadError
from lrs.access import Access
from lrs.store.errors import ConflictError, UnavailableError
from lrs.store.log import LogQuery
from lrs.store.memory import MemoryData, MemoryStore
from lrs.store.open import open_store
from lrs.store.pages import RawPage
from lrs.store.port import Store, Writer
from lrs.store.writer_activity import WriterActivity
from lrs.store.writes import NO_HINTS, Done, Submitted, WriteHints
from lrs.xapi.effects import Call, Effects, Write, run_sync
from lrs.xapi.ingest import ATTEMPTS, Ingest
from lrs.xapi.repeated_statements import DiffersError
from lrs.xapi.statement_keys import STATEMENT_KEYS
from statements.data_types.versions import Version
from tests.lrs.samples import agent, statement

T = TypeVar("T")
VIEWS = [("one", (frozenset({"k"}),))]
HINTS = WriteHints([("one", "a")], [("k", "one", "n")], (), VIEWS, "one", 9)
ACCESS = Access.internal("one", "test", agent("tool"))


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Store]:
    """A SQLite file."""
    store = open_store(f"sqlite:///{tmp_path / 'writes.db'}", STATEMENT_KEYS)
    yield store
    store.close()


class Held(MemoryStore):
    """A store that notes what is handed over, and does it when it is told to, on another thread."""

    def __init__(self) -> None:
        super().__init__(MemoryData())
        self.waiting: list[tuple[Callable[[Any], Any], Done]] = []
        self.hints: list[WriteHints] = []
        self.withdrawn = 0

    def submit(self, work: Callable[[Any], Any], done: Done, hints: WriteHints = NO_HINTS) -> Submitted:
        entry = (work, done)
        self.waiting.append(entry)
        self.hints.append(hints)
        store = self

        class Job:
            def withdraw(self) -> bool:
                if entry not in store.waiting:
                    return False
                store.waiting.remove(entry)
                store.withdrawn += 1
                return True

        return Job()

    def end(self, *failures: BaseException) -> None:
        """End all that waits at once; the first of them with these failures."""
        waiting, self.waiting = self.waiting, []
        left = list(failures)

        def tell() -> None:
            for work, done in waiting:
                if left:
                    done(None, left.pop(0))
                else:
                    done(self.writing(work), None)

        thread = threading.Thread(target=tell)
        thread.start()
        thread.join()


def run(store: Store, scenario: Callable[[LoopEffects], Awaitable[T]]) -> T:
    """A scenario with the writes of a fresh loop, of the kind that the server uses."""

    async def main() -> T:
        return await asyncio.wait_for(scenario(LoopEffects(store, asyncio.get_running_loop())), 20)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


async def turns(count: int = 3) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


def one(value: object) -> Effects[object]:
    """Effects of a single write that returns the value."""
    return (yield Write(lambda writer: value))


def test_results_are_sent_into_the_steps() -> None:
    """Each write is awaited in its turn, with its hints, and the effects return what they make of them."""
    store = Held()

    def effects() -> Effects[list[int]]:
        first = yield Write(lambda writer: 1, HINTS)
        second = yield Write(lambda writer: first + 1)
        return [first, second]

    async def scenario(writes: LoopEffects) -> list[int]:
        task = asyncio.create_task(writes.run_async(effects()))
        await turns()
        assert len(store.waiting) == 1
        store.end()
        await turns()
        assert len(store.waiting) == 1
        store.end()
        return await task

    assert run(store, scenario) == [1, 2]
    assert store.hints == [HINTS, NO_HINTS]


def test_steps_without_a_write_return_at_once() -> None:
    """What yields nothing does not touch the store."""
    store = Held()

    def effects() -> Effects[str]:
        yield from ()
        return "over"

    assert run(store, lambda writes: writes.run_async(effects())) == "over"
    assert store.hints == []


@pytest.mark.parametrize("failure", [UnavailableError("gone"), ValueError("odd"), ConflictError(["x"])])
def test_errors_are_thrown_into_the_steps(failure: Exception) -> None:
    """What ends a write is raised where it was yielded, and where the effects let it pass, to the caller."""
    store = Held()
    caught: list[BaseException] = []

    def effects(*, lenient: bool) -> Effects[str]:
        try:
            yield Write(lambda writer: None)
        except Exception as error:
            caught.append(error)
            if not lenient:
                raise
        return "went on"

    async def scenario(writes: LoopEffects) -> list[str | BaseException]:
        tasks = [asyncio.create_task(writes.run_async(effects(lenient=each))) for each in (True, False)]
        await turns()
        store.end(failure, failure)
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert run(store, scenario) == ["went on", failure]
    assert caught == [failure, failure]


class Far(Held):
    """A store on another machine, which answers for pages when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[LogQuery, asyncio.Future[tuple[RawPage, int]]]] = []

    @property
    def is_local(self) -> bool:
        return False

    async def page(self, find: LogQuery) -> tuple[RawPage, int]:
        self.asked.append((find, asyncio.get_running_loop().create_future()))
        return await self.asked[-1][1]


def test_pages_are_awaited_side_by_side() -> None:
    """Each of many pages is waited for by its own effects alone, which hear the page or the error."""
    store = Far()
    told = (RawPage(b"{}", None, more=False), 7)

    def effects(limit: int) -> Effects[Any]:
        try:
            return (yield LogQuery("one", [], limit=limit))
        except UnavailableError as error:
            return str(error)

    async def scenario(writes: LoopEffects) -> list[Any]:
        tasks = [asyncio.create_task(writes.run_async(effects(limit))) for limit in (1, 2)]
        await turns()
        (first, page), (second, failing) = store.asked
        assert (first.limit, second.limit) == (1, 2)
        failing.set_exception(UnavailableError("gone"))
        await turns()
        assert [task.done() for task in tasks] == [False, True]
        page.set_result(told)
        return await asyncio.gather(*tasks)

    assert run(store, scenario) == [told, "gone"]


@pytest.mark.parametrize("local", [True, False], ids=["embedded", "replicated"])
def test_a_call_that_may_wait_long_is_left_to_a_thread(local: bool) -> None:
    """The loop calls what reads this machine's disk; otherwise it ends the effects and calls nothing."""
    seen: list[str] = []

    def effects() -> Effects[object]:
        try:
            return (yield Call(lambda: seen.append("called")))
        finally:
            seen.append("ended")

    async def scenario(writes: LoopEffects) -> None:
        with nullcontext() if local else pytest.raises(NeedsThreadError):
            await writes.run_async(effects())

    run(Held() if local else Far(), scenario)
    assert seen == (["called", "ended"] if local else ["ended"])


def test_a_store_that_takes_no_write_is_told_to_the_steps() -> None:
    """What `submit` itself raises arrives like the failure of the write."""
    store = MemoryStore(MemoryData())
    store.close()

    def effects() -> Effects[str]:
        try:
            yield Write(lambda writer: None)
        except UnavailableError:
            return "closed"
        return "open"

    assert run(store, lambda writes: writes.run_async(effects())) == "closed"


@pytest.mark.parametrize(("races", "kept"), [(ATTEMPTS - 1, True), (ATTEMPTS, False)])
def test_a_lost_race_is_run_again(races: int, kept: bool) -> None:
    """Storing statements asks for the write again after a ConflictError, up to a last time."""
    store = Held()
    ingest = Ingest(store, lambda: 1, lambda: "")

    async def scenario(writes: LoopEffects) -> Any:
        task = asyncio.create_task(writes.run_async(ingest.effects(ACCESS, [statement()], Version.V1)))
        for _ in range(races):
            await turns()
            store.end(ConflictError(["x"]))
        await turns()
        store.end()
        return (await asyncio.gather(task, return_exceptions=True))[0]

    ended = run(store, scenario)
    assert ended.new == 1 if kept else isinstance(ended, ConflictError)
    assert len(store.hints) == min(races + 1, ATTEMPTS)


def test_many_writes_that_end_together_wake_the_loop_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group that ends while the loop is busy costs one wake-up, and everyone hears its own result."""
    store = Held()
    woken: list[int] = []
    tell = LoopEffects._tell

    def counted(self: LoopEffects) -> None:
        woken.append(len(self._ended))
        tell(self)

    monkeypatch.setattr(LoopEffects, "_tell", counted)

    async def scenario(writes: LoopEffects) -> list[object]:
        tasks = [asyncio.create_task(writes.run_async(one(place))) for place in range(100)]
        await turns()
        store.end()
        first = await asyncio.gather(*tasks)
        again = asyncio.create_task(writes.run_async(one("again")))
        await turns()
        store.end()
        return [*first, await again]

    assert run(store, scenario) == [*range(100), "again"]
    assert woken == [100, 1]


def test_a_write_without_its_turn_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while it is withdrawn, so that nothing of it is kept, and the caller hears UnavailableError."""
    monkeypatch.setattr(loop_effects, "WRITE_WAIT_SECONDS", 0.05)
    store = Held()

    async def scenario(writes: LoopEffects) -> None:
        begun = time.monotonic()
        with pytest.raises(UnavailableError, match="turn"):
            await writes.run_async(one(1))
        assert 0.04 < time.monotonic() - begun < 5

    run(store, scenario)
    assert (store.withdrawn, store.waiting) == (1, [])


def test_a_write_that_had_its_turn_is_waited_for(sqlite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being done is not given up, however long it takes: its caller must hear what became of it."""
    monkeypatch.setattr(loop_effects, "WRITE_WAIT_SECONDS", 0.02)
    begun, free = threading.Event(), threading.Event()

    def slow(writer: Writer) -> str:
        begun.set()
        free.wait(10)
        return "done"

    def effects() -> Effects[object]:
        return (yield Write(slow))

    async def scenario(writes: LoopEffects) -> object:
        task = asyncio.create_task(writes.run_async(effects()))
        assert await asyncio.to_thread(begun.wait, 10)
        other = asyncio.create_task(writes.run_async(one("late")))
        with pytest.raises(UnavailableError):
            await other
        assert not task.done()
        free.set()
        return await task

    assert run(sqlite, scenario) == "done"


def test_a_caller_that_is_cancelled_leaves_the_others_alone() -> None:
    """A task that was cancelled is not told, its write is done all the same, and the rest hear theirs."""
    store = Held()
    ran: list[int] = []

    def effects(place: int) -> Effects[object]:
        return (yield Write(lambda writer: ran.append(place)))

    async def scenario(writes: LoopEffects) -> list[object]:
        tasks = [asyncio.create_task(writes.run_async(effects(place))) for place in range(3)]
        await turns()
        tasks[1].cancel()
        await turns()
        store.end()
        with pytest.raises(asyncio.CancelledError):
            await tasks[1]
        return [await tasks[0], await tasks[2]]

    assert run(store, scenario) == [None, None]
    assert ran == [0, 1, 2]


def test_what_ends_after_the_loop_is_told_to_nobody() -> None:
    """A write that outlives its loop raises nothing in the thread of the store that tells of it."""
    store = Held()
    loop = uvloop.new_event_loop()
    writes = LoopEffects(store, loop)
    task = loop.create_task(writes.run_async(one(1)))
    loop.run_until_complete(turns())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()
    ((_, done),) = store.waiting
    done(1, None)
    done(None, UnavailableError("closing"))


def test_statements_are_stored_from_the_loop(sqlite: Store) -> None:
    """Hundreds of submissions of one loop are all durable when they return; a different one is refused."""
    ingest = Ingest(sqlite, lambda: time.time_ns() // 1000, lambda: "")
    sent = [statement() for _ in range(300)]

    async def scenario(writes: LoopEffects) -> list[Any]:
        def storing(value: dict[str, Any]) -> Awaitable[Any]:
            return writes.run_async(ingest.effects(ACCESS, [value], Version.V1))

        receipts = await asyncio.gather(*map(storing, sent))
        assert {receipt.ids[0] for receipt in receipts} == {each["id"] for each in sent}
        again = [storing(sent[0]), storing(sent[0] | {"actor": agent("budi")})]
        return await asyncio.gather(*again, return_exceptions=True)

    told = run(sqlite, scenario)
    assert told[0].new == 0
    # Comparing may take long: a thread begins anew, and finds the difference.
    assert isinstance(told[1], NeedsThreadError)
    with pytest.raises(DiffersError):
        run_sync(sqlite, ingest.effects(ACCESS, [sent[0] | {"actor": agent("budi")}], Version.V1))
    with sqlite.reading() as reader:
        assert len(reader.find(LogQuery("one", limit=999))) == len(sent)


class Working(Held):
    """A store whose thread is busy until it is told to have done."""

    def __init__(self) -> None:
        super().__init__()
        self.busy = WriterActivity()

    def when_idle(self, call: Callable[[], None]) -> bool:
        return self.busy.when_over(call)


async def entered(writes: LoopEffects, order: list[int], number: int) -> None:
    """Note the number once the store is quiet."""
    await writes.idle()
    order.append(number)


def test_what_can_wait_does_so_while_the_store_works() -> None:
    """Nobody waits for a store that is idle; while it works all do, and then go on in their order."""
    store = Working()

    async def scenario(writes: LoopEffects) -> list[int]:
        order: list[int] = []
        await entered(writes, order, 0)
        for number in (1, 4):
            with store.busy:
                tasks = [asyncio.create_task(entered(writes, order, number + n)) for n in range(3)]
                await turns()
                assert order[-1] == number - 1
            await asyncio.gather(*tasks)
        await entered(writes, order, 7)
        return order

    assert run(store, scenario) == list(range(8))


def test_who_gives_up_waiting_takes_nobody_along() -> None:
    """A request that is cancelled while it waits leaves the others waiting, and then going on."""
    store = Working()

    async def scenario(writes: LoopEffects) -> list[int]:
        order: list[int] = []
        with store.busy:
            first, *others = [asyncio.create_task(entered(writes, order, n)) for n in range(3)]
            await turns()
            first.cancel()
            await turns()
            assert not any(task.done() for task in others)
        await asyncio.wait([first, *others])
        return order

    assert run(store, scenario) == [1, 2]


def test_nobody_waits_long_for_a_store_that_goes_on_working(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is busy with something large delays a request by a moment only."""
    monkeypatch.setattr(loop_effects, "IDLE_SECONDS", 0.01)
    store = Working()

    async def scenario(writes: LoopEffects) -> list[int]:
        order: list[int] = []
        with store.busy:
            await asyncio.gather(*(entered(writes, order, n) for n in range(3)))
            await entered(writes, order, 3)
        return order

    assert run(store, scenario) == [0, 1, 2, 3]

"""Effects, carried out by the thread that calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lrs.access import Access
from lrs.store.errors import ConflictError, UnavailableError
from lrs.store.log import LogQuery
from lrs.store.memory import MemoryData, MemoryStore
from lrs.store.port import Writer, read_page
from lrs.store.writes import NO_HINTS, WriteHints
from lrs.xapi.effects import Call, Effect, Effects, Write, run_sync
from lrs.xapi.ingest import ATTEMPTS, Ingest, Receipt
from lrs.xapi.repeated_statements import DiffersError
from statements.data_types.versions import Version
from statements.errors import InvalidError
from tests.lrs.samples import agent, statement

VIEWS = [("one", (frozenset({"k"}),))]
HINTS = WriteHints([("one", "a")], [("k", "one", "n")], (), VIEWS, "one", 9)
ACCESS = Access.internal("one", "test", agent("tool"))


class Noting(MemoryStore):
    """A store that notes the arguments of each write, and fails as often as it is told to."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__(MemoryData())
        self.noted: list[tuple[Any, WriteHints]] = []
        self._failures = list(failures)

    def writing(self, work: Callable[[Any], Any], hints: WriteHints = NO_HINTS) -> Any:
        self.noted.append((work, hints))
        if self._failures:
            raise self._failures.pop(0)
        return super().writing(work, hints)


def three(_writer: Writer) -> int:
    """Work that returns three."""
    return 3


def test_steps_without_a_write_only_return() -> None:
    """What yields nothing is run to its end, and the store is not asked for anything."""
    store = Noting()

    def effects() -> Effects[str]:
        yield from ()
        return "over"

    assert run_sync(store, effects()) == "over"
    assert store.noted == []


def test_each_write_is_passed_on_and_its_result_comes_back() -> None:
    """Work and hints reach the store as they were yielded, in order; the results are sent back."""
    store = Noting()
    first = Write(three, HINTS)

    def effects() -> Effects[list[int]]:
        return [(yield first), (yield Write(lambda writer: 4))]

    assert run_sync(store, effects()) == [3, 4]
    (work, hints), (_, none) = store.noted
    assert work is three
    assert (hints, none) == (HINTS, NO_HINTS)


def test_what_a_write_raises_is_raised_where_it_was_yielded() -> None:
    """The effects may catch it and write again, or let the caller have it."""
    store = Noting(ConflictError(["x"]), UnavailableError("gone"))
    caught: list[str] = []

    def effects() -> Effects[int]:
        try:
            yield Write(three)
        except ConflictError as error:
            caught.append(str(error))
        try:
            value: int = yield Write(three)
            return value
        finally:
            caught.append("cleaned up")

    with pytest.raises(UnavailableError, match="gone"):
        run_sync(store, effects())
    assert caught == ["1 record id(s) already stored", "cleaned up"]
    assert len(store.noted) == 2


def test_steps_may_end_with_an_error_of_a_write() -> None:
    """An error that the effects catch as their last act is over: its value is what they return."""

    def effects() -> Effects[str]:
        try:
            yield Write(three)
        except UnavailableError:
            return "could not"
        return "could"

    assert run_sync(Noting(UnavailableError("no")), effects()) == "could not"
    assert run_sync(Noting(), effects()) == "could"


def test_a_page_comes_with_the_promise_of_its_snapshot() -> None:
    """A LogQuery is answered as `Store.page` would, from one snapshot."""
    store = Noting()
    Ingest(store, lambda: 1, lambda: "").submit(ACCESS, [statement(), statement()], Version.V1)

    def effects() -> Effects[Any]:
        return (yield LogQuery("one", [], limit=1))

    page, through = run_sync(store, effects())
    assert page == read_page(store, LogQuery("one", [], limit=1))[0]
    assert page.more
    assert page.last is not None
    assert page.last.stored <= through


def test_a_call_is_made_and_what_it_raises_is_raised_where_it_was_yielded() -> None:
    """The calling thread may wait, so it calls; the effects hear the result or the error."""

    def refuse() -> None:
        raise UnavailableError("gone")

    def effects() -> Effects[list[Any]]:
        found = [(yield Call(lambda: 3))]
        try:
            yield Call(refuse)
        except UnavailableError as error:
            found.append(str(error))
        return found

    assert run_sync(Noting(), effects()) == [3, "gone"]


@pytest.mark.parametrize(
    ("races", "error"),
    [(0, None), (1, None), (ATTEMPTS - 1, None), (ATTEMPTS, ConflictError)],
)
def test_storing_is_tried_again_after_a_lost_race(races: int, error: type[Exception] | None) -> None:
    """Every ConflictError but the last asks for the very same write once more, and then it is over."""
    asked: list[Effect] = []
    effects = Ingest(Noting(), lambda: 1, lambda: "").effects(ACCESS, [statement()], Version.V1)
    asked.append(next(effects))
    for _ in range(min(races, ATTEMPTS - 1)):
        asked.append(effects.throw(ConflictError(["x"])))
    if error is None:
        with pytest.raises(StopIteration) as ended:
            effects.send((7, 1, ()))
        assert isinstance(ended.value.value, Receipt)
        assert ended.value.value.stored == 7
    else:
        with pytest.raises(error):
            effects.throw(ConflictError(["x"]))
    assert all(each is asked[0] for each in asked)
    assert len(asked) == min(races, ATTEMPTS - 1) + 1


def test_nothing_is_learnt_from_a_write_that_failed() -> None:
    """Only after a write that added something are others told; a duplicate and a failure tell nobody."""
    told: list[Receipt] = []
    store = Noting()
    ingest = Ingest(store, lambda: 1, lambda: "", on_written=told.append)
    sent = statement()
    effects = ingest.effects(ACCESS, [sent], Version.V1)
    next(effects)
    with pytest.raises(UnavailableError):
        effects.throw(UnavailableError("gone"))
    assert told == []
    assert ingest.submit(ACCESS, [sent], Version.V1).new == 1
    assert ingest.submit(ACCESS, [sent], Version.V1).new == 0
    assert [receipt.ids for receipt in told] == [(sent["id"],)]


@pytest.mark.parametrize(
    ("change", "error"),
    [({"verb": {}}, InvalidError), ({"actor": agent("budi")}, DiffersError)],
)
def test_refused_statements_write_nothing(change: dict[str, Any], error: type[Exception]) -> None:
    """What is not valid asks for no write at all; what differs is undone by its own work."""
    store = Noting()
    ingest = Ingest(store, lambda: 1, lambda: "")
    sent = statement()
    ingest.submit(ACCESS, [sent], Version.V1)
    with pytest.raises(error):
        ingest.submit(ACCESS, [sent | change], Version.V1)
    # The second submission finds the id taken, and then compares.
    assert len(store.noted) == (3 if error is DiffersError else 1)
    with store.reading() as reader:
        (kept,) = reader.find(LogQuery("one", limit=9))
    assert kept.id == sent["id"]

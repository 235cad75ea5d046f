"""What refers to a statement that comes later is found through it, at once or after some slices."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jejak.app import create_app
from jejak.clock import new_id, now
from jejak.settings import load
from lrs.access import Access
from lrs.records.learning_record import LearningRecord
from lrs.store.documents import Document, DocumentQuery
from lrs.store.errors import UnavailableError
from lrs.store.log import LogQuery
from lrs.store.memory import MemoryData, MemoryStore
from lrs.store.port import Store, Writer
from lrs.store.writes import NO_HINTS, WriteHints
from lrs.xapi import pending_ids
from lrs.xapi import pending_references as pending
from lrs.xapi.ingest import Ingest
from lrs.xapi.pending_references import OWED, TURN, PendingReferences
from lrs.xapi.reindex import reindex
from statements.data_types.versions import Version
from statements.inherited_keys import MOST_KEYS, MOST_KEYS_IN_ALL
from statements.keys import agent_filter_key
from tests.contract.engines import ENGINES
from tests.lrs.samples import COMPLETED, VOIDED, about, agent, statement, voiding

TENANT = "one"


@pytest.fixture(params=["memory", "sqlite", "mongo"])
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def store(engine: str, tmp_path: Path) -> Iterator[Store]:
    made = ENGINES[engine](tmp_path)
    opened = made.open()
    yield opened
    opened.close()
    made.remove()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets so small that a handful of statements goes beyond each."""
    monkeypatch.setattr(pending, "AT_ONCE", 2)
    monkeypatch.setattr(pending, "MOST_FOLLOWED", 1)
    monkeypatch.setattr(pending, "MOST_KEYS", 25)


def access(tenant: str = TENANT, name: str = "everything") -> Access:
    return Access.internal(
        tenant, name, {"objectType": "Agent", "account": {"homePage": "https://x.id", "name": name}}
    )


def submit(store: Store, *statements: dict[str, Any], tenant: str = TENANT, name: str = "everything") -> None:
    Ingest(store, now, new_id).submit(access(tenant, name), list(statements), Version.V1)


def found(store: Store, name: str, tenant: str = TENANT) -> set[str]:
    """The ids of the statements that are found by an agent."""
    with store.reading() as reader:
        keys = (agent_filter_key(agent(name)),)
        return {record.id for record in reader.find(LogQuery(tenant, keys, limit=10_000))}


def owed(store: Store, tenant: str = TENANT) -> list[Document]:
    with store.reading() as reader:
        return reader.find_documents(DocumentQuery(OWED, tenant, limit=1000))


def views(store: Store, tenant: str = TENANT) -> dict[str, int]:
    """How many keys each statement takes over."""
    with store.reading() as reader:
        log = reader.find(LogQuery(tenant, limit=10_000, include_hidden=True))
    return {record.id: sum(map(len, record.views[1:])) for record in log}


@dataclass(frozen=True)
class Effect:
    """A batch of statements that is sent; what is owed is paid in some slices after it.

    `late`: it is sent while a slice is under way, between what that slice reads and what it writes.
    """

    batch: Sequence[tuple[int, int | None, bool, bool, str]]
    slices: int
    late: bool


@st.composite
def histories(draw: st.DrawFn) -> list[Effect]:
    """Statements of which many refer to few, or to absent ones, in any order, cut into batches."""
    size = draw(st.integers(2, 9))
    targets = [draw(st.none() | st.integers(0, min(size, 3)) | st.integers(0, size)) for _ in range(size)]
    wants = [target is not None and draw(st.booleans()) for target in targets]
    # A statement that voids another cannot be voided.
    voids = [want and not dict(enumerate(wants)).get(targets[n] or 0) for n, want in enumerate(wants)]
    steps: list[Effect] = []
    batch: list[tuple[int, int | None, bool, bool, str]] = []
    for number in draw(st.permutations(range(size))):
        fat, author = draw(st.booleans()), draw(st.sampled_from(["a", "b"]))
        batch.append((number, targets[number], voids[number], fat, author))
        if draw(st.booleans()):
            steps.append(Effect(batch, draw(st.integers(0, 2)), draw(st.booleans())))
            batch = []
    return [*steps, Effect(batch, 0, False)] if batch else steps


class _Between:
    def __init__(self, store: Store, before: Callable[[], None]) -> None:
        self.reading = store.reading
        self._writing = store.writing
        self._before: Callable[[], None] | None = before

    def writing(self, work: Callable[[Writer], Any], hints: WriteHints = NO_HINTS) -> Any:
        before, self._before = self._before, None
        if before is not None:
            before()
        return self._writing(work, hints)


def between(store: Store, before: Callable[[], None]) -> Store:
    """A store that does something between what is read and the first write."""
    return cast("Store", _Between(store, before))


def run(store: Store, history: Sequence[Effect], tenant: str) -> None:
    """Send what a history tells, and say what is found in the end."""
    ids = [str(UUID(int=n + 1, version=4)) for n in range(12)]
    targets: dict[int, int | None] = {}
    voided: set[int] = set()

    def send(step: Effect) -> None:
        for author in ("a", "b"):
            batch = []
            for number, target, voids, fat, its in step.batch:
                if its != author:
                    continue
                more = {
                    "contextActivities": {"other": [{"id": f"https://x.id/{n}"} for n in range(MOST_KEYS)]}
                }
                value = statement(f"n{number}", VOIDED if voids else COMPLETED, id=ids[number])
                if fat:
                    value["context"] = more
                if target is not None:
                    value["object"] = {"objectType": "StatementRef", "id": ids[target]}
                batch.append(value)
                targets[number] = target
                if voids and target is not None:
                    voided.add(target)
            if batch:
                submit(store, *batch, tenant=tenant, name=author)

    payer = PendingReferences(store, now)
    for step in history:
        under_way = between(store, partial(send, step))
        if not step.late or not PendingReferences(under_way, now).run_once():
            send(step)
        for _ in range(step.slices):
            payer.run_once()
    payer.drain()
    assert owed(store, tenant) == []
    for number in targets:
        meant = set()
        for each in targets.keys() - voided:
            passed: list[int] = []
            at: int | None = each
            while at is not None and at in targets and at not in passed:
                passed.append(at)
                at = targets[at]
            if number in passed:
                meant.add(ids[each])
        assert found(store, f"n{number}", tenant) == meant, number


STORED_BEFORE = [
    Effect(
        [(n, {4: 7, 5: 6, 6: 0}.get(n), False, False, "a") for n in range(7)],
        slices=0,
        late=False,
    ),
    Effect([(7, 5, False, False, "a")], slices=0, late=False),
]
"""One that was stored waits for another whose chain is longer than one write reads on."""

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.mark.slow
@pytest.mark.usefixtures("few")
@settings(max_examples=200, suppress_health_check=SLOW, deadline=None)
@given(histories())
@example(STORED_BEFORE)
def test_whatever_the_order_queries_find_the_same_in_the_end(history: list[Effect]) -> None:
    """Targets first or last, with slices anywhere between and under way: nothing is left unfound or wrong."""
    store = MemoryStore(MemoryData())
    run(store, history, TENANT)
    assert reindex(store) == 0
    with store.reading() as reader:
        assert reader.find_documents(DocumentQuery(TURN, None, limit=1)) == []


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("engine", ["sqlite", "mongo"])
@settings(max_examples=20, suppress_health_check=SLOW, deadline=None)
@given(history=histories())
def test_engines_find_the_same_in_the_end(store: Store, history: list[Effect]) -> None:
    """The same on the engines, many tenants in one store."""
    run(store, history, f"tenant-{uuid4()}")


def referring(target: dict[str, Any], count: int) -> list[dict[str, Any]]:
    return [about(target["id"]) for _ in range(count)]


def ids_of(*statements: dict[str, Any]) -> set[str]:
    return {each["id"] for each in statements}


@pytest.mark.parametrize("count", [1, 9, 10])
def test_a_few_are_found_at_once(store: Store, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """As many as one write may do anew are found when it is over, and nothing is owed."""
    monkeypatch.setattr(pending, "AT_ONCE", 10)
    target = statement("siti")
    early = referring(target, count)
    submit(store, *early)
    submit(store, target)
    assert found(store, "siti") == ids_of(target, *early)
    assert owed(store) == []
    assert not PendingReferences(store, now).run_once()


def test_many_are_found_after_some_slices_whoever_does_them(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The first are found at once, more after each slice by any process; the log says how far it is."""
    monkeypatch.setattr(pending, "AT_ONCE", 10)
    monkeypatch.setattr(pending, "TOLD", 20)
    caplog.set_level("INFO")
    target = statement("siti")
    early = referring(target, 41)
    submit(store, *early)
    submit(store, target)
    counts = [len(found(store, "siti"))]
    while owed(store):
        assert PendingReferences(store, now).run_once()
        counts.append(len(found(store, "siti")))
    assert counts == [11, 21, 31, 41, 42]
    assert found(store, "siti") == ids_of(target, *early)
    told = [record.getMessage() for record in caplog.records if target["id"] in record.getMessage()]
    assert ["20" in told[0], "31" in told[-1], len(told)] == [True, True, 2]


def test_all_the_targets_of_a_write_share_what_it_may_do(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of many statements that others wait for indexes no more of these anew than one statement."""
    monkeypatch.setattr(pending, "AT_ONCE", 10)
    targets = [statement(f"n{number}") for number in range(5)]
    early = [referring(target, 4) for target in targets]
    submit(store, *(each for some in early for each in some))
    submit(store, *targets)
    assert sum(len(found(store, f"n{number}")) - 1 for number in range(5)) == 10
    PendingReferences(store, now).drain()
    for number, target in enumerate(targets):
        assert found(store, f"n{number}") == ids_of(target, *early[number])


def test_large_ones_are_bounded_by_their_bytes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more statements are read at once than have so many bytes together, but one at least."""
    monkeypatch.setattr(pending, "AT_ONCE_BYTES", 10_000)
    target = statement("siti")
    early = [about(target["id"], result={"response": "x" * 4000}) for _ in range(9)]
    submit(store, *early)
    submit(store, target)
    assert len(found(store, "siti")) == 1 + 2
    PendingReferences(store, now).drain()
    assert found(store, "siti") == ids_of(target, *early)


@pytest.mark.parametrize("told", [True, False], ids=["the mark says so", "a mark of an older program"])
def test_a_voided_statement_is_hidden_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    """However many refer to it, a statement that was voided before it came is never shown."""
    monkeypatch.setattr(pending, "AT_ONCE", 3)
    target, other = statement("siti"), statement("wati")
    early = [*referring(target, 5), *referring(other, 5)]
    submit(store, *early)
    submit(store, voiding(target["id"]), about(target["id"]))
    if not told:
        ids = [target["id"], other["id"]]
        marks = [Document(pending_ids.KIND, TENANT, id, pending_ids.UNKNOWN) for id in ids]

        def as_before(writer: Writer) -> None:
            for mark in marks:
                writer.put(mark)

        store.writing(as_before)
    submit(store, target, other)
    assert target["id"] not in found(store, "siti")
    assert other["id"] in found(store, "wati")
    PendingReferences(store, now).drain()
    assert len(found(store, "siti")) == 7
    assert len(found(store, "wati")) == 6


def test_a_batch_that_refers_to_one_statement_takes_over_so_many_keys(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those beyond are stored and found by what they say themselves, and soon by what they refer to."""
    monkeypatch.setattr(pending, "MOST_KEYS", 60)
    target = statement("siti")
    submit(store, target)
    late = referring(target, 20)
    submit(store, *late)
    assert 0 < sum(views(store).values()) <= 60
    assert found(store, "budi") == ids_of(*late)
    PendingReferences(store, now).drain()
    assert found(store, "siti") == ids_of(target, *late)


def test_what_is_owed_while_a_slice_is_under_way_is_not_forgotten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slice that read the last that was owed leaves alone what a write has owed since."""
    monkeypatch.setattr(pending, "AT_ONCE", 2)
    target = statement("siti")
    early, late = referring(target, 3), referring(target, 4)
    submit(store, *early)
    submit(store, target)

    def more() -> None:
        monkeypatch.setattr(pending, "MOST_KEYS", 0)
        submit(store, *late)

    assert PendingReferences(between(store, more), now).run_once()
    PendingReferences(store, now).drain()
    assert found(store, "siti") == ids_of(target, *early, *late)


def test_tenants_have_their_turns(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is owed to one tenant, however much it is, keeps nobody else waiting for long."""
    monkeypatch.setattr(pending, "AT_ONCE", 2)
    target, other = statement("siti"), statement("siti")
    submit(store, *referring(target, 30))
    submit(store, *referring(other, 5), tenant="two")
    submit(store, target)
    submit(store, other, tenant="two")
    payer = PendingReferences(store, now)
    for _ in range(4):
        payer.run_once()
    assert len(found(store, "siti", "two")) == 6
    assert len(found(store, "siti")) < 31
    payer.drain()
    assert len(found(store, "siti")) == 31


def test_a_tenant_whose_slice_fails_keeps_nobody_waiting(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failure the next one has its turn, and what failed comes up again."""
    monkeypatch.setattr(pending, "AT_ONCE", 2)
    target, other = statement("siti"), statement("siti")
    submit(store, *referring(target, 5))
    submit(store, *referring(other, 5), tenant="two")
    submit(store, target)
    submit(store, other, tenant="two")
    payer = PendingReferences(store, now)
    pay = payer._pay

    def failing(turn: Document, dues: Any) -> None:
        if turn.name == TENANT:
            raise ValueError("odd")
        pay(turn, dues)

    failures = 0
    with monkeypatch.context() as patch:
        patch.setattr(payer, "_pay", failing)
        for _ in range(12):
            try:
                payer.run_once()
            except ValueError:
                failures += 1
    assert failures
    assert len(found(store, "siti", "two")) == 6
    payer.drain()
    assert len(found(store, "siti")) == 6


def test_a_chain_of_references_makes_nobody_large(store: Store) -> None:
    """References to references to statements with many keys: each takes over a bounded number of keys."""
    many = {"contextActivities": {"other": [{"id": f"https://x.id/{n}"} for n in range(MOST_KEYS - 20)]}}
    sent = [statement("siti", context=many)]
    for _ in range(12):
        sent.append(about(sent[-1]["id"], context=many))
    for each in sent:
        submit(store, each)
    submit(store, *sent[::-1], tenant="two")
    for tenant in ("one", "two"):
        counts = views(store, tenant).values()
        assert 3 * (MOST_KEYS - 20) < max(counts) <= MOST_KEYS_IN_ALL
    assert reindex(store) == 0


def test_a_reader_of_its_own_finds_through_its_own_alone(store: Store) -> None:
    """Each takes over the key of its own authority alone, through whomever the chain leads."""
    first = statement("siti")
    between, last = about(first["id"]), about(first["id"])
    last["object"]["id"] = between["id"]
    for each, name in ((last, "mine"), (between, "other"), (first, "mine")):
        submit(store, each, name=name)
    keys = (agent_filter_key(agent("siti")), access(name="mine").mine)
    with store.reading() as reader:
        assert {record.id for record in reader.find(LogQuery(TENANT, keys, limit=9))} == ids_of(first, last)
    assert reindex(store) == 0


def test_a_rebuild_pays_what_is_owed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `jejak rebuild` everything is found by what it refers to, and nothing is owed to anybody."""
    monkeypatch.setattr(pending, "AT_ONCE", 2)
    target = statement("siti")
    early = referring(target, 9)
    submit(store, *early)
    submit(store, target)
    LearningRecord.over(store, now, new_id).rebuild()
    assert found(store, "siti") == ids_of(target, *early)
    assert owed(store) == []


def test_it_goes_on_after_failures_until_it_is_told_to_stop(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A store that does not answer, and a mistake of our own, are waited out."""
    monkeypatch.setattr(pending, "PAUSE", 0.001)
    monkeypatch.setattr(pending, "IDLE", 0.001)
    store, stop = MemoryStore(MemoryData()), threading.Event()
    payer = PendingReferences(store, now)
    outcomes: list[Exception | bool] = [UnavailableError("gone"), ValueError("odd"), True, False]

    def once() -> bool:
        if not outcomes:
            stop.set()
            return False
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(payer, "run_once", once)
    payer.run_forever(stop)
    assert outcomes == []
    assert "does not answer" in caplog.text
    assert "failed, and will try again" in caplog.text


def stubborn(work: Callable[[], object]) -> None:
    """Do the work, again and again while it loses to others; each may be done twice."""
    for attempt in range(20):
        try:
            work()
        except UnavailableError:
            if attempt == 19:
                raise
        else:
            return


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("engine", ["sqlite", "mongo"])
@pytest.mark.parametrize("seed", range(3))
def test_writers_and_payers_at_the_same_time_leave_nothing_unfound(
    engine: str, tmp_path: Path, seed: int
) -> None:
    """Three writers and two payers, each like a process of its own, race over the same references."""
    dice = random.Random(seed)
    ids = [str(uuid4()) for _ in range(60)]
    targets = {id: dice.choice([None, *ids[:4], *ids[:4], dice.choice(ids)]) for id in ids}
    order = dice.sample(ids, len(ids))
    made = ENGINES[engine](tmp_path)
    stores = [made.open() for _ in range(5)]
    over = threading.Event()
    failed: list[BaseException] = []

    def write(store: Store, its: list[str]) -> None:
        for start in range(0, len(its), 3):
            batch = []
            for id in its[start : start + 3]:
                value = statement(id, id=id)
                if (target := targets[id]) is not None:
                    value["object"] = {"objectType": "StatementRef", "id": target}
                batch.append(value)
            stubborn(partial(submit, store, *batch))

    def pay(store: Store) -> None:
        payer = PendingReferences(store, now)
        while not over.is_set():
            stubborn(payer.run_once)

    def watch(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    works = [partial(write, stores[n], order[n::3]) for n in range(3)]
    writers = [threading.Thread(target=watch, args=(work,)) for work in works]
    payers = [threading.Thread(target=watch, args=(partial(pay, store),)) for store in stores[3:]]
    for thread in (*payers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    for thread in payers:
        thread.join()
    try:
        assert failed == []
        PendingReferences(stores[0], now).drain()
        for id in ids:
            meant = set()
            for each in ids:
                passed: list[str] = []
                at: str | None = each
                while at is not None and at not in passed:
                    passed.append(at)
                    at = targets[at]
                if id in passed:
                    meant.add(each)
            assert found(stores[0], id) == meant
        assert reindex(stores[0]) == 0
    finally:
        for store in stores:
            store.close()
        made.remove()


@pytest.mark.slow
def test_a_server_of_another_kind_pays_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no process of its own works behind the server, a thread of the application does."""
    monkeypatch.setattr(pending, "AT_ONCE", 2)
    app = create_app(load({"JEJAK_STORE": f"sqlite:///{tmp_path / 'jejak.db'}"}))
    store = app.wired.store
    target = statement("siti")
    early = referring(target, 9)
    submit(store, *early)
    submit(store, target)
    assert owed(store)
    app.start()
    try:
        deadline = time.monotonic() + 60
        while owed(store):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert found(store, "siti") == ids_of(target, *early)
    finally:
        app.close()

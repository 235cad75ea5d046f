"""Whom a commit to MongoDB waits for: callers who were answered a moment ago, and nobody else."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import pytest

from lrs.store.mongo import group_commit
from lrs.store.mongo.group_commit import GATHER_STEPS, LARGE, Committer
from lrs.store.mongo.store import MongoStore
from tests.contract.engines import Mongo
from tests.contract.make import add, draft

NOW, LONG_AGO = 0.0, 60.0


class Queue(deque[object]):
    """What waits; as far as gathering looks at it."""

    is_closed = False


@pytest.mark.parametrize(
    ("company", "answered", "coming", "looks"),
    [
        (4, NOW, [1, 1, 1], 3),
        (4, NOW, [3], 1),
        (4, NOW, [1, 0], 2),
        (100, NOW, [1] * 20, GATHER_STEPS),
        (1, NOW, [], 0),
        (0, NOW, [], 0),
        (4, LONG_AGO, [], 0),
    ],
    ids=["all come back", "all at once", "no more come", "not for ever", "alone", "large group", "pause"],
)
def test_callers_who_were_just_answered_are_awaited(
    monkeypatch: pytest.MonkeyPatch, company: int, answered: float, coming: list[int], looks: int
) -> None:
    """The next group begins when all are back, no more come, or some time has gone by."""
    committer = object.__new__(Committer)
    queue = Queue([object()])
    committer._queue = queue  # type: ignore[assignment]
    committer._company, committer._answered = company, time.monotonic() - answered
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        queue.extend(object() for _ in range(coming[len(slept)]))
        slept.append(seconds)

    monkeypatch.setattr(group_commit, "time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic))
    committer._gather()
    assert len(slept) == looks


def test_nobody_is_awaited_after_a_large_group(tmp_path: Path) -> None:
    """Many records are worth a transaction: the next one begins with whoever is there."""
    engine = Mongo(tmp_path)
    store = engine.open()
    assert isinstance(store, MongoStore)
    committer = store._committer
    try:
        add(store, *(draft() for _ in range(LARGE - 1)))
        assert committer._company == 1
        add(store, *(draft() for _ in range(LARGE)))
        assert committer._company == 0
    finally:
        store.close()
        engine.remove()

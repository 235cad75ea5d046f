"""Background work: whoever follows the log does all of it, be that a worker or a process of its own."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from jejak import follow
from jejak.app import create_app
from jejak.background import background_work
from jejak.settings import load
from jejak.wiring import Core

WORK = {"progress", "references", "links", "outbox"}


def test_a_worker_without_a_follower_beside_it_does_everything(tmp_path: Path) -> None:
    """The follower and all other work run in its threads, and end with it."""
    for following, expected in ((True, WORK | {"follower"}), (False, {"progress"})):
        application = create_app(load({"JEJAK_STORE": f"sqlite:///{tmp_path}/jejak.db"}))
        before = set(threading.enumerate())
        application.start(following=following)
        begun = set(threading.enumerate()) - before
        assert expected <= {thread.name for thread in begun}
        assert not (WORK - expected) & {thread.name for thread in begun}
        application.close()
        assert not [thread for thread in begun if thread.name in expected and thread.is_alive()]


def test_the_following_process_does_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins every piece of background work, and runs the follower itself."""
    monkeypatch.setenv("JEJAK_STORE", f"sqlite:///{tmp_path}/jejak.db")
    monkeypatch.setattr(follow, "NICE", 0)
    monkeypatch.setattr(follow, "configure", lambda level: None)
    monkeypatch.setattr(follow, "_until_closed", lambda stop: stop.set())
    seen: list[str] = []

    def noted(parts: Core) -> tuple[object, ...]:
        work = background_work(parts)
        seen.extend(each.name for each in work)
        return work

    monkeypatch.setattr(follow, "background_work", noted)
    follow.main()
    assert set(seen) == WORK

"""Work in the background: bounded, and never on the list for longer than it lasts."""

from __future__ import annotations

import threading

import pytest

from lti_tool.services.jobs import PER_TENANT, Jobs


def test_a_job_that_cannot_begin_holds_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no thread to give there is no job, and later ones are done."""

    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    jobs = Jobs()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        for number in range(PER_TENANT + 1):
            assert jobs.begin(number, "bkn", lambda: None) is None
    assert jobs.going(0) is None
    done = threading.Event()
    job = jobs.begin(0, "bkn", done.set)
    assert job is not None
    assert job.done.wait(10)
    assert done.is_set()

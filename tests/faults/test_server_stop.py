"""The whole server is told to end, as an administrator or a container does, while it is in use."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack

import pytest

from tests.faults.server import Caller, Server, credential, runs, serving
from tests.faults.server_load import Load, Write, check
from tests.faults.test_server_slow import opened, request

SOON = 10.0
"""Seconds within which it is gone; a container is given as long before it is killed."""


def told_to_end(server: Server) -> tuple[int, float]:
    """Tell it to end; its exit code, and how many seconds it took."""
    assert server.process is not None
    begun = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    code = server.process.wait(timeout=2 * SOON)
    server.process = None
    return code, time.monotonic() - begun


@pytest.mark.parametrize("workers", [1, 3])
def test_what_was_acknowledged_before_the_end_is_there_after_it(address: str, workers: int) -> None:
    """Told to end under load, it ends soon and leaves nothing running; what it acknowledged is kept."""
    known = credential(address)
    with serving(address, workers=workers) as server:
        load = Load(server.port, known)
        load.wait_for(40)
        processes = server.pids()
        code, seconds = told_to_end(server)
        assert len(processes) >= workers + 2
        assert not any(runs(pid) for pid in processes)
        load.join()
        assert {answer.status for _, answer in load.answers} <= {200, 204, 503}
        assert code == 0
        assert seconds < SOON
        server.start()
        with Caller(server.port, known) as caller:
            check(caller, load.done, load.doubtful)
    assert len(load.done) >= 40


@pytest.mark.parametrize("idle", [True, False], ids=["idle", "stalled"])
def test_clients_that_stand_still_do_not_hold_up_the_end(address: str, idle: bool) -> None:
    """Open connections, stalled uploads and downloads that nobody reads end with the server, soon."""
    known = credential(address)
    large = Write.made("attachment", size=8_000_000)
    with serving(address) as server, ExitStack() as stack:
        with Caller(server.port, known) as caller:
            assert large.send(caller).status == 200
        target = f"/statements?attachments=true&statementId={large.statements[0]['id']}"
        beginnings = [
            request("GET", target, known),
            request("POST", "/statements", known, 1_000) + b"{",
            request("POST", "/statements", known, 1_000_000) + b"{",
        ]
        for beginning in 5 * beginnings:
            sock = opened(stack, server.port, buffer=4096)
            if not idle:
                sock.sendall(beginning)
        with Caller(server.port, known) as caller:
            # By now the others have been accepted.
            assert caller.get("/about").status == 200
            time.sleep(0.2)
        code, seconds = told_to_end(server)
    assert code == 0
    assert seconds < SOON

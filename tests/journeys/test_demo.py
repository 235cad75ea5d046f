"""`jejak demo` itself: what it prints, that it stops cleanly, and that a second start changes nothing."""

from __future__ import annotations

import socket
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from jejak.demo.sample import sample
from tests.journeys.conftest import Demo, free_port, start_demo


def count_statements(demo: Demo) -> int:
    """All statements of the store, page by page."""
    total, url = 0, f"{demo.xapi}statements?limit=50"
    while url:
        answer = requests.get(
            url, auth=demo.full_key, headers={"X-Experience-API-Version": "1.0.3"}, timeout=10
        )
        page = answer.json()
        total += len(page["statements"])
        more = page["more"]
        url = requests.compat.urljoin(url, more) if more else ""
    return total


def listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_second_start_finds_its_data_and_stop_leaves_nothing_running(tmp_path: Path) -> None:
    """Started twice on one folder, the demo holds every sample statement once; Ctrl-C frees both ports."""
    ports = (free_port(), free_port())
    wanted = len(sample(f"http://127.0.0.1:{ports[1]}", datetime.now(UTC).year))
    for _ in range(2):
        running = start_demo(tmp_path, *ports)
        try:
            assert count_statements(running) == wanted
        finally:
            code = running.stop()
        assert code == 0
        assert not any(listening(port) for port in ports)


def test_printed_credentials_work(demo: Demo) -> None:
    """The key and secret on the screen open the xAPI; the line beginning ready names both addresses."""
    shown = dict(line.split(maxsplit=1) for line in demo.output if line.startswith(("  Key", "  Secret")))
    answer = requests.get(
        f"{demo.xapi}statements?limit=1",
        auth=(shown["Key"], shown["Secret"]),
        headers={"X-Experience-API-Version": "2.0.0"},
        timeout=10,
    )
    assert answer.status_code == 200
    assert demo.output[-1] == f"ready {demo.tool} {demo.lms}"


def test_secrets_are_for_their_owner_only(demo: Demo) -> None:
    """Nobody else on the machine can read the folder of the demo."""
    folder = demo.data / f"{demo.port}-{demo.lms_port}"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "demo.json").stat().st_mode) == 0o600


def test_busy_port_is_named(demo: Demo, tmp_path: Path) -> None:
    """A port that is taken is refused with the option that changes it, and nothing is started."""
    with pytest.raises(
        pytest.fail.Exception, match=rf"Port {demo.port} is in use; choose another with --port"
    ):
        start_demo(tmp_path, demo.port, free_port())
    assert list(tmp_path.iterdir()) == []

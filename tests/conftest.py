"""Settings that hold for every test, and the marks by which `make check` leaves out the costly ones."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Playwright, sync_playwright

# A time limit per example says more about the machine than about the code; tests that mean time measure it.
settings.register_profile("jejak", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("jejak"), max_examples=15)
settings.load_profile("jejak")

HERE = Path(__file__).parent
OF_FOLDERS = {
    "clients": ("server",),
    "faults": ("fault", "server"),
    "journeys": ("browser", "server"),
    # A photo is drawn by a process of its own.
    "lrs/records/evidence": ("server",),
    "lrs/store/mongo": ("server",),
    "lti_tool/pages/evidence": ("server",),
    "openedx": ("browser", "server"),
    "packaging": ("server", "slow"),
}
"""The marks of every test in a folder; see `markers` in pyproject.toml."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by their folder, by the browser and by the engine that they ask for."""
    for item in items:
        marks = set(OF_FOLDERS.get(_folder(item), ()))
        if "playwright" in getattr(item, "fixturenames", ()):
            marks.add("browser")
        call = getattr(item, "callspec", None)
        if call is not None and "mongo" in call.params.values():
            marks.add("server")
        for mark in sorted(marks):
            item.add_marker(mark)


def _folder(item: pytest.Item) -> str:
    inside = item.path.relative_to(HERE).parent.as_posix()
    return next((folder for folder in OF_FOLDERS if f"{inside}/".startswith(f"{folder}/")), "")


@pytest.fixture(autouse=True)
def _alone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test without a mark starts no process: so none of them can slip into `make check`."""
    if request.node.get_closest_marker("server") or request.node.get_closest_marker("browser"):
        return

    def refuse(*_: Any, **__: Any) -> NoReturn:
        pytest.fail("this test starts a process: mark it with `server`, or put it into a folder that is")

    monkeypatch.setattr(subprocess, "Popen", refuse)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """The one driver of browsers: a process can hold no second one."""
    with sync_playwright() as driver:
        yield driver

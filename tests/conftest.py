"""Settings that hold for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Playwright, sync_playwright

# A time limit per example says more about the machine than about the code; tests that mean time measure it.
settings.register_profile("jejak", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("jejak")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """The one driver of browsers: a process can hold no second one."""
    with sync_playwright() as driver:
        yield driver

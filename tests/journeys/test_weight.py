"""What the pages weigh on the wire, headers included: made for a cheap phone on a slow connection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from jejak.demo.lms.people import BY_ID
from tests.journeys.conftest import Demo

FIRST_LOAD, REPEAT = 150_000, 30_000
LEARNER, INSTRUCTOR = BY_ID["11"], BY_ID["3"]


@dataclass
class Scale:
    """Counts the bytes that the tool sends to one browser profile."""

    page: Page
    demo: Demo
    requests: dict[str, int] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        network = self.page.context.new_cdp_session(self.page)
        network.on("Network.requestWillBeSent", self._sent)
        network.on("Network.loadingFinished", self._finished)
        network.send("Network.enable")

    def _sent(self, event: dict[str, Any]) -> None:
        number = event["requestId"]
        # A redirect ends one answer and begins the next under the same number.
        if "redirectResponse" in event:
            self._add(number, int(event["redirectResponse"]["encodedDataLength"]))
        self.addresses[number] = event["request"]["url"]

    def _finished(self, event: dict[str, Any]) -> None:
        self._add(event["requestId"], int(event["encodedDataLength"]))

    def _add(self, number: str, size: int) -> None:
        address = self.addresses.get(number, "")
        if address.startswith(self.demo.tool):
            self.requests[address] = self.requests.get(address, 0) + size

    def launch(self, person: str) -> str:
        """Open the tool as the LMS does; the address below which the pages are."""
        self.page.goto(f"{self.demo.lms}/mod/lti/launch.php?id=101&as={person}")
        self.page.locator("main#content h1").wait_for()
        self.page.wait_for_load_state("networkidle")
        return "/".join(self.page.url.split("/")[:5])

    def fetched(self, part: str) -> int:
        """The bytes of addresses with `part` in them; what comes from the cache weighs nothing."""
        return sum(size for address, size in self.requests.items() if part in address)

    def weighed(self) -> int:
        """The bytes since the last call."""
        total = sum(self.requests.values())
        self.requests.clear()
        return total


@pytest.fixture
def scale(browser: Browser, demo: Demo) -> Iterator[Scale]:
    context = browser.new_context(locale="id-ID")
    context.set_default_timeout(15_000)
    yield Scale(context.new_page(), demo)
    context.close()


@pytest.mark.parametrize("person", [LEARNER.id, INSTRUCTOR.id], ids=["record", "cohort"])
def test_first_load_and_repeat(scale: Scale, person: str) -> None:
    """A launch with an empty cache stays within 150 KB, the next one within 30 KB."""
    scale.launch(person)
    assert scale.fetched("/static/") > 0
    first = scale.weighed()
    scale.launch(person)
    assert scale.fetched("/static/") == 0
    repeat = scale.weighed()
    assert 1_000 < first <= FIRST_LOAD
    assert 1_000 < repeat <= REPEAT


@pytest.mark.parametrize("path", ["record", "log", "log/coaching"])
def test_further_page(scale: Scale, path: str) -> None:
    """Every further page of a learner stays within 30 KB."""
    base = scale.launch(LEARNER.id)
    scale.weighed()
    scale.page.goto(f"{base}/{path}", wait_until="networkidle")
    assert 500 < scale.weighed() <= REPEAT


@pytest.mark.parametrize("path", ["/docs/rules", "/validate"])
def test_page_for_integrators(scale: Scale, path: str) -> None:
    """The pages outside a launch are as light, from an empty cache."""
    scale.page.goto(f"{scale.demo.tool}{path}", wait_until="networkidle")
    assert 1_000 < scale.weighed() <= REPEAT

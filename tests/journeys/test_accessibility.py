"""The pages against WCAG 2.2 AA with axe, in a real browser: both widths, both schemes, both languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from jejak.demo.lms.people import BY_ID
from tests.journeys.conftest import Demo

Scheme = Literal["light", "dark"]

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OPTIONS = {"runOnly": {"type": "tag", "values": LEVELS}, "resultTypes": ["violations"]}
PHONE, DESKTOP = (360, 740), (1280, 900)
NARROWEST = 320
LEARNER, INSTRUCTOR = BY_ID["11"], BY_ID["3"]
EMPTY_YEAR = 2021
LANGUAGES: dict[str, dict[tuple[int, int], Scheme]] = {
    "id": {PHONE: "light", DESKTOP: "dark"},
    "en": {PHONE: "dark", DESKTOP: "light"},
}


class Reader:
    """Somebody with the tool open in one language, in one role after the other."""

    def __init__(self, page: Page, demo: Demo, language: str) -> None:
        self.page = page
        self.demo = demo
        self.language = language
        self._open = ("", "")

    @property
    def learner(self) -> str:
        """The address below which a learner's pages are."""
        return self._as(LEARNER.id)

    @property
    def instructor(self) -> str:
        """The address below which an instructor's pages are."""
        return self._as(INSTRUCTOR.id)

    def _as(self, person: str) -> str:
        # A launch as somebody else ends the sessions of whoever was here before.
        if self._open[0] != person:
            self._open = person, self.launch(person)
        return self._open[1]

    def launch(self, person: str, what: str = "id=101") -> str:
        """Open the tool; the address below which this launch's pages are."""
        self.page.goto(f"{self.demo.lms}/mod/lti/launch.php?{what}&as={person}&lang={self.language}")
        self.page.wait_for_url(f"{self.demo.tool}/l/**")
        self.page.locator("main h1").wait_for()
        return "/".join(self.page.url.split("/")[:5])

    def open(self, address: str) -> None:
        mark = "&" if "?" in address else "?"
        self.page.goto(f"{address}{mark}lang={self.language}")
        self.page.locator("main h1").wait_for()


def errors(reader: Reader) -> None:
    reader.open(f"{reader.learner}/log/coaching")
    reader.page.locator("#title").fill("")
    reader.page.locator("#mentor_name").evaluate("field => { field.value = 'Anwar'; }")
    reader.page.locator("form#log .actions button:not([name])").click()
    reader.page.locator("#errors").wait_for()


def choose(reader: Reader) -> None:
    reader.open(f"{reader.learner}/log?pillar=20")


def entry(reader: Reader) -> None:
    reader.open(f"{reader.learner}/record")
    reader.page.locator('a.row[href*="/entries/"]').first.click()
    reader.page.locator("ol.history summary").first.click()


def person(reader: Reader) -> None:
    reader.open(f"{reader.instructor}/cohort")
    reader.page.locator("tbody th a").first.click()
    reader.page.locator(".legend").wait_for()


def problems(reader: Reader) -> None:
    reader.open(f"{reader.demo.tool}/validate")
    reader.page.locator("#statement").fill('{"actor": {}, "verb": {"id": "x"}}')
    reader.page.locator("main form button").click()
    reader.page.locator("ol.problems").wait_for()


def deep_linking(reader: Reader) -> None:
    reader.launch(INSTRUCTOR.id, "type=1")
    reader.page.locator("input[value=goal]").check()
    reader.page.locator("#goal_jp").wait_for()


def administration(reader: Reader) -> None:
    reader.open(f"{reader.launch(INSTRUCTOR.id, 'id=101&variant=administrator')}/admin")
    reader.page.locator("details > summary").last.click()


PAGES: dict[str, Callable[[Reader], None]] = {
    "record": lambda reader: reader.open(f"{reader.learner}/record"),
    "empty record": lambda reader: reader.open(f"{reader.learner}/record?year={EMPTY_YEAR}"),
    "choose": choose,
    "log": lambda reader: reader.open(f"{reader.learner}/log/coaching"),
    "log by time": lambda reader: reader.open(f"{reader.learner}/log/technical-training"),
    "log with errors": errors,
    "entry": entry,
    "cohort": lambda reader: reader.open(f"{reader.instructor}/cohort"),
    "person": person,
    "deep linking": deep_linking,
    "administration": administration,
    "rules": lambda reader: reader.open(f"{reader.demo.tool}/docs/rules"),
    "validate": lambda reader: reader.open(f"{reader.demo.tool}/validate"),
    "problems": problems,
    "refusal": lambda reader: reader.open(f"{reader.demo.tool}/l/none/record"),
}


@pytest.fixture(scope="module", params=LANGUAGES)
def reader(request: pytest.FixtureRequest, browser: Browser, demo: Demo) -> Iterator[Reader]:
    context = browser.new_context(locale="id-ID" if request.param == "id" else "en-US")
    context.set_default_timeout(15_000)
    yield Reader(context.new_page(), demo, request.param)
    context.close()


def violations(page: Page) -> list[str]:
    """What axe finds, each as its rule and the places."""
    found: list[dict[str, Any]] = Axe().run(page, options=OPTIONS).response["violations"]
    return [
        f"{one['id']} ({one['help']}): {node['html']} {node.get('failureSummary', '')}"
        for one in found
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("name", PAGES)
def test_page_meets_wcag(reader: Reader, name: str) -> None:
    """Axe finds nothing to object to, on a phone and on a desktop, in light and in dark."""
    PAGES[name](reader)
    assert reader.page.locator("html").get_attribute("lang") == reader.language
    for (width, height), scheme in LANGUAGES[reader.language].items():
        reader.page.set_viewport_size({"width": width, "height": height})
        reader.page.emulate_media(color_scheme=scheme)
        assert violations(reader.page) == [], f"{name}, {width} px, {scheme}"


@pytest.mark.parametrize("name", PAGES)
def test_page_fits_the_narrowest_screen(reader: Reader, name: str) -> None:
    """At 320 px nothing has to be scrolled sideways (WCAG 1.4.10)."""
    reader.page.set_viewport_size({"width": NARROWEST, "height": 640})
    PAGES[name](reader)
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= NARROWEST


def test_axe_would_object(reader: Reader) -> None:
    """The check is real: a field without a label, pale text and a tiny target are each found."""
    reader.open(f"{reader.learner}/record")
    reader.page.emulate_media(color_scheme="light")
    reader.page.locator("main").evaluate(
        "main => { main.insertAdjacentHTML('beforeend', "
        "'<input name=x><p id=pale>pale</p><button id=a>a</button><button id=b>b</button>');"
        "document.getElementById('pale').style.color = '#ccc';"
        "for (const id of ['a', 'b']) Object.assign(document.getElementById(id).style,"
        " {width: '8px', height: '8px', padding: 0, border: 0, display: 'inline-block'}); }"
    )
    found = {one.split(" ")[0] for one in violations(reader.page)}
    assert found >= {"label", "color-contrast", "target-size"}

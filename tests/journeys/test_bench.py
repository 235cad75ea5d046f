"""Every switch of the test bench against the real tool, in a browser: the good open, the bad are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from jejak.demo.lms.variants import VARIANTS, Variant
from tests.journeys.conftest import PATIENCE_MS, Demo

BAD = [one for one in VARIANTS.values() if one.expect == "refused"]
GOOD = [one for one in VARIANTS.values() if one.expect == "accepted"]


@dataclass(frozen=True)
class Bench:
    """One browser profile for all switches: launches pile up in it, as they do with a tester."""

    page: Page
    demo: Demo
    addresses: dict[str, str]

    def launch(self, slug: str) -> None:
        """Follow the test bench's link of this switch."""
        self.page.goto(self.demo.lms + self.addresses[slug])


@pytest.fixture(scope="module")
def bench(browser: Browser, demo: Demo) -> Iterator[Bench]:
    context = browser.new_context(locale="id-ID")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{demo.lms}/bench?as=11")
    links = [link.get_attribute("href") or "" for link in page.locator("table.bench a").all()]
    addresses = {parse_qs(urlsplit(link).query)["variant"][0]: link for link in links}
    yield Bench(page, demo, addresses)
    context.close()


@pytest.mark.parametrize("variant", GOOD, ids=lambda one: one.slug)
def test_good_launch_opens(bench: Bench, variant: Variant) -> None:
    """An unusual but correct launch opens the tool."""
    page, tool = bench.page, bench.demo.tool
    bench.launch(variant.slug)
    expect(page).to_have_url(re.compile(rf"^{re.escape(tool)}/l/"))
    expect(page.locator("main#content h1")).to_be_visible()
    assert page.title() != "owned"


@pytest.mark.parametrize("variant", BAD, ids=lambda one: one.slug)
def test_bad_launch_is_refused(bench: Bench, variant: Variant) -> None:
    """A bad launch ends on a page with a sentence and a short code, never in a session."""
    page, tool = bench.page, bench.demo.tool
    if variant.slug.startswith("replay"):
        bench.launch("normal")
        expect(page).to_have_url(re.compile(rf"^{re.escape(tool)}/l/"))
    bench.launch(variant.slug)
    expect(page.locator("code")).to_have_text(re.compile(r"^LTI-\d\d$"))
    assert page.url.startswith(f"{tool}/lti/")
    assert "/l/" not in page.url.removeprefix(tool)


@pytest.mark.parametrize("slug", ["wrong-key", "unknown-deployment", "replay", "login-unknown-client"])
def test_refusal_is_seen_inside_the_frame(bench: Bench, slug: str) -> None:
    """In the course's frame, too, a refused launch shows its sentence and code, not a blocked page."""
    page, demo = bench.page, bench.demo
    bench.launch("normal")
    expect(page).to_have_url(re.compile(rf"^{re.escape(demo.tool)}/l/"))
    page.goto(f"{demo.lms}/course/view.php?id=2&as=11")
    frame = page.frame_locator("#contentframe")
    expect(frame.locator("main#content h1")).to_be_visible()
    page.locator("#contentframe").evaluate("(frame, slug) => { frame.src += `&variant=${slug}` }", slug)
    expect(frame.locator("code")).to_have_text(re.compile(r"^LTI-\d\d$"))

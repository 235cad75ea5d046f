"""Every switch of the test bench against the real tool, in a browser: the good open, the bad are refused."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from jejak.demo.lms.variants import VARIANTS, Variant
from tests.journeys.conftest import Demo

BAD = [one for one in VARIANTS.values() if one.expect == "refused"]
GOOD = [one for one in VARIANTS.values() if one.expect == "accepted"]


def launch(page: Page, demo: Demo, slug: str) -> None:
    """Begin the launch as the test bench's link would."""
    page.goto(f"{demo.lms}/bench?as=11")
    address = page.locator(f'a[href*="variant={slug}&"]').get_attribute("href")
    page.goto(f"{demo.lms}{address}")


@pytest.mark.parametrize("variant", GOOD, ids=lambda one: one.slug)
def test_good_launch_opens(page: Page, demo: Demo, variant: Variant) -> None:
    """An unusual but correct launch opens the tool."""
    launch(page, demo, variant.slug)
    expect(page).to_have_url(re.compile(rf"^{re.escape(demo.tool)}/l/"))
    expect(page.locator("main#content h1")).to_be_visible()
    assert page.title() != "owned"


@pytest.mark.parametrize("variant", BAD, ids=lambda one: one.slug)
def test_bad_launch_is_refused(page: Page, demo: Demo, variant: Variant) -> None:
    """A bad launch ends on a page with a sentence and a short code, never in a session."""
    if variant.slug.startswith("replay"):
        launch(page, demo, "normal")
        expect(page).to_have_url(re.compile(rf"^{re.escape(demo.tool)}/l/"))
    launch(page, demo, variant.slug)
    expect(page.locator("code")).to_have_text(re.compile(r"^LTI-\d\d$"))
    assert page.url.startswith(f"{demo.tool}/lti/")
    assert "/l/" not in page.url.removeprefix(demo.tool)

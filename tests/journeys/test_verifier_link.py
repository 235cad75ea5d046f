"""A learner hands a one-time link to somebody with another browser, who decides there without an account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.journeys.conftest import PATIENCE_MS, Demo
from tests.journeys.test_accessibility import OPTIONS
from tests.journeys.test_record import RIZKY, enter, log_coaching

SIZES = [("id", 360, 740), ("en", 1280, 900)]


@pytest.fixture
def other(browser: Browser) -> Iterator[Page]:
    """A telephone of somebody who has never been here: no cookie, no session."""
    context = browser.new_context(locale="id-ID", viewport={"width": 360, "height": 740})
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def ask(page: Page, demo: Demo, title: str) -> tuple[FrameLocator, str]:
    """Log an activity in the frame of the LMS and make a link for it; the frame, and the link."""
    learner = enter(page, demo, RIZKY.name)
    log_coaching(learner, title)
    learner.get_by_role("status").get_by_role("link").click()
    learner.locator("#name").fill("Anwar Hakim")
    learner.get_by_role("button", name="Buat tautan").click()
    expect(learner.locator(".qr svg")).to_be_visible()
    return learner, learner.locator("#link").input_value()


def test_a_link_is_decided_in_a_second_browser_and_seen_in_the_first(
    page: Page, other: Page, demo: Demo
) -> None:
    """From the frame of the LMS to a telephone without any session, and back: sent, opened, decided."""
    learner, link = ask(page, demo, "Coaching rencana aksi perubahan")
    code = link.partition("#")[2]
    learner.get_by_role("link", name="Kembali ke entri").click()
    expect(learner.get_by_text("belum dibuka")).to_be_visible()
    asked: list[str] = []
    other.on("request", lambda request: asked.append(request.url.partition("#")[0]))
    other.goto(link)
    expect(other.get_by_text("Coaching rencana aksi perubahan")).to_have_count(0)
    other.get_by_role("button", name="Lihat entri").click()
    expect(other.get_by_role("heading", name="Coaching rencana aksi perubahan")).to_be_visible()
    assert other.locator("button[value=yes]").bounding_box() is not None
    other.get_by_label("Jabatan Anda").fill("Kepala Bidang")
    other.get_by_role("link", name="EN").or_(other.get_by_role("button", name="EN")).click()
    expect(other.get_by_label("Your position")).to_have_value("Kepala Bidang")
    other.get_by_role("button", name="Confirm", exact=True).click()
    expect(other.get_by_role("status")).to_contain_text("Confirmed.")
    assert not any(code in address for address in asked)
    learner.get_by_role("link", name="Rekam belajar saya").click()
    learner.get_by_role("link", name="Coaching rencana aksi perubahan").first.click()
    expect(learner.get_by_text("lewat tautan, sebagai Anwar Hakim, Kepala Bidang").first).to_be_visible()
    other.goto(link)
    other.get_by_role("button", name="See the entry").click()
    expect(other.get_by_role("heading")).to_contain_text("cannot be used")


def test_a_link_is_revoked(page: Page, other: Page, demo: Demo) -> None:
    """What went to the wrong person is ended by the learner, and says so."""
    learner, link = ask(page, demo, "Coaching menulis telaah")
    learner.get_by_role("link", name="Kembali ke entri").click()
    learner.get_by_role("button", name="Cabut tautan untuk Anwar Hakim").click()
    expect(learner.get_by_text("dicabut")).to_be_visible()
    other.goto(link)
    other.get_by_role("button", name="Lihat entri").click()
    expect(other.get_by_text("Tautan ini telah dicabut")).to_be_visible()


def test_the_learners_own_launch_is_refused(page: Page, demo: Demo) -> None:
    """A browser that holds a launch of the learner is told to send the link to somebody else."""
    _, link = ask(page, demo, "Coaching anggaran")
    page.goto(f"{demo.lms}/mod/lti/launch.php?id=101&as={RIZKY.id}&lang=id")
    page.wait_for_url(f"{demo.tool}/l/**")
    page.goto(link)
    page.get_by_role("button", name="Lihat entri").click()
    expect(page.get_by_text("Ini entri Anda sendiri")).to_be_visible()


def test_a_link_is_not_shown_in_a_frame(page: Page, demo: Demo) -> None:
    """No page of another site can show the buttons under something else that one would click."""
    _, link = ask(page, demo, "Coaching kearsipan")
    answer = page.request.get(link.partition("#")[0])
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_without_script_the_link_is_pasted(browser: Browser, page: Page, demo: Demo) -> None:
    """A field takes the whole link, and the form sends what was in the fragment."""
    _, link = ask(page, demo, "Coaching arsip")
    plain = browser.new_context(locale="id-ID", java_script_enabled=False).new_page()
    plain.goto(link)
    plain.get_by_label("Tautan Anda").fill(link)
    plain.get_by_role("button", name="Lihat entri").click()
    expect(plain.get_by_role("heading", name="Coaching arsip")).to_be_visible()
    plain.context.close()


@pytest.mark.parametrize(("language", "width", "height"), SIZES)
def test_the_pages_are_accessible(
    browser: Browser, page: Page, demo: Demo, language: str, width: int, height: int
) -> None:
    """No page of a link breaks WCAG 2.2 AA, in both languages and widths; none scrolls sideways."""
    _, link = ask(page, demo, f"Coaching {language} " + "panjang" * 20)
    context = browser.new_context(locale=language, viewport={"width": width, "height": height})
    context.set_default_timeout(PATIENCE_MS)
    reader = context.new_page()

    def check() -> None:
        reader.locator("main h1").wait_for()
        found = Axe().run(reader, options=OPTIONS)
        assert found.response["violations"] == []
        assert reader.evaluate("document.documentElement.scrollWidth <= innerWidth")

    reader.goto(link.replace("#", f"?lang={language}#"))
    check()
    reader.locator("form#open button").click()
    check()
    reader.locator("button[value=rejected]").click()
    reader.locator("#errors").wait_for()
    check()
    reader.locator("#position").fill("Kepala Bidang")
    reader.locator("button[value=yes]").click()
    reader.get_by_role("status").wait_for()
    check()
    reader.goto(link)
    reader.locator("form#open button").click()
    check()
    context.close()

"""Sign-off in the browser: from the cohort's sentence to the queue, decisions, and taking them back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from jejak.demo.lms.people import BY_ID
from tests.journeys.conftest import PATIENCE_MS, Demo
from tests.journeys.test_record import INSTRUCTOR, enter

WIDTHS = pytest.mark.parametrize("width", [360, 1280])
LANGUAGES = pytest.mark.parametrize("language", ["id", "en"])


def log(frame: FrameLocator, title: str, mentor: str) -> None:
    """Log one coaching session that names somebody of the course."""
    frame.locator('a[href$="/log"]').first.click()
    frame.locator('details.pick:has(a[href$="/log/coaching"]) summary').click()
    frame.locator('details.pick a[href$="/log/coaching"]').click()
    frame.locator("#title").fill(title)
    frame.locator("#mentor").select_option(label=mentor)
    frame.locator("form#log .actions button:not([name])").click()
    expect(frame.locator(".notice[role=status]")).to_contain_text(title)


def waiting(frame: FrameLocator, title: str) -> Locator:
    """The entry of the queue with this title."""
    return frame.locator(f'li.waiting:has(p.title bdi:text-is("{title}"))')


def queue(page: Page, demo: Demo, language: str) -> FrameLocator:
    """As the instructor, from the cohort's sentence to the queue, in this language."""
    frame = enter(page, demo, INSTRUCTOR.name)
    frame.locator("a.toverify").click()
    expect(frame.locator("li.waiting").first).to_be_visible()
    if language == "en":
        frame.locator('a[hreflang="en"]').click()
        expect(frame.locator("html")).to_have_attribute("lang", "en")
    return frame


@WIDTHS
@LANGUAGES
def test_an_instructor_verifies_returns_and_undoes(
    browser: Browser, demo: Demo, width: int, language: str
) -> None:
    """From the cohort's sentence one is verified and two are returned together; both acts are undone."""
    context = browser.new_context(locale="id-ID", viewport={"width": width, "height": 740})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    titles = [f"Coaching {language} {width} nomor {n}" for n in (1, 2, 3)]
    learner = enter(page, demo, BY_ID["17"].name)
    for title in titles:
        log(learner, title, INSTRUCTOR.name)
    frame = queue(page, demo, language)
    waiting(frame, titles[0]).locator('button[name="verified"]').click()
    expect(frame.locator("#done")).to_be_visible()
    expect(waiting(frame, titles[0])).to_have_count(0)
    frame.locator("#done form.undo button").first.click()
    expect(waiting(frame, titles[0])).to_be_visible()
    for title in titles[1:]:
        waiting(frame, title).locator("label.tick").click()
    expect(frame.locator("#bulk-verify")).to_contain_text("(2)")
    frame.locator("#bulk details.why summary").click()
    frame.locator("#bulk button[name=returned]").click()
    expect(frame.locator("#error-selected")).to_be_visible()
    assert waiting(frame, titles[1]).locator("input[name=entry]").is_checked()
    frame.locator("#reason-selected").fill("Lampirkan daftar hadir")
    frame.locator("#bulk button[name=returned]").click()
    expect(waiting(frame, titles[1])).to_have_count(0)
    expect(waiting(frame, titles[2])).to_have_count(0)
    inner = page.frame("contentframe")
    assert inner is not None
    assert inner.evaluate("document.documentElement.scrollWidth <= innerWidth")
    frame.locator("#done form.undo button").first.click()
    expect(waiting(frame, titles[1])).to_be_visible()
    expect(waiting(frame, titles[2])).to_be_visible()
    context.close()


def test_the_queue_is_worked_through_with_the_keyboard(page: Page, demo: Demo) -> None:
    """While an entry is focused, letters move, tick and open the reason; in a field they are letters."""
    learner = enter(page, demo, BY_ID["22"].name)
    log(learner, "Coaching dengan papan ketik", INSTRUCTOR.name)
    frame = queue(page, demo, "id")
    rows = frame.locator("li.waiting")
    rows.first.focus()
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(rows.first).to_be_focused()
    page.keyboard.press("x")
    expect(rows.first.locator("input[name=entry]")).to_be_checked()
    page.keyboard.press("r")
    reason = rows.first.locator("textarea")
    expect(reason).to_be_focused()
    page.keyboard.type("jkxv")
    expect(reason).to_have_value("jkxv")
    title = "Coaching dengan papan ketik"
    waiting(frame, title).focus()
    page.keyboard.press("v")
    expect(frame.locator("#done")).to_be_focused()
    expect(waiting(frame, title)).to_have_count(0)


def test_a_mentor_who_learns_in_the_course_decides_in_their_own_launch(page: Page, demo: Demo) -> None:
    """Named from the roster, a fellow learner finds the entry in their own record and verifies it."""
    title = "Bimbingan dari rekan"
    log(enter(page, demo, BY_ID["16"].name), title, BY_ID["17"].name)
    mentor = enter(page, demo, BY_ID["17"].name)
    mentor.locator("a.toverify").click()
    waiting(mentor, title).locator('button[name="verified"]').click()
    expect(mentor.locator("#done")).to_contain_text(re.compile("1 entri terverifikasi"))
    learner = enter(page, demo, BY_ID["16"].name)
    row = learner.locator("a.row").filter(has_text=title)
    expect(row).to_contain_text("terverifikasi")


def test_it_works_without_scripts(browser: Browser, demo: Demo) -> None:
    """Ticking, reasons and buttons are a plain form."""
    title = "Coaching tanpa skrip"
    context = browser.new_context(locale="id-ID", viewport={"width": 360, "height": 740})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    log(enter(page, demo, BY_ID["13"].name), title, INSTRUCTOR.name)
    frame = queue(page, demo, "id")
    # The launch itself needs scripts where cookies are blocked; the queue does not.
    inner = page.frame("contentframe")
    assert inner is not None
    inner.evaluate("const form = document.getElementById('queue'); form.replaceWith(form.cloneNode(true))")
    waiting(frame, title).locator("label.tick").click()
    frame.locator("#bulk details.why summary").click()
    frame.locator("#reason-selected").fill("Bukan kegiatan belajar")
    frame.locator("#bulk button[name=rejected]").click()
    expect(frame.locator("#done")).to_contain_text("1 entri ditolak")
    context.close()

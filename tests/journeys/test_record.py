"""From a launch in a frame to the instructor's report, in a browser that blocks third-party cookies."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect
from tincan import RemoteLRS, StatementList

from jejak.demo.lms.people import BY_ID
from jejak.demo.moodle import Site
from tests.journeys.conftest import PATIENCE_MS, Demo

FRAME = "#contentframe"
RIZKY, DEWI, INSTRUCTOR = BY_ID["20"], BY_ID["19"], BY_ID["3"]


def enter(page: Page, demo: Demo, name: str) -> FrameLocator:
    """Open the LMS, choose a person, and wait for the tool's page inside the course's frame."""
    page.goto(demo.lms)
    page.get_by_role("link", name=name).click()
    frame = page.frame_locator(FRAME)
    expect(frame.locator("main#content h1")).to_be_visible()
    return frame


def row_of(frame: FrameLocator, name: str) -> Locator:
    return frame.locator("tbody tr").filter(has=frame.get_by_role("link", name=name, exact=True))


def jp_of(row: Locator, pillar: str) -> tuple[Decimal, Decimal]:
    """Verified and waiting JP of one pillar in a row of the cohort."""
    text = row.locator(f'td[data-label="{pillar}"]').inner_text()
    numbers = [Decimal(one.replace(",", ".")) for one in re.findall(r"\d+(?:[.,]\d+)?", text)]
    return numbers[0], numbers[1] if len(numbers) > 1 else Decimal(0)


def log_coaching(frame: FrameLocator, title: str) -> None:
    frame.locator('a[href$="/log"]').first.click()
    frame.locator('details.pick:has(a[href$="/log/coaching"]) summary').click()
    frame.locator('details.pick a[href$="/log/coaching"]').click()
    frame.locator("#title").fill(title)
    frame.locator("#count").fill("1")
    frame.locator("#mentor").select_option(label=INSTRUCTOR.name)
    frame.locator("form#log .actions button:not([name])").click()


def test_launch_happens_in_a_frame_of_another_site(page: Page, demo: Demo) -> None:
    """The tool opens inside the course page although the frame belongs to another site."""
    enter(page, demo, RIZKY.name)
    inner = page.frame("contentframe")
    assert inner is not None
    assert page.url.startswith(demo.lms)
    assert inner.url.startswith(f"{demo.tool}/l/")


def test_logged_coaching_is_counted_for_the_instructor(page: Page, demo: Demo) -> None:
    """A coaching session that a learner logs in the frame waits in the instructor's report, in pillar 20."""
    cohort = enter(page, demo, INSTRUCTOR.name)
    verified, waiting = jp_of(row_of(cohort, RIZKY.name), "20")
    learner = enter(page, demo, RIZKY.name)
    log_coaching(learner, "Coaching menyusun rencana kerja")
    expect(learner.locator(".notice[role=status]")).to_contain_text("Coaching menyusun rencana kerja")
    cohort = enter(page, demo, INSTRUCTOR.name)
    assert jp_of(row_of(cohort, RIZKY.name), "20") == (verified, waiting + 2)
    row_of(cohort, RIZKY.name).get_by_role("link", name=RIZKY.name, exact=True).click()
    expect(cohort.get_by_text("Coaching menyusun rencana kerja")).to_be_visible()


def test_pushed_completion_is_counted(page: Page, demo: Demo) -> None:
    """A course completion that tincan pushes in Moodle's shape is verified learning in pillar 10."""
    cohort = enter(page, demo, INSTRUCTOR.name)
    verified, waiting = jp_of(row_of(cohort, RIZKY.name), "10")
    key, secret = demo.lms_key
    remote = RemoteLRS(version="1.0.3", endpoint=demo.xapi, username=key, password=secret)
    now = datetime.now(UTC).astimezone().replace(microsecond=0)
    done = Site(demo.lms).course_completed(RIZKY, 9, "Literasi Data", now)
    answer = remote.save_statements(StatementList([done]))
    assert answer.success
    assert answer.response.status == 200
    wanted = (verified + 3, waiting)
    until = time.monotonic() + 15
    while (found := jp_of(row_of(cohort, RIZKY.name), "10")) != wanted and time.monotonic() < until:
        cohort = enter(page, demo, INSTRUCTOR.name)
    assert found == wanted


def test_everyone_of_the_course_is_in_the_report(page: Page, demo: Demo) -> None:
    """All twelve learners stand in the report by name, apostrophes and all, also those without a record."""
    cohort = enter(page, demo, INSTRUCTOR.name)
    names = cohort.locator("tbody th").all_inner_texts()
    assert sorted(names) == sorted(person.name for person in BY_ID.values() if not person.instructor)


def test_a_launch_as_somebody_else_ends_the_session_of_who_was_here(browser: Browser, demo: Demo) -> None:
    """In one browser the second person sees their own record, and the first one's tab shows nothing more."""
    context = browser.new_context(locale="id-ID")
    context.set_default_timeout(PATIENCE_MS)
    first, second = context.new_page(), context.new_page()
    mine = enter(first, demo, BY_ID["14"].name)
    theirs = enter(second, demo, BY_ID["17"].name)
    theirs.locator('a[hreflang="en"]').click()
    expect(theirs.locator("html")).to_have_attribute("lang", "en")
    expect(theirs.get_by_text("Pembelajaran alam terbuka")).to_be_visible()
    expect(theirs.get_by_text("Detasering di Inspektorat")).to_have_count(0)
    first.bring_to_front()
    mine.locator('a[hreflang="en"]').click()
    expect(mine.get_by_text("LTI-", exact=False).first).to_be_visible()
    expect(mine.get_by_text("Detasering di Inspektorat")).to_have_count(0)
    context.close()


def test_leaked_address_is_useless(browser: Browser, page: Page, demo: Demo) -> None:
    """The address of an open session shows nothing in another browser."""
    enter(page, demo, DEWI.name)
    inner = page.frame("contentframe")
    assert inner is not None
    stranger = browser.new_context()
    answer = stranger.new_page().goto(inner.url)
    assert answer is not None
    assert answer.status in {401, 403}
    assert DEWI.name not in answer.text()
    stranger.close()


def test_language_follows_the_platform(page: Page, demo: Demo) -> None:
    """The page speaks the language that the launch names."""
    page.goto(f"{demo.lms}/course/view.php?id=2&as={DEWI.id}&lang=en")
    expect(page.frame_locator(FRAME).locator("h1")).to_contain_text("Learning record")
    page.goto(f"{demo.lms}/course/view.php?id=2&as={DEWI.id}&lang=id")
    expect(page.frame_locator(FRAME).locator("h1")).to_contain_text("Rekam belajar")


@pytest.mark.parametrize("field", ["title", "end"])
def test_incomplete_form_says_what_is_missing_and_keeps_the_rest(page: Page, demo: Demo, field: str) -> None:
    """A form that lacks a field comes back with that field marked and everything else still typed."""
    frame = enter(page, demo, DEWI.name)
    frame.locator('a[href$="/log"]').first.click()
    frame.locator('details.pick:has(a[href$="/log/coaching"]) summary').click()
    frame.locator('details.pick a[href$="/log/coaching"]').click()
    typed = {
        "title": "Coaching memimpin rapat",
        "end": (datetime.now(UTC) - timedelta(days=1)).date().isoformat(),
    }
    for name, text in typed.items():
        frame.locator(f"#{name}").fill("" if name == field else text)
    frame.locator("form#log .actions button:not([name])").click()
    expect(frame.get_by_role("alert")).to_be_visible()
    expect(frame.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")
    for name in typed.keys() - {field}:
        expect(frame.locator(f"#{name}")).to_have_value(typed[name])


def test_a_form_sent_again_after_back_is_a_correction(page: Page, demo: Demo) -> None:
    """A step back keeps what was typed and the id of the form: sent again, it makes no second entry."""
    frame = enter(page, demo, BY_ID["16"].name)
    frame.locator('a[href$="/log"]').first.click()
    frame.locator('details.pick:has(a[href$="/log/workshop"]) summary').click()
    frame.locator('a[href$="/log/workshop"]').click()
    frame.locator("#title").fill("Lokakarya pertama")
    frame.locator("#count").fill("3")
    frame.locator("form#log .actions button:not([name])").click()
    expect(frame.locator(".notice[role=status]")).to_contain_text("Lokakarya pertama")
    page.evaluate("history.back()")
    expect(frame.locator("#title")).to_have_value("Lokakarya pertama")
    expect(frame.locator("#jp")).to_contain_text("15")
    frame.locator("#title").fill("Lokakarya kedua")
    frame.locator("form#log .actions button:not([name])").click()
    expect(frame.locator(".notice[role=status]")).to_contain_text("Lokakarya kedua")
    expect(frame.get_by_text("Lokakarya pertama")).to_have_count(0)

"""An entry's life in a browser that blocks third-party cookies: drafts, a change, a withdrawal, a return."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, Route, expect

from tests.journeys.conftest import PATIENCE_MS, Demo
from tests.journeys.test_record import FRAME

MARIA, YOSEF, DEWI, AGUS = "15", "18", "19", "16"
LANGUAGES = [("id", 360), ("en", 1280)]


def enter(page: Page, demo: Demo, person: str, language: str = "id") -> FrameLocator:
    """Launch as a person of the demo, in a language."""
    page.goto(f"{demo.lms}/course/view.php?id=2&as={person}&lang={language}")
    frame = page.frame_locator(FRAME)
    expect(frame.locator("main#content h1")).to_be_visible()
    return frame


def begin(frame: FrameLocator, form: str) -> None:
    """Open the form of an activity."""
    frame.locator('a[href$="/log"]').first.click()
    pick = frame.locator("details.pick").filter(has=frame.locator(f'a[href$="/log/{form}"]'))
    pick.locator("summary").click()
    pick.locator(f'a[href$="/log/{form}"]').click()
    expect(frame.locator("#title")).to_be_visible()


def send(frame: FrameLocator) -> None:
    """Press the main button of the form."""
    frame.locator("form#log .actions button[type=submit]:not([name])").click()


@pytest.mark.parametrize(("language", "width", "person"), [("id", 360, MARIA), ("en", 1280, YOSEF)])
def test_a_returned_entry_is_corrected_and_sent_again(
    page: Page, demo: Demo, language: str, width: int, person: str
) -> None:
    """The reason leads to the form as it was sent; with evidence added it waits again, with its history."""
    page.set_viewport_size({"width": width, "height": 800})
    frame = enter(page, demo, person, language)
    returned = frame.locator(".row:has(.returned)")
    until = time.monotonic() + 30
    while not returned.count() and time.monotonic() < until:
        frame = enter(page, demo, person, language)  # the demo's year is being worked out
    returned.first.click()
    frame.locator('a[href*="?change="]').click()
    expect(frame.locator("form#log")).to_be_visible()
    expect(frame.locator(".errors .said")).to_have_text("Lampirkan daftar hadir atau foto kegiatan.")
    title = frame.locator("#title").input_value()
    assert title
    frame.locator("#evidence").fill("https://simpan.contoh.example/daftar-hadir.pdf")
    send(frame)
    expect(frame.locator(".notice[role=status]").first).to_contain_text(
        "Diperbaiki" if language == "id" else "Corrected"
    )
    expect(frame.locator(".row:has(.returned)")).to_have_count(0)
    frame.locator(".row", has_text=title).click()
    history = frame.locator("ol.history > li")
    expect(history).to_have_count(3)
    expect(history.nth(1)).to_contain_text("Lampirkan daftar hadir atau foto kegiatan.")
    history.nth(2).locator("summary").click()
    expect(history.nth(2).locator("pre").last).to_contain_text("daftar-hadir.pdf")


@pytest.mark.parametrize(("language", "width"), LANGUAGES)
def test_an_entry_is_changed_and_withdrawn(page: Page, demo: Demo, language: str, width: int) -> None:
    """A mistyped entry is mended, counted while typing, and taken out of the record again."""
    page.set_viewport_size({"width": width, "height": 800})
    frame = enter(page, demo, AGUS, language)
    begin(frame, "workshop")
    wrong, right = f"Lokakarya slaah {language}", f"Lokakarya salah {language}"
    frame.locator("#title").fill(wrong)
    frame.locator("#count").fill("2")
    send(frame)
    frame.locator(".row", has_text=wrong).click()
    frame.locator('a[href*="?change="]').click()
    expect(frame.locator("#count")).to_have_value("2")
    frame.locator("#count").fill("1")
    expect(frame.locator("#jp")).to_contain_text("1")
    frame.locator("#title").fill(right)
    send(frame)
    expect(frame.locator(".row", has_text=wrong)).to_have_count(0)
    frame.locator(".row", has_text=right).click()
    frame.locator(".withdraw summary").click()
    frame.locator(".withdraw button").click()
    expect(frame.locator(".notice[role=status]").first).to_contain_text(
        "Ditarik" if language == "id" else "Withdrawn"
    )
    expect(frame.locator(".row", has_text=right)).to_have_count(0)


def test_what_is_typed_survives_the_language_switch_and_a_new_launch(page: Page, demo: Demo) -> None:
    """Switching the language at once, and launching again tomorrow, both find the form as it was left."""
    frame = enter(page, demo, DEWI)
    begin(frame, "seminar")
    frame.locator("#title").fill("Seminar yang belum selesai")
    frame.locator("#organiser").fill("Biro Umum")
    frame.locator('a[hreflang="en"]').click()
    expect(frame.locator("html")).to_have_attribute("lang", "en")
    expect(frame.locator("#title")).to_have_value("Seminar yang belum selesai")
    expect(frame.locator("#organiser")).to_have_value("Biro Umum")
    frame = enter(page, demo, DEWI)
    frame.locator(".row", has_text="Seminar yang belum selesai").click()
    expect(frame.locator("#organiser")).to_have_value("Biro Umum")
    frame.locator('button[name="drop_draft"]').click()
    expect(frame.locator("#title")).to_have_value("")


def test_a_lost_connection_loses_nothing(browser: Browser, demo: Demo) -> None:
    """While there is no connection the page says so and sends nothing; then it goes on by itself."""
    context = browser.new_context(locale="id-ID", viewport={"width": 360, "height": 740})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    frame = enter(page, demo, DEWI)
    begin(frame, "workshop")
    state = frame.locator("#draft-state")

    def broken(route: Route) -> None:
        route.abort("internetdisconnected")

    page.route("**/draft*", broken)
    frame.locator("#title").fill("Lokakarya di Wamena")
    expect(state).to_contain_text("tidak ada koneksi")
    send(frame)
    expect(frame.locator("form#log .actions button:not([name])")).to_be_enabled()
    expect(frame.locator("#title")).to_have_value("Lokakarya di Wamena")
    # The window is opened anew before anything could be kept on the server.
    frame = enter(page, demo, DEWI)
    begin(frame, "workshop")
    expect(frame.locator("#title")).to_have_value("Lokakarya di Wamena")
    page.unroute("**/draft*", broken)
    frame.locator("#count").fill("1")
    expect(state).to_contain_text("Draf disimpan")
    send(frame)
    expect(frame.locator(".notice[role=status]").first).to_contain_text("Lokakarya di Wamena")
    begin(frame, "workshop")
    expect(frame.locator("#title")).to_have_value("")
    context.close()

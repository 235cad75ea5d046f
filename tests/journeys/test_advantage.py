"""Dynamic registration, deep linking, grades and platform storage, through the pages that people use."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, FrameLocator, Page, expect

from jejak.demo.lms.people import BY_ID, Person
from statements.profile.build import activity_statement, decision_statement
from statements.profile.shipped import shipped
from statements.profile.vocabulary import Decision
from tests.journeys.conftest import ARGUMENTS, CHROMIUM, PATIENCE_MS, Demo
from tests.journeys.test_record import FRAME, INSTRUCTOR, enter, log_coaching

HALIMAH, YOSEF, MARIA = BY_ID["21"], BY_ID["18"], BY_ID["15"]


def jejak(demo: Demo, *arguments: str) -> Any:
    """Run one of the administrator's commands on the demo's store; its JSON answer."""
    folder = demo.data / f"{demo.port}-{demo.lms_port}"
    settings = {
        "JEJAK_STORE": f"sqlite:///{folder / 'jejak.db'}",
        "JEJAK_PUBLIC_URL": demo.tool,
        "JEJAK_ALLOW_LOOPBACK": "true",
    }
    done = subprocess.run(
        [sys.executable, "-m", "jejak.cli.main", *arguments, "--json"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def choose_content(page: Page, demo: Demo, view: str) -> None:
    """As the instructor, pick one kind of content in the tool's frame and send it."""
    page.goto(f"{demo.lms}/course/view.php?id=2&as=3")
    page.get_by_role("link", name="Add from").first.click()
    frame = page.frame_locator(FRAME)
    expect(frame.locator('button[type="submit"]')).to_be_visible()
    for box in frame.locator('input[name="choice"]:checked').all():
        box.uncheck()
    frame.locator(f'input[name="choice"][value="{view}"]').check()
    if view == "goal":
        frame.locator("#goal_form").select_option("mentoring")
        frame.locator("#goal_jp").fill("4")
    frame.locator('button[type="submit"]').click()


def test_embedded_record_opens_for_a_learner(page: Page, demo: Demo) -> None:
    """An instructor embeds the record; the new activity stands in the course and opens for a learner."""
    page.goto(f"{demo.lms}/course/view.php?id=2&as=3")
    before = page.locator(".activities li").count()
    choose_content(page, demo, "record")
    activities = page.locator(".activities li")
    expect(activities).to_have_count(before + 1)
    name = activities.last.inner_text()
    page.goto(f"{demo.lms}/course/view.php?id=2&as=19")
    page.locator(".activities").get_by_role("link", name=name, exact=True).click()
    expect(page.frame_locator(FRAME).locator("main#content h1")).to_be_visible()


def test_embedded_goal_has_a_column_in_the_gradebook(page: Page, demo: Demo) -> None:
    """A graded goal arrives with its own column, and the LMS's own column is left alone."""
    choose_content(page, demo, "goal")
    expect(page.locator(".activities")).to_contain_text("4 JP")
    page.goto(f"{demo.lms}/grade/report.php?as=3")
    columns = page.locator("thead th").all_inner_texts()
    assert any("4 JP" in one for one in columns)
    assert any("Ujian akhir" in one for one in columns)


def test_tool_registers_itself_and_waits_for_both_administrators(page: Page, demo: Demo) -> None:
    """An invitation is pasted into the LMS; after both sides have activated it, a learner can launch."""
    known = {one["id"] for one in jejak(demo, "platforms", "list")}
    invitation = jejak(demo, "platforms", "invite", "--tenant", "contoh")["url"]
    page.goto(f"{demo.lms}/admin/tools")
    page.get_by_label("Registration address of a tool").fill(invitation)
    page.get_by_role("button", name="Add LTI Advantage").click()
    page.frame_locator(FRAME).locator('button[type="submit"]').click()
    expect(page.get_by_text("pending", exact=True)).to_be_visible()
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_text("pending", exact=True)).to_have_count(0)

    page.goto(f"{demo.lms}/course/view.php?id=2&as=22")
    newest = page.locator(".activities a").last
    newest.click()
    expect(page.frame_locator(FRAME).locator("code")).to_have_text("LTI-04")
    (mine,) = [one for one in jejak(demo, "platforms", "list") if one["id"] not in known]
    assert mine["status"] == "pending"
    jejak(demo, "platforms", "activate", "--platform", mine["id"])
    page.reload()
    expect(page.frame_locator(FRAME).locator("main#content h1")).to_be_visible()


def test_roster_in_pages_is_complete(page: Page, demo: Demo) -> None:
    """With the roster served five at a time, the report still shows everybody."""
    page.goto(f"{demo.lms}/bench")
    page.locator("#switch-roster").select_option("paged")
    page.get_by_role("button", name="Set services").click()
    cohort = enter(page, demo, BY_ID["3"].name)
    expect(cohort.locator("tbody tr")).to_have_count(12)
    page.goto(f"{demo.lms}/bench")
    page.locator("#switch-roster").select_option("normal")
    page.get_by_role("button", name="Set services").click()


def switch(page: Page, demo: Demo, name: str, value: str) -> None:
    """Set one switch of the demo LMS's services."""
    page.goto(f"{demo.lms}/bench")
    page.locator(f"#switch-{name}").select_option(value)
    page.get_by_role("button", name="Set services").click()


@pytest.fixture
def calm(page: Page, demo: Demo) -> Iterator[None]:
    """After the test, all services are as they were, whatever it came to."""
    yield
    page.goto(f"{demo.lms}/bench")
    for box in page.locator('select[id^="switch-"]').all():
        box.select_option(index=0)
    page.get_by_role("button", name="Set services").click()


class Goal:
    """A graded goal of 4 JP of mentoring, embedded by the instructor, and its column in the gradebook."""

    def __init__(self, page: Page, demo: Demo) -> None:
        self.page, self.demo = page, demo
        choose_content(page, demo, "goal")
        self.address = page.locator(".activities a").last.get_attribute("href") or ""
        page.goto(f"{demo.lms}/grade/report.php?as=3")
        cell = page.locator("tbody tr").first.locator("td").last
        self.item = re.findall(r"\d+", cell.get_attribute("data-testid") or "")[0]

    def open(self, person: Person, *, lang: str = "id", variant: str = "") -> FrameLocator:
        """Open the goal as a person; the tool's page in the course's frame."""
        activity = re.findall(r"activity=(\d+)", self.address)[0]
        address = f"{self.demo.lms}/course/view.php?id=2&as={person.id}&activity={activity}&lang={lang}"
        self.page.goto(address)
        frame = self.page.frame_locator(FRAME)
        expect(frame.locator("main#content h1")).to_be_visible()
        if variant:
            self.page.locator(FRAME).evaluate("(frame, v) => { frame.src += `&variant=${v}` }", variant)
        return frame

    def mentored(self, person: Person) -> None:
        """One session of mentoring (2 JP) that the mentor has confirmed, as statements of the agency."""
        told, now = str(uuid.uuid4()), time.time_ns() // 1000
        made = activity_statement(
            shipped(),
            form="mentoring",
            id=told,
            actor=self.agent(person),
            title="Menyusun telaahan",
            end=shipped().day(now),
        )
        decided = decision_statement(
            Decision.VERIFIED,
            target=told,
            id=str(uuid.uuid4()),
            verifier=self.agent(INSTRUCTOR),
            reason="",
            # So long ago that it can no longer be undone: its grade leaves at once.
            at=now - 3_600_000_000,
        )
        answer = requests.post(
            self.demo.xapi + "statements",
            json=[made, decided],
            auth=self.demo.full_key,
            headers={"X-Experience-API-Version": "1.0.3"},
            timeout=10,
        )
        assert answer.status_code == 200, answer.text

    def agent(self, person: Person) -> dict[str, Any]:
        account = {"homePage": self.demo.lms, "name": person.id}
        return {"objectType": "Agent", "name": person.name, "account": account}

    def expect_grade(self, person: Person, text: str) -> None:
        """The gradebook's cell comes to hold this."""
        address = f"{self.demo.lms}/grade/report.php?as=3"
        for _ in range(40):
            self.page.goto(address)
            cell = self.page.get_by_test_id(f"grade-{self.item}-{person.id}")
            if cell.inner_text() == text:
                break
            self.page.wait_for_timeout(500)
        expect(cell).to_have_text(text)


def test_progress_towards_a_goal_is_shown_and_graded(page: Page, demo: Demo) -> None:
    """A learner reads how far they are with a goal; each confirmed session moves the grade in the LMS."""
    goal = Goal(page, demo)
    frame = goal.open(HALIMAH)
    expect(frame.locator(".goal")).to_have_text("Sasaran: 0 dari 4 JP Mentoring.")
    goal.expect_grade(HALIMAH, "-")
    goal.mentored(HALIMAH)
    goal.expect_grade(HALIMAH, "50.00")
    frame = goal.open(HALIMAH)
    expect(frame.locator(".goal")).to_have_text("Sasaran: 2 dari 4 JP Mentoring.")
    goal.mentored(HALIMAH)
    goal.expect_grade(HALIMAH, "100.00")
    frame = goal.open(HALIMAH, lang="en")
    expect(frame.locator(".goal")).to_have_text("Goal: 4 of 4 JP Mentoring. It is reached.")


def test_learning_before_the_goal_counts(page: Page, demo: Demo) -> None:
    """What was confirmed before the learner opened the goal is in the gradebook soon after they do."""
    goal = Goal(page, demo)
    goal.mentored(MARIA)
    goal.open(MARIA)
    goal.expect_grade(MARIA, "50.00")


@pytest.mark.usefixtures("calm")
def test_a_gradebook_that_is_down_loses_nothing(page: Page, demo: Demo) -> None:
    """While the LMS takes no scores they wait; its administrator sees them and can have them sent at once."""
    goal = Goal(page, demo)
    goal.open(YOSEF)
    switch(page, demo, "scores", "down")
    goal.mentored(YOSEF)
    frame = goal.open(INSTRUCTOR, variant="administrator")
    frame.get_by_role("link", name="Administrasi").click()
    waiting = frame.locator("tbody tr").filter(has_text=YOSEF.name)
    for _ in range(20):
        if "HTTP 503" in frame.locator("main").inner_text():
            break
        page.wait_for_timeout(500)
        frame.locator('a[hreflang="en"]').click()
        frame.locator('a[hreflang="id"]').click()
    expect(waiting).to_contain_text("HTTP 503")
    goal.expect_grade(YOSEF, "-")
    switch(page, demo, "scores", "normal")
    frame = goal.open(INSTRUCTOR, variant="administrator")
    frame.get_by_role("link", name="Administrasi").click()
    # What the browser has not sent yet is lost when the page is left.
    with page.expect_response(lambda answer: answer.url.endswith("/retry")):
        frame.get_by_role("button", name=f"Coba sekarang: {YOSEF.name}").click()
    goal.expect_grade(YOSEF, "50.00")


@pytest.mark.usefixtures("calm")
def test_a_conflict_leaves_the_lms_its_result_until_there_is_a_newer_one(page: Page, demo: Demo) -> None:
    """409 says that the LMS holds a newer result: ours is not repeated, and the next progress arrives."""
    goal = Goal(page, demo)
    ferdinand = BY_ID["22"]
    goal.open(ferdinand)
    switch(page, demo, "scores", "conflict")
    goal.mentored(ferdinand)
    page.wait_for_timeout(4000)
    goal.expect_grade(ferdinand, "-")
    switch(page, demo, "scores", "normal")
    page.wait_for_timeout(4000)
    goal.expect_grade(ferdinand, "-")
    goal.mentored(ferdinand)
    goal.expect_grade(ferdinand, "100.00")


def test_an_instructor_sees_no_administration(page: Page, demo: Demo) -> None:
    """Only a person whom the LMS calls an administrator finds that page, or may open it."""
    frame = enter(page, demo, INSTRUCTOR.name)
    expect(frame.get_by_role("link", name="Administrasi")).to_have_count(0)
    inner = page.frame("contentframe")
    assert inner is not None
    inner.goto(inner.url.replace("/cohort", "/admin"))
    expect(frame.locator("code")).to_have_text("LTI-51")


@pytest.fixture
def cookieless(browser: Browser, demo: Demo, tmp_path: Path) -> Iterator[Page]:
    """A page of a browser that is set to block all cookies."""
    (tmp_path / "Default").mkdir()
    blocked = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(blocked))
    context = browser.browser_type.launch_persistent_context(
        tmp_path, executable_path=CHROMIUM, args=list(ARGUMENTS), locale="id-ID"
    )
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    assert context.cookies() == []
    context.close()


@pytest.mark.usefixtures("calm")
def test_without_any_cookie_the_platforms_storage_carries_the_launch(
    page: Page, cookieless: Page, demo: Demo
) -> None:
    """A browser that keeps no cookie logs in the frame as ever where the platform offers storage."""
    switch(page, demo, "storage", "offered")
    learner = enter(cookieless, demo, BY_ID["16"].name)
    log_coaching(learner, "Coaching tanpa kuki")
    expect(learner.locator(".notice[role=status]")).to_contain_text("Coaching tanpa kuki")


def test_without_cookie_and_storage_a_new_window_is_offered(cookieless: Page, demo: Demo) -> None:
    """Stock Moodle has no storage: the frame then says why and offers a window of its own."""
    cookieless.goto(f"{demo.lms}/course/view.php?id=2&as=16")
    button = cookieless.frame_locator(FRAME).get_by_role("button", name="Buka di jendela baru")
    expect(button).to_be_visible()

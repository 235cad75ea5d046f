"""Dynamic registration and deep linking, through the pages that an administrator and an instructor use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from playwright.sync_api import Page, expect

from jejak.demo.lms.people import BY_ID
from tests.journeys.conftest import Demo
from tests.journeys.test_record import FRAME, enter


def jejak(demo: Demo, *arguments: str) -> Any:
    """Run one of the administrator's commands on the demo's store; its JSON answer."""
    folder = demo.data / f"{demo.port}-{demo.lms_port}"
    settings = {
        "JEJAK_STORE": f"sqlite:///{folder / 'jejak.db'}",
        "JEJAK_PUBLIC_URL": demo.tool,
        "JEJAK_ALLOW_LOOPBACK": "true",
    }
    done = subprocess.run(
        [sys.executable, "-m", "jejak.cli", *arguments, "--json"],
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

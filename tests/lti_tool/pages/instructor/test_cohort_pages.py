"""The report about a course: paged, counted, and shown whether or not the platform answers."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest

from lrs.outbound.circuit_breaker import FAILURES
from lrs.outbound.http_client import Answer
from lti_tool.pages.instructor.routes import PAGE
from lti_tool.services import jobs
from lti_tool.services.cohorts import COUNT_SECONDS, COUNTED_AT_ONCE
from lti_tool.services.roster import RETRY_SECONDS
from tests.lti_tool.conftest import World
from tests.lti_tool.pages.admin.test_pages import Here, site  # noqa: F401
from tests.lti_tool.platform import CLAIM, NRPS_CLAIM, ROLE, TOOL, Sent, answer
from tests.lti_tool.services.test_client import MEMBERS, member, serve_roster
from tests.waiting import wait_until

TEACHER = [ROLE + "Instructor"]
ROSTER = {NRPS_CLAIM: {"context_memberships_url": MEMBERS}, "sub": "900", "name": "Ibu Guru"}
LARGE = COUNTED_AT_ONCE + 5


@pytest.fixture
def here(site: World) -> Here:  # noqa: F811
    """A teacher's browser, and a roster of none."""
    serve_roster(site, [])
    return Here(site.visit(), TEACHER, **ROSTER)


def numbered(count: int) -> list[dict[str, Any]]:
    return [member(n, name=f"Person {n:05d}") for n in range(count)]


def rows(page: str) -> list[str]:
    """The names in the list."""
    return re.findall(r'<th scope="row"><a[^>]*>([^<]*)</a>', page)


def lead(page: str) -> str:
    return str(re.findall(r'<p class="lead">([^<]*)</p>', page)[0])


def notes(page: str) -> str:
    return " ".join(re.findall(r'<div class="notice" role="status">(.*?)</div>', page, re.DOTALL))


def link(page: str, rel: str) -> str:
    """Where a link between pages leads, or an empty text."""
    found = re.search(rf'rel="{rel}" href="([^"]*)"', page)
    return found.group(1).replace("&amp;", "&") if found else ""


def follow(here: Here, path: str) -> str:
    return here.visit.client.get(path, base_url=TOOL, headers={"Accept-Language": "en"}).text


def settled(site: World) -> None:  # noqa: F811
    """Wait for what goes on in the background."""
    wait_until(lambda: not site.tool.jobs._going, "the work in the background has ended")


def test_a_course_is_listed_some_people_at_a_time(site: World, here: Here) -> None:  # noqa: F811
    """Plain links lead to the next page and back; the sentence and the chart are about everybody."""
    serve_roster(site, numbered(2 * PAGE + 1))
    page = here.get("cohort").text
    seen = rows(page)
    assert len(seen) == PAGE
    assert lead(page).startswith(f"{2 * PAGE + 1} participants")
    assert not link(page, "prev")
    second = follow(here, link(page, "next"))
    third = follow(here, link(second, "next"))
    seen += rows(second) + rows(third)
    assert seen == [f"Person {n:05d}" for n in range(2 * PAGE + 1)]
    assert not link(third, "next")
    assert rows(follow(here, link(third, "prev"))) == rows(second)
    assert "Beginning" in third
    assert page.count("<circle") == 12


def test_another_year_stays_chosen_over_the_pages(site: World, here: Here) -> None:  # noqa: F811
    """The state of the list is in its address, and no name is."""
    serve_roster(site, numbered(PAGE + 1))
    here.get("cohort")
    page = follow(here, here.path + "cohort?year=2024")
    where = link(page, "next")
    assert "year=2024" in where
    assert "person" not in where.lower()
    assert "JP in 2024" in follow(here, where)


def test_a_small_course_has_no_links_between_pages(site: World, here: Here) -> None:  # noqa: F811
    """Fifty people fit on one page."""
    serve_roster(site, numbered(PAGE))
    page = here.get("cohort").text
    assert len(rows(page)) == PAGE
    assert "Pages of the list" not in page


def test_a_large_course_shows_kept_numbers_and_a_small_page(site: World, here: Here) -> None:  # noqa: F811
    """Everybody is counted in the background; the page says when, and stays small."""
    serve_roster(site, numbered(LARGE))
    page = here.get("cohort").text
    assert lead(page).startswith(f"{LARGE} participants: ")
    assert "Counted at" in page
    assert "up to" in page
    assert len(rows(page)) == PAGE
    assert len(page.encode()) < 150_000
    site.clock.forward(COUNT_SECONDS + 1)
    serve_roster(site, numbered(LARGE + 7))
    site.clock.forward(300)
    here.get("cohort")
    settled(site)
    assert lead(here.get("cohort").text).startswith(f"{LARGE + 7} participants: ")


def test_a_large_course_is_counted_like_a_small_one(
    site: World,  # noqa: F811
    here: Here,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The kept numbers say what counting at once says."""
    serve_roster(site, numbered(40))
    at_once = lead(here.get("cohort").text)
    monkeypatch.setattr("lti_tool.services.cohorts.COUNTED_AT_ONCE", 10)
    kept = here.get("cohort").text
    assert "Counted at" in kept
    assert lead(kept) == at_once


class Slow:
    """A roster service that answers when it is told to."""

    def __init__(self, site: World) -> None:  # noqa: F811
        self.going = threading.Event()
        self.asked = 0
        site.wire.handlers[MEMBERS] = self.answer

    def answer(self, _sent: Sent) -> Answer:
        self.asked += 1
        assert self.going.wait(30)
        return answer({"members": numbered(3)})


def test_a_page_does_not_wait_for_a_slow_platform(
    site: World,  # noqa: F811
    here: Here,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is known is shown, with a link to look again; the list is there once the platform has answered."""
    monkeypatch.setattr(jobs, "PATIENCE_SECONDS", 0.0)
    slow = Slow(site)
    site.visit().go(sub="41", name="Ani")
    page = here.get("cohort").text
    assert "is being asked for its list" in notes(page)
    assert "Show the list as it is now" in notes(page)
    slow.going.set()
    settled(site)
    page = here.get("cohort").text
    assert not notes(page)
    assert rows(page) == [f"Person {n:05d}" for n in range(3)]


def test_a_course_is_fetched_once_however_many_ask(
    site: World,  # noqa: F811
    here: Here,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Forty pages of one course are one request to the platform, also from several workers of one store."""
    monkeypatch.setattr(jobs, "PATIENCE_SECONDS", 0.0)
    slow = Slow(site)
    other = jobs.Jobs()
    for number in range(40):
        if number == 20:
            monkeypatch.setattr(site.tool.roster, "jobs", other)
        assert "is being asked" in notes(here.get("cohort").text)
    slow.going.set()
    monkeypatch.undo()
    settled(site)
    assert slow.asked == 1


def test_a_platform_that_keeps_failing_is_left_alone_and_the_page_says_so(
    site: World,  # noqa: F811
    here: Here,
) -> None:
    """After some failures nobody asks it for a while; the page says until when."""
    site.wire.handlers[MEMBERS] = lambda _sent: answer("down", 503)
    for _ in range(FAILURES):
        page = here.get("cohort").text
        site.clock.forward(RETRY_SECONDS + 1)
    site.clock.forward(-RETRY_SECONDS)
    page = here.get("cohort").text
    assert "left alone until" in notes(page)
    asked = len(site.wire.to(MEMBERS))
    here.get("cohort")
    assert len(site.wire.to(MEMBERS)) == asked == FAILURES


def test_a_roster_that_was_cut_says_so(site: World, here: Here) -> None:  # noqa: F811
    """Whoever looks for somebody learns that the list is not whole."""
    endless: Any = lambda _sent: answer(  # noqa: E731
        {"members": numbered(2)}, link=f"<{MEMBERS}?p={len(site.wire.sent)}>; rel=next"
    )
    site.wire.handlers[MEMBERS] = endless
    assert "some people are missing" in notes(here.get("cohort").text)


def test_a_person_is_found_in_their_own_course_alone(site: World, here: Here) -> None:  # noqa: F811
    """The page of a participant looks one person up, and knows nobody from elsewhere."""
    serve_roster(site, numbered(3))
    page = here.get("cohort").text
    (path,) = re.findall(r'<th scope="row"><a href="([^"]*)"[^>]*>Person 00001</a>', page)
    assert "Person 00001" in follow(here, path)
    elsewhere = Here(site.visit(), TEACHER, **{CLAIM + "context": {"id": "other"}, "sub": "901"})
    person = path.rpartition("/")[2]
    assert elsewhere.get(f"cohort/{person}").status_code == 404
    assert here.get("cohort/nobody").status_code == 404


def test_a_teacher_who_may_not_edit_is_no_participant(site: World, here: Here) -> None:  # noqa: F811
    """Moodle lists them as learners; their launch said that they teach."""
    serve_roster(site, [member(900, name="Ibu Guru"), member(1, name="Ani")])
    page = here.get("cohort").text
    assert rows(page) == ["Ani"]
    assert lead(page).startswith("1 participant:")


def test_another_year_is_spoken_of_as_another_year(site: World, here: Here) -> None:  # noqa: F811
    """A year that has ended has no today, the links of its page keep it, and there is a way on."""
    serve_roster(site, numbered(2))
    here.get("cohort")
    page = follow(here, here.path + "cohort?year=2024")
    assert "0 reached the target, 0 did not, 2 have less than half of it." in lead(page)
    assert "due by today" not in page
    assert 'href="?year=2025"' in page
    (path,) = re.findall(r'<th scope="row"><a href="([^"]*)"[^>]*>Person 00001</a>', page)
    assert path.endswith("?year=2024")
    person = follow(here, path)
    assert "0.0 of 20 JP in 2024." in person
    assert "this year" not in person
    assert 'cohort?year=2024"' in person

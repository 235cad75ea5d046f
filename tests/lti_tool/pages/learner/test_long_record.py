"""The record of somebody with many entries is shown a page at a time."""

from __future__ import annotations

import re
from html import unescape

import pytest

from lti_tool.pages.learner import routes
from statements.profile.vocabulary import Decision
from tests.lti_tool.conftest import World
from tests.lti_tool.pages.admin.test_pages import site
from tests.lti_tool.pages.learner.test_change import get
from tests.lti_tool.pages.learner.test_log_pages import Learner

__all__ = ["site"]


def titles(page: str) -> list[str]:
    """The entries that a page lists."""
    return re.findall(r'<span class="title"><bdi>([^<]+)</bdi>', page)


def test_a_long_record_has_pages(site: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page leads to the earlier entries; what was returned stands on all of them, and none is lost."""
    monkeypatch.setattr(routes, "SHOWN", 3)
    learner = Learner(site)
    for day in range(10, 17):
        entry = learner.saved(learner.send("seminar", end=f"2025-11-{day}", count="1", title=f"Hari {day}"))
        if day == 10:
            learner.decide(entry, Decision.RETURNED)
    found, where = [], "record"
    for _ in range(3):
        page = get(learner, where).text
        listed = titles(page)
        assert listed, (where, page)
        assert listed[0] == "Hari 10"
        found += listed[1:]
        more = re.search(r'href="(\?[^"]*after=[^"]*)"', page)
        where = "record" + unescape(more[1]) if more else ""
    assert found == [f"Hari {day}" for day in range(16, 10, -1)]
    assert where == ""


@pytest.mark.parametrize("after", ["x", "2025-11-10~1~x", "\x00", "9" * 5000, "2025-99-99~1~" + "0" * 36])
def test_a_place_that_makes_no_sense_is_no_error(site: World, after: str) -> None:
    """Whatever the address says, there is a page."""
    learner = Learner(site)
    answer = learner.visit.client.get(
        learner.path + "record", query_string={"after": after}, base_url="https://tool.example"
    )
    assert answer.status_code == 200

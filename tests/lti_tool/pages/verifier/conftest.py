"""A course with a teacher, learners who log, and browsers in which to decide."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from werkzeug.test import TestResponse

from lrs.records.entries import Entry, entry_id
from lti_tool.accounts import agent
from lti_tool.web.record_services import EXTENSION, RecordServices
from statements.profile.build import activity_statement
from tests.lti_tool.conftest import World
from tests.lti_tool.pages.admin.test_pages import Here, site
from tests.lti_tool.platform import CLAIM, NRPS_CLAIM, ROLE, TOOL
from tests.lti_tool.services.test_client import MEMBERS, member, serve_roster

ISSUER = "https://lms.example"
TEACHER, LEARNER = [ROLE + "Instructor"], [ROLE + "Learner"]
TODAY = date(2025, 11, 23)


@dataclass
class Course:
    """The tool with a course of three learners (1, 2 and 3), and what happens in it."""

    site: World

    @property
    def desk(self) -> RecordServices:
        found: RecordServices = self.site.app.extensions[EXTENSION]
        return found

    def teacher(self, sub: str = "900", /, **claims: Any) -> Here:
        roster = {NRPS_CLAIM: {"context_memberships_url": MEMBERS}, "sub": sub, "name": f"Guru {sub}"}
        return Here(self.site.visit(), TEACHER, **{**roster, **claims})

    def learner(self, sub: str = "1", /, **claims: Any) -> Here:
        roster = {NRPS_CLAIM: {"context_memberships_url": MEMBERS}, "sub": sub, "name": f"Person {sub}"}
        return Here(self.site.visit(), LEARNER, **{**roster, **claims})

    def log(self, who: str = "1", title: str = "Pendampingan SPBE", **more: Any) -> str:
        """What a learner logs; the id of its entry."""
        if mentor := more.pop("mentor", ""):
            more["mentor"] = agent(ISSUER, mentor, "Ibu Mentor")
        given: dict[str, Any] = {"id": str(uuid4()), "form": "coaching", "end": TODAY, "sessions": 1, **more}
        table = self.desk.record.tables.of("agency")
        statement = activity_statement(table, actor=agent(ISSUER, who, f"Person {who}"), title=title, **given)
        receipt = self.desk.emitter.emit("agency", statement)
        self.follow()
        # Each is stored at a time of its own.
        self.site.clock.forward(1)
        return entry_id("agency", receipt.ids[0])

    def follow(self) -> None:
        while self.desk.record.follower.run_once():
            pass

    def entry(self, id: str) -> Entry:
        found = self.desk.record.records.entry("agency", id)
        assert found is not None
        return found

    def status(self, id: str) -> str:
        return self.entry(id).status.value


@pytest.fixture
def course(site: World) -> Course:
    serve_roster(site, [member(n) for n in (1, 2, 3)])
    return Course(site)


def send(
    here: Here, path: str = "verify", *, token: Any = True, entry: Any = (), **fields: Any
) -> TestResponse:
    """Press a button of the page at `path`."""
    page = here.get(path if path.startswith("verify/entries") else "verify").text
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    data: dict[str, Any] = {name.replace("_", "-"): text for name, text in fields.items()}
    if found and token:
        data["csrf_token"] = found.group(1)
    if entry:
        data["entry"] = list(entry)
    return here.visit.client.post(
        here.path + path, data=data, base_url=TOOL, headers={"Origin": TOOL, "Accept-Language": "en"}
    )


def follow(here: Here, answer: TestResponse) -> str:
    """The page that a form leads to."""
    assert answer.status_code == 303, answer.text
    where = answer.headers["Location"]
    return here.visit.client.get(
        where + ("&" if "?" in where else "?") + "lang=en", base_url=TOOL, headers={"Accept-Language": "en"}
    ).text


def titles(page: str) -> list[str]:
    """The entries in the queue."""
    return re.findall(r'/verify/entries/[^"]+"><bdi>([^<]*)</bdi>', page)


__all__ = ["CLAIM", "Course", "Here", "course", "follow", "send", "site", "titles"]

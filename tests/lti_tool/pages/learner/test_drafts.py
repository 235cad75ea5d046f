"""What is typed into the form of an activity is kept until it is sent."""

from __future__ import annotations

import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from lrs.store.documents import DocumentQuery
from lti_tool.services import drafts
from tests.lti_tool.conftest import World
from tests.lti_tool.pages.admin.test_pages import site
from tests.lti_tool.pages.learner.test_change import COACHING, fields, get, post
from tests.lti_tool.pages.learner.test_log_pages import Learner
from tests.lti_tool.platform import CLAIM, ROLE, TOOL

__all__ = ["site"]


@pytest.fixture
def learner(site: World) -> Learner:
    """A learner with an empty record."""
    return Learner(site)


def keep(learner: Learner, form: str = "coaching", **typed: str) -> TestResponse:
    """What the page does by itself after a pause."""
    return post(learner, f"log/{form}/draft?lang=en", {"csrf_token": learner.token, **typed})


def drafted(learner: Learner) -> list[str]:
    """Titles of the drafts on the record's page."""
    page = get(learner, "record").text
    return re.findall(r'href="[^"]*/log/[a-z][^"]*"><span class="pill.*?<bdi>([^<]*)</bdi>', page)


def test_a_draft_stands_in_the_form_again(learner: Learner) -> None:
    """In another language or another launch the form holds what was typed, under the same id."""
    typed = COACHING | {"statement_id": "6f0f3c1e-7a0e-4f59-9d3e-0e5f1f7f0a01", "title": "Setengah <jadi>"}
    assert re.fullmatch(r"Draft kept, \d\d:\d\d WIB\.", keep(learner, **typed).text)
    for language in ("id", "en"):
        where = f"{learner.path}log/coaching?lang={language}"
        page = learner.visit.client.get(where, base_url=TOOL).text
        assert fields(page) | typed == fields(page)
    assert drafted(learner) == ["Setengah &lt;jadi&gt;"]
    again = Learner(learner_world(learner))
    assert fields(get(again, "log/coaching").text)["title"] == "Setengah <jadi>"
    assert learner.entries() == []


def learner_world(learner: Learner) -> Any:
    """The world that a learner lives in."""

    class Same:
        app = learner.app

        @staticmethod
        def visit() -> Any:
            return learner.visit

    return Same


def test_a_draft_is_erased_when_the_form_is_sent(learner: Learner) -> None:
    """Once the entry is stored, the form is empty again and the record lists no draft."""
    keep(learner, **COACHING, mentor_name="Anwar")
    typed = fields(get(learner, "log/coaching").text) | {"mentor_name": ""}
    learner.saved(post(learner, "log/coaching", typed))
    assert fields(get(learner, "log/coaching").text)["title"] == ""
    assert drafted(learner) == []


def test_what_is_refused_is_kept(learner: Learner) -> None:
    """A form that came back with a mistake is found again, too."""
    answer = learner.send("coaching", **COACHING | {"end": "2099-01-01"})
    assert answer.status_code == 422
    assert fields(get(learner, "log/coaching").text)["title"] == COACHING["title"]


def test_without_scripts_a_button_keeps_it(learner: Learner) -> None:
    """The button keeps what is typed, sends nothing, and says so; another one throws it away."""
    page = learner.send("coaching", **COACHING, keep_draft="1")
    assert (page.status_code, "Nothing is sent yet." in page.text) == (200, True)
    assert learner.entries() == []
    assert fields(get(learner, "log/coaching").text)["title"] == COACHING["title"]
    post(learner, "log/coaching", {"csrf_token": learner.token, "drop_draft": "1"})
    assert fields(get(learner, "log/coaching").text)["title"] == ""


def test_a_change_has_a_draft_of_its_own(learner: Learner) -> None:
    """What is typed to change an entry stands in that form alone, evidence that was unticked stays so."""
    entry = learner.saved(learner.send("coaching", **COACHING, evidence="https://simpan.example/a"))
    path = f"log/coaching?change={entry.statement_id}"
    typed = fields(get(learner, path).text) | {"title": "Sedang diubah"}
    del typed["keep_0"]
    post(learner, f"log/coaching/draft?change={entry.statement_id}", typed)
    assert fields(get(learner, "log/coaching").text)["title"] == ""
    found = fields(get(learner, path).text)
    assert (found["title"], "keep_0" in found) == ("Sedang diubah", False)
    assert drafted(learner) == ["Sedang diubah"]


def test_drafts_are_bounded(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    """One draft may hold so much, one person have so many, and each lasts so long."""
    assert keep(learner, reflection="x" * drafts.MOST_BYTES).status_code == 413
    assert keep(learner, **{f"field{number}": "x" for number in range(100)}).status_code == 413
    monkeypatch.setattr(drafts, "MOST_DRAFTS", 2)
    clock: Any = learner.desk.clock
    for form in ("coaching", "mentoring", "workshop", "mentoring"):
        clock.forward(1)
        keep(learner, form, title=form)
    assert drafted(learner) == ["mentoring", "workshop"]
    clock.forward(drafts.KEPT_DAYS * 86_400)
    again = Learner(learner_world(learner))
    assert drafted(again) == []
    assert fields(get(again, "log/mentoring").text)["title"] == ""
    keep(again, "seminar", title="baru")
    with learner.desk.record.store.reading() as reader:
        assert len(reader.find_documents(DocumentQuery(drafts.KIND, "agency", limit=10))) == 1


def test_a_draft_belongs_to_who_typed_it(site: World, learner: Learner) -> None:
    """Another person finds an empty form, and a request from another page keeps nothing."""
    keep(learner, **COACHING)
    other = site.visit()
    path = other.go(sub="43", **{CLAIM + "roles": [ROLE + "Learner"]}).headers["Location"]
    page = other.client.get(path + "log/coaching", base_url=TOOL).text
    assert fields(page)["title"] == ""
    assert post(learner, "log/coaching/draft", {"title": "Palsu"}).status_code == 403
    assert fields(get(learner, "log/coaching").text)["title"] == COACHING["title"]


def test_the_last_one_can_be_repeated(learner: Learner) -> None:
    """The form opens with title and form of an entry, and everything else is to be said anew."""
    entry = learner.saved(learner.send("coaching", **COACHING))
    for where in (f"entries/{entry.id}", "log"):
        assert f"log/coaching?repeat={entry.statement_id}" in get(learner, where).text
    found = fields(get(learner, f"log/coaching?repeat={entry.statement_id}").text)
    assert (found["title"], found["end"], found["reflection"]) == (COACHING["title"], "2025-11-23", "")
    second = learner.saved(post(learner, "log/coaching", found))
    assert (second.replaces, len(learner.entries())) == ("", 2)

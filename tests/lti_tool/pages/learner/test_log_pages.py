"""The form of an activity over HTTP: what is counted while typing is what is stored, and nothing twice."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from lrs.access import Access, Scope, authority_of
from lrs.records.entries import Entry, Status
from lrs.store.log import LogQuery
from lrs.xapi.ingest import Ingest
from lti_tool.pages import shared
from lti_tool.pages.learner import saving
from lti_tool.pages.learner.preview import in_words
from lti_tool.text import happened
from lti_tool.web.record_services import EXTENSION, RecordServices
from statements.data_types.versions import Version
from statements.profile.build import decision_statement, voiding_statement
from statements.profile.shipped import shipped
from statements.profile.vocabulary import Decision
from tests.lti_tool.conftest import World
from tests.lti_tool.pages.admin.test_pages import site
from tests.lti_tool.platform import CLAIM, ROLE, TOOL

__all__ = ["site"]

TODAY = date(2025, 11, 23)
FORMS = sorted(code for code, form in shipped().forms.items() if form.verifier != "automatic")


class Learner:
    """A learner in a browser, with the record behind it."""

    def __init__(self, site: World) -> None:
        self.app: Flask = site.app
        self.desk: RecordServices = site.app.extensions[EXTENSION]
        self.visit = site.visit()
        self.path = self.visit.go(**{CLAIM + "roles": [ROLE + "Learner"]}).headers["Location"]
        page = self.visit.client.get(self.path + "log/coaching?lang=en", base_url=TOOL).text
        self.token = _field(page, "csrf_token")

    def page(self, form: str) -> str:
        """The empty form."""
        return self.visit.client.get(f"{self.path}log/{form}?lang=en", base_url=TOOL).text

    def send(self, form: str, **typed: str) -> TestResponse:
        """Send a form."""
        fields = {"csrf_token": self.token, "statement_id": str(uuid4()), "title": "Judul", **typed}
        where = f"{self.path}log/{form}?lang=en"
        return self.visit.client.post(where, data=fields, base_url=TOOL, headers={"Origin": TOOL})

    def count(self, form: str, **typed: str) -> str:
        """What the page says while one types."""
        asked = {"lang": "en", **typed}
        return self.visit.client.get(f"{self.path}log/{form}/jp", query_string=asked, base_url=TOOL).text

    def see(self, answer: TestResponse) -> str:
        """The record's page that a good form leads to."""
        assert answer.status_code == 303
        return self.visit.client.get(answer.headers["Location"] + "&lang=en", base_url=TOOL).text

    def saved(self, answer: TestResponse) -> Entry:
        """The entry that a good form leads to."""
        assert answer.status_code == 303
        found = re.search(r"logged=([^&]+)", answer.headers["Location"])
        assert found is not None
        entry = self.desk.record.records.entry("agency", found[1])
        assert entry is not None
        return entry

    def entries(self) -> list[Entry]:
        """All entries of the learner."""
        key = "account\x1fhttps://lms.example\x1f42"
        person = self.desk.record.people.resolve("agency", key)
        return [] if person is None else self.desk.record.records.entries("agency", person)

    def decide(self, entry: Entry, decision: Decision = Decision.VERIFIED) -> None:
        """Have somebody else decide about an entry."""
        verifier = {"account": {"homePage": "https://lms.example", "name": "7"}}
        told: dict[str, Any] = {"verifier": verifier, "target": entry.statement_id, "at": self.desk.clock()}
        made = decision_statement(decision, id=str(uuid4()), reason="Periksa tanggalnya", **told)
        self.desk.seen("agency", self.desk.emitter.emit("agency", made).stored)

    def words(self, entry: Entry) -> str:
        """How the stored JP were counted, in the words of the form."""
        with self.app.test_request_context("/?lang=en"):
            return in_words(entry.award)

    def log_size(self) -> int:
        """How many statements are stored."""
        with self.desk.record.store.reading() as reader:
            return len(reader.find(LogQuery(None, limit=1000, include_hidden=True)))


def _field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*? value="([^"]*)"', page)
    assert found is not None
    return found[1]


@pytest.fixture
def learner(site: World) -> Learner:
    """A learner with an empty record."""
    return Learner(site)


@pytest.mark.parametrize(
    ("form", "typed", "jp"),
    [
        ("workshop", {"end": "2025-11-20", "count": "3"}, "15"),
        ("seminar", {"end": "2025-11-20", "count": "366"}, "1464"),
        ("seminar", {"start": "2025-11-19", "end": "2025-11-20", "count": "1"}, "4"),
        (
            "technical-training",
            {"start": "2025-11-17", "end": "2025-11-21", "hours": "37", "minutes": "30"},
            "50",
        ),
        ("coaching", {"end": "2025-11-20", "count": "2", "international": "1"}, "4"),
        ("coaching", {"end": "2025-11-20", "count": "9"}, "4"),
        ("secondment", {"start": "2025-11-16", "end": "2025-11-20"}, "20"),
    ],
)
def test_what_is_counted_while_typing_is_what_is_stored(
    learner: Learner, form: str, typed: dict[str, str], jp: str
) -> None:
    """The JP that the form shows, also with the first day left empty, are those of the entry."""
    shown = learner.count(form, **typed)
    entry = learner.saved(learner.send(form, **typed))
    assert (entry.jp, learner.words(entry)) == (int(jp), shown)


@pytest.mark.parametrize("international", ["", "1"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_stores_what_it_shows(learner: Learner, form: str, international: str) -> None:
    """For each form of the table: the sentence while typing is the stored one, also for a second entry."""
    typed = {"start": "2025-11-10", "end": "2025-11-20", "international": international, "count": "2"}
    typed |= {"hours": "7", "minutes": "20"}
    for _ in range(2):
        typed["statement_id"] = str(uuid4())
        shown = learner.count(form, **typed)
        entry = learner.saved(learner.send(form, **typed))
        assert learner.words(entry) == shown
        assert entry.jp or "JP" in shown


days = st.integers(0, 420).map(lambda back: (TODAY - timedelta(days=back)).isoformat())
few_days = st.integers(0, 9).map(lambda back: (TODAY - timedelta(days=back)).isoformat())
numbers = st.one_of(st.integers(0, 12).map(str), st.integers(0, 2500).map(str), st.just(""), st.just("dua"))
inputs = st.fixed_dictionaries(
    {
        "end": st.one_of(
            few_days, few_days, days, st.sampled_from(["", "besok", "2025-11-24", "0001-01-01"])
        ),
        "start": st.one_of(st.just(""), few_days, days, st.sampled_from(["x", "0001-01-01"])),
        "hours": numbers,
        "minutes": numbers,
        "count": numbers,
        "international": st.sampled_from(["", "1", "on", "maybe"]),
    }
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(FORMS), inputs, st.booleans()), min_size=1, max_size=6))
def test_the_count_is_right_for_any_input(
    learner: Learner, sent: list[tuple[str, dict[str, str], bool]]
) -> None:
    """Whatever is typed, and whatever the year holds: the count is the entry's, or the form refuses."""
    for form, typed, verify in sent:
        fields = typed | {"statement_id": str(uuid4())}
        shown = learner.count(form, **fields)
        answer = learner.send(form, **fields)
        if answer.status_code == 422:
            assert not re.search(r"JP\b.*=|Counted:", shown)
            continue
        entry = learner.saved(answer)
        assert learner.words(entry) == shown
        if verify:
            learner.decide(entry)


@pytest.mark.parametrize(
    ("form", "typed", "field", "message"),
    [
        ("technical-training", {"hours": "2000"}, "hours", "At most 10 JP a day count (7 hours 30 minutes)"),
        ("on-the-job-training", {"hours": "30"}, "hours", "choose the first day"),
        ("self-study", {"hours": "8"}, "hours", "at most 2 JP of a day count"),
        (
            "course",
            {"hours": "20", "start": "2025-11-19"},
            "hours",
            "for 2 days at most 15 hours",
        ),
        ("degree-study", {"count": "100"}, "count", "Give a whole number, 1 to 2."),
        ("degree-study", {"count": "9" * 5000}, "count", "Give a whole number, 1 to 2."),
        ("secondment", {}, "start", "This form counts from 5 days on, and this is 1 day."),
        ("internship", {"start": "2025-11-17"}, "start", "from 5 days on, and these are 4 days"),
        ("workshop", {"count": "3", "start": "2025-11-19"}, "count", "Only 2 days lie between these dates."),
        ("workshop", {"count": "367"}, "count", "Give a whole number, 1 to 366."),
        ("secondment", {"start": "0001-01-01"}, "start", "more than five years"),
    ],
)
def test_what_makes_no_sense_is_refused_beside_the_field(
    learner: Learner, form: str, typed: dict[str, str], field: str, message: str
) -> None:
    """An amount beyond a limit is refused with the limit, and all that was typed stands there again."""
    kept = {"end": "2025-11-20", "title": "Judul saya", "reflection": "Banyak"}
    answer = learner.send(form, **kept, **typed)
    assert answer.status_code == 422
    page = answer.text
    beside = re.search(rf'<p class="error" id="{field}-error">([^<]*)</p>', page)
    assert beside is not None
    assert message in beside[1]
    assert {name: _field(page, name) for name in typed} == typed
    assert _field(page, "title") == "Judul saya"
    assert ">Banyak</textarea>" in page
    assert learner.entries() == []


def test_a_used_up_month_is_explained_while_typing(learner: Learner) -> None:
    """Who has had both sessions of the month reads why another one counts nothing, before sending it."""
    learner.send("coaching", end="2025-11-04", count="2")
    shown = learner.count("coaching", end="2025-11-20", count="1")
    assert "those of November 2025 are used up by other entries. Nothing is left for this entry." in shown


@pytest.mark.parametrize(
    ("form", "typed", "said"),
    [
        ("self-study", {"end": "2025-11-20"}, "The JP appear here once date and duration are filled in."),
        ("self-study", {"end": "2025-11-20", "hours": "?"}, "Give hours as a whole number"),
        ("coaching", {"end": "?", "count": "1"}, "Choose the date"),
    ],
)
def test_the_count_never_disappears_silently(
    learner: Learner, form: str, typed: dict[str, str], said: str
) -> None:
    """What is missing or wrong is said where the JP would stand."""
    assert said in learner.count(form, **typed)


def test_it_counts_without_scripts(learner: Learner) -> None:
    """A button counts what is typed and sends nothing; the page shows the count from the start."""
    assert "1 session × 2 JP = 2.0 JP" in learner.page("coaching")
    answer = learner.send("workshop", end="2025-11-20", count="3", title="", count_only="1")
    assert answer.status_code == 200
    assert "3 days × 5 JP = 15.0 JP" in answer.text
    assert 'id="errors"' not in answer.text
    assert learner.entries() == []


def test_the_same_form_twice_is_one_entry(learner: Learner) -> None:
    """A form that is sent again as it was says that it is saved already; nothing is stored."""
    typed = {"statement_id": str(uuid4()), "end": "2025-11-20", "count": "1"}
    first = learner.send("coaching", **typed)
    assert "Saved." in learner.see(first)
    size = learner.log_size()
    again = learner.send("coaching", **typed)
    assert "Already saved." in learner.see(again)
    assert learner.saved(again) == learner.saved(first)
    assert (len(learner.entries()), learner.log_size()) == (1, size)


@pytest.mark.parametrize("returned", [False, True])
def test_other_content_is_a_correction(learner: Learner, *, returned: bool) -> None:
    """Other content under the same id takes the place of what was sent, which stays in the log."""
    id = str(uuid4())
    first = learner.saved(learner.send("coaching", statement_id=id, end="2025-11-20", count="1"))
    if returned:
        learner.decide(first, Decision.RETURNED)
    for count, title in (("2", "Judul"), ("2", "Judul lain"), ("1", "Judul")):
        typed = {"statement_id": id, "end": "2025-11-20", "count": count, "title": title}
        shown = learner.count("coaching", **typed)
        answer = learner.send("coaching", **typed)
        assert "Corrected." in learner.see(answer)
        assert "Already saved." in learner.see(learner.send("coaching", **typed))
        (entry,) = learner.entries()
        assert (entry.title, entry.amount.sessions) == ({"id": title}, int(count))
        assert (entry.status, bool(entry.replaces)) == (Status.SUBMITTED, True)
        assert learner.words(entry) == shown
    with learner.desk.record.store.reading() as reader:
        assert reader.get("agency", [first.statement_id])[first.statement_id].hidden


def test_a_correction_may_be_another_form(learner: Learner) -> None:
    """Who chose the wrong form and sends it as another one corrects it, in another year, too."""
    id = str(uuid4())
    learner.send("coaching", statement_id=id, end="2025-11-20", count="1")
    learner.send("seminar", statement_id=id, end="2024-12-20", count="1")
    (entry,) = learner.entries()
    assert (entry.form, entry.year) == ("seminar", 2024)


def test_a_verified_entry_is_not_changed_by_its_form(learner: Learner) -> None:
    """Other content after sign-off is refused with the way out, and nothing that was typed is lost."""
    id = str(uuid4())
    entry = learner.saved(learner.send("coaching", statement_id=id, end="2025-11-20", count="1"))
    learner.decide(entry)
    answer = learner.send("coaching", statement_id=id, end="2025-11-20", count="2", reflection="Baru")
    assert answer.status_code == 409
    assert "verified already" in answer.text
    assert ">Baru</textarea>" in answer.text
    assert (_field(answer.text, "statement_id"), _field(answer.text, "count")) == (id, "2")
    (kept,) = learner.entries()
    assert (kept.amount.sessions, kept.status) == (1, Status.VERIFIED)
    assert "Already saved." in learner.see(
        learner.send("coaching", statement_id=id, end="2025-11-20", count="1")
    )


def test_a_withdrawn_entry_can_be_logged_anew(learner: Learner) -> None:
    """A form whose entry was withdrawn says so, whatever it holds, and may be sent once more as a new one."""
    typed = {"statement_id": str(uuid4()), "end": "2025-11-20", "count": "1"}
    entry = learner.saved(learner.send("coaching", **typed))
    actor = {"account": {"homePage": "https://lms.example", "name": "42"}}
    plan = learner.desk.record.verification.withdraw("agency", entry.id, actor=actor)
    learner.desk.seen("agency", learner.desk.emitter.emit_all("agency", plan.statements).stored)
    answer = learner.send("coaching", **typed)
    assert (answer.status_code, "withdrawn meanwhile" in answer.text) == (409, True)
    fresh = _field(answer.text, "statement_id")
    assert fresh != typed["statement_id"]
    assert learner.send("coaching", **(typed | {"statement_id": fresh})).status_code == 303
    assert len(learner.entries()) == 1


def test_a_strangers_voiding_does_not_make_a_second_entry(learner: Learner) -> None:
    """An entry that stands although its statement is hidden is the form's entry still."""
    typed = {"statement_id": str(uuid4()), "end": "2025-11-20", "count": "1"}
    entry = learner.saved(learner.send("coaching", **typed))
    stranger = authority_of("agency", "stranger")
    access = replace(
        Access.internal("agency", "stranger", stranger), scopes=frozenset({Scope.STATEMENTS_WRITE})
    )
    void = voiding_statement(id=str(uuid4()), actor=stranger, target=entry.statement_id, at=0)
    ingest = Ingest(learner.desk.record.store, learner.desk.clock, lambda: str(uuid4()))
    learner.desk.seen("agency", ingest.submit(access, [void], Version.V1).stored)
    assert "Already saved." in learner.see(learner.send("coaching", **typed))
    assert "Corrected." in learner.see(learner.send("coaching", **(typed | {"count": "2"})))
    assert [one.amount.sessions for one in learner.entries()] == [2]


def test_the_id_of_another_statement_is_not_touched(learner: Learner) -> None:
    """A form with an id that belongs to something else changes nothing and gets an id of its own."""
    id = str(uuid4())
    other: dict[str, Any] = {
        "id": id,
        "actor": {"account": {"homePage": "https://lms.example", "name": "1"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/experienced"},
        "object": {"id": "https://lms.example/page"},
    }
    learner.desk.emitter.emit("agency", other)
    answer = learner.send("coaching", statement_id=id, end="2025-11-20", count="1")
    assert (answer.status_code, "can no longer be used" in answer.text) == (409, True)
    assert _field(answer.text, "statement_id") != id
    assert learner.entries() == []


def test_two_corrections_at_once_leave_one_entry(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two corrections that are sent at once one comes first, and the other corrects that one."""
    id = str(uuid4())
    typed = {"statement_id": id, "end": "2025-11-20"}
    learner.send("coaching", **typed, count="1")
    looked = saving.sent_before
    turns = iter([True])
    clock: Any = learner.desk.clock

    def meanwhile(*given: Any) -> Any:
        found = looked(*given)
        if found is not None and next(turns, False):
            clock.forward(1)
            assert learner.send("coaching", **typed, count="2", title="Dari tab lain").status_code == 303
        return found

    monkeypatch.setattr(saving, "sent_before", meanwhile)
    monkeypatch.setattr("lti_tool.pages.learner.preview.sent_before", looked)
    assert "Corrected." in learner.see(learner.send("coaching", **typed, count="3", title="Dari tab ini"))
    assert [one.title for one in learner.entries()] == [{"id": "Dari tab ini"}]


@pytest.mark.parametrize("text", ["a\x00b", "\ufeff", "﷽" * 200, "\u202e<script>", "' OR 1=1 --"])
def test_any_text_is_stored_or_refused(learner: Learner, text: str) -> None:
    """Odd characters never end in an error of the server."""
    answer = learner.send("coaching", end="2025-11-20", count="1", title=text, reflection=text, mentor=text)
    assert answer.status_code in (303, 422)


def test_a_large_statement_is_named_and_not_shown(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading and hiding parts of a large one takes long; the page says that it is there."""
    entry = learner.saved(learner.send("coaching", end="2025-11-20", count="1"))

    def page(language: str) -> str:
        where = f"{learner.path}entries/{entry.id}?lang={language}"
        return learner.visit.client.get(where, base_url=TOOL).text

    assert "&#34;verb&#34;" in page("en")
    monkeypatch.setattr(shared, "MOST_SHOWN", 100)
    asked: list[bytes] = []
    monkeypatch.setattr(happened, "masked_statement", asked.append)
    assert "too much to be shown here" in page("en")
    assert "terlalu besar untuk ditampilkan" in page("id")
    assert asked == []

"""Changing, withdrawing and sending again what a learner logged."""

from __future__ import annotations

import html
import re
from datetime import date
from typing import Any
from uuid import uuid4

import orjson
import pytest
from werkzeug.test import TestResponse

from lrs.records.entries import Entry, Status, entry_id
from lti_tool.accounts import agent
from lti_tool.pages.learner import saving
from statements.profile.build import activity_statement
from statements.profile.shipped import shipped
from statements.profile.vocabulary import Decision
from tests.lti_tool.conftest import World
from tests.lti_tool.pages.admin.test_pages import site
from tests.lti_tool.pages.learner.test_log_pages import Learner
from tests.lti_tool.platform import TOOL

__all__ = ["site"]

DAY = date(2025, 11, 20)
COACHING = {"end": "2025-11-20", "count": "1", "title": "Coaching pertama", "reflection": "Banyak belajar"}
MINE = agent("https://lms.example", "42", "")


@pytest.fixture
def learner(site: World) -> Learner:
    """A learner with an empty record."""
    return Learner(site)


def get(learner: Learner, path: str) -> TestResponse:
    """A page of the learner's, in English."""
    return learner.visit.client.get(
        f"{learner.path}{path}{'&' if '?' in path else '?'}lang=en", base_url=TOOL
    )


def change(learner: Learner, entry: Entry, **typed: str) -> TestResponse:
    """Open the form of an entry that was sent, type, and send it."""
    page = get(learner, f"log/{entry.form}?change={entry.statement_id}")
    assert page.status_code == 200
    return post(learner, f"log/{entry.form}?change={entry.statement_id}", fields(page.text) | typed)


def post(learner: Learner, path: str, typed: dict[str, str]) -> TestResponse:
    """Send a form of the learner's."""
    data = {name: text for name, text in typed.items() if text != "-"}
    return learner.visit.client.post(learner.path + path, data=data, base_url=TOOL, headers={"Origin": TOOL})


def fields(page: str) -> dict[str, str]:
    """What stands in the fields of the form on a page, as a browser would send it."""
    form = page[page.index('id="log"') :]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r' name="([^"]*)"', tag), re.search(r' value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or " checked" in tag):
            found[name[1]] = html.unescape(value[1]) if value else ""
    if text := re.search(r"<textarea[^>]*>([^<]*)</textarea>", form):
        found["reflection"] = html.unescape(text[1])
    if chosen := re.search(r'<option value="([^"]*)" selected>', form):
        found["mentor"] = html.unescape(chosen[1])
    return found


def body_of(learner: Learner, statement_id: str) -> dict[str, Any]:
    """A stored statement."""
    with learner.desk.record.store.reading() as reader:
        found: dict[str, Any] = orjson.loads(reader.get("agency", [statement_id])[statement_id].body)
        return found


def test_the_form_opens_filled_with_what_was_sent(learner: Learner) -> None:
    """Every field that was typed stands in the form again, evidence as a ticked box."""
    typed = {
        "end": "2025-11-21",
        "start": "2025-11-17",
        "hours": "37",
        "minutes": "30",
        "title": "Pelatihan “A & B”",
        "organiser": "LAN <RI>",
        "certificate": "12/2025",
        "evidence": "https://simpan.example/a?b=1&c=2",
        "reflection": "Satu\nDua",
    }
    entry = learner.saved(learner.send("technical-training", **typed))
    found = fields(get(learner, f"log/technical-training?change={entry.statement_id}").text)
    assert found | typed | {"evidence": "", "keep_0": "1"} == found


def test_a_change_takes_the_place_of_what_was_sent(learner: Learner) -> None:
    """The changed entry waits, the one before is gone from the record, and both stay in the log."""
    first = learner.saved(learner.send("coaching", **COACHING, evidence="https://simpan.example/a"))
    answer = change(learner, first, title="Coaching kedua", evidence="https://simpan.example/b")
    assert "Corrected." in learner.see(answer)
    (entry,) = learner.entries()
    assert (entry.title, entry.replaces, entry.status) == (
        {"id": "Coaching kedua"},
        first.statement_id,
        Status.SUBMITTED,
    )
    assert [one.url for one in entry.evidence] == ["https://simpan.example/a", "https://simpan.example/b"]
    assert body_of(learner, entry.statement_id)["result"]["response"] == "Banyak belajar"
    assert body_of(learner, first.statement_id)["object"]["definition"]["name"] == {"id": "Coaching pertama"}


def test_evidence_can_be_left_out(learner: Learner) -> None:
    """A box that is no longer ticked leaves its evidence out."""
    first = learner.saved(learner.send("coaching", **COACHING, evidence="https://simpan.example/a"))
    changed = learner.saved(change(learner, first, keep_0="-"))
    assert changed.evidence == ()


def test_sending_without_a_change_changes_nothing(learner: Learner) -> None:
    """Whoever opens the form of a waiting entry and sends it as it was is told so; nothing is stored."""
    first = learner.saved(learner.send("coaching", **COACHING))
    size = learner.log_size()
    assert "Already saved." in learner.see(change(learner, first))
    assert (learner.entries(), learner.log_size()) == ([first], size)


def test_a_return_is_answered(learner: Learner) -> None:
    """The form of a returned entry shows the reason, and what is sent then waits again, changed or not."""
    first = learner.saved(learner.send("coaching", **COACHING))
    learner.decide(first, Decision.RETURNED)
    page = get(learner, f"entries/{first.id}").text
    assert "Correct it and send it again" in page
    form = get(learner, f"log/coaching?change={first.statement_id}").text
    assert "Periksa tanggalnya" in form
    assert "Send again" in form
    second = learner.saved(change(learner, first))
    assert (second.status, second.replaces) == (Status.SUBMITTED, first.statement_id)
    learner.decide(second, Decision.RETURNED)
    third = learner.saved(change(learner, second, evidence="https://simpan.example/daftar-hadir"))
    assert [one.url for one in third.evidence] == ["https://simpan.example/daftar-hadir"]
    assert learner.entries() == [third]


def test_the_count_of_a_change_leaves_out_what_it_replaces(learner: Learner) -> None:
    """Two sessions a month count: a change of one of them is counted as if the old one were not there."""
    first = learner.saved(learner.send("coaching", **COACHING | {"count": "2"}))
    where = f"change={first.statement_id}&end=2025-11-20&count=2&statement_id={uuid4()}"
    assert get(learner, f"log/coaching/jp?{where}").text == "2 sessions × 2 JP = 4.0 JP"
    assert learner.words(learner.saved(change(learner, first, title="Lain"))) == "2 sessions × 2 JP = 4.0 JP"


@pytest.mark.parametrize("status", [Decision.VERIFIED, None])
def test_what_is_verified_or_gone_is_not_changed(learner: Learner, status: Decision | None) -> None:
    """A form whose entry was verified or withdrawn meanwhile is refused, with all that was typed."""
    first = learner.saved(learner.send("coaching", **COACHING))
    path = f"log/coaching?change={first.statement_id}"
    typed = fields(get(learner, path).text) | {"title": "Judul baru"}
    if status is None:
        post(learner, f"entries/{first.id}/withdraw", {"csrf_token": learner.token})
    else:
        learner.decide(first, status)
    size = learner.log_size()
    answer = post(learner, path + "&lang=en", typed)
    assert answer.status_code == 409
    assert ("verified already" if status else "changed or withdrawn meanwhile") in answer.text
    assert fields(answer.text)["title"] == "Judul baru"
    assert learner.log_size() == size
    assert get(learner, path).status_code == 303


def test_a_change_sent_twice_is_one(learner: Learner) -> None:
    """The same change again is saved already; other content corrects the change."""
    first = learner.saved(learner.send("coaching", **COACHING))
    path = f"log/coaching?change={first.statement_id}"
    typed = fields(get(learner, path).text) | {"title": "Judul baru"}
    changed = learner.saved(post(learner, path, typed))
    size = learner.log_size()
    assert learner.saved(post(learner, path, typed)) == changed
    assert learner.log_size() == size
    last = learner.saved(post(learner, path, typed | {"title": "Judul terakhir"}))
    assert (last.replaces, learner.entries()) == (changed.statement_id, [last])


def test_of_two_changes_at_once_one_is_made(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two windows change one entry at the same time: the second is told, and keeps what was typed."""
    first = learner.saved(learner.send("coaching", **COACHING))
    path = f"log/coaching?change={first.statement_id}"
    here, there = (fields(get(learner, path).text) for _ in range(2))
    looked = saving.sent_before
    clock: Any = learner.desk.clock
    turns = iter([True])

    def meanwhile(*given: Any) -> Any:
        if next(turns, False):
            assert post(learner, path, there | {"title": "Dari tab lain"}).status_code == 303
            clock.forward(1)
        return looked(*given)

    monkeypatch.setattr(saving, "sent_before", meanwhile)
    answer = post(learner, path + "&lang=en", here | {"title": "Dari tab ini"})
    assert (answer.status_code, "meanwhile" in answer.text) == (409, True)
    assert [one.title for one in learner.entries()] == [{"id": "Dari tab lain"}]


def test_an_entry_is_withdrawn_by_its_owner(learner: Learner) -> None:
    """It leaves the record, its statement is voided, and asking once more changes nothing."""
    entry = learner.saved(learner.send("coaching", **COACHING))
    where = f"entries/{entry.id}/withdraw"
    page = post(learner, where, {"csrf_token": learner.token})
    assert "Withdrawn." in learner.see(page)
    size = learner.log_size()
    assert "no longer there" in learner.see(post(learner, where, {"csrf_token": learner.token}))
    assert (learner.entries(), learner.log_size()) == ([], size)
    with learner.desk.record.store.reading() as reader:
        assert reader.get("agency", [entry.statement_id])[entry.statement_id].hidden


def test_a_verified_entry_is_not_withdrawn(learner: Learner) -> None:
    """The page offers nothing, and a request of old is refused with the way out."""
    entry = learner.saved(learner.send("coaching", **COACHING))
    learner.decide(entry)
    page = get(learner, f"entries/{entry.id}").text
    assert "/withdraw" not in page
    assert "?change=" not in page
    answer = post(learner, f"entries/{entry.id}/withdraw?lang=en", {"csrf_token": learner.token})
    assert (answer.status_code, "verified meanwhile" in answer.text) == (409, True)
    assert [one.status for one in learner.entries()] == [Status.VERIFIED]


def test_what_belongs_to_somebody_else_is_not_there(learner: Learner) -> None:
    """Neither the form nor the withdrawal of another person's entry exists."""
    theirs = activity_statement(
        shipped(),
        id=str(uuid4()),
        form="coaching",
        actor=agent("https://lms.example", "7", "Siti"),
        title="Rahasia Siti",
        end=DAY,
        sessions=1,
    )
    learner.desk.seen("agency", learner.desk.emitter.emit("agency", theirs).stored)
    id = entry_id("agency", theirs["id"])
    assert learner.desk.record.records.entry("agency", id) is not None
    for asked in (theirs["id"], str(uuid4()), "x", "\x00"):
        assert get(learner, f"log/coaching?change={asked}").status_code == 404
    post(learner, f"entries/{id}/withdraw", {"csrf_token": learner.token})
    assert learner.desk.record.records.entry("agency", id) is not None


def test_what_another_program_named_is_kept(learner: Learner) -> None:
    """A change keeps the mentor, the claim, the place and the files that the form does not ask for."""
    file = {
        "usageType": "https://jejak.id/xapi/profile/attachment-usages/evidence",
        "display": {"id": "Sertifikat.pdf"},
        "contentType": "application/pdf",
        "length": 3,
        "sha2": "a" * 64,
        "fileUrl": "https://simpan.example/s.pdf",
    }
    made = activity_statement(
        shipped(),
        id=str(uuid4()),
        form="coaching",
        actor=MINE,
        title={"id": "Judul", "en": "Title"},
        end=DAY,
        sessions=1,
        mentor={"objectType": "Agent", "name": "Anwar", "mbox_sha1sum": "b" * 40},
        attachments=[file],
        details={"place": "Bandung", "role": "peserta"},
        courses=[{"objectType": "Activity", "id": "https://lms.example/course/2"}],
        language="id",
    )
    learner.desk.seen("agency", learner.desk.emitter.emit("agency", made).stored)
    (entry,) = learner.entries()
    page = get(learner, f"log/coaching?change={entry.statement_id}").text
    assert 'value="as-sent" selected>Anwar' in page
    assert "Sertifikat.pdf" in page
    changed = learner.saved(change(learner, entry, count="2"))
    assert changed.mentor == entry.mentor
    assert (changed.title, changed.details, changed.courses) == (entry.title, entry.details, entry.courses)
    assert changed.evidence == entry.evidence


def test_the_reflection_stands_where_it_can_be_read(learner: Learner) -> None:
    """The page of an entry shows the reflection that whoever verifies it can read, escaped."""
    entry = learner.saved(learner.send("coaching", **COACHING | {"reflection": "<b>Tegas</b>\nlagi"}))
    page = get(learner, f"entries/{entry.id}").text
    assert "&lt;b&gt;Tegas&lt;/b&gt;\nlagi" in page
    assert "whoever may verify this entry, can read it." in page


def test_a_wrong_reflection_is_told_beside_it(learner: Learner) -> None:
    """Its message stands at the field, which is open."""
    page = learner.send("coaching", **COACHING | {"reflection": "x" * 4001}).text
    assert re.search(r'<details class="more" open>\s*<summary>Add a reflection', page)
    assert re.search(r'id="reflection-error">Write at most 4000 characters', page)

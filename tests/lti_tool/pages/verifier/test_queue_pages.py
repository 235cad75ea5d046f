"""The queue in a launch: what waits for whom, deciding about one or many, undoing, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lrs.records.verification import UNDO_SECONDS
from lti_tool.pages.verifier.queue_page import PAGE
from tests.lti_tool.pages.verifier.conftest import CLAIM, Course, follow, send, titles
from tests.lti_tool.platform import TOOL
from tests.lti_tool.services.test_client import member, serve_roster

OTHER = {CLAIM + "context": {"id": "other"}}


def lead(page: str) -> str:
    return " ".join(
        re.sub(r"<[^>]+>", " ", re.findall(r'<p class="lead">(.*?)</p>', page, re.DOTALL)[0]).split()
    )


def test_a_teacher_finds_what_the_people_of_the_course_logged(course: Course) -> None:
    """The longest waiting first, with name, form, JP and how they came about; the cohort leads there."""
    course.log("2", "Menyusun RKA")
    course.log("1", "Pendampingan SPBE", evidence_links=[{"url": "https://arsip.example/1", "title": "Foto"}])
    here = course.teacher()
    cohort = here.get("cohort").text
    assert f'href="{here.path}verify">2 wait for you: verify</a>' in cohort
    page = here.get("verify").text
    assert titles(page) == ["Menyusun RKA", "Pendampingan SPBE"]
    assert lead(page).startswith("2 entries wait for you. The first since")
    for text in ("Person 2", "Coaching", "1 session × 2 JP = 2.0 JP", 'href="https://arsip.example/1"'):
        assert text in page


def test_one_entry_is_verified_with_one_press(course: Course) -> None:
    """The button of an entry decides about that one, and the page comes back without it."""
    first, second = course.log("1", "Pertama"), course.log("2", "Kedua")
    here = course.teacher()
    page = follow(here, send(here, verified=first))
    assert titles(page) == ["Kedua"]
    assert "1 entry verified." in page
    assert (course.status(first), course.status(second)) == ("verified", "submitted")
    decided = course.entry(first).decided
    assert decided is not None
    assert decided.by.name == "Guru 900"


@pytest.mark.parametrize(("button", "status"), [("returned", "returned"), ("rejected", "rejected")])
def test_many_are_returned_or_rejected_with_one_reason(course: Course, button: str, status: str) -> None:
    """The reason reaches every one of them."""
    ids = [course.log(who, f"Entri {who}") for who in ("1", "2", "3")]
    here = course.teacher()
    answer = send(
        here, entry=tuple(ids[:2]), **{button: "selected", "reason_selected": "Lampirkan daftar hadir"}
    )
    assert titles(follow(here, answer)) == ["Entri 3"]
    assert [course.status(id) for id in ids] == [status, status, "submitted"]
    assert {course.entry(id).decided.reason for id in ids[:2]} == {"Lampirkan daftar hadir"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("fields", "said", "kept"),
    [
        ({"returned": "FIRST"}, "Write the reason", ""),
        ({"rejected": "selected", "entry": True}, "Write the reason", ""),
        ({"rejected": "selected", "reason_selected": "Bukan kegiatan belajar"}, "Tick the entries", "Bukan"),
        ({"verified": "selected"}, "Tick the entries first.", ""),
        ({"returned": "FIRST", "reason_FIRST": "x" * 2001}, "at most 2000 characters", "xxxx"),
        ({}, "Choose what to decide", ""),
    ],
)
def test_what_is_missing_is_said_and_nothing_typed_is_lost(
    course: Course, fields: dict[str, Any], said: str, kept: str
) -> None:
    """No reason, nothing ticked: the page comes back with what was typed and ticked, nothing is sent."""
    first = course.log("1", "Pertama")
    here = course.teacher()
    ticked = (first,) if fields.pop("entry", False) else ()
    sent = {name.replace("FIRST", first): text.replace("FIRST", first) for name, text in fields.items()}
    data = {name: text for name, text in sent.items() if not name.startswith("reason_")}
    reasons = {name.replace("reason_", "reason-"): text for name, text in sent.items() if "reason_" in name}
    answer = send(here, entry=ticked, **data, **reasons)
    assert answer.status_code == 422
    assert said in answer.text
    assert kept in answer.text
    assert answer.text.count(" checked") == len(ticked)
    assert course.status(first) == "submitted"


def test_a_decision_is_undone_for_ten_minutes(course: Course) -> None:
    """One press takes back all that was decided together; later, the page offers it no more."""
    ids = tuple(course.log(who, f"Entri {who}") for who in ("1", "2"))
    here = course.teacher()
    page = follow(here, send(here, entry=ids, verified="selected"))
    assert "2 entries verified." in page
    (at,) = re.findall(r'name="at" value="(\d+)"', page)
    page = follow(here, send(here, "verify/undo", at=at))
    assert "Undone: 2 entries wait again." in page
    assert titles(page) == ["Entri 1", "Entri 2"]
    page = follow(here, send(here, entry=ids, verified="selected"))
    (at,) = re.findall(r'name="at" value="(\d+)"', page)
    course.site.clock.forward(UNDO_SECONDS + 60)
    assert "entries verified" not in here.get("verify").text
    course.log("3")
    assert "time to undo it is over" in follow(here, send(here, "verify/undo", at=at))
    assert [course.status(id) for id in ids] == ["verified", "verified"]


@pytest.mark.parametrize("at", ["", "x", "-1", "9" * 40, "1.5"])
def test_a_moment_that_is_none_undoes_nothing(course: Course, at: str) -> None:
    """Whatever a client sends for it, the answer is the queue."""
    course.log()
    here = course.teacher()
    assert "time to undo it is over" in follow(here, send(here, "verify/undo", at=at))


def test_a_mentor_who_learns_here_decides_in_their_own_launch(course: Course) -> None:
    """Who is named by identifier finds it, also as a learner of the course or in another course."""
    id = course.log("1", "Bimbingan", mentor="2")
    course.log("3", "Tanpa mentor")
    here = course.learner("2")
    assert "1 waits for you: verify" in here.get("record").text
    assert titles(here.get("verify").text) == ["Bimbingan"]
    assert titles(course.learner("2", **OTHER).get("verify").text) == ["Bimbingan"]
    follow(here, send(here, verified=id))
    assert course.status(id) == "verified"


def test_a_like_name_opens_nothing(course: Course) -> None:
    """Somebody else of the mentor's name has nothing to decide about."""
    course.log("1", "Bimbingan", mentor="2")
    namesake = course.learner("77", name="Ibu Mentor")
    assert titles(namesake.get("verify").text) == []
    assert "wait for you" not in namesake.get("record").text


def test_nobody_decides_about_their_own_entry(course: Course) -> None:
    """Not as the mentor they named themselves, and not as the teacher of the course."""
    own = course.log("1", "Sendiri", mentor="1")
    here = course.learner("1")
    assert titles(here.get("verify").text) == []
    taught = course.log("900", "Mengajar")
    teacher = course.teacher(**{CLAIM + "roles": [*teacher_roles(), *learner_roles()]})
    assert titles(teacher.get("verify").text) == ["Sendiri"]
    course.log("2", "Lain", mentor="1")
    assert "1 entry was left as it is" in follow(here, send(here, verified=own))
    assert "1 entry was left as it is" in follow(teacher, send(teacher, verified=taught))
    assert {course.status(own), course.status(taught)} == {"submitted"}
    assert here.get(f"verify/entries/{own}").status_code == 404


def teacher_roles() -> list[str]:
    return ["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"]


def learner_roles() -> list[str]:
    return ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"]


def test_people_of_other_courses_are_out_of_reach(course: Course) -> None:
    """A teacher decides about the people of their own course; others' entries are as if not there."""
    course.teacher().get("cohort")
    id = course.log("1", "Milik kursus lain")
    serve_roster(course.site, [member(8)])
    stranger = course.teacher("901", **OTHER)
    mine = course.log("8", "Milik kursus ini")
    assert titles(stranger.get("verify").text) == ["Milik kursus ini"]
    page = follow(stranger, send(stranger, entry=(id, mine), verified="selected"))
    assert "1 entry verified." in page
    assert "1 entry was left as it is" in page
    assert (course.status(id), course.status(mine)) == ("submitted", "verified")
    assert stranger.get(f"verify/entries/{id}").status_code == 404


def test_an_administrator_alone_does_not_sign_off(course: Course) -> None:
    """Who sees the course for its platform, without teaching in it, has no queue of its people."""
    course.log("1", "Pertama")
    system = "http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator"
    admin = course.teacher(**{CLAIM + "roles": [system]})
    assert titles(admin.get("verify").text) == []


def test_two_verifiers_who_decide_at_once_do_not_undo_each_other(course: Course) -> None:
    """From the queue only what still waits is decided; the later one is told."""
    id = course.log("1", "Pertama")
    course.log("2", "Kedua")
    one, other = course.teacher("900"), course.teacher("901")
    one.get("verify"), other.get("verify")
    follow(one, send(one, returned=id, **{"reason-" + id: "Lampirkan daftar hadir"}))
    page = follow(other, send(other, verified=id))
    assert "1 entry was left as it is" in page
    assert course.status(id) == "returned"


def test_an_entry_is_shown_in_full_and_decided_there(course: Course) -> None:
    """Its page shows the statements behind it, and a decision can be made anew there."""
    id = course.log("1", "Pertama", reflection="Saya belajar menyusun anggaran.")
    here = course.teacher()
    assert "Saya belajar menyusun anggaran." in here.get("verify").text
    path = f"verify/entries/{id}"
    assert "Pertama" in here.get(path).text
    assert send(here, path, rejected=id).status_code == 422
    follow(here, send(here, path, verified=id))
    assert course.status(id) == "verified"
    follow(here, send(here, path, returned=id, **{"reason-" + id: "Ternyata tanggalnya keliru"}))
    assert course.status(id) == "returned"
    assert send(here, path, verified="another").status_code == 404


def test_a_form_of_another_page_decides_nothing(course: Course) -> None:
    """Without the token of this launch, the request is refused."""
    id = course.log("1")
    here = course.teacher()
    assert send(here, token=False, verified=id).status_code == 403
    assert course.status(id) == "submitted"


def test_a_long_queue_comes_in_pages(course: Course) -> None:
    """Next leads on, and a decision on a later page leads back to it."""
    for number in range(PAGE + 2):
        course.log("123"[number % 3], f"Entri {number:02d}")
    here = course.teacher()
    page = here.get("verify").text
    assert (len(titles(page)), lead(page).split()[0]) == (PAGE, str(PAGE + 2))
    (link,) = re.findall(r'rel="next" href="[^"]*(verify\?after=[^"]+)"', page)
    later = here.visit.client.get(here.path + link + "&lang=en", base_url=TOOL).text
    assert titles(later) == [f"Entri {PAGE:02d}", f"Entri {PAGE + 1:02d}"]
    (id, _) = re.findall(r'name="entry" value="([^"]+)"', later)
    page = follow(here, send(here, link, verified=id))
    assert titles(page) == [f"Entri {PAGE + 1:02d}"]


@pytest.mark.parametrize("after", ["x", "~", "1~", "9" * 200, "1~" + "y" * 500, "٣~x"])
def test_a_place_that_is_none_is_the_beginning(course: Course, after: str) -> None:
    """Whatever stands in the address, the page is served."""
    course.log("1", "Pertama")
    here = course.teacher()
    answer = here.visit.client.get(here.path + "verify", query_string={"after": after}, base_url=TOOL)
    assert answer.status_code == 200


def test_a_large_course_is_walked(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the learners are too many to be asked for one by one, the page shows the same entries."""
    monkeypatch.setattr("lti_tool.services.sign_off.FEW", 2)
    monkeypatch.setattr("lti_tool.services.sign_off.SLICE", 2)
    course.teacher().get("cohort")
    for who in ("8", "1", "9", "2", "3", "8"):
        course.log(who, f"Entri {who}")
    named = course.log("9", "Menyebut guru", mentor="900")
    here = course.teacher()
    assert titles(here.get("verify").text) == ["Entri 1", "Entri 2", "Entri 3", "Menyebut guru"]
    assert "Verify what waits" in here.get("cohort").text
    follow(here, send(here, verified=named))
    assert course.status(named) == "verified"


def test_what_waits_too_long_stands_out(course: Course) -> None:
    """After 14 days the queue and the cohort say so."""
    course.log("1", "Pertama")
    course.site.clock.forward(15 * 86_400)
    course.log("2", "Kedua")
    here = course.teacher()
    assert "1 waits for more than 14 days." in lead(here.get("cohort").text)
    page = here.get("verify").text
    assert "1 waits for more than 14 days." in lead(page)
    assert "Sent 15 days ago" in page


def test_what_people_typed_is_text(course: Course) -> None:
    """Markup in titles, names, reasons and evidence stands there as text, and no script is linked."""
    course.log(
        "1",
        "<script>alert(1)</script>\u202etitle",
        evidence_links=[{"url": "https://a.example/", "title": "<img src=x>"}],
        reflection="</textarea><b>tebal</b>",
    )
    here = course.teacher()
    page = here.get("verify").text
    for hostile in ("<script>alert", "<img src=x", "<b>tebal"):
        assert hostile not in page
    assert "&lt;script&gt;" in page


def test_administrators_see_how_many_wait_too_long(course: Course) -> None:
    """Over the whole agency, as a number without names; nothing is said while nothing waits too long."""
    course.log("1", "Pertama")
    system = "http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator"
    admin = course.teacher(**{CLAIM + "roles": [*teacher_roles(), system]})
    assert "more than 14 days" not in admin.get("admin").text
    course.site.clock.forward(15 * 86_400)
    admin = course.teacher(**{CLAIM + "roles": [*teacher_roles(), system]})
    page = admin.get("admin").text
    assert "1 entry waits for verification for more than 14 days." in page
    assert "Pertama" not in page

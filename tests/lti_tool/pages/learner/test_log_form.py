"""The form of an activity answers each mistake with what to do, in the reader's language."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from flask import Flask

from lti_tool.pages.learner.log_form import MAX_TEXT, read
from lti_tool.web.flask_setup import install_pages
from statements.profile.shipped import shipped

TODAY = date(2026, 11, 23)
GOOD = {
    "statement_id": str(UUID(int=1, version=4)),
    "title": "Coaching memimpin rapat",
    "end": "2026-11-20",
    "count": "1",
    "hours": "2",
}
SPENT_TEXT = "This form can no longer be used. To log the activity, send it once more."
TABLE = shipped()
FORMS = TABLE.forms
COACHING, ON_THE_JOB = FORMS["coaching"], FORMS["on-the-job-training"]


@pytest.fixture(scope="module")
def app() -> Flask:
    made = Flask("form")
    install_pages(made, default_language="id")
    return made


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("title", "", "Write a title, for example what the session was about."),
        ("title", "  ", "Write a title, for example what the session was about."),
        ("title", "x" * 201, "Write a title of 1 to 200 characters."),
        ("end", "", "Choose the date on which it took place."),
        ("end", "20/11/2026", "Choose the date on which it took place."),
        ("end", "2026-11-24", "This date lies in the future; log it when it has taken place."),
        ("end", "2024-01-01", "This is more than two years ago; ask your training unit."),
        ("start", "soon", "Choose a date as YYYY-MM-DD, or leave it empty."),
        ("start", "2026-11-21", "The first day lies after the last day."),
        ("count", "", "Give a whole number, 1 to 10."),
        ("count", "0", "Give a whole number, 1 to 10."),
        ("count", "two", "Give a whole number, 1 to 10."),
        ("minutes", "60", "Give minutes as a whole number, 0 to 59."),
        ("evidence", "javascript:alert(1)", "Paste the whole link, beginning with https://"),
        ("reflection", "x" * (MAX_TEXT + 1), "Write at most 4000 characters."),
        ("statement_id", "7", SPENT_TEXT),
        ("statement_id", "", SPENT_TEXT),
        ("statement_id", str(UUID(int=0)), SPENT_TEXT),
        ("statement_id", "3f0f3c1e-7a0e-7f59-9d3e-0e5f1f7f0a01", SPENT_TEXT),
    ],
)
def test_mistake_is_answered_in_words(app: Flask, name: str, text: str, message: str) -> None:
    """One mistake gives one message, at its own field, that says what to do."""
    with app.test_request_context("/?lang=en"):
        assert read(COACHING, TABLE, GOOD | {name: text}, TODAY).errors == {name: message}


def test_time_is_asked_for_where_it_counts(app: Flask) -> None:
    """A form that counts by time asks how long it took; hours or minutes alone are enough."""
    with app.test_request_context("/?lang=en"):
        asked = read(ON_THE_JOB, TABLE, GOOD | {"hours": ""}, TODAY)
        assert asked.errors == {"hours": "Say how long it took."}
        assert (
            read(ON_THE_JOB, TABLE, GOOD | {"hours": "", "minutes": "45"}, TODAY).values["total_minutes"]
            == 45
        )


def test_an_address_needs_a_name(app: Flask) -> None:
    """Somebody who is not in the list has a name; an address is theirs to give or to leave out."""
    with app.test_request_context("/?lang=en"):
        assert read(COACHING, TABLE, GOOD | {"mentor_email": "anwar@contoh.example"}, TODAY).errors == {
            "mentor_name": "Write this person's name, too."
        }
        assert read(COACHING, TABLE, GOOD | {"mentor_name": "Anwar"}, TODAY).errors == {}


def test_address_is_checked(app: Flask) -> None:
    """An address that cannot be one is answered with an example."""
    typed = GOOD | {"mentor_name": "Anwar", "mentor_email": "anwar"}
    with app.test_request_context("/?lang=en"):
        assert read(COACHING, TABLE, typed, TODAY).errors == {
            "mentor_email": "Write the whole address, for example anwar@instansi.go.id."
        }


def test_messages_are_in_the_readers_language(app: Flask) -> None:
    """In Indonesian the same mistakes are answered in Indonesian, all of them at once."""
    typed = GOOD | {"title": "", "end": "2026-11-24", "organiser": "x" * 201}
    with app.test_request_context("/?lang=id"):
        assert read(COACHING, TABLE, typed, TODAY).errors == {
            "title": "Tuliskan judul, misalnya apa yang dibahas dalam sesi.",
            "organiser": "Tuliskan paling banyak 200 karakter.",
            "end": "Tanggal ini belum tiba; catat setelah kegiatan berlangsung.",
        }


def test_good_form_has_no_errors(app: Flask) -> None:
    """What is typed well comes through as values."""
    with app.test_request_context("/?lang=id"):
        filled = read(COACHING, TABLE, GOOD, TODAY)
    assert filled.errors == {}
    assert filled.values["end"] == date(2026, 11, 20)
    assert filled.values["count"] == 1

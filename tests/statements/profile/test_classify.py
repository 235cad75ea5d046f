"""What a statement means for the learning record: learning, sign-off, voiding, reversal, or nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statements.data_types.identity import SEPARATOR
from statements.profile import vocabulary as words
from statements.profile.build import decision_statement, evidence, voiding_statement
from statements.profile.classify import Ignored, Learning, Reversal, SignOff, Someone, Voiding, classify
from statements.profile.jp import Amount
from statements.profile.shipped import overridden, shipped
from statements.profile.vocabulary import Decision
from tests.statements.profile_samples import (
    CMI5_COURSE,
    COMPLETED,
    COURSE,
    ID,
    LEARNER,
    LEARNER_KEY,
    MENTOR,
    MENTOR_KEY,
    OLD_COURSE,
    UNCOMPLETED,
    moodle,
    own,
)

ADL = "http://adlnet.gov/expapi/verbs/"
MODULE = "https://lms.example/mod/book/view.php?id=1"
FACE_TO_FACE = "https://w3id.org/xapi/acrossx/activities/face-to-face-discussion"
NOON = 1_794_459_600_000_000
TARGET = "0e4b0b8e-98a0-4f8e-8f5c-2f4f4d0c9a11"


def learning(statement: dict[str, Any], **changes: Any) -> Learning:
    """What the statement is classified as, which must be learning."""
    table = overridden({"version": "test", **changes}) if changes else shipped()
    found = classify(statement, table)
    assert isinstance(found, Learning)
    return found


@pytest.mark.parametrize("form", sorted(shipped().forms))
def test_every_form_of_the_profile_is_recognised(form: str) -> None:
    """A statement built for a form comes back as that form, in its usual pillar."""
    found = learning(own(form))
    assert (found.form, found.pillar, found.why) == (form, shipped().forms[form].pillar, "profile")


def test_everything_the_tool_writes_comes_back() -> None:
    """Amounts, dates, people, evidence and details survive the way through a statement."""
    proof = evidence("Foto", content_type="image/jpeg", length=9, sha2="a" * 64)
    statement = own(
        "technical-training",
        actor=LEARNER,
        title={"id": "Pelatihan", "en": "Training"},
        start=date(2026, 11, 10),
        end=date(2026, 11, 12),
        minutes=450,
        days=3,
        jp_claimed=Decimal("10.5"),
        international=True,
        mentor=MENTOR,
        organiser="BKD Jabar",
        evidence_links=[{"url": "https://example.id/foto", "title": "Foto lain"}],
        attachments=[proof],
        courses=[{"id": COURSE}],
        details={"certificate": "123/2026", "place": "Bandung", "role": ""},
        source="mentor",
        replaces=ID.upper(),
    )
    found = learning(statement)
    assert found.actor == Someone(LEARNER_KEY, "Budi")
    assert found.mentor == Someone(MENTOR_KEY, "Anwar")
    assert (found.start, found.end, found.at) == (date(2026, 11, 10), date(2026, 11, 12), NOON)
    assert found.title == {"id": "Pelatihan", "en": "Training"}
    assert found.amount == Amount(seconds=27_000, days=3)
    assert (found.jp_claimed, found.international) == (Decimal("10.5"), True)
    assert (found.organiser, found.source, found.courses) == ("BKD Jabar", "mentor", (COURSE,))
    assert [(one.title, one.sha2, one.url) for one in found.evidence] == [
        ("Foto", "a" * 64, ""),
        ("Foto lain", "", "https://example.id/foto"),
    ]
    assert found.details == {"certificate": "123/2026", "place": "Bandung"}
    assert (found.replaces, found.automatic) == (ID, False)


@pytest.mark.parametrize(
    ("form", "pillar", "expected"),
    [
        ("self-study", "10", "10"),
        ("self-study", "70", "70"),
        ("other", "20", "20"),
        ("self-study", None, "70"),
    ],
)
def test_forms_with_a_choice_keep_the_chosen_pillar(form: str, pillar: str | None, expected: str) -> None:
    """Where a form may be of several pillars, the statement says which."""
    assert learning(own(form, pillar=pillar)).pillar == expected


def test_a_pillar_that_the_form_does_not_have_is_not_believed() -> None:
    """A category that names another pillar does not move an entry there."""
    statement = own("coaching")
    for activity in statement["context"]["contextActivities"]["category"]:
        activity["id"] = activity["id"].replace(words.PILLARS + "20", words.PILLARS + "70")
    assert learning(statement).pillar == "20"


def test_a_self_report_cannot_claim_to_come_from_a_platform() -> None:
    """The source "lms" is found out by the shape of a statement, never read from it."""
    found = learning(own("e-learning", source="lms", minutes=90))
    assert (found.source, found.automatic) == ("self", False)


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        ("result", words.JP_CLAIMED, "many"),
        ("result", words.JP_CLAIMED, -4),
        ("result", words.JP_CLAIMED, 1e300),
        ("result", words.JP_CLAIMED, True),
        ("result", words.JP_CLAIMED, "NaN"),
        ("result", words.JP_CLAIMED, {"jp": 4}),
        ("result", words.DAYS, 0),
        ("result", words.DAYS, 2.5),
        ("result", words.SESSIONS, "2"),
        ("result", words.SESSIONS, 10**9),
        ("context", words.START, "yesterday"),
        ("context", words.START, 20261112),
        ("context", words.END, "9999-99-99"),
        ("context", words.EVIDENCE, "https://example.id"),
        ("context", words.EVIDENCE, [{"url": "javascript:alert(1)"}, 7, {}]),
        ("context", words.ORGANISER, ["BKD"]),
        ("context", words.REPLACES, "not a uuid"),
        ("context", words.SOURCE, {}),
    ],
)
def test_what_is_badly_said_counts_as_not_said(place: str, name: str, value: Any) -> None:
    """An extension of the wrong kind is left out; the rest of the statement still counts."""
    plain, odd = own("coaching"), own("coaching")
    odd[place]["extensions"] = odd[place]["extensions"] | {name: value}
    if name in plain[place]["extensions"]:
        del plain[place]["extensions"][name]
    assert learning(odd) == learning(plain)


@given(
    st.dictionaries(
        st.sampled_from([words.JP_CLAIMED, words.DAYS, words.SESSIONS, words.SEMESTERS]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    ),
    st.dictionaries(
        st.sampled_from([words.START, words.END, words.EVIDENCE, words.SOURCE, words.PLACE, words.REPLACES]),
        st.none() | st.text() | st.dates().map(str) | st.lists(st.dictionaries(st.just("url"), st.text())),
    ),
)
def test_no_extension_breaks_the_reading(measured: dict[str, Any], told: dict[str, Any]) -> None:
    """Whatever is in the extensions, the statement is learning with sensible dates and amounts."""
    statement = own("seminar")
    statement["result"]["extensions"] = measured
    statement["context"]["extensions"] = told
    found = learning(statement)
    assert found.start <= found.end
    assert found.jp_claimed is None or 0 <= found.jp_claimed <= 10_000


@pytest.mark.parametrize(
    ("timestamp", "offset", "day"),
    [
        ("2026-12-31T16:59:59Z", "+07:00", date(2026, 12, 31)),
        ("2026-12-31T17:00:00Z", "+07:00", date(2027, 1, 1)),
        ("2026-12-31T15:00:00Z", "+09:00", date(2027, 1, 1)),
    ],
)
def test_the_day_of_learning_is_the_agencys(timestamp: str, offset: str, day: date) -> None:
    """Without dates of its own a statement counts on the day its timestamp has where the agency is."""
    assert learning(moodle(timestamp=timestamp), utc_offset=offset).end == day


@pytest.mark.parametrize("kind", [CMI5_COURSE, OLD_COURSE])
@pytest.mark.parametrize("verb", [COMPLETED, ADL + "passed", "https://w3id.org/xapi/adl/verbs/satisfied"])
def test_a_completed_course_is_formal_learning(kind: str, verb: str) -> None:
    """Moodle's course completions, of old and new activity type, and cmi5's are verified e-learning."""
    found = learning(moodle(type=kind, verb=verb))
    assert (found.form, found.pillar, found.why) == ("e-learning", "10", "course-completed")
    assert (found.automatic, found.source, found.organiser) == (True, "lms", "LMS BKD")
    assert (found.amount, found.jp_given, found.jp_claimed) == (Amount(), None, None)
    assert found.title == {"en": "Latsar CPNS"}


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (moodle(verb=ADL + "answered"), "verb"),
        (moodle(type="http://id.tincanapi.com/activitytype/book", id=MODULE), "unit"),
        (moodle(type=CMI5_COURSE, id=MODULE, parent=((COURSE, CMI5_COURSE),)), "unit"),
        (moodle(type=None, id="https://h5p.example/content/7", result={"completion": True}), "unit"),
        (moodle(result={"completion": False}), "not-completed"),
        (moodle(result={"success": False}), "not-completed"),
        (moodle(verb=ADL + "attended", type=CMI5_COURSE), "activity-type"),
        (moodle(verb=ADL + "attended", type=FACE_TO_FACE, result={"completion": False}), "not-completed"),
        (moodle(actor={"objectType": "Group", "member": [LEARNER]}), "actor"),
        (moodle(timestamp="0001-01-01T00:00:00Z"), "date"),
        (moodle() | {"object": LEARNER}, "object"),
        (moodle() | {"object": {"objectType": "StatementRef", "id": ID}}, "verb"),
        (own("coaching", actor={"objectType": "Group", "member": [LEARNER]}), "actor"),
    ],
)
def test_what_does_not_count_says_why(statement: dict[str, Any], why: str) -> None:
    """A statement that is no learning is ignored, with the reason."""
    assert classify(statement, shipped()) == Ignored(why)


def test_an_unknown_form_is_not_guessed() -> None:
    """A form that the table does not have is left out, and says so."""
    statement = own("coaching")
    statement["context"]["contextActivities"]["category"][1]["id"] = words.FORMS + "juggling"
    assert classify(statement, shipped()) == Ignored("unknown-form")


def test_a_category_may_be_a_single_activity() -> None:
    """ContextActivities that were sent as one object are read like a list of one."""
    statement = own("coaching")
    statement["context"]["contextActivities"]["category"] = {"id": words.FORMS + "mentoring"}
    assert learning(statement).form == "mentoring"


def test_units_count_where_the_agency_says_so() -> None:
    """Completed modules are learning only if the table counts units, by the length that they tell."""
    module = moodle(
        id=MODULE, type="http://id.tincanapi.com/activitytype/book", parent=((COURSE, CMI5_COURSE),)
    )
    found = learning(module, lms={"units": "count"})
    assert (found.why, found.amount, found.courses) == ("unit-completed", Amount(seconds=0), (COURSE,))
    timed = moodle(id=MODULE, type=None, result={"duration": "PT45M"})
    assert learning(timed, lms={"units": "count"}).amount == Amount(seconds=2700)


def test_face_to_face_attendance_tells_its_duration_and_instructor() -> None:
    """Moodle's attendance gives the session's length in seconds and who led it."""
    statement = moodle(
        verb=ADL + "attended",
        id="https://lms.example/mod/facetoface/view.php?id=1",
        type=FACE_TO_FACE,
        parent=((COURSE, CMI5_COURSE),),
        result={"completion": True, "duration": "PT5400S"},
    )
    statement["context"]["instructor"] = MENTOR
    found = learning(statement)
    assert (found.why, found.form, found.automatic) == ("session-attended", "course", True)
    assert found.amount == Amount(seconds=5400)
    assert found.mentor == Someone(MENTOR_KEY, "Anwar")


def test_the_agencys_course_table_decides() -> None:
    """A course that the table names has the form, pillar, organiser and JP given there, whatever its type."""
    course = {"jp": "12", "form": "self-study", "pillar": "10", "organiser": "LAN"}
    found = learning(moodle(type=None), courses={COURSE: course})
    assert (found.form, found.pillar, found.organiser, found.jp_given) == (
        "self-study",
        "10",
        "LAN",
        Decimal(12),
    )


def test_the_reversal_of_a_completion() -> None:
    """Moodle's "uncompleted" names the person and the activity that it takes back."""
    found = classify(moodle(verb=UNCOMPLETED, timestamp="2026-11-12T05:00:00Z"), shipped())
    assert found == Reversal(Someone(LEARNER_KEY, "Budi"), COURSE, NOON)


@pytest.mark.parametrize("decision", list(Decision))
def test_sign_off(decision: Decision) -> None:
    """A decision about a statement names its target, who decided, when and why."""
    statement = decision_statement(
        decision, id=ID, verifier=MENTOR, target=TARGET, at=NOON, reason=" Keliru "
    )
    assert classify(statement, shipped()) == SignOff(
        TARGET, decision, Someone(MENTOR_KEY, "Anwar"), NOON, "Keliru"
    )


def test_a_group_signs_nothing_off() -> None:
    """A decision needs one person who answers for it."""
    statement = decision_statement(Decision.VERIFIED, id=ID, verifier=MENTOR, target=TARGET, at=NOON)
    statement["actor"] = {"objectType": "Group", "member": [MENTOR]}
    assert classify(statement, shipped()) == Ignored("actor")


def test_voiding() -> None:
    """A voiding statement names its target in canonical spelling."""
    statement = voiding_statement(id=ID, actor=LEARNER, target=TARGET.upper(), at=NOON)
    assert classify(statement, shipped()) == Voiding(TARGET)


def test_identity_keys_are_those_of_the_index() -> None:
    """The actor's key is the identity key that statements are found by."""
    assert learning(moodle()).actor.key == SEPARATOR.join(("account", "https://lms.example", "7"))

"""The sample data: valid, complete, repeatable, and in the shapes of real systems."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tincan import StatementList

from jejak.demo.lms.people import INSTRUCTOR, LEARNERS
from jejak.demo.photos import attach_photos, keep_photos
from jejak.demo.sample import Sent, sample
from statements.data_types.identity import agent_key
from statements.data_types.versions import Version
from statements.profile.classify import Learning, Reversal, SignOff, classify
from statements.profile.shipped import shipped
from statements.profile.vocabulary import DECISIONS, LINKS
from statements.rules.check import check_statement

ISSUER = "http://127.0.0.1:8090"
YEAR = 2026


@pytest.fixture(scope="module")
def sent() -> list[Sent]:
    return sample(ISSUER, YEAR)


def test_every_statement_is_valid_before_and_after_tincan(sent: list[Sent]) -> None:
    """Nothing in the sample breaks a rule of xAPI, neither as built nor as the tincan client writes it."""
    for one in sent:
        wire = json.loads(StatementList([deepcopy(one.statement)]).to_json())[0]
        assert check_statement(one.statement, Version.V1) == []
        assert check_statement(wire, Version.V1) == []


def test_same_every_time(sent: list[Sent]) -> None:
    """A second call gives the same statements, ids included, so that a repeated load changes nothing."""
    assert sample(ISSUER, YEAR) == sent


def test_in_order_of_time_and_within_the_year(sent: list[Sent]) -> None:
    """Statements come oldest first and none leaves the year."""
    times = [one.at for one in sent]
    assert times == sorted(times)
    assert {datetime.fromtimestamp(at / 1_000_000, UTC).year for at in times} == {YEAR}


def test_all_forms_and_pillars_occur(sent: list[Sent]) -> None:
    """Every form of the table occurs at least once, and so all three pillars."""
    table = shipped()
    found = [classify(one.statement, table) for one in sent]
    learning = [one for one in found if isinstance(one, Learning)]
    assert {one.form for one in learning} == set(table.forms)
    assert {one.pillar for one in learning} == {"70", "20", "10"}


def test_every_status_occurs(sent: list[Sent]) -> None:
    """Some entries are verified, some returned, one rejected, some confirmed, and some still wait."""
    found = [classify(one.statement, shipped()) for one in sent]
    decided = Counter(one.decision.value for one in found if isinstance(one, SignOff))
    logged = sum(isinstance(one, Learning) and one.source == "self" for one in found)
    assert set(decided) == {"verified", "returned", "rejected", "confirmed"}
    assert logged > sum(decided.values())
    assert any(isinstance(one, Reversal) for one in found)


def test_some_entries_are_decided_by_link(sent: list[Sent]) -> None:
    """One is verified by link alone, two are confirmed by link, and the instructor completes one of these."""
    decided: dict[str, list[tuple[str, bool]]] = {}
    for one in sent:
        if one.statement["object"].get("objectType") == "StatementRef":
            verb = one.statement["verb"]["id"]
            if verb in DECISIONS:
                linked = one.statement["actor"]["account"]["homePage"] == LINKS
                decided.setdefault(one.statement["object"]["id"], []).append((DECISIONS[verb], linked))
    ways = sorted(ways for ways in decided.values() if any(linked for _, linked in ways))
    assert ways == [
        [("confirmed", True)],
        [("confirmed", True), ("verified", False)],
        [("verified", True)],
    ]


def test_sign_off_is_by_another_and_later(sent: list[Sent]) -> None:
    """Each decision refers to an entry that was sent before it, by a person other than its actor."""
    seen: dict[str, Sent] = {}
    for one in sent:
        found = classify(one.statement, shipped())
        if isinstance(found, SignOff):
            entry = seen[found.target]
            assert entry.at < one.at
            assert entry.statement["actor"]["account"]["name"] != one.statement["actor"]["account"]["name"]
        if one.sender == "tool":
            seen[one.statement["id"]] = one


def test_platform_and_tool_name_people_alike(sent: list[Sent]) -> None:
    """The account in LMS statements is that of launches (issuer, sub), so that both meet in one record."""
    keys = defaultdict(set)
    for one in sent:
        keys[one.sender].add(agent_key(one.statement["actor"]))
    assert keys["lms"] <= {agent_key({"account": {"homePage": ISSUER, "name": p.id}}) for p in LEARNERS}
    assert keys["lms"] & keys["tool"]


def test_no_employee_number_in_any_statement(sent: list[Sent]) -> None:
    """The fictional NIPs stay out of statements, as real ones must."""
    text = json.dumps([one.statement for one in sent])
    assert not [p.name for p in (*LEARNERS, INSTRUCTOR) if p.idnumber and p.idnumber in text]


def test_platform_statements_have_the_plugins_shape(sent: list[Sent]) -> None:
    """As logstore_xapi sends: no id, the site as category of type lms, whole seconds with an offset."""
    for one in (one.statement for one in sent if one.sender == "lms"):
        site = one["context"]["contextActivities"]["category"][0]
        assert "id" not in one
        assert (site["id"], site["definition"]["type"]) == (
            ISSUER,
            "http://id.tincanapi.com/activitytype/lms",
        )
        assert datetime.strptime(one["timestamp"], "%Y-%m-%dT%H:%M:%S%z")


def test_attendance_has_seconds_and_instructor(sent: list[Sent]) -> None:
    """A face-to-face session carries its length in seconds and who kept the list."""
    held = [
        one.statement for one in sent if "duration" in one.statement.get("result", {}) and one.sender == "lms"
    ]
    assert {one["result"]["duration"] for one in held} == {"PT7200S", "PT5400S"}
    assert {one["context"]["instructor"]["account"]["name"] for one in held} == {INSTRUCTOR.id}


def test_course_completion_says_nothing_but_the_course(sent: list[Sent]) -> None:
    """A completed course has no result: no score, no hours, as from a real Moodle."""
    done = [one.statement for one in sent if "/course/view.php" in one.statement["object"]["id"]]
    assert done
    assert all("result" not in one for one in done)


@pytest.mark.server
def test_photos_are_kept_once_and_named_in_their_statements(tmp_path: Path) -> None:
    """Two activities have a photo: a second start keeps none anew, and the statements are the same again."""
    store = f"sqlite:///{tmp_path / 'demo.db'}"
    photos = keep_photos(store, "contoh", ISSUER, "http://localhost:8080")
    assert keep_photos(store, "contoh", ISSUER, "http://localhost:8080") == photos
    sent = sample(ISSUER, YEAR, photos=photos)
    named = [one.statement for one in sent if "attachments" in one.statement]
    assert len(named) == 2
    assert all(check_statement(one, Version.V2) == [] for one in named)
    assert [one.at for one in sent] == [one.at for one in sample(ISSUER, YEAR)]
    attach_photos(store, "contoh", named)

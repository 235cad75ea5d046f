"""Statements that the profile's builders make."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from statements.data_types.versions import Version
from statements.profile import vocabulary as words
from statements.profile.build import activity_statement, decision_statement, evidence, voiding_statement
from statements.profile.classify import SignOff, classify
from statements.profile.shipped import shipped
from statements.profile.vocabulary import Decision
from statements.rules.check import check_statement
from tests.statements.profile_samples import COURSE, ID, LEARNER, MENTOR, own

FULL: dict[str, Any] = {
    "minutes": 90,
    "sessions": 2,
    "days": 1,
    "semesters": 1,
    "jp_claimed": Decimal("2.5"),
    "international": True,
    "mentor": MENTOR,
    "organiser": "BKD",
    "reflection": "Saya belajar banyak.",
    "evidence_links": [{"url": "https://example.id/a", "title": "Foto"}],
    "attachments": [evidence("Sertifikat", content_type="application/pdf", length=3, sha2="b" * 64)],
    "courses": [{"objectType": "Activity", "id": COURSE}],
    "details": {"certificate": "1/2026", "place": "Bandung", "role": "peserta", "competency": "SPBE"},
    "replaces": ID,
}


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("form", sorted(shipped().forms))
def test_every_form_makes_a_proper_statement(form: str, version: Version) -> None:
    """What the builder makes for any form, bare or full, breaks no rule of either version."""
    assert check_statement(own(form), version) == []
    # Unsent attachment bytes are for the one who submits: the declaration alone must be proper here.
    assert check_statement(own(form, **FULL), version) == []


@pytest.mark.parametrize("version", list(Version))
def test_decisions_and_voiding_are_proper_statements(version: Version) -> None:
    """Sign-off and voiding break no rule of either version."""
    for decision in Decision:
        made = decision_statement(decision, id=ID, verifier=MENTOR, target=ID, at=0, reason="Tanggal keliru")
        assert check_statement(made, version) == []
    assert check_statement(voiding_statement(id=ID, actor=LEARNER, target=ID, at=0), version) == []


def test_the_statement_names_profile_form_pillar_and_table() -> None:
    """The category tells the profile's version, form and pillar; the result tells the table's version."""
    made = own("coaching", jp_claimed=Decimal("2.5"))
    ids = [activity["id"] for activity in made["context"]["contextActivities"]["category"]]
    assert ids == [words.PROFILE_VERSION, f"{words.FORMS}coaching", f"{words.PILLARS}20"]
    assert made["result"]["extensions"] == {words.JP_TABLE: shipped().version, words.JP_CLAIMED: 2.5}
    assert made["timestamp"] == "2026-11-12T12:00:00+07:00"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"form": "juggling"}, "no form 'juggling'"),
        ({"form": "coaching", "pillar": "70"}, "not of pillar '70'"),
        ({"form": "coaching", "start": date(2026, 11, 13)}, "after the last day"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], told: str) -> None:
    """An unknown form, a pillar that the form does not have and reversed dates are refused."""
    given: dict[str, Any] = {"id": ID, "actor": LEARNER, "title": "X", "end": date(2026, 11, 12)}
    with pytest.raises(ValueError, match=told):
        activity_statement(shipped(), **(given | wrong))


@pytest.mark.parametrize("decision", [Decision.RETURNED, Decision.REJECTED])
def test_a_return_or_rejection_needs_a_reason(decision: Decision) -> None:
    """Nobody is sent back without being told why."""
    with pytest.raises(ValueError, match="reason"):
        decision_statement(decision, id=ID, verifier=MENTOR, target=ID, at=0, reason="  ")


@pytest.mark.parametrize("version", list(Version))
def test_a_decision_by_link_tells_channel_and_position(version: Version) -> None:
    """What was decided by a one-time link says so, is proper, and is read back; all else says nothing."""
    given: dict[str, Any] = {"id": ID, "verifier": MENTOR, "target": ID, "at": 0}
    plain = decision_statement(Decision.CONFIRMED, **given)
    assert "extensions" not in plain["context"]
    made = decision_statement(Decision.CONFIRMED, **given, channel=words.BY_LINK, position="Kepala Bidang")
    assert check_statement(made, version) == []
    found = classify(made, shipped())
    assert isinstance(found, SignOff)
    assert (found.decision, found.channel, found.position) == (
        Decision.CONFIRMED,
        words.BY_LINK,
        "Kepala Bidang",
    )


@pytest.mark.parametrize("told", [5, "post", "", None, {"a": 1}])
def test_a_channel_that_is_none_counts_as_not_said(told: object) -> None:
    """Extensions may hold anything; only channels that are known are believed."""
    made = decision_statement(Decision.VERIFIED, id=ID, verifier=MENTOR, target=ID, at=0)
    made["context"]["extensions"] = {words.CHANNEL: told, words.POSITION: told}
    found = classify(made, shipped())
    assert isinstance(found, SignOff)
    assert found.channel == ""

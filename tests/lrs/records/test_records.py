"""Reading the record: entries, sums, cohorts, what waits for whom, and the statements behind a number."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pytest

from lrs.records import records as records_module
from lrs.records.entries import Status
from lrs.records.projection import project
from lrs.records.reports import Standing, cohort, standing
from lrs.records.summaries import PillarSum, Summary
from lrs.records.verification import Refusal
from statements.errors import InvalidError
from statements.profile.table import LATEST, Target
from statements.profile.vocabulary import END, Decision
from tests.contract.engines import ENGINES
from tests.lrs.records.conftest import RecordServices, agent, key
from tests.statements.profile_samples import COURSE, moodle

EVERY_ENGINE = pytest.mark.parametrize("store", ENGINES, indirect=True)


def test_entries_are_read_by_year_status_and_pillar(desk: RecordServices) -> None:
    """A person's entries come latest first and can be narrowed."""
    old = desk.learn(end=date(2025, 12, 31))
    seminar = desk.learn(form="seminar", end=date(2026, 3, 1))
    desk.write(old, seminar, desk.learn(), desk.decide(seminar["id"]), desk.learn("sari"))
    records, person = desk.record.records, desk.person()

    def forms(**more: Any) -> list[str]:
        return [entry.form for entry in records.entries(desk.tenant, person, **more)]

    assert forms() == ["coaching", "seminar", "coaching"]
    assert forms(year=2026) == ["coaching", "seminar"]
    assert forms(status=[Status.VERIFIED]) == ["seminar"]
    assert forms(year=2026, pillar="20") == ["coaching"]
    assert records.years(desk.tenant, person) == [2026, 2025]


def test_an_entry_comes_back_as_it_was_derived(desk: RecordServices) -> None:
    """Everything that a statement tells survives in the stored entry."""
    told = desk.learn(
        form="technical-training",
        title={"id": "Pelatihan", "en": "Training"},
        start=date(2026, 11, 10),
        minutes=450,
        international=True,
        jp_claimed=Decimal("10.5"),
        mentor=agent("anwar"),
        organiser="BKD",
        evidence_links=[{"url": "https://example.id/a", "title": "Foto"}],
        courses=[{"id": COURSE}],
        details={"certificate": "1/2026"},
    )
    id = desk.write(told)
    entry = desk.record.records.entry(desk.tenant, id)
    assert entry is not None
    assert (entry.id, entry.person, entry.statement_ids) == (id, desk.person(), (told["id"],))
    assert (entry.start, entry.end, entry.year, entry.minutes) == (
        date(2026, 11, 10),
        date(2026, 11, 12),
        2026,
        450,
    )
    assert (entry.jp, entry.jp_claimed, entry.international) == (12, Decimal("10.5"), True)
    assert (entry.award.rule, dict(entry.award.params)) == (
        "hours",
        {"minutes": "450", "minutes_per_jp": "45", "uplift": "0.2"},
    )
    assert entry.mentor is not None
    assert (entry.mentor.name, entry.organiser, entry.courses) == ("Anwar", "BKD", (COURSE,))
    assert [one.url for one in entry.evidence] == ["https://example.id/a"]
    assert entry.details == {"certificate": "1/2026"}
    assert entry.table == desk.record.tables.of(desk.tenant).version


@pytest.mark.parametrize("store", ENGINES, indirect=True)
def test_sums_by_pillar(desk: RecordServices) -> None:
    """A year's sums tell verified and waiting JP of each pillar, and how many entries they are."""
    ojt = desk.learn(form="on-the-job-training", minutes=180, end=date(2026, 11, 20))
    desk.write(ojt, desk.learn(), moodle(actor=agent("budi")), desk.decide(ojt["id"]))
    summary = desk.summary()
    assert dict(summary.pillars) == {
        "70": PillarSum(Decimal(4), Decimal(0), 1),
        "20": PillarSum(Decimal(0), Decimal(2), 1),
        "10": PillarSum(Decimal(3), Decimal(0), 1),
    }
    assert tuple(summary.pillars) == ("70", "20", "10")
    assert (summary.total_verified, summary.total_waiting, summary.last) == (7, 2, date(2026, 11, 20))


def test_a_year_without_entries_is_zero(desk: RecordServices) -> None:
    """Nothing learned is a summary of zeros against the target, for unknown persons, too."""
    summary = desk.summary()
    assert (summary.total_verified, summary.total_waiting, summary.last, summary.target.jp) == (
        0,
        0,
        None,
        20,
    )


def test_statements_behind_an_entry(desk: RecordServices) -> None:
    """The statements that an entry stands on are given as they were stored."""
    told = desk.learn()
    verified = desk.decide(told["id"])
    desk.write(told, verified)
    behind = [orjson.loads(body) for body in desk.record.records.statements_behind(desk.only())]
    assert [one["id"] for one in behind] == [told["id"], verified["id"]]


@pytest.mark.parametrize("store", ENGINES, indirect=True)
def test_what_waits_for_a_mentor(desk: RecordServices) -> None:
    """A mentor sees what names them and waits, not their own entries, and not what is decided."""
    desk.record.people.ensure(desk.tenant, [key("anwar")], "Anwar")
    done = desk.learn("sari", mentor=agent("anwar"))
    desk.write(
        desk.learn("budi", mentor=agent("anwar")),
        done,
        desk.decide(done["id"]),
        desk.learn("anwar", mentor=agent("anwar")),
        desk.learn("eko"),
    )
    waiting = desk.record.records.waiting_for(desk.tenant, desk.person("anwar"))
    assert [entry.person for entry in waiting] == [desk.person("budi")]


@pytest.mark.parametrize("store", ENGINES, indirect=True)
def test_all_that_waits_is_read_a_page_at_a_time(desk: RecordServices) -> None:
    """The queue of a tenant is paged without missing or repeating anything."""
    for day in range(1, 8):
        desk.send(desk.learn("budi", end=date(2026, 11, day)))
    desk.follow()
    seen, after = [], None
    while True:
        page = desk.record.records.waiting(desk.tenant, after=after, limit=3)
        seen += [entry.end.day for entry in page.entries]
        if (after := page.after) is None:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_a_cohort_report_reads_one_sum_for_each_person(desk: RecordServices) -> None:
    """A cohort is sorted by name and says who is on track, who is below half, and what waits."""
    names = {"budi": "Budi", "ani": "ani", "citra": "Citra"}
    degree = desk.learn("budi", form="degree-study")
    seminar = desk.learn("ani", form="seminar", start=date(2026, 11, 10))
    desk.write(degree, desk.decide(degree["id"]), seminar, desk.decide(seminar["id"]), desk.learn("citra"))
    members = {desk.person(who): name for who, name in names.items()}
    report = cohort(desk.record.records, desk.tenant, members, 2026, today=date(2026, 11, 23))
    assert [row.name for row in report.rows] == ["ani", "Budi", "Citra"]
    assert [row.standing for row in report.rows] == [Standing.BEHIND, Standing.ON_TRACK, Standing.BELOW_HALF]
    assert (report.count(Standing.ON_TRACK), report.count(Standing.BELOW_HALF), report.waiting) == (1, 1, 1)
    assert report.by_pillar == {"70": 0, "20": 0, "10": 32}


@pytest.mark.parametrize(
    ("verified", "today", "expected"),
    [
        ("0", date(2026, 1, 1), Standing.ON_TRACK),
        ("0", date(2026, 1, 2), Standing.BELOW_HALF),
        ("10", date(2026, 7, 2), Standing.ON_TRACK),
        ("9.9", date(2026, 7, 3), Standing.BEHIND),
        ("4.9", date(2026, 7, 3), Standing.BELOW_HALF),
        ("19.9", date(2027, 5, 1), Standing.BEHIND),
        ("20", date(2027, 5, 1), Standing.ON_TRACK),
        ("0", date(2025, 5, 1), Standing.ON_TRACK),
    ],
)
def test_standing_compares_with_the_days_gone_by(verified: str, today: date, expected: Standing) -> None:
    """The target is due evenly over the year: on track, behind, or below half of what is due."""
    pillars = {"70": PillarSum(Decimal(verified), Decimal(0), 1), "20": PillarSum(), "10": PillarSum()}
    assert standing(Summary("p", 2026, Target(Decimal(20), "at-least"), pillars), today) is expected


def test_many_entries_are_decided_at_once(desk: RecordServices) -> None:
    """A verifier signs off in bulk; their own and unknown entries are refused, each with its reason."""
    ids = [desk.write(desk.learn(who)) for who in ("budi", "sari", "anwar")]
    plan = desk.record.verification.decide(
        desk.tenant, [*ids, ids[0], "unknown"], Decision.VERIFIED, verifier=agent("anwar")
    )
    assert plan.refused == {ids[2]: Refusal.OWN, "unknown": Refusal.GONE}
    desk.write(*plan.statements)
    assert [desk.only(who).status for who in ("budi", "sari", "anwar")] == [
        "verified",
        "verified",
        "submitted",
    ]
    again = desk.record.verification.decide(desk.tenant, ids[:1], Decision.VERIFIED, verifier=agent("anwar"))
    assert again.refused == {ids[0]: Refusal.DECIDED}
    with pytest.raises(ValueError, match="reason"):
        desk.record.verification.decide(desk.tenant, ids[:1], Decision.RETURNED, verifier=agent("anwar"))


@pytest.mark.parametrize("store", ENGINES, indirect=True)
def test_a_correction_voids_and_replaces(desk: RecordServices) -> None:
    """A returned entry is corrected by its owner: the old one goes, the new one waits and names it."""
    told = desk.learn()
    id = desk.write(told)
    desk.write(desk.decide(told["id"], Decision.RETURNED))
    better = desk.learn(title="Coaching SPBE tahap 2", sessions=2)
    plan = desk.record.verification.correct(desk.tenant, id, better, actor=agent("budi"))
    desk.write(*plan.statements)
    entry = desk.only()
    assert (entry.statement_id, entry.replaces, entry.status) == (better["id"], told["id"], Status.SUBMITTED)
    assert desk.summary().total_waiting == 4


@pytest.mark.parametrize(
    ("who", "source", "refusal"),
    [
        ("sari", "self", Refusal.NOT_OWN),
        ("budi", "lms", Refusal.PLATFORM),
        ("budi", "verified", Refusal.VERIFIED),
    ],
)
def test_what_may_not_be_withdrawn(desk: RecordServices, who: str, source: str, refusal: Refusal) -> None:
    """Others' entries, what a platform reported and what was verified are not withdrawn."""
    told = moodle(actor=agent("budi")) if source == "lms" else desk.learn()
    id = desk.write(told)
    if source == "verified":
        desk.write(desk.decide(told["id"]))
    verification = desk.record.verification
    assert verification.withdraw(desk.tenant, id, actor=agent(who)).refused == {id: refusal}
    assert verification.correct(desk.tenant, id, desk.learn(), actor=agent(who)).statements == ()
    assert verification.withdraw(desk.tenant, "gone", actor=agent(who)).refused == {"gone": Refusal.GONE}


@pytest.mark.parametrize("store", ENGINES, indirect=True)
def test_a_new_table_counts_everything_anew(desk: RecordServices) -> None:
    """When an agency changes its table, waiting entries follow, and what did not count may count now."""
    desk.write(desk.learn(form="other", minutes=90), moodle(actor=agent("budi"), type=None))
    assert (len(desk.entries()), desk.summary().total_waiting) == (1, 0)
    changes = {
        "version": "bkd-1",
        "forms": {"other": {"jp": {"rule": "hours"}, "pillar": "20", "pillars": ["20"]}},
        "courses": {COURSE: {"jp": "7.5", "form": "technical-training"}},
    }
    desk.record.tables.change(desk.tenant, changes, author="admin")
    desk.follow()
    summary = desk.summary()
    assert (summary.pillars["20"].waiting, summary.pillars["10"].verified) == (2, Decimal("7.5"))
    assert {entry.table for entry in desk.entries()} == {f"{LATEST}+bkd-1"}
    assert desk.record.tables.changes(desk.tenant) == changes


def test_another_time_zone_moves_an_entry_to_its_year(desk: RecordServices) -> None:
    """An entry that waits and changes its year leaves nothing behind in the old one."""
    told = desk.learn() | {"timestamp": "2026-12-31T16:30:00Z"}
    del told["context"]["extensions"][END]
    desk.write(told)
    assert desk.summary(year=2026).total_waiting == 2
    desk.record.tables.change(desk.tenant, {"version": "wit", "utc_offset": "+09:00"}, author="admin")
    desk.follow()
    assert (desk.summary(year=2026).total_waiting, desk.summary(year=2027).total_waiting) == (0, 2)
    assert desk.record.records.years(desk.tenant, desk.person()) == [2027]


def test_a_table_version_is_never_used_twice(desk: RecordServices) -> None:
    """Entries name the table that made them, so a version means one thing only; other tenants keep theirs."""
    desk.record.tables.change(desk.tenant, {"version": "a"}, author="admin")
    with pytest.raises(InvalidError):
        desk.record.tables.change(desk.tenant, {"version": "a", "step": "1"}, author="admin")
    assert desk.record.tables.of(desk.tenant).step == Decimal("0.1")
    assert desk.record.tables.of("bkn").version == LATEST


@pytest.mark.parametrize("store", ENGINES, indirect=True)
def test_statements_beyond_sense_are_kept_and_awarded_what_the_table_allows(desk: RecordServices) -> None:
    """2,000 hours in a day, 100 semesters and a secondment of a day are stored, cut, and say why."""
    told = [
        desk.learn(form="on-the-job-training", minutes=120_000),
        desk.learn(form="degree-study", semesters=100),
        desk.learn(form="secondment"),
        desk.learn(form="course", jp_claimed=Decimal(500), days=3),
    ]
    desk.write(*told)
    found = {entry.form: (entry.jp, entry.award.caps[0].code) for entry in desk.entries()}
    assert found == {
        "on-the-job-training": (10, "day-limit"),
        "degree-study": (40, "semesters-per-year"),
        "secondment": (0, "fewest-days"),
        "course": (30, "day-limit"),
    }
    assert all(desk.record.records.statements_behind(entry) for entry in desk.entries())


@EVERY_ENGINE
def test_a_long_record_is_read_in_pages(desk: RecordServices) -> None:
    """Page after page, of all of a person's accounts, in the order of one list."""
    told = [desk.learn(("budi", "budi2")[month % 2], end=date(2026, month, 1)) for month in range(1, 8)]
    desk.write(*told)
    person = desk.person("budi")
    desk.record.people.merge(desk.tenant, person, desk.person("budi2"), author="admin")
    desk.follow()
    after, months = None, []
    while True:
        page = desk.record.records.entry_page(desk.tenant, person, after=after, limit=3)
        assert len(page.entries) <= 3
        months += [entry.end.month for entry in page.entries]
        if (after := page.after) is None:
            break
    assert months == [7, 6, 5, 4, 3, 2, 1]
    assert [entry.end.month for entry in desk.entries()] == months


@EVERY_ENGINE
@pytest.mark.parametrize("month", [2, 12])
def test_what_is_foretold_of_a_full_year_is_what_is_stored(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch, month: int
) -> None:
    """Beyond the entries that count of a year a new one is worth nothing, before it is stored as after."""
    for module in (project, records_module):
        monkeypatch.setattr(module, "MOST_COUNTED", 3)
    desk.write(*(desk.learn(end=date(2026, each, 1)) for each in (1, 3, 5, 7, 9)))
    told = desk.learn(end=date(2026, month, 1))
    foretold = desk.record.records.worth(desk.tenant, desk.person(), told)
    id = desk.write(told)
    stored = desk.record.records.entry(desk.tenant, id)
    assert stored is not None
    assert foretold == stored.award
    assert (stored.jp == 0) == (month == 12)

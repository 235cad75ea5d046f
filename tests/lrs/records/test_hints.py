"""Facts beside an entry that waits: told when they are so, and of nobody else's record."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from lrs.records.entries import ENTRY, entry_id
from lrs.records.hints import BURST, Fact, Hint
from statements.profile.build import evidence
from tests.contract.engines import ENGINES
from tests.lrs.records.conftest import RecordServices

pytestmark = pytest.mark.parametrize("store", ENGINES, indirect=True)
PHOTO = evidence("Foto", content_type="image/jpeg", length=3, sha2="a" * 64) | {
    "fileUrl": "https://jejak.example/evidence/1"
}


def hints(desk: RecordServices, statement: dict[str, Any]) -> list[Hint]:
    id = entry_id(desk.tenant, statement["id"])
    waiting = [one for one in desk.record.waiting.walk(desk.tenant, limit=50) if one.entry_id == id]
    entry = desk.record.records.entry(desk.tenant, id)
    assert entry is not None
    return desk.record.hints.about(desk.tenant, [(waiting[0], entry)]).get(id, [])


def facts(desk: RecordServices, statement: dict[str, Any]) -> set[str]:
    return {hint.fact.value for hint in hints(desk, statement)}


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ({}, {"end": date(2026, 11, 20)}, set()),
        ({}, {"title": "Pendampingan SPBE 2"}, {"alike"}),
        ({}, {"title": "Menyusun anggaran"}, {"overlaps"}),
        ({}, {"title": "Pendampingan SPBE", "form": "mentoring"}, {"overlaps"}),
        ({"who": "ani"}, {}, set()),
        (
            {"details": {"certificate": "SK/123-2026"}, "end": date(2026, 9, 1)},
            {"details": {"certificate": "sk 123 2026"}},
            {"certificate"},
        ),
        (
            {"details": {"certificate": "SK/123-2026"}, "who": "ani"},
            {"details": {"certificate": "SK/123-2026"}},
            {"certificate"},
        ),
        ({"details": {"certificate": "-"}, "who": "ani"}, {"details": {"certificate": "-"}}, set()),
        ({"attachments": [PHOTO], "who": "ani"}, {"attachments": [PHOTO]}, {"file"}),
        ({}, {"end": date(2026, 3, 1)}, {"backdated"}),
    ],
)
def test_what_is_told(
    desk: RecordServices, first: dict[str, Any], second: dict[str, Any], told: set[str]
) -> None:
    """Overlaps and likenesses of the same learner; the same certificate or file wherever it stands."""
    for given in (first, second):
        given.setdefault("sessions", 1)
    other, mine = desk.learn(**first), desk.learn(**second)
    desk.write(other)
    desk.write(mine)
    assert facts(desk, mine) - {"backdated"} == told - {"backdated"}
    if "backdated" in told:
        assert "backdated" in facts(desk, mine)


def test_another_person_is_never_named(desk: RecordServices) -> None:
    """The same certificate of somebody else is told of without their entry; one's own with it."""
    details = {"certificate": "SK-0099"}
    desk.write(desk.learn("ani", details=details))
    mine = desk.learn(details=details)
    desk.write(mine)
    (hint,) = [one for one in hints(desk, mine) if one.fact is Fact.CERTIFICATE]
    assert (hint.other, hint.count) == (None, 1)
    again = desk.learn(details=details, end=date(2026, 6, 1))
    desk.write(again)
    (hint,) = [one for one in hints(desk, again) if one.fact is Fact.CERTIFICATE]
    assert hint.other is not None
    assert hint.other.id == entry_id(desk.tenant, mine["id"])


def test_many_entries_at_once_are_told_of(desk: RecordServices) -> None:
    """From five within ten minutes on; each then says so."""
    sent = [desk.learn(end=date(2026, 11, 1 + 2 * n), title=f"Kegiatan {n} " * (n + 1)) for n in range(BURST)]
    for one in sent[:-1]:
        desk.write(one)
    assert "burst" not in facts(desk, sent[0])
    desk.write(sent[-1])
    assert "burst" in facts(desk, sent[0])


def test_a_rebuild_finds_what_an_earlier_version_kept_without_these_keys(desk: RecordServices) -> None:
    """Entries that are otherwise unchanged get the index keys by which the hints find them."""
    details = {"certificate": "SK-0099"}
    other = desk.learn("ani", details=details)
    desk.write(other)
    with desk.store.reading() as reader:
        kept = reader.document(ENTRY, desk.tenant, entry_id(desk.tenant, other["id"]))
    assert kept is not None
    bare = replace(kept, keys=frozenset(key for key in kept.keys if not key.startswith("c")))
    desk.store.writing(lambda writer: writer.put(bare))
    mine = desk.learn(details=details)
    desk.write(mine)
    assert "certificate" not in facts(desk, mine)
    desk.record.rebuild()
    assert "certificate" in facts(desk, mine)

"""Uploads that break off and go on: offsets, bounds, and what becomes of them."""

from __future__ import annotations

import pytest

from lrs.people.people import People
from lrs.records.evidence import uploads as evidence_uploads
from lrs.records.evidence.files import Bounds, EvidenceFiles
from lrs.records.evidence.kinds import EvidenceError, Why
from lrs.records.evidence.uploads import EXPIRES_SECONDS, PIECE, STILL_SECONDS, UPLOAD, OffsetError, Uploads
from lrs.store.documents import DocumentQuery
from tests.evidence_samples import PDF, photo
from tests.lrs.records.conftest import RecordServices
from tests.lti_tool.platform import Clock

TENANT, BUDI, SITI = "bkd", "persona of budi", "persona of siti"


@pytest.fixture
def clock() -> Clock:
    """A clock that stands until it is moved."""
    return Clock()


@pytest.fixture
def files(desk: RecordServices, clock: Clock) -> EvidenceFiles:
    """The files that uploads become."""
    return EvidenceFiles(desk.store, People(desk.store, clock), clock, Bounds(1_000_000, 3))


@pytest.fixture
def uploads(desk: RecordServices, files: EvidenceFiles, clock: Clock) -> Uploads:
    """The uploads of an empty store."""
    return Uploads(desk.store, files, clock)


def left(desk: RecordServices) -> tuple[int, int]:
    """How many uploads and pieces are kept."""
    with desk.store.reading() as reader:
        several = [reader.find_documents(DocumentQuery(kind, TENANT, limit=1000)) for kind in (UPLOAD, PIECE)]
    return len(several[0]), len(several[1])


def test_what_comes_in_portions_is_one_file(
    desk: RecordServices, files: EvidenceFiles, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However small the portions, they make few pieces; the file is kept under the upload's id, once."""
    monkeypatch.setattr(evidence_uploads, "PIECE_BYTES", 2_000)
    data = photo() + bytes(5_000)
    upload = uploads.begin(TENANT, BUDI, len(data), "foto.jpg")
    for begin in range(0, len(data), 300):
        after = uploads.add(TENANT, {BUDI}, upload.id, begin, data[begin : begin + 300])
        assert after is not None
        upload = after
    assert upload.is_whole
    assert left(desk) == (1, -(-len(data) // 1_800))
    file = uploads.settle(TENANT, upload)
    assert file is not None
    assert (file.id, file.name, file.owner) == (upload.id, "foto.jpg", BUDI)
    assert left(desk) == (1, 0)
    assert uploads.settle(TENANT, upload) == file
    again = uploads.find(TENANT, {BUDI}, upload.id)
    assert again is not None
    assert (again.offset, again.kept, uploads.settle(TENANT, again)) == (len(data), True, file)
    assert files.held(TENANT, {BUDI}, [upload.id]) == [file]


def test_bytes_are_taken_at_the_offset_alone(uploads: Uploads) -> None:
    """Neither the same bytes twice, nor those after a gap, nor more than were announced."""
    upload = uploads.begin(TENANT, BUDI, 10, "")
    uploads.add(TENANT, {BUDI}, upload.id, 0, b"12345")
    for offset in (0, 4, 6):
        with pytest.raises(OffsetError) as caught:
            uploads.add(TENANT, {BUDI}, upload.id, offset, b"x")
        assert caught.value.offset == 5
    with pytest.raises(ValueError, match="announced"):
        uploads.add(TENANT, {BUDI}, upload.id, 5, b"678901")
    held = uploads.find(TENANT, {BUDI}, upload.id)
    assert held is not None
    assert held.offset == 5


def test_an_upload_is_its_senders_alone(uploads: Uploads) -> None:
    """Neither another person nor another agency finds it or adds to it."""
    upload = uploads.begin(TENANT, BUDI, 10, "")
    for tenant, owner in ((TENANT, SITI), ("other", BUDI)):
        assert uploads.find(tenant, {owner}, upload.id) is None
        assert uploads.add(tenant, {owner}, upload.id, 0, b"x") is None


def test_what_cannot_be_evidence_is_refused_and_remembered(desk: RecordServices, uploads: Uploads) -> None:
    """Too large or empty at once; a disguised file when it is whole; asked again, the same."""
    for length, why in ((1_000_001, Why.TOO_LARGE), (314_572_800, Why.TOO_LARGE), (0, Why.EMPTY)):
        with pytest.raises(EvidenceError, match=why):
            uploads.begin(TENANT, BUDI, length, "video.mp4")
    upload = uploads.begin(TENANT, BUDI, 6, "foto.jpg")
    whole = uploads.add(TENANT, {BUDI}, upload.id, 0, b"<html>")
    assert whole is not None
    with pytest.raises(EvidenceError, match=Why.OTHER_KIND):
        uploads.settle(TENANT, whole)
    assert left(desk) == (1, 0)
    held = uploads.find(TENANT, {BUDI}, upload.id)
    assert held is not None
    with pytest.raises(EvidenceError, match=Why.OTHER_KIND):
        uploads.settle(TENANT, held)


def test_one_person_has_so_many_unfinished(uploads: Uploads, clock: Clock) -> None:
    """An eleventh is refused, unless one of them has stood still for ten minutes; others go on."""
    ten = [uploads.begin(TENANT, BUDI, 10, "") for _ in range(evidence_uploads.MOST_OF_PERSON)]
    with pytest.raises(EvidenceError, match=Why.TOO_MANY_UNFINISHED):
        uploads.begin(TENANT, BUDI, 10, "")
    uploads.begin(TENANT, SITI, 10, "")
    clock.forward(STILL_SECONDS)
    for upload in ten[1:]:
        uploads.add(TENANT, {BUDI}, upload.id, 0, b"x")
    uploads.begin(TENANT, BUDI, 10, "")
    assert uploads.find(TENANT, {BUDI}, ten[0].id) is None
    with pytest.raises(EvidenceError, match=Why.TOO_MANY_UNFINISHED):
        uploads.begin(TENANT, BUDI, 10, "")
    uploads.end(TENANT, ten[1])
    uploads.begin(TENANT, BUDI, 10, "")


@pytest.mark.parametrize(("bound", "most"), [("MOST_OF_TENANT", 2), ("MOST_BYTES_OF_TENANT", 25)])
def test_one_agency_has_so_many_unfinished(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    """Beyond a number, and a sum of bytes, nothing more is begun; another agency does not notice."""
    monkeypatch.setattr(evidence_uploads, bound, most)
    uploads.begin(TENANT, BUDI, 10, "")
    uploads.begin(TENANT, SITI, 10, "")
    with pytest.raises(EvidenceError, match=Why.TOO_MANY_UNFINISHED):
        uploads.begin(TENANT, "another", 10, "")
    uploads.begin("other", BUDI, 10, "")


def test_uploads_expire(desk: RecordServices, uploads: Uploads, clock: Clock) -> None:
    """A day after it was begun an upload is gone; the next one removes what had come of it."""
    upload = uploads.begin(TENANT, BUDI, 10, "")
    uploads.add(TENANT, {BUDI}, upload.id, 0, b"12345")
    clock.forward(EXPIRES_SECONDS + 1)
    assert uploads.find(TENANT, {BUDI}, upload.id) is None
    assert uploads.add(TENANT, {BUDI}, upload.id, 5, b"6") is None
    uploads.begin(TENANT, SITI, len(PDF), "")
    assert left(desk) == (1, 0)

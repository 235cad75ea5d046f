"""Files of evidence: what is kept of them, whose they are, and how they go."""

from __future__ import annotations

import hashlib
import io

import pytest
from PIL import Image

from lrs.people.people import People
from lrs.records.evidence import files as evidence_files
from lrs.records.evidence.files import KEPT_SECONDS, LATE_SECONDS, Bounds, EvidenceFile, EvidenceFiles
from lrs.records.evidence.kinds import EvidenceError, Why, kind_of
from lrs.store.documents import DocumentQuery
from statements.profile.build import evidence as attachment
from statements.profile.reading import Evidence
from tests.evidence_samples import GPS, PDF, SECRET, opened, photo, png_of
from tests.lrs.records.conftest import RecordServices, key
from tests.lti_tool.platform import Clock

TENANT = "bkd"


@pytest.fixture
def clock(desk: RecordServices) -> Clock:
    """A clock that stands until it is moved."""
    return Clock()


@pytest.fixture
def files(desk: RecordServices, clock: Clock) -> EvidenceFiles:
    """The files of a small store."""
    return EvidenceFiles(desk.store, People(desk.store, clock), clock, Bounds(200_000, 3))


def owner(desk: RecordServices, name: str = "budi") -> str:
    """The persona of somebody."""
    return desk.record.people.persona(TENANT, key(name))


def content(files: EvidenceFiles, file: EvidenceFile) -> bytes:
    """The bytes that are kept."""
    return b"".join(files.chunks(file))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_picture_is_drawn_anew(desk: RecordServices, files: EvidenceFiles, kind: str) -> None:
    """What is kept of any kind of photo is a JPEG without its place, and a small one for lists."""
    sent = photo(kind)
    file = files.keep(TENANT, owner(desk), sent, "foto.bin")
    kept = content(files, file)
    assert file.content_type == "image/jpeg"
    assert (file.sha2, file.size) == (hashlib.sha256(kept).hexdigest(), len(kept))
    assert SECRET in sent or kind == "PNG"
    assert SECRET not in kept
    assert not opened(kept).getexif().get_ifd(GPS)
    assert opened(kept).size == (file.width, file.height) == (640, 480)
    small = files.preview(file)
    assert small is not None
    assert max(opened(small).size) == 240


def test_a_large_picture_is_made_smaller_and_stands_upright(
    desk: RecordServices, files: EvidenceFiles
) -> None:
    """A photo taken with the telephone on its side is turned, and its longer edge is bounded."""
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    Image.new("RGB", (4000, 3000)).save(out, "JPEG", exif=exif.tobytes(), quality=50)
    file = files.keep(TENANT, owner(desk), out.getvalue(), "")
    assert (file.width, file.height) == (1500, 2000)


@pytest.mark.parametrize("mode", ["P", "LA", "RGBA", "L", "1", "I;16"])
def test_pictures_of_every_kind_of_colour_are_taken(
    desk: RecordServices, files: EvidenceFiles, mode: str
) -> None:
    """Palettes, transparency, shades of grey."""
    out = io.BytesIO()
    Image.new(mode, (60, 40)).save(out, "PNG")
    assert files.keep(TENANT, owner(desk), out.getvalue(), "").width == 60


def test_a_pdf_is_kept_as_it_is(desk: RecordServices, files: EvidenceFiles) -> None:
    """A document has no picture of it, and its bytes stay."""
    file = files.keep(TENANT, owner(desk), PDF, "/home/b/Sertifikat 199001012015031001.pdf")
    assert (file.content_type, file.is_picture) == ("application/pdf", False)
    assert content(files, file) == PDF
    assert file.name == "Sertifikat •••.pdf"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", Why.EMPTY),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Why.OTHER_KIND),
        (b"MZ" + bytes(200), Why.OTHER_KIND),
        (b"GIF89a" + bytes(200), Why.OTHER_KIND),
        (b"PK\x03\x04" + bytes(200), Why.OTHER_KIND),
        (b"\n" + PDF, Why.OTHER_KIND),
        (b"\0\0\0\x20ftypisom" + bytes(200), Why.OTHER_KIND),
        (PDF[:-20], Why.BROKEN),
        (photo()[:900], Why.BROKEN),
        (photo("HEIF")[:300], Why.BROKEN),
        (b"\xff\xd8\xff\xe0<html>" + bytes(200), Why.BROKEN),
        (photo("PNG")[:60], Why.BROKEN),
        (png_of(40_000, 25_000), Why.TOO_MANY_PIXELS),
        (png_of(7_100, 7_100), Why.TOO_MANY_PIXELS),
        (png_of(3_000, 3_000), Why.BROKEN),
        (PDF + bytes(200_000), Why.TOO_LARGE),
    ],
)
def test_what_is_no_evidence_is_refused(
    desk: RecordServices, files: EvidenceFiles, data: bytes, why: Why
) -> None:
    """Disguised, broken and too large files, and a picture of 10^9 pixels, leave nothing behind."""
    with pytest.raises(EvidenceError) as caught:
        files.keep(TENANT, owner(desk), data, "foto.jpg")
    assert caught.value.why is why
    with desk.store.reading() as reader:
        assert reader.find_documents(DocumentQuery(evidence_files.EVIDENCE, TENANT, limit=1)) == []


def test_the_kind_is_told_from_the_content() -> None:
    """A name says nothing: what begins as JPEG is JPEG."""
    told = [kind_of(photo(kind)) for kind in ("JPEG", "PNG", "WEBP", "HEIF")]
    assert told == ["image/jpeg", "image/png", "image/webp", "image/heic"]


def test_a_file_is_its_senders_alone(desk: RecordServices, files: EvidenceFiles) -> None:
    """Neither another person nor another agency finds it by its id."""
    file = files.keep(TENANT, owner(desk), PDF, "")
    assert files.held(TENANT, {owner(desk)}, [file.id, "x"]) == [file]
    assert files.held(TENANT, {owner(desk, "siti")}, [file.id]) == []
    assert files.held("other", {owner(desk)}, [file.id]) == []
    assert files.file("other", file.id) is None


def test_so_much_a_day_is_taken(
    desk: RecordServices, files: EvidenceFiles, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a number and a sum of bytes nothing more of one person is kept that day; others go on."""
    monkeypatch.setattr(evidence_files, "MOST_A_DAY", 2)
    for _ in range(2):
        files.keep(TENANT, owner(desk), PDF, "")
    with pytest.raises(EvidenceError, match=Why.TOO_MUCH_A_DAY):
        files.keep(TENANT, owner(desk), PDF, "")
    files.keep(TENANT, owner(desk, "siti"), PDF, "")
    clock.forward(KEPT_SECONDS + 1)
    monkeypatch.setattr(evidence_files, "MOST_BYTES_A_DAY", len(PDF))
    files.keep(TENANT, owner(desk), PDF, "")
    with pytest.raises(EvidenceError, match=Why.TOO_MUCH_A_DAY):
        files.keep(TENANT, owner(desk), PDF, "")


def test_a_file_that_no_statement_names_goes_after_a_time(
    desk: RecordServices, files: EvidenceFiles, clock: Clock
) -> None:
    """After 30 days, and an hour for whoever was about to use it, its bytes and preview are gone, too."""
    alone = files.keep(TENANT, owner(desk), photo(), "")
    twin = files.keep(TENANT, owner(desk), photo(), "")
    assert (alone.sha2, alone.blob) != (twin.sha2, twin.blob)
    made = _entry(desk, files, twin)
    clock.forward(KEPT_SECONDS + 1)
    assert files.held(TENANT, {owner(desk)}, [alone.id]) == []
    assert files.remove_old(TENANT) == 0
    clock.forward(LATE_SECONDS)
    assert files.remove_old(TENANT) == 1
    assert files.file(TENANT, alone.id) is None
    assert files.preview(alone) is None
    assert desk.store.blobs.size(alone.blob) is None
    assert opened(content(files, twin)).width == 640
    assert files.remove_old(TENANT) == 0
    assert files.held(TENANT, {owner(desk)}, [twin.id])[0].statements == (made,)


def test_a_file_stays_whose_statement_was_never_stored(
    desk: RecordServices, files: EvidenceFiles, clock: Clock
) -> None:
    """Only a statement that is stored keeps a file; one that was only about to be does not."""
    file = files.keep(TENANT, owner(desk), PDF, "")
    files.attach(TENANT, [_statement(desk, file)])
    clock.forward(KEPT_SECONDS + LATE_SECONDS + 1)
    assert files.remove_old(TENANT) == 1
    assert files.file(TENANT, file.id) is None


def test_a_statement_of_somebody_else_opens_nothing(desk: RecordServices, files: EvidenceFiles) -> None:
    """A file belongs to an entry only if its own owner's statement names it, stored by this program."""
    file = files.keep(TENANT, owner(desk), PDF, "")
    thief = _statement(desk, file, actor="eve")
    files.attach(TENANT, [thief])
    desk.send(thief)
    desk.follow()
    (entry,) = desk.entries("eve")
    assert entry.evidence[0].sha2 == file.sha2
    assert files.of_entries(TENANT, [entry]) == {entry.id: [None]}
    forged = _statement(desk, file)
    desk.send(forged)
    desk.follow()
    (own,) = desk.entries("budi")
    assert files.of_entries(TENANT, [own]) == {own.id: [None]}


def _statement(desk: RecordServices, file: EvidenceFile, actor: str = "budi") -> dict[str, object]:
    told = attachment(
        "Foto 1",
        content_type=file.content_type,
        length=file.size,
        sha2=file.sha2,
        file_url=evidence_files.file_url("https://jejak.example", file.id),
    )
    return desk.learn(actor, sessions=1, attachments=[told])


def _entry(desk: RecordServices, files: EvidenceFiles, file: EvidenceFile, actor: str = "budi") -> str:
    made = _statement(desk, file, actor)
    files.attach(TENANT, [made])
    desk.send(made)
    desk.follow()
    return str(made["id"])


def test_evidence_is_read_from_the_attachment(desk: RecordServices, files: EvidenceFiles) -> None:
    """An entry tells the file's content type, size and hash."""
    file = files.keep(TENANT, owner(desk), PDF, "")
    _entry(desk, files, file)
    (entry,) = desk.entries("budi")
    url = evidence_files.file_url("https://jejak.example", file.id)
    assert entry.evidence == (Evidence("Foto 1", file.sha2, url, "application/pdf", len(PDF)),)
    (found,) = files.of_entries(TENANT, [entry])[entry.id]
    assert found is not None
    assert (found.id, found.statements) == (file.id, (entry.statement_id,))

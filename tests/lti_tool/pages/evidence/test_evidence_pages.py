"""Evidence over HTTP: sent with the form, shown with the entry, given to those who may see it alone."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from werkzeug.test import TestResponse

from lrs.records.entries import Entry
from lrs.records.evidence.files import EvidenceFile
from lti_tool.web.cookies import session_name
from tests.evidence_samples import PDF, SECRET, opened, photo
from tests.jejak.product import Product, product
from tests.lti_tool.platform import CLAIM, ROLE, TOOL, Clock, TestPlatform, Visit

ENTRY = {"title": "Coaching", "end": "2026-01-15", "count": "1"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The whole product."""
    with product(
        monkeypatch, tmp_path, JEJAK_EVIDENCE_MAX_BYTES="300000", JEJAK_EVIDENCE_MAX_FILES="3"
    ) as made:
        yield made


class Person:
    """Somebody in a browser, with an open session."""

    def __init__(
        self,
        site: Product,
        subject: str = "42",
        role: str = "Learner",
        visit: Visit | None = None,
        **claims: Any,
    ):
        self.site = site
        self.visit = visit or site.visit()
        self.path = self.visit.go(
            sub=subject, **{CLAIM + "roles": [ROLE + role], CLAIM + "lis": None, **claims}
        ).headers["Location"]

    def get(self, page: str, **headers: str) -> TestResponse:
        """A page of this launch."""
        return self.visit.client.get(
            self.path + page, base_url=TOOL, headers={"Accept-Language": "en", **headers}
        )

    def post(self, page: str, fields: dict[str, Any]) -> TestResponse:
        """Send a form of this launch, with files."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("log/coaching?lang=en").text)
        assert found is not None
        data = {"csrf_token": found[1], **fields}
        return self.visit.client.post(
            self.path + page,
            data=data,
            base_url=TOOL,
            headers={"Origin": TOOL},
            content_type="multipart/form-data",
        )

    def log(self, *files: tuple[bytes, str], **typed: Any) -> TestResponse:
        """Log an activity with these files."""
        fields = {"statement_id": str(uuid4()), **ENTRY, **typed}
        return self.post(
            "log/coaching?lang=en", fields | {"files": [(io.BytesIO(data), name) for data, name in files]}
        )

    def entry(self, answer: TestResponse) -> Entry:
        """The entry that a good form leads to."""
        assert answer.status_code == 303, answer.text
        self.site.follow()
        found = re.search(r"logged=([^&]+)", answer.headers["Location"])
        assert found is not None
        entry = self.site.app.wired.record.records.entry("agency", found[1])
        assert entry is not None
        return entry

    def file(self, entry: Entry, place: int = 0) -> EvidenceFile:
        """A file of an entry."""
        file = self.site.app.wired.desk.evidence.of_entries(entry.tenant, [entry])[entry.id][place]
        assert file is not None
        return file


@pytest.fixture(autouse=True)
def follow(monkeypatch: pytest.MonkeyPatch, site: Product) -> None:
    """Nothing runs in the background: what was written is worked out when somebody waits for it."""

    def seen(*_: Any) -> bool:
        site.follow()
        return True

    monkeypatch.setattr("lti_tool.web.record_services.RecordServices.seen", seen)


@pytest.fixture
def budi(site: Product) -> Person:
    """A learner."""
    return Person(site)


def boxes(page: str) -> list[str]:
    """The names of the boxes of files that a form holds."""
    return re.findall(r'name="(file_[0-9a-f]{32})" value="1" checked', page)


def test_a_photo_travels_with_the_form(budi: Person) -> None:
    """Without any script: the entry shows the photo, small and large, and it tells no place."""
    entry = budi.entry(budi.log((photo(), "IMG_1.jpg"), (PDF, "daftar hadir.pdf")))
    page = budi.get(f"entries/{entry.id}").text
    assert "IMG_1.jpg" in page
    assert "daftar hadir.pdf" in page
    file = budi.file(entry)
    small = budi.get(f"evidence/{file.id}/preview")
    assert (small.status_code, small.mimetype) == (200, "image/jpeg")
    assert f"evidence/{file.id}/file" in budi.get(f"evidence/{file.id}").text
    whole = budi.get(f"evidence/{file.id}/file")
    assert opened(whole.data).size == (640, 480)
    assert SECRET not in whole.data


def test_the_statement_names_the_file_and_holds_no_bytes(site: Product, budi: Person) -> None:
    """`sha2` and `fileUrl` stand in the statement; `attachments=true` hands out nothing of it."""
    entry = budi.entry(budi.log((photo(), "NIP 199001012015031001.jpg")))
    file = budi.file(entry)
    client = site.xapi("all")
    answer = client.get("/statements", query=f"statementId={entry.statement_id}&attachments=true")
    assert answer.status == 200
    assert b"JFIF" not in answer.body
    assert b"199001012015031001" not in answer.body
    statement = client.get("/statements", query=f"statementId={entry.statement_id}").json
    (told,) = statement["attachments"]
    assert (told["sha2"], told["length"], told["contentType"]) == (file.sha2, file.size, "image/jpeg")
    assert told["fileUrl"] == f"{TOOL}/evidence/{file.id}"
    assert told["display"] == {"id": "Foto 1"}


def test_a_pdf_is_saved_and_can_run_nothing(budi: Person) -> None:
    """A document with a script in it is an attachment in a sandbox, and of no other type than it says."""
    file = budi.file(budi.entry(budi.log((PDF, "a.pdf"))))
    answer = budi.get(f"evidence/{file.id}/file")
    assert answer.data == PDF
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox;" in policy
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert budi.get(f"evidence/{file.id}").status_code == 404


def test_others_see_nothing(site: Product, budi: Person) -> None:
    """Not another learner, nor an instructor of another course, another agency, an unproved browser."""
    entry = budi.entry(budi.log((photo(), "a.jpg")))
    file = budi.file(entry)
    course: Any = {"id": "9", "title": "Other", "type": ["CourseSection"]}
    other = TestPlatform(
        Clock(site.platform.clock.now), issuer="https://other.example", client_id="o", key="other"
    )
    other.register(site.app.wired.tool.platforms, site.wire, tenant="other")
    strangers = [
        Person(site, "77"),
        Person(site, "78", "Instructor", **{CLAIM + "context": course}),
        Person(site, "42", "Instructor", Visit(site.browser(), other)),  # type: ignore[arg-type]
    ]
    for one in strangers:
        for path in ("", "/file", "/preview"):
            assert one.get(f"evidence/{file.id}{path}").status_code == 404
    nobody = site.browser()
    for path in (f"{budi.path}evidence/{file.id}/file", f"/evidence/{file.id}"):
        assert nobody.get(path, base_url=TOOL).status_code == 401


def test_those_who_may_decide_see_it(site: Product, budi: Person) -> None:
    """The instructor of the course, and the mentor whom the entry names, who is a learner there."""
    mentor = Person(site, "7", name="Anwar Hakim")
    teacher = Person(site, "1", "Instructor")
    entry = budi.entry(budi.log((photo(), "a.jpg"), mentor="7"))
    file = budi.file(entry)
    for one in (mentor, teacher):
        assert one.get(f"evidence/{file.id}/file").status_code == 200
    page = teacher.get(f"cohort/{entry.person}/{entry.id}").text
    assert f"{teacher.path}evidence/{file.id}/preview" in page


def test_before_it_is_sent_a_file_is_nobody_elses(site: Product, budi: Person) -> None:
    """The instructor sees a file once an entry names it; another person's form that names it has none."""
    teacher = Person(site, "1", "Instructor")
    page = budi.log((photo(), "a.jpg"), title="").text
    (box,) = boxes(page)
    id = box.removeprefix("file_")
    assert teacher.get(f"evidence/{id}/file").status_code == 404
    other = Person(site, "77")
    assert other.entry(other.log(**{box: "1"})).evidence == ()
    assert teacher.get(f"evidence/{id}/file").status_code == 404


def test_a_file_is_kept_whatever_else_is_wrong(budi: Person) -> None:
    """A form that is sent back has the files it came with, ticked; unticked, one is left out."""
    answer = budi.log((photo(), "satu.jpg"), (PDF, "dua.pdf"), title="")
    assert answer.status_code == 422
    first, second = boxes(answer.text)
    assert "satu.jpg" in answer.text
    entry = budi.entry(budi.log(**{first: "1"}))
    assert [one.content_type for one in entry.evidence] == ["image/jpeg"]
    assert second not in budi.get(f"entries/{entry.id}").text


def test_files_that_cannot_be_evidence_are_told_beside_the_field(budi: Person) -> None:
    """What is wrong with each is said by its name; the good one stays, and nothing is sent yet."""
    answer = budi.log((b"<html>", "foto<b>.jpg"), (photo(), "baik.jpg"), (photo()[:700], "rusak.jpg"))
    assert answer.status_code == 422
    assert "“foto&lt;b&gt;.jpg”: This is no photo" in answer.text
    assert "“rusak.jpg”: The file is damaged" in answer.text
    assert len(boxes(answer.text)) == 1
    assert 'value="Coaching"' in answer.text


def test_an_entry_has_so_many_files(budi: Person) -> None:
    """One more than the bound is refused with what to do, and the others stay."""
    answer = budi.log(*[(PDF + bytes([n]), f"{n}.pdf") for n in range(3)], (PDF, "3.pdf"))
    assert answer.status_code == 422
    assert "One entry can have 3 files." in answer.text
    assert len(boxes(answer.text)) == 3


def test_a_file_beyond_its_bytes_is_refused(budi: Person) -> None:
    """One file too large is told by its name; a body larger than all files together is refused unread."""
    answer = budi.log((PDF + bytes(300_000), "besar.pdf"))
    assert answer.status_code == 422
    assert "“besar.pdf”: The file has more than 293\u00a0KB." in answer.text
    answer = budi.visit.client.post(
        budi.path + "log/coaching?lang=en",
        data=b"\0" * 3_000_000,
        content_type="multipart/form-data; boundary=b",
        base_url=TOOL,
        headers={"Origin": TOOL},
    )
    assert answer.status_code == 413
    assert "LTI-92" in answer.text
    assert "what you typed is still there" in answer.text


def test_sent_again_with_another_file_it_is_a_correction(budi: Person) -> None:
    """The same form with a file added takes the place of the first; with the same files nothing changes."""
    id = str(uuid4())
    first = budi.entry(budi.log((photo(), "a.jpg"), statement_id=id))
    box = f"file_{budi.file(first).id}"
    again = budi.log(statement_id=id, **{box: "1"})
    assert "how=again" in again.headers["Location"]
    more = budi.log((PDF, "b.pdf"), statement_id=id, **{box: "1"})
    assert "how=corrected" in more.headers["Location"]
    entry = budi.entry(more)
    assert len(entry.evidence) == 2
    assert f"file_{budi.file(entry).id}" == box
    assert f"evidence/{budi.file(entry, 1).id}/file" in budi.get(f"entries/{entry.id}").text


def test_the_address_in_the_statement_asks_for_access(site: Product, budi: Person) -> None:
    """A browser with a session that may see the file is led to it; one with another session is refused."""
    file = budi.file(budi.entry(budi.log((photo(), "a.jpg"))))
    led = budi.visit.client.get(f"/evidence/{file.id}", base_url=TOOL)
    assert led.headers["Location"] == f"{budi.path}evidence/{file.id}"
    other = Person(site, "77")
    assert other.visit.client.get(f"/evidence/{file.id}", base_url=TOOL).status_code == 401


def test_where_no_cookie_survives_pictures_stand_in_the_page(budi: Person) -> None:
    """A page that is fetched with the launch's secret in a header holds its previews."""
    entry = budi.entry(budi.log((photo(), "a.jpg")))
    name = session_name(budi.path.split("/")[2])
    cookie = budi.visit.client.get_cookie(name, domain="tool.example")
    assert cookie is not None
    secret = cookie.value
    answer = budi.site.browser().get(
        f"{budi.path}entries/{entry.id}", base_url=TOOL, headers={"X-Launch-Secret": secret.partition(".")[2]}
    )
    assert "data:image/jpeg;base64," in answer.text

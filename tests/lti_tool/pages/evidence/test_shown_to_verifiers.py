"""Evidence where somebody decides: in the queue of a launch, and on the page of a one-time link."""

from __future__ import annotations

import pytest

from lrs.records.evidence.files import EvidenceFile
from lti_tool.accounts import account_key
from tests.evidence_samples import PDF, photo
from tests.lti_tool.conftest import World
from tests.lti_tool.pages.admin.test_pages import Here, site
from tests.lti_tool.pages.verifier.test_links import WHO, Asking
from tests.lti_tool.platform import CLAIM, ROLE, TOOL

__all__ = ["site"]


class WithEvidence(Asking):
    """A learner whose entry has a photo and a document."""

    files: list[EvidenceFile]

    def __init__(self, site: World) -> None:
        super().__init__(site)
        owner = self.desk.record.people.persona("agency", account_key("https://lms.example", "42"))
        self.files = [
            self.desk.evidence.keep("agency", owner, data, name)
            for data, name in ((photo(), "foto.jpg"), (PDF, "daftar.pdf"))
        ]
        boxes = {f"file_{file.id}": "1" for file in self.files}
        self.bare = self.entry
        self.entry = self.learner.saved(
            self.learner.send("coaching", title="Dengan bukti", end="2025-11-19", count="1", **boxes)
        )

    def fetch(self, code: str, file: str) -> tuple[int, bytes]:
        """Ask for a file by a link."""
        answer = self.other.post("/confirm/evidence", data={"code": code, "file": file}, base_url=TOOL)
        return answer.status_code, answer.data


@pytest.fixture
def asking(site: World) -> WithEvidence:
    """A learner who asks somebody without an account."""
    return WithEvidence(site)


def test_a_link_shows_the_evidence_of_its_entry(asking: WithEvidence) -> None:
    """Small pictures stand in the page; the files are given for the code, in a sandbox."""
    code = asking.make()
    page = asking.send(code).text
    assert "data:image/jpeg;base64," in page
    assert f'name="file" value="{asking.files[1].id}"' in page
    assert asking.fetch(code, asking.files[1].id) == (200, PDF)
    status, data = asking.fetch(code, asking.files[0].id)
    assert (status, data[:2]) == (200, b"\xff\xd8")
    answer = asking.other.post(
        "/confirm/evidence", data={"code": code, "file": asking.files[1].id}, base_url=TOOL
    )
    assert "sandbox;" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_a_link_opens_no_other_file(asking: WithEvidence) -> None:
    """Not one of another entry, not by a wrong code, not once the link is used."""
    code = asking.make()
    owner = asking.files[0].owner
    other = asking.desk.evidence.keep("agency", owner, PDF + b"\n%%EOF\n", "")
    for file in (other.id, "", "x" * 32):
        assert asking.fetch(code, file)[0] == 404
    assert asking.fetch("A" * 22, asking.files[1].id)[0] == 404
    assert asking.decide(code, **WHO).status_code == 200
    assert asking.fetch(code, asking.files[1].id)[0] in {403, 404, 410}


def test_the_queue_shows_the_evidence(asking: WithEvidence, site: World) -> None:
    """The instructor sees the small picture beside the entry, and may open it."""
    told = {CLAIM + "lis": None, "sub": "900", "name": "Guru"}
    teacher = Here(site.visit(), [ROLE + "Instructor"], **told)
    page = teacher.get("verify").text
    photo = asking.files[0]
    assert f"{teacher.path}evidence/{photo.id}/preview" in page
    answer = teacher.visit.client.get(f"{teacher.path}evidence/{photo.id}/file", base_url=TOOL)
    assert answer.status_code == 200

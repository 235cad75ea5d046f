"""tus 1.0 over HTTP, as its specification has it, within the session of a launch."""

from __future__ import annotations

import base64
import re
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import pytest
from werkzeug.test import TestResponse

from lrs.store.port import Writer
from lti_tool.launch.sessions import KIND as SESSION
from lti_tool.pages.evidence import tus_routes
from tests.evidence_samples import PDF, photo, png_of
from tests.jejak.product import Product
from tests.lti_tool.pages.evidence.test_evidence_pages import Person, budi, follow, site
from tests.lti_tool.platform import TOOL, Clock, TestPlatform

__all__ = ["budi", "follow", "site"]
BYTES = "application/offset+octet-stream"


def detail(answer: TestResponse) -> str:
    """What a refusal says."""
    assert answer.json is not None
    return str(answer.json["detail"])


class Tus:
    """A tus client in somebody's session."""

    def __init__(self, person: Person) -> None:
        self.person = person
        found = re.search(r'name="csrf_token" value="([^"]+)"', person.get("log/coaching?lang=en").text)
        assert found is not None
        self.headers = {"Tus-Resumable": "1.0.0", "X-CSRF-Token": found[1], "Origin": TOOL}

    def ask(self, method: str, path: str, data: bytes = b"", /, **headers: str | None) -> TestResponse:
        """One request; header names with underscores, None leaves one out."""
        given: dict[str, str | None] = {
            **self.headers,
            "Accept-Language": "en",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        known = {name: value for name, value in given.items() if value is not None}
        where = path if path.startswith("/") else self.person.path + path
        return self.person.visit.client.open(
            where,
            method=method,
            data=data,
            headers=known,
            base_url=TOOL,
            content_type=known.get("Content-Type"),
        )

    def begin(self, length: int, name: str = "foto.jpg") -> TestResponse:
        """Begin an upload."""
        metadata = "filename " + base64.b64encode(name.encode()).decode()
        return self.ask("POST", "uploads", Upload_Length=str(length), Upload_Metadata=metadata)

    def add(self, url: str, offset: int, data: bytes, **headers: str | None) -> TestResponse:
        """Send the bytes at an offset."""
        return self.ask("PATCH", url, data, Upload_Offset=str(offset), Content_Type=BYTES, **headers)

    def send(self, data: bytes, portion: int = 2_000) -> tuple[str, TestResponse]:
        """Send a whole file; its address, and the last answer."""
        url = self.begin(len(data)).headers["Location"]
        answer = self.ask("HEAD", url)
        for offset in range(0, len(data), portion):
            answer = self.add(url, offset, data[offset : offset + portion])
        return url, answer


@pytest.fixture
def tus(budi: Person) -> Tus:
    """A learner's client."""
    return Tus(budi)


def test_a_photo_that_was_sent_in_parts_is_evidence(budi: Person, tus: Tus) -> None:
    """Created, sent from offset to offset, and named by the id at the end of its address."""
    data = photo()
    begun = tus.begin(len(data), "Foto rapat.jpg")
    assert begun.status_code == 201
    assert begun.headers["Tus-Resumable"] == "1.0.0"
    url = begun.headers["Location"]
    assert parsedate_to_datetime(begun.headers["Upload-Expires"]) is not None
    first = tus.add(url, 0, data[:1000])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "1000")
    assert "Upload-Expires" in first.headers
    stand = tus.ask("HEAD", url)
    assert (stand.status_code, stand.headers["Upload-Offset"]) == (200, "1000")
    assert stand.headers["Upload-Length"] == str(len(data))
    assert stand.headers["Cache-Control"] == "no-store"
    assert base64.b64decode(stand.headers["Upload-Metadata"].split(" ")[1]) == b"Foto rapat.jpg"
    last = tus.add(url, 1000, data[1000:])
    assert (last.status_code, last.headers["Upload-Offset"]) == (204, str(len(data)))
    assert tus.ask("HEAD", url).headers["Upload-Offset"] == str(len(data))
    id = url.rpartition("/")[2]
    assert budi.get(f"evidence/{id}/preview").status_code == 200
    entry = budi.entry(budi.log(**{f"file_{id}": "1"}))
    assert budi.file(entry).id == id
    assert "Foto rapat.jpg" in budi.get(f"entries/{entry.id}").text


def test_what_the_server_can_do_is_told(budi: Person, tus: Tus) -> None:
    """OPTIONS needs no version and no token: version, extensions, the largest file."""
    for path in ("uploads", f"uploads/{uuid4().hex}"):
        answer = tus.ask("OPTIONS", path, Tus_Resumable=None, X_CSRF_Token=None)
        assert answer.status_code == 204
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert answer.headers["Tus-Extension"] == "creation,expiration,termination"
        assert answer.headers["Tus-Max-Size"] == "300000"


@pytest.mark.parametrize("version", [None, "0.2.2", "2.0.0"])
def test_another_version_is_412(tus: Tus, version: str | None) -> None:
    """Whoever speaks no version that this server does is told which it does."""
    answer = tus.ask("POST", "uploads", Upload_Length="5", Tus_Resumable=version)
    assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload_Length": None}, 400),
        ({"Upload_Length": "-1"}, 400),
        ({"Upload_Length": "5x"}, 400),
        ({"Upload_Length": "²"}, 400),
        ({"Upload_Length": None, "Upload_Defer_Length": "1"}, 400),
        ({"Upload_Length": "0"}, 422),
        ({"Upload_Length": "300001"}, 413),
        ({"Upload_Length": "314572800"}, 413),
        ({"Upload_Length": "9" * 4000}, 413),
        ({"Upload_Length": "5", "Upload_Metadata": "a b"}, 400),
        ({"Upload_Length": "5", "Upload_Metadata": "a YQ==,a YQ=="}, 400),
        ({"Upload_Length": "5", "Upload_Metadata": "x " + "A" * 8000}, 400),
        ({"Upload_Length": "5", "Upload_Metadata": "is_confidential"}, 201),
        ({"Upload_Length": "5"}, 201),
    ],
)
def test_creation(tus: Tus, headers: dict[str, Any], status: int) -> None:
    """A length is needed, of a size that a file may have; metadata as the protocol writes it."""
    answer = tus.ask("POST", "uploads", **headers)
    assert answer.status_code == status
    if status == 413:
        assert answer.headers["Tus-Max-Size"] == "300000"
        assert "put a video into your agency" in detail(answer)


def test_a_part_at_another_offset_or_of_another_type_is_refused(tus: Tus) -> None:
    """409 says where the upload stands, 415 how bytes are sent, 413 that there are too many."""
    url = tus.begin(10).headers["Location"]
    wrong = tus.add(url, 3, b"x")
    assert (wrong.status_code, wrong.headers["Upload-Offset"]) == (409, "0")
    assert tus.ask("PATCH", url, b"x", Upload_Offset="0", Content_Type="text/plain").status_code == 415
    assert tus.ask("PATCH", url, b"x", Content_Type=BYTES).status_code == 400
    assert tus.add(url, 0, b"x" * 11).status_code == 413
    assert tus.ask("HEAD", url).headers["Upload-Offset"] == "0"


def test_a_client_that_has_no_patch_says_what_it_means(tus: Tus) -> None:
    """POST with X-HTTP-Method-Override is the method that it names."""
    url = tus.begin(len(PDF)).headers["Location"]
    answer = tus.ask("POST", url, PDF, Upload_Offset="0", Content_Type=BYTES, X_HTTP_Method_Override="PATCH")
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(PDF)))
    assert tus.ask("POST", url).status_code == 405


def test_an_upload_can_be_ended(tus: Tus) -> None:
    """After DELETE it is gone."""
    url = tus.begin(10).headers["Location"]
    assert tus.ask("DELETE", url).status_code == 204
    for method in ("HEAD", "DELETE"):
        assert tus.ask(method, url).status_code == 410
    assert tus.add(url, 0, b"x").status_code == 410


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<svg onload='alert(1)'/>", "This is no photo"),
        (photo()[:800], "damaged or incomplete"),
        (png_of(40_000, 25_000), "more than 50 million pixels"),
    ],
)
def test_a_file_that_is_no_evidence_is_refused_with_its_last_part(tus: Tus, data: bytes, said: str) -> None:
    """The answer to the last bytes says why, and there is nothing to go on with."""
    url, answer = tus.send(data)
    assert answer.status_code == 422
    assert said in detail(answer)
    assert tus.ask("HEAD", url).status_code == 410


def test_fifty_at_once_are_too_many(tus: Tus) -> None:
    """Ten are begun; the others are told to wait, with Retry-After, and the ten go on."""
    answers = [tus.begin(len(PDF)) for _ in range(50)]
    assert [answer.status_code for answer in answers] == [201] * 10 + [429] * 40
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert "Too many files are being sent at once" in detail(answers[-1])
    assert tus.add(answers[0].headers["Location"], 0, PDF).status_code == 204
    assert tus.begin(len(PDF)).status_code == 201


def test_nobody_else_goes_on_with_it(site: Product, tus: Tus) -> None:
    """Not another person, not another agency, not without the form's token or from another site."""
    url = tus.begin(len(PDF)).headers["Location"]
    id = url.rpartition("/")[2]
    other = TestPlatform(
        Clock(site.platform.clock.now), issuer="https://o.example", client_id="o", key="other"
    )
    other.register(site.app.wired.tool.platforms, site.wire, tenant="other")
    visit = type(site.visit())(site.browser(), other)  # type: ignore[arg-type]
    for stranger in (Tus(Person(site, "77")), Tus(Person(site, "42", "Learner", visit))):
        assert stranger.add(f"uploads/{id}", 0, PDF).status_code == 410
        assert stranger.ask("HEAD", f"uploads/{id}").status_code == 410
        assert stranger.ask("DELETE", f"uploads/{id}").status_code == 410
    assert tus.add(url, 0, PDF, X_CSRF_Token=None).status_code == 403
    assert tus.add(url, 0, PDF, Origin="https://evil.example").status_code == 403
    assert tus.ask("HEAD", url).headers["Upload-Offset"] == "0"


def test_a_session_that_has_ended_sends_nothing(site: Product, tus: Tus) -> None:
    """Expired or closed, its uploads wait: the person's next session goes on with them."""
    url = tus.begin(len(PDF)).headers["Location"]
    assert tus.add(url, 0, PDF[:50]).status_code == 204
    launch_id = url.split("/")[2]

    def close(writer: Writer) -> None:
        writer.delete(SESSION, "", [launch_id])

    site.app.wired.store.writing(close)
    assert tus.add(url, 50, PDF[50:]).status_code == 401
    assert tus.ask("HEAD", url).status_code == 401
    assert tus.begin(5).status_code == 401
    again = Tus(Person(site))
    moved = f"uploads/{url.rpartition('/')[2]}"
    assert again.ask("HEAD", moved).headers["Upload-Offset"] == "50"
    assert again.add(moved, 50, PDF[50:]).status_code == 204


def test_what_came_before_the_connection_broke_is_kept(tus: Tus, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part whose sender is gone in the middle counts as far as it has come."""

    class Gone(BaseException):
        """No error of the application."""

    monkeypatch.setattr(tus_routes, "READ_BYTES", 10)
    url = tus.begin(len(PDF)).headers["Location"]
    reads: list[bytes] = []
    from werkzeug.wsgi import LimitedStream

    read = LimitedStream.read

    def breaking(self: LimitedStream, size: int = -1) -> bytes:
        if len(reads) == 3:
            raise Gone
        reads.append(read(self, size))
        return reads[-1]

    with monkeypatch.context() as patch:
        patch.setattr(LimitedStream, "read", breaking)
        with pytest.raises(Gone):
            tus.add(url, 0, PDF)
    assert tus.ask("HEAD", url).headers["Upload-Offset"] == "30"
    assert tus.add(url, 30, PDF[30:]).status_code == 204

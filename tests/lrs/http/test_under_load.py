"""Many callers at once, and large data, on the embedded engine."""

from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lrs.access import Access
from lrs.http.xapi.services import Limits
from lrs.store.errors import ConflictError
from lrs.store.memory import MemoryData, MemorySnapshot, MemoryStore
from lrs.store.open import open_store
from lrs.store.port import Store
from lrs.store.writes import NO_HINTS, WriteHints
from lrs.xapi.ingest import ATTEMPTS, Ingest
from lrs.xapi.repeated_statements import DiffersError
from lrs.xapi.statement_keys import STATEMENT_KEYS
from statements.data_types.versions import Version
from tests.lrs.client import Client, basic
from tests.lrs.samples import COURSE, agent, statement
from tests.serving import application, mounted

CALLERS = 12
MIB = 1024 * 1024


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Store]:
    """A SQLite file."""
    store = open_store(f"sqlite:///{tmp_path / 'load.db'}", STATEMENT_KEYS)
    yield store
    store.close()


@pytest.fixture
def client(sqlite: Store) -> Client:
    return Client(application(sqlite), None).as_(sqlite, "all")


def at_once(work: Callable[[int], int]) -> Counter[int]:
    """The statuses of so many calls made together."""
    with ThreadPoolExecutor(CALLERS) as pool:
        return Counter(pool.map(work, range(CALLERS)))


def test_of_many_statements_with_one_id_one_is_stored(client: Client) -> None:
    """The same statement succeeds for everyone; of different ones the first wins and the others are 409."""
    same = statement()
    assert at_once(lambda _: client.post("/statements", same).status) == {200: CALLERS}
    shared = statement()["id"]
    different = [{**statement(f"actor{place}"), "id": shared} for place in range(CALLERS)]
    told = at_once(lambda place: client.post("/statements", different[place]).status)
    assert told == {200: 1, 409: CALLERS - 1}
    assert len(client.statements()) == 2


def test_members_merged_at_once_are_all_kept(client: Client) -> None:
    """Merging happens inside the write: no POST of a document undoes another."""
    where = {"activityId": COURSE, "agent": json.dumps(agent()), "stateId": "s"}
    told = at_once(lambda place: client.post("/activities/state", {f"m{place}": place}, where).status)
    assert told == {204: CALLERS}
    assert client.get("/activities/state", where).json == {f"m{place}": place for place in range(CALLERS)}


def test_of_many_updates_with_one_tag_one_succeeds(client: Client) -> None:
    """If-Match is compared inside the write."""
    where = {"activityId": COURSE, "profileId": "p"}
    client.put("/activities/profile", where, {"n": -1}, headers={"If-None-Match": "*"})
    tag = client.get("/activities/profile", where).headers["etag"]
    told = at_once(
        lambda place: client.put("/activities/profile", where, {"n": place}, headers={"If-Match": tag}).status
    )
    assert told == {204: 1, 412: CALLERS - 1}


def test_definitions_told_at_once_are_united(client: Client) -> None:
    """Every language that came together with others is there afterwards."""

    def tell(place: int) -> int:
        sent = statement()
        sent["object"]["definition"] = {"name": {f"x-l{place}": str(place)}}
        return client.post("/statements", sent).status

    assert at_once(tell) == {200: CALLERS}
    known = client.get("/activities", {"activityId": COURSE}).json["definition"]["name"]
    assert known == {f"x-l{place}": str(place) for place in range(CALLERS)}


class _Stream(io.RawIOBase):
    """A body that is made while it is read."""

    def __init__(self, *pieces: bytes | int) -> None:
        self._pieces = iter([piece if isinstance(piece, bytes) else None for piece in pieces])
        self._zeros = next(piece for piece in pieces if isinstance(piece, int))
        self._current: bytes | None = next(self._pieces)

    def read(self, size: int = -1) -> bytes:
        if self._current is None:
            given = min(size, self._zeros)
            self._zeros -= given
            if self._zeros == 0:
                self._current = next(self._pieces, b"")
            return bytes(given)
        data, self._current = self._current[:size], self._current[size:]
        if not self._current:
            self._current = next(self._pieces, b"")
        return data


def test_memory_stays_flat_while_a_large_attachment_goes_in_and_out(sqlite: Store) -> None:
    """48 MiB are received, hashed, kept and sent again within a few MiB of memory."""
    size = 48 * MIB
    client = Client(application(sqlite, limits=Limits(max_attachment_bytes=size + MIB)), None).as_(
        sqlite, "all"
    )
    digest = hashlib.sha256()
    for _ in range(48):
        digest.update(bytes(MIB))
    sent = statement(
        attachments=[
            {
                "usageType": "https://example.org/usage/video",
                "display": {"id": "Video"},
                "contentType": "video/mp4",
                "length": size,
                "sha2": digest.hexdigest(),
            }
        ]
    )
    head = (
        b"--b\r\nContent-Type: application/json\r\n\r\n%b\r\n--b\r\nContent-Type: video/mp4\r\n"
        b"Content-Transfer-Encoding: binary\r\nX-Experience-API-Hash: %b\r\n\r\n"
    ) % (json.dumps(sent).encode(), digest.hexdigest().encode())
    tail = b"\r\n--b--\r\n"
    assert client.credential is not None
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/xapi/statements",
        "CONTENT_TYPE": "multipart/mixed; boundary=b",
        "CONTENT_LENGTH": str(len(head) + size + len(tail)),
        "HTTP_AUTHORIZATION": basic(*client.credential),
        "HTTP_X_EXPERIENCE_API_VERSION": "1.0.3",
        "wsgi.input": _Stream(head, size, tail),
    }
    served = mounted(client.application)
    told: list[Any] = []
    tracemalloc.start()
    try:
        b"".join(served(environ, lambda status, headers: told.append(status)))
        get = {
            **environ,
            "REQUEST_METHOD": "GET",
            "CONTENT_LENGTH": "",
            "PATH_INFO": "/xapi/statements",
            "QUERY_STRING": "attachments=true",
        }
        total = sum(len(chunk) for chunk in served(get, lambda status, headers: told.append(status)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert told == ["200 OK", "200 OK"]
    assert total > size
    assert peak < 8 * MIB


class Racing(MemoryStore):
    """A store in which another writer is first, so many times."""

    def __init__(self, home: MemoryData, races: int) -> None:
        super().__init__(home)
        self.races = races

    def writing(self, work: Callable[[MemorySnapshot], Any], hints: WriteHints = NO_HINTS) -> Any:
        if self.races > 0:
            self.races -= 1
            raise ConflictError(["x"])
        return super().writing(work, hints)


def test_a_lost_race_is_run_again() -> None:
    """An id that another writer stored meanwhile is compared on the next attempt; there is a last one."""
    access = Access.internal("one", "test", agent("tool"))
    home = MemoryData()
    sent = statement()

    def ingest(races: int) -> Ingest:
        return Ingest(Racing(home, races), lambda: 1, lambda: "")

    assert ingest(ATTEMPTS - 1).submit(access, [sent], Version.V1).new == 1
    assert ingest(2).submit(access, [sent], Version.V1).new == 0
    with pytest.raises(DiffersError):
        ingest(2).submit(access, [{**sent, "actor": agent("budi")}], Version.V1)
    with pytest.raises(ConflictError):
        ingest(ATTEMPTS).submit(access, [statement()], Version.V1)

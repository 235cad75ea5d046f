"""Callers who change the same thing at once, over HTTP, with two workers: no update is lost.

Each worker has caches and a writer of its own, so what holds within one process need not hold here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest

from tests import mongod
from tests.faults.server import V1, V2, Caller, Server, credential, serving
from tests.lrs.samples import COURSE, agent, statement

CALLERS = 12
ROUNDS = 5
T = TypeVar("T")

RESOURCES = {
    "state": ("/activities/state", {"activityId": COURSE, "agent": json.dumps(agent()), "stateId": "s"}),
    "activity profile": ("/activities/profile", {"activityId": COURSE, "profileId": "p"}),
    "agent profile": ("/agents/profile", {"agent": json.dumps(agent()), "profileId": "p"}),
}


class Crowd:
    """Callers that act at the same moment, spread over the workers by the kernel."""

    def __init__(self, server: Server, known: tuple[str, str]) -> None:
        self._server = server
        self._known = known

    def at_once(self, work: Callable[[Caller, int], T], version: str = V2) -> list[T]:
        """What each caller returned; the second argument of `work` is the caller's number."""
        ready = Barrier(CALLERS)

        def run(number: int) -> T:
            with Caller(self._server.port, self._known, version=version) as caller:
                assert caller.get("/about").status == 200
                ready.wait()
                return work(caller, number)

        with ThreadPoolExecutor(CALLERS) as pool:
            return list(pool.map(run, range(CALLERS)))


@pytest.fixture(scope="module", params=["sqlite", "mongo"])
def crowd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """Callers of a server with two workers, over each engine."""
    if request.param == "sqlite":
        path: Path = tmp_path_factory.mktemp("races") / "jejak.db"
        yield from _crowd(f"sqlite:///{path}")
    else:
        with mongod.database() as address:
            yield from _crowd(address)


def _crowd(address: str) -> Iterator[Crowd]:
    known = credential(address)
    with serving(address, workers=2) as server:
        yield Crowd(server, known)


def document(resource: str, name: str) -> tuple[str, dict[str, str]]:
    """Path and parameters of a document that no other test uses."""
    path, params = RESOURCES[resource]
    identifier = "stateId" if resource == "state" else "profileId"
    return path, {**params, identifier: name}


@pytest.mark.parametrize("version", [V1, V2])
@pytest.mark.parametrize("resource", RESOURCES)
def test_of_writers_with_one_tag_one_wins_and_no_update_is_lost(
    crowd: Crowd, resource: str, version: str
) -> None:
    """Callers who count up one number with If-Match succeed once per tag, and the number says how often."""
    path, params = document(resource, f"counted-{version}")

    def count(caller: Caller, _: int) -> list[str]:
        won: list[str] = []
        while len(won) < ROUNDS:
            held = caller.get(path, **params)
            assert held.status == 200
            tag = held.headers["etag"]
            body = {"n": held.json["n"] + 1}
            told = caller.call("PUT", path, params, body, {"If-Match": tag}).status
            assert told in {204, 412}
            if told == 204:
                won.append(tag)
        return won

    def create(caller: Caller, _: int) -> int:
        return caller.call("PUT", path, params, {"n": 0}, {"If-None-Match": "*"}).status

    assert Counter(crowd.at_once(create, version)) == {204: 1, 412: CALLERS - 1}
    tags = [tag for won in crowd.at_once(count, version) for tag in won]
    assert len(set(tags)) == len(tags) == CALLERS * ROUNDS
    assert set(crowd.at_once(lambda caller, _: caller.get(path, **params).json["n"])) == {len(tags)}


@pytest.mark.parametrize("version", [V1, V2])
@pytest.mark.parametrize("resource", RESOURCES)
def test_members_merged_at_once_are_all_kept(crowd: Crowd, resource: str, version: str) -> None:
    """A POST of JSON never undoes another that came at the same time."""
    path, params = document(resource, f"merged-{version}")

    def merge(caller: Caller, number: int) -> set[int]:
        return {caller.post(path, {f"m{number}-{turn}": turn}, **params).status for turn in range(2 * ROUNDS)}

    assert set.union(*crowd.at_once(merge, version)) == {204}
    wanted = {f"m{number}-{turn}": turn for number in range(CALLERS) for turn in range(2 * ROUNDS)}
    assert all(found == wanted for found in crowd.at_once(lambda caller, _: caller.get(path, **params).json))


@pytest.mark.parametrize("version", [V1, V2])
@pytest.mark.parametrize("method", ["POST", "PUT", "batch"])
def test_of_many_statements_with_one_id_one_is_stored(crowd: Crowd, method: str, version: str) -> None:
    """The same statement succeeds for everyone; of different ones one is stored and the others are 409."""

    def send(caller: Caller, sent: dict[str, object]) -> int:
        if method == "PUT":
            return caller.call("PUT", "/statements", {"statementId": str(sent["id"])}, sent).status
        return caller.post("/statements", [statement(), sent] if method == "batch" else sent).status

    good = 204 if method == "PUT" else 200
    for _ in range(ROUNDS):
        same = statement()
        told = crowd.at_once(lambda caller, _, same=same: send(caller, same), version)  # type: ignore[misc]
        assert Counter(told) == {good: CALLERS}
        crowded = [{**same, "id": statement()["id"], "actor": agent(f"a{n}")} for n in range(CALLERS)]
        shared = crowded[0]["id"]
        told = crowd.at_once(
            lambda caller, n, all=crowded, id=shared: send(caller, {**all[n], "id": id}),  # type: ignore[misc]
            version,
        )
        assert Counter(told) == {good: 1, 409: CALLERS - 1}
        winner = crowded[told.index(good)]["actor"]["mbox"]

        def read(caller: Caller, _: int, id: str = shared) -> str:
            found: str = caller.get("/statements", statementId=id).json["actor"]["mbox"]
            return found

        assert set(crowd.at_once(read)) == {winner}

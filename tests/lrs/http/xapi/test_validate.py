"""POST /api/v1/validate: the answer a statement would get, and nothing stored."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

import pytest

from lrs.access import Credentials
from lrs.http import parse_budget
from lrs.http.parse_budget import SHARE, ParseBudget
from lrs.http.xapi.services import Limits
from lrs.http.xapi.validate import AT_ONCE, Strangers, ValidateApplication
from lrs.store.errors import StoreError, UnavailableError
from lrs.store.memory import MemoryData, MemoryStore
from tests.lrs.client import V1, V2, Answer, basic, call
from tests.lrs.samples import statement


def application(**bounds: Any) -> ValidateApplication:
    """One that takes 5,000 bytes of those with the credential that it knows, and `bounds` of strangers."""
    credentials = Credentials(MemoryStore(MemoryData()), lambda: 0)
    return ValidateApplication(
        credentials=credentials,
        strangers=Strangers(**{"max_bytes": 4_000, **bounds}),
        limits=Limits(max_body_bytes=5_000, max_batch=3),
        cors_origins=("*",),
    )


def ask(
    body: bytes, method: str = "POST", asked: ValidateApplication | None = None, **headers: str
) -> Answer:
    sent = {"Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return call(asked or application(), method, "/api/v1/validate", "", body, sent)


def test_valid_statements_are_counted() -> None:
    """One or several, under the version that the header names, 2.0.0 without it."""
    body = json.dumps([statement(), statement()]).encode()
    assert ask(body).json == {"valid": True, "statements": 2, "version": V2}
    one = ask(json.dumps(statement()).encode(), X_Experience_API_Version="1.0.3")
    assert one.json == {"valid": True, "statements": 1, "version": V1}


def test_every_problem_is_told_as_the_store_would() -> None:
    """Index, pointer, rule, hint and link of each."""
    bad = statement()
    bad["actor"]["mbox"] = "siti"
    bad["verb"] = {}
    answer = ask(json.dumps([statement(), bad]).encode())
    assert answer.status == 400
    assert {(each["index"], each["pointer"]) for each in answer.json["errors"]} >= {(1, "/actor/mbox")}
    assert len(answer.json["errors"]) > 1
    assert all(each["link"].startswith("/docs/rules#") for each in answer.json["errors"])


@pytest.mark.parametrize(
    ("body", "method", "headers", "status"),
    [
        (b"", "GET", {}, 405),
        (b"", "POST", {}, 400),
        (b"{", "POST", {}, 400),
        (b"{}", "POST", {"Content_Type": "text/plain"}, 400),
        (b"{}", "POST", {"X_Experience_API_Version": "0.95"}, 400),
        (b" " * 4_001, "POST", {}, 413),
        (json.dumps([statement()] * 4).encode(), "POST", {}, 413),
        (b"", "OPTIONS", {}, 204),
    ],
)
def test_what_cannot_be_validated_is_refused(
    body: bytes, method: str, headers: dict[str, str], status: int
) -> None:
    """Other methods, types and versions, broken JSON, and bodies over the limit; pages may call it."""
    answer = ask(body, method, None, Origin="https://a.example", **headers)
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == "*"
    if status == 405:
        assert answer.headers["allow"] == "POST, OPTIONS"


def test_who_shows_a_credential_may_have_as_much_checked_as_stored() -> None:
    """Without one less at once, and not often; a wrong one is 401, and a right one has no limit."""
    asked = application(max_bytes=1_000, per_minute=2)
    known = {"Authorization": basic(*asked._credentials.create("bkn", "lms", ["all"]))}
    large = json.dumps(statement()).encode().ljust(4_900)
    assert ask(large, asked=asked).status == 413
    assert ask(large, asked=asked, **known).status == 200
    small = json.dumps(statement()).encode()
    assert [ask(small, asked=asked).status for _ in range(3)] == [200, 200, 429]
    assert int(ask(small, asked=asked).headers["retry-after"]) > 0
    assert ask(small, asked=asked, **known).status == 200
    assert ask(small, asked=asked, Authorization=basic("no", "key")).status == 401


def test_strangers_have_few_statements_checked_at_once() -> None:
    """While so many checks are under way, a further one is 503 with Retry-After; then it is done."""
    asked = application()
    small = json.dumps(statement()).encode()
    with ExitStack() as stack:
        for n in range(AT_ONCE):
            stack.enter_context(asked._strangers.turn(f"192.0.2.{n}"))
        answer = ask(small, asked=asked)
        assert (answer.status, "retry-after" in answer.headers) == (503, True)
    assert ask(small, asked=asked).status == 200


def test_large_bodies_have_their_part_of_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where statements are stored: 429 while the tenant's share is in use, and given back afterwards."""
    monkeypatch.setattr(parse_budget, "PATIENCE", 0.01)
    credentials = Credentials(MemoryStore(MemoryData()), lambda: 0)
    known = basic(*credentials.create("one", "large", ["all"]))
    budget = ParseBudget()
    asked = ValidateApplication(credentials=credentials, strangers=Strangers(), budget=budget)
    body = json.dumps(statement(result={"response": "x" * 200_000})).encode()
    with budget.held("one", SHARE):
        answer = ask(body, asked=asked, Authorization=known)
        assert (answer.status, answer.headers["retry-after"]) == (429, "2")
    assert ask(body, asked=asked, Authorization=known).status == 200
    assert not budget._used


@pytest.mark.parametrize(
    ("scopes", "counts"),
    [(["statements/write"], False), (["statements/write", "decisions/write"], True), (["all"], True)],
)
def test_a_key_is_told_whether_its_decisions_count(scopes: list[str], counts: bool) -> None:
    """With a credential the answer says whether its sign-offs change the record; without one it does not."""
    asked = application()
    body = json.dumps(statement()).encode()
    known = {"Authorization": basic(*asked._credentials.create("bkn", "lms", scopes))}
    assert ask(body, asked=asked, **known).json["decisions_count"] is counts
    assert "decisions_count" not in ask(body, asked=asked).json


@pytest.mark.parametrize(
    ("error", "status", "waits"),
    [
        (UnavailableError("host 10.1.2.3 is down"), 503, True),
        (StoreError("host 10.1.2.3 is odd"), 500, False),
        (ZeroDivisionError("10.1.2.3"), 500, False),
    ],
)
def test_a_store_that_is_away_is_told_as_where_statements_are_stored(
    error: Exception, status: int, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a key the store is asked who that is: 503 with Retry-After, and nothing of the inside is told."""

    def fail(*_: object) -> None:
        raise error

    asked = application()
    monkeypatch.setattr(asked._credentials, "authenticate", fail)
    answer = ask(json.dumps(statement()).encode(), asked=asked, Authorization=basic("a", "key"))
    assert (answer.status, "retry-after" in answer.headers) == (status, waits)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert b"10.1" not in answer.body

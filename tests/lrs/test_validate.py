"""POST /api/v1/validate: the answer a statement would get, and nothing stored."""

from __future__ import annotations

import json

import pytest

from lrs.http.services import Limits
from lrs.http.validate import ValidateApplication
from tests.lrs.client import V1, V2, Answer, call
from tests.lrs.samples import statement


def ask(body: bytes, method: str = "POST", **headers: str) -> Answer:
    application = ValidateApplication(limits=Limits(max_body_bytes=5_000, max_batch=3), cors_origins=("*",))
    sent = {"Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return call(application, method, "/api/v1/validate", "", body, sent)


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
        (b" " * 5_001, "POST", {}, 413),
        (json.dumps([statement()] * 4).encode(), "POST", {}, 413),
        (b"", "OPTIONS", {}, 204),
    ],
)
def test_what_cannot_be_validated_is_refused(
    body: bytes, method: str, headers: dict[str, str], status: int
) -> None:
    """Other methods, types and versions, broken JSON, and bodies over the limit; pages may call it."""
    answer = ask(body, method, Origin="https://a.example", **headers)
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == "*"
    if status == 405:
        assert answer.headers["allow"] == "POST, OPTIONS"

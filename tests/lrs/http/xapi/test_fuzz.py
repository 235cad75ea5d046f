"""Nothing that a client can send gets a 5xx: every route, method, header and body, well formed or not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrs.http.xapi.application import ROUTES
from lrs.http.xapi.validate import Strangers, ValidateApplication
from lrs.store.memory import MemoryData, MemoryStore
from statements.data_types.versions import Version
from statements.rules.check import RULES
from statements.rules.request_rules import REQUEST_RULES
from tests import strategies
from tests.lrs.client import V1, V2, Client, call, multipart
from tests.lrs.conftest import LIMITS
from tests.lrs.samples import COURSE, agent, statement
from tests.serving import application

_STORE = MemoryStore(MemoryData())
_CLIENT = Client(application(_STORE, limits=LIMITS), None).as_(_STORE, "all")
_VALIDATE = ValidateApplication(
    credentials=_CLIENT.application.services.credentials,
    strangers=Strangers(max_bytes=LIMITS.max_body_bytes, per_minute=1_000_000),
    limits=LIMITS,
)
_FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

METHODS = st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"])
PATHS = st.one_of(
    st.sampled_from(list(ROUTES)), st.sampled_from(list(ROUTES)), st.text(max_size=10).map(lambda p: "/" + p)
)
NAMES = st.sampled_from(
    [
        "statementId", "voidedStatementId", "agent", "verb", "activity", "registration", "related_agents",
        "related_activities", "since", "until", "limit", "format", "attachments", "ascending", "more",
        "activityId", "stateId", "profileId", "method", "foo", "",
    ]
)  # fmt: skip
JUNK = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "true", "0", "-1", "9" * 400, "\x00", "2026-01-01T00:00:00+07:00", "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-12:00", COURSE, json.dumps(agent()), '{"objectType":"Group","member":[]}',
            "8f87ccde-bb56-4c2e-ab83-44982ef22df0", "ids", "canonical", "[" * 3000, '{"mbox":1e999}', "PUT",
        ]
    ),
)  # fmt: skip
QUERIES: st.SearchStrategy[list[tuple[str, str]]] = st.one_of(
    st.lists(st.tuples(NAMES, JUNK), max_size=4),
    st.just([("activityId", COURSE), ("agent", json.dumps(agent())), ("stateId", "s")]),
    st.just([("activityId", COURSE), ("profileId", "p")]),
    st.just([("agent", json.dumps(agent())), ("profileId", "p")]),
    st.just([]),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "Content-Type", "If-Match", "If-None-Match", "Accept-Language", "Origin", "Content-Length",
            "Transfer-Encoding", "Authorization", "X-Experience-API-Version", "Range", "Accept",
        ]
    ),
    st.one_of(
        st.text(st.characters(max_codepoint=255), max_size=12),
        st.sampled_from(
            [
                "application/json", "multipart/mixed; boundary=b", "application/x-www-form-urlencoded",
                "text/plain; charset=latin-1", "*", '"' + "0" * 40 + '"', V1, V2, "de;q=0,*;q=1.9,-;q=x", "5",
            ]
        ),
    ),
    max_size=4,
)  # fmt: skip


KNOWN_RULES = RULES.keys() | REQUEST_RULES.keys()
"""What the page of rules explains: no answer may link to anything else."""


def _mutated(draw: st.DrawFn) -> object:
    """A valid statement, with one member anywhere replaced by any JSON value."""
    value: Any = draw(strategies.statements(draw(st.sampled_from(list(Version)))))
    place = value
    for _ in range(draw(st.integers(0, 5))):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = draw(st.sampled_from(keys))
        if isinstance(place[key], (dict, list)) and place[key] and draw(st.booleans()):
            place = place[key]
        else:
            place[key] = draw(strategies.json_values())
            break
    return value


MUTATED = st.composite(_mutated)()
JSON_BODIES = st.one_of(
    MUTATED, st.lists(MUTATED, max_size=2), strategies.json_values(), st.just(statement())
).map(lambda value: json.dumps(value).encode())
BODIES = st.one_of(
    JSON_BODIES,
    st.binary(max_size=60),
    st.lists(st.tuples(HEADERS, st.one_of(JSON_BODIES, st.binary(max_size=20))), max_size=3).map(
        lambda parts: multipart(*parts, boundary="b")[0]
    ),
    st.lists(st.tuples(NAMES, JUNK), max_size=4).map(
        lambda pairs: "&".join(f"{name}={value}" for name, value in pairs).encode("utf-8", "replace")
    ),
)


def _check(status: int, headers: dict[str, str], body: bytes) -> None:
    assert status < 500, body
    assert headers["x-experience-api-version"] in (V1, V2)
    assert all("\n" not in value and "\r" not in value for value in headers.values())
    if status >= 400 and body:
        told = json.loads(body)
        assert told["status"] == status
        assert headers["content-type"] == "application/problem+json"
        assert {error["rule"] for error in told.get("errors", ())} <= KNOWN_RULES


@pytest.mark.slow
@_FUZZ
@given(
    method=METHODS, path=PATHS, query=QUERIES, headers=HEADERS, body=BODIES, version=st.sampled_from([V1, V2])
)
def test_no_request_is_answered_with_a_failure(
    method: str,
    path: str,
    query: list[tuple[str, str]],
    headers: dict[str, str],
    body: bytes,
    version: str,
) -> None:
    """Any method, path, query, headers and body: an answer below 500, problems as problem+json."""
    wire = "&".join(f"{name}={value}" for name, value in query).encode("utf-8", "replace").decode("latin-1")
    answer = _CLIENT.speaking(version).call(method, path, query=wire, body=body, headers=headers)
    _check(answer.status, answer.headers, answer.body)


@pytest.mark.slow
@_FUZZ
@given(body=JSON_BODIES, version=st.sampled_from([V1, V2]))
def test_changed_statements_are_taken_or_refused_and_then_read(body: bytes, version: str) -> None:
    """What is accepted can be listed in every format; what is refused says where; validation agrees."""
    client = _CLIENT.speaking(version)
    kind = {"Content-Type": "application/json"}
    answer = client.post("/statements", body, headers=kind)
    _check(answer.status, answer.headers, answer.body)
    if answer.status == 400:
        assert answer.json["errors"]
    for form in ("ids", "canonical", "exact"):
        listed = client.get("/statements", {"format": form, "attachments": "true"})
        assert listed.status == 200
    told = call(
        _VALIDATE,
        "POST",
        "/api/v1/validate",
        "",
        body,
        {**kind, "X-Experience-API-Version": version},
    )
    _check(told.status, told.headers, told.body)
    if answer.status == 200:
        assert told.json["valid"] is True
    if told.status == 400:
        assert answer.status == 400

"""The record API over HTTP: what it gives, what it refuses, and that it describes itself truly."""

from __future__ import annotations

import gzip
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from lrs.access import Access, Credentials
from lrs.failed_logins import PER_MINUTE
from lrs.http.records.openapi import OPERATIONS
from lrs.http.records.routes import create_records_blueprint
from lrs.store.errors import UnavailableError
from lrs.xapi.ingest import Ingest
from statements.data_types.versions import Version
from statements.profile.table import LATEST
from tests.contract.make import new_id, now
from tests.lrs.client import basic
from tests.lrs.records.conftest import RecordServices, agent
from tests.statements.profile_samples import moodle

OWN = "https://jejak.example"
TABLE = {"version": "bkd-1", "forms": {"other": {"jp": {"rule": "hours"}}}}


class Caller:
    """Sends requests with one credential."""

    def __init__(self, client: FlaskClient, key: str = "", secret: str = "") -> None:
        self._client, self.key = client, key
        token = b64encode(f"{key}:{secret}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"} if key else {}

    def get(self, path: str) -> Any:
        """The answer to a GET."""
        return self._client.get(path, headers=self._headers)

    def send(self, method: str, path: str, body: Any, **headers: str) -> Any:
        """The answer to a request with a JSON body, or with these bytes; `headers` come on top."""
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        sent = {"Content-Type": "application/json", **self._headers}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.open(path, method=method, data=data, headers=sent)


@pytest.fixture
def app(desk: RecordServices) -> Flask:
    """The API over the desk's record."""

    def write(access: Access, statements: Sequence[Mapping[str, Any]]) -> int:
        return Ingest(desk.store, now, new_id).submit(access, statements, Version.V2).stored

    flask = Flask("test", static_folder=None)
    flask.register_blueprint(
        create_records_blueprint(desk.record, Credentials(desk.store, now), write, own_origin=OWN)
    )
    return flask


def caller(app: Flask, desk: RecordServices, *scopes: str, tenant: str = "bkd") -> Caller:
    """Somebody with a credential of these scopes."""
    return Caller(app.test_client(), *Credentials(desk.store, now).create(tenant, "test", scopes or ["all"]))


def test_a_person_is_looked_up_and_read(app: Flask, desk: RecordServices) -> None:
    """An identifier in a body leads to a person, their entries, the statements behind them and their year."""
    told = desk.learn(mentor=agent("anwar"), sessions=2)
    id = desk.write(told)
    api = caller(app, desk)
    person = api.send("POST", "/api/v1/people/lookup", {"agent": agent("budi")}).json
    assert person == {"id": desk.person(), "name": "Budi", "employment": None, "years": [2026]}
    assert api.get(f"/api/v1/people/{person['id']}").json == person
    (entry,) = api.get(f"/api/v1/people/{person['id']}/entries?year=2026&status=submitted&pillar=20").json[
        "entries"
    ]
    assert (entry["id"], entry["jp"], entry["status"], entry["mentor"]["name"]) == (
        id,
        "4",
        "submitted",
        "Anwar",
    )
    assert entry["jp_rule"] == {
        "rule": "session",
        "params": {"jp": "2", "sessions": "2"},
        "caps": [],
        "table": LATEST,
    }
    assert api.get(f"/api/v1/entries/{id}").json == entry
    assert [one["id"] for one in api.get(f"/api/v1/entries/{id}/statements").json["statements"]] == [
        told["id"]
    ]
    summary = api.get(f"/api/v1/people/{person['id']}/summary?year=2026").json
    assert (summary["verified"], summary["waiting"], summary["target"]["jp"]) == ("0", "4", "20")
    assert list(summary["pillars"]) == ["70", "20", "10"]


def test_an_nip_finds_a_person(app: Flask, desk: RecordServices) -> None:
    """The NIP is asked in a body, never in an address."""
    made = desk.record.people.ensure(desk.tenant, ["nip\x1f198701012010011001"], "Budi")
    found = caller(app, desk).send("POST", "/api/v1/people/lookup", {"nip": "19870101 201001 1 001"})
    assert found.json["id"] == made


def test_decisions_are_made_in_bulk(app: Flask, desk: RecordServices) -> None:
    """Entries are signed off in a verifier's name and are in the record when the answer comes."""
    ids = [desk.write(desk.learn(who)) for who in ("budi", "sari", "anwar")]
    api = caller(app, desk)
    body = {"entries": ids, "decision": "verified", "verifier": agent("anwar")}
    answer = api.send("POST", "/api/v1/decisions", body)
    assert answer.status_code == 200
    assert answer.json["refused"] == [{"entry": ids[2], "why": "own-entry"}]
    assert [desk.only(who).status for who in ("budi", "sari", "anwar")] == [
        "verified",
        "verified",
        "submitted",
    ]
    assert desk.only("budi").statement_ids[1] in answer.json["statements"]
    shown = api.get(f"/api/v1/entries/{ids[0]}").json["decision"]
    assert shown["by"]["name"] == "Anwar"


def test_the_queue_is_paged(app: Flask, desk: RecordServices) -> None:
    """What waits comes a page at a time; `after` leads to the next page and is null at the end."""
    for who in ("ani", "budi", "citra"):
        desk.write(desk.learn(who))
    api, seen = caller(app, desk), []
    after: str | None = ""
    while after is not None:
        page = api.get(f"/api/v1/entries/waiting?limit=2{after and f'&after={after}'}").json
        seen += [entry["id"] for entry in page["entries"]]
        after = page["after"]
    assert len(seen) == len(set(seen)) == 3


def test_a_cohort_is_reported(app: Flask, desk: RecordServices) -> None:
    """One row for each person asked for, unknown ones with zeros, and counts over all."""
    desk.write(moodle(actor=agent("budi")))
    body = {"persons": [desk.person(), "3f0f3c1e-7a0e-4f59-9d3e-0e5f1f7f0a01"], "year": 2026}
    report = caller(app, desk).send("POST", "/api/v1/reports/cohort", body).json
    assert (report["people"], report["verified_by_pillar"]["10"]) == (2, "3")
    assert [row["verified"] for row in report["rows"]] == ["0", "3"]


def test_an_agency_changes_its_table(app: Flask, desk: RecordServices) -> None:
    """The table is read and changed over HTTP; a bad change names every problem and changes nothing."""
    api = caller(app, desk)
    assert api.send("PUT", "/api/v1/table", TABLE).json["forms"]["other"]["jp"]["rule"] == "hours"
    assert api.get("/api/v1/table").json["version"] == f"{LATEST}+bkd-1"
    (act,) = desk.record.admin_log.acts("bkd")
    assert (act.act, act.by, act.name, act.details["key"]) == ("table.changed", "program", "test", api.key)
    refused = api.send("PUT", "/api/v1/table", {"version": "b", "step": "7", "targets": {"pns": {}}})
    assert refused.status_code == 400
    assert {error["pointer"] for error in refused.json["errors"]} == {"/targets/pns/jp", "/targets/pns/kind"}
    assert api.get("/api/v1/table").json["version"] == f"{LATEST}+bkd-1"


@pytest.mark.parametrize(
    ("method", "path", "body", "pointers"),
    [
        (
            "GET",
            "/api/v1/people/x/entries?year=soon&status=lost&colour=red",
            None,
            ["?colour", "?status", "?year"],
        ),
        ("GET", "/api/v1/people/x/entries?year=2026&year=2025", None, []),
        ("GET", "/api/v1/entries/waiting?limit=0", None, ["?limit"]),
        ("POST", "/api/v1/people/lookup", {}, [""]),
        ("POST", "/api/v1/people/lookup", [], [""]),
        ("POST", "/api/v1/people/lookup", b"{", []),
        ("POST", "/api/v1/people/lookup", {"nip": "12345678901234567X"}, ["/nip"]),
        ("POST", "/api/v1/people/lookup", {"agent": {"mbox": "nonsense"}}, ["/agent"]),
        ("POST", "/api/v1/people/lookup", {"agent": {"objectType": "Group", "member": []}}, ["/agent"]),
        (
            "POST",
            "/api/v1/decisions",
            {"entries": [], "decision": "maybe"},
            ["/decision", "/entries", "/verifier"],
        ),
        (
            "POST",
            "/api/v1/decisions",
            {"entries": ["x"], "decision": "rejected", "verifier": {"mbox": "mailto:a@b.id"}},
            ["/reason"],
        ),
        ("POST", "/api/v1/reports/cohort", {"persons": ["x"] * 1001}, ["/persons"]),
        ("PUT", "/api/v1/table", [], []),
    ],
)
def test_bad_requests_are_told_where_and_why(
    app: Flask, desk: RecordServices, method: str, path: str, body: Any, pointers: list[str]
) -> None:
    """A bad request is 400 problem+json with a pointer to each error."""
    api = caller(app, desk)
    answer = api.get(path) if method == "GET" else api.send(method, path, body)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert sorted({error["pointer"] for error in answer.json.get("errors", [])}) == pointers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/people/unknown", 404),
        ("GET", "/api/v1/entries/unknown", 404),
        ("GET", "/api/v1/entries/unknown/statements", 404),
        ("GET", "/api/v1/entries/waiting?after=unknown", 404),
        ("GET", "/api/v1/nothing", 404),
        ("DELETE", "/api/v1/table", 405),
        ("POST", "/api/v1/entries/unknown", 405),
    ],
)
def test_what_is_not_there(app: Flask, desk: RecordServices, method: str, path: str, status: int) -> None:
    """Unknown things are 404 and wrong methods 405, as problem+json."""
    answer = caller(app, desk).send(method, path, b"")
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_an_unknown_identifier_is_not_found(app: Flask, desk: RecordServices) -> None:
    """A lookup of nobody is 404 and does not repeat the identifier."""
    answer = caller(app, desk).send("POST", "/api/v1/people/lookup", {"nip": "198701012010011001"})
    assert answer.status_code == 404
    assert b"1987" not in answer.data


GUARDED = [operation for operation in OPERATIONS if not operation.open]


@pytest.mark.parametrize("operation", GUARDED, ids=lambda one: f"{one.method} {one.path}")
def test_every_operation_needs_a_credential_with_the_scope(
    app: Flask, desk: RecordServices, operation: Any
) -> None:
    """Without a credential, or with a wrong one, it is 401 with a challenge; without the scope 403."""
    path = operation.path.replace("{id}", "x")
    for nobody in (Caller(app.test_client()), Caller(app.test_client(), "key", "wrong")):
        answer = nobody.send(operation.method.upper(), path, b"{}")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    for scope in (
        "statements/write",
        "decisions/write",
        "statements/read/mine",
        "state",
        "profile",
        "define",
    ):
        assert caller(app, desk, scope).send(operation.method.upper(), path, b"{}").status_code == 403


@pytest.mark.parametrize("scope", ["statements/read", "all/read"])
def test_reading_scopes_read_and_decide_nothing(app: Flask, desk: RecordServices, scope: str) -> None:
    """Who may read everything reads the record, and signs nothing off."""
    api = caller(app, desk, scope)
    assert api.get("/api/v1/table").status_code == 200
    assert api.send("POST", "/api/v1/decisions", {}).status_code == 403
    assert api.send("PUT", "/api/v1/table", TABLE).status_code == 403


WRITES = [("POST", "/api/v1/decisions"), ("POST", "/api/v1/people/lookup"), ("PUT", "/api/v1/table")]


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/json"],
)
def test_what_is_not_sent_as_json_is_refused(
    app: Flask, desk: RecordServices, method: str, path: str, kind: str
) -> None:
    """A type that a page of another site may send without asking is 415, and the answer says what to send."""
    id = desk.write(desk.learn())
    body = {"entries": [id], "decision": "verified", "verifier": agent("anwar")}
    answer = caller(app, desk).send(method, path, body, Content_Type=kind)
    assert (answer.status_code, answer.mimetype) == (415, "application/problem+json")
    assert "application/json" in answer.json["detail"]
    assert answer.headers["Accept"] == "application/json"
    assert desk.only("budi").status == "submitted"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "https://jejak.example.evil.example"},
        {"Origin": "http://jejak.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "Cross-Site "},
        {"Origin": OWN, "Sec_Fetch_Site": "cross-site"},
    ],
)
@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_page_of_another_site_writes_nothing(
    app: Flask, desk: RecordServices, method: str, path: str, headers: dict[str, str]
) -> None:
    """With the right key, as JSON, but sent by a page of another site: 403 that says why; nothing changes."""
    id = desk.write(desk.learn())
    body = {"entries": [id], "decision": "verified", "verifier": agent("anwar")}
    answer = caller(app, desk).send(method, path, body, **headers)
    assert (answer.status_code, answer.mimetype) == (403, "application/problem+json")
    assert "another" in answer.json["detail"]
    assert desk.only("budi").status == "submitted"


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": OWN}, {"Origin": OWN, "Sec_Fetch_Site": "same-origin"}, {"Sec_Fetch_Site": "none"}],
)
def test_programs_and_our_own_pages_write(app: Flask, desk: RecordServices, headers: dict[str, str]) -> None:
    """A program names no origin, our own page names ours: both are heard, whatever follows the type."""
    body = {"agent": agent("budi")}
    desk.write(desk.learn())
    kind = "application/json; charset=utf-8"
    answer = caller(app, desk).send("POST", "/api/v1/people/lookup", body, Content_Type=kind, **headers)
    assert answer.status_code == 200


def test_another_tenants_record_is_not_there(app: Flask, desk: RecordServices) -> None:
    """A credential of another agency finds neither person nor entry, and decides about neither."""
    id = desk.write(desk.learn())
    other = caller(app, desk, tenant="bkn")
    assert other.get(f"/api/v1/entries/{id}").status_code == 404
    assert other.get(f"/api/v1/people/{desk.person()}").status_code == 404
    assert other.get(f"/api/v1/people/{desk.person()}/entries").json == {"entries": [], "after": None}
    assert other.send("POST", "/api/v1/people/lookup", {"agent": agent("budi")}).status_code == 404
    body = {"entries": [id], "decision": "verified", "verifier": agent("anwar")}
    assert other.send("POST", "/api/v1/decisions", body).json["refused"] == [{"entry": id, "why": "gone"}]


def test_a_store_that_does_not_answer_is_503(
    app: Flask, desk: RecordServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller is asked to come back, and is told nothing of the inside."""
    api = caller(app, desk)

    def fails(*_: Any) -> None:
        raise UnavailableError("mongodb://secret@host")

    monkeypatch.setattr(desk.record.tables, "of", fails)
    answer = api.get("/api/v1/table")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert b"secret" not in answer.data


def test_the_description_is_true(app: Flask) -> None:
    """OpenAPI lists exactly the operations that are served."""
    described: Any = app.test_client().get("/api/openapi.json").json
    listed = {(method, path) for path, item in described["paths"].items() for method in item}
    served = {
        (method.lower(), rule.rule.replace("<", "{").replace(">", "}"))
        for rule in app.url_map.iter_rules()
        if "path:" not in rule.rule
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    # Statements are checked by the xAPI's own application, outside Flask.
    assert listed == served | {("post", "/api/v1/validate")}
    body = described["paths"]["/api/v1/decisions"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    assert body["required"] == ["entries", "decision", "verifier"]
    assert body["properties"]["decision"]["enum"] == ["verified", "returned", "rejected"]


def test_the_profile_is_open_to_everyone(app: Flask) -> None:
    """Integrators read the profile without a credential, as JSON-LD."""
    answer = app.test_client().get("/api/v1/profile")
    assert (answer.status_code, answer.mimetype) == (200, "application/ld+json")
    assert orjson.loads(answer.data)["type"] == "Profile"


def test_answers_are_not_cached(app: Flask, desk: RecordServices) -> None:
    """Records are personal: caches are told to keep nothing."""
    assert caller(app, desk).get("/api/v1/table").headers["Cache-Control"] == "no-store"


def test_actors_that_match_nobody_are_listed_masked(app: Flask, desk: RecordServices) -> None:
    """The list names source, kind and a masked identifier; only keys that read everything see it."""
    desk.write(desk.learn("198701012010011001"), desk.learn("siti"))
    api = caller(app, desk)
    first = api.get("/api/v1/actors/unmatched?limit=1").json
    second = api.get(f"/api/v1/actors/unmatched?limit=1&after={first['after']}").json
    shown = [*first["actors"], *second["actors"]]
    assert sorted(one["identifier"] for one in shown) == ["1…1", "s…"]
    assert {one["identified_by"] for one in shown} == {"account"}
    assert first["sources"] == [{"source": "tool", "actors": 2}]
    assert "198701012010011001" not in str(first) + str(second)
    assert api.get("/api/v1/actors/unmatched?source=nobody").json["actors"] == []
    assert caller(app, desk, "statements/write").get("/api/v1/actors/unmatched").status_code == 403


def test_decisions_ask_for_the_scope_of_their_own(app: Flask, desk: RecordServices) -> None:
    """Writing and reading statements is not enough to sign an entry off; with `decisions/write` it is."""
    id = desk.write(desk.learn())
    body = {"entries": [id], "decision": "verified", "verifier": agent("anwar")}
    plain = caller(app, desk, "statements/write", "statements/read")
    assert plain.send("POST", "/api/v1/decisions", body).status_code == 403
    may = caller(app, desk, "statements/write", "statements/read", "decisions/write")
    assert may.send("POST", "/api/v1/decisions", body).status_code == 200
    assert desk.only().status == "verified"


def test_the_record_api_counts_the_same_way(app: Flask, desk: RecordServices) -> None:
    """The record API answers wrong secrets as the xAPI does, and never refuses the right one."""
    api = caller(app, desk)
    key = api.key
    client = app.test_client()
    wrong = {"Authorization": basic(key, "wrong")}
    told = [client.get("/api/v1/table", headers=wrong) for _ in range(PER_MINUTE + 2)]
    assert (told[0].status_code, told[-1].status_code) == (401, 429)
    assert told[-1].headers["Retry-After"]
    assert api.get("/api/v1/table").status_code == 200


def test_bodies_may_come_compressed_within_the_bounds(app: Flask, desk: RecordServices) -> None:
    """Gzip and deflate are decoded; a bomb, another coding, a broken one and too many values are refused."""
    desk.write(desk.learn(mentor=agent("anwar"), sessions=2))
    api = caller(app, desk)
    path, asked = "/api/v1/people/lookup", orjson.dumps({"agent": agent("budi")})
    for name, packed in (("gzip", gzip.compress(asked)), ("deflate", zlib.compress(asked))):
        assert api.send("POST", path, packed, Content_Encoding=name).json["id"] == desk.person()
    bomb = gzip.compress(b"[" + bytes(50_000_000))
    assert api.send("POST", path, bomb, Content_Encoding="gzip").status_code == 413
    assert api.send("POST", path, b"[" + b"1," * 200_000 + b"1]").status_code == 413
    assert api.send("POST", path, asked, Content_Encoding="gzip").status_code == 400
    assert api.send("POST", path, asked, Content_Range="bytes 0-9/100").status_code == 400
    other = api.send("POST", path, asked, Content_Encoding="br")
    assert (other.status_code, other.headers["Accept-Encoding"]) == (415, "gzip, deflate")

"""What holds for every resource: versions, methods, CORS, limits, failures; /about, /activities, /agents."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from lrs.http.xapi.services import Limits
from lrs.store.documents import Document
from lrs.store.errors import FullError, StoreError, UnavailableError
from lrs.store.memory import MemoryData, MemoryStore
from lrs.store.port import Store
from lrs.store.writes import NO_HINTS, WriteHints
from lrs.xapi.size_limits import MOST_BYTES
from statements.data_types.versions import Version
from tests.lrs.client import V1, V2, Client
from tests.lrs.conftest import LIMITS
from tests.lrs.samples import COURSE, agent, statement
from tests.serving import application

T = TypeVar("T")
EXTRA = "https://example.org/a"
AGENT = {"agent": json.dumps(agent())}
PATHS = {
    "/statements": {},
    "/activities/state": {"activityId": COURSE, **AGENT},
    "/activities/profile": {"activityId": COURSE},
    "/agents/profile": AGENT,
    "/activities": {"activityId": COURSE},
    "/agents": AGENT,
}


@pytest.mark.parametrize("path", list(PATHS))
@pytest.mark.parametrize(
    ("header", "answered"),
    [
        ("1.0", V1),
        ("1.0.0", V1),
        ("1.0.3", V1),
        ("1.0.99", V1),
        ("2.0", V2),
        ("2.0.0", V2),
        ("2.0.7", V2),
        (None, None),
        ("", None),
        ("0.9", None),
        ("0.95", None),
        ("1.1.0", None),
        ("2.1", None),
        ("3.0.0", None),
        ("1", None),
        ("1.0.3, 2.0.0", None),
        ("1.0.x", None),
    ],
)
def test_the_version_header_is_needed_and_answered(
    client: Client, path: str, header: str | None, answered: str | None
) -> None:
    """XAPI-00331 to 00333: 1.0.x and 2.0.x are spoken, all else is 400; answers name theirs."""
    answer = client.speaking(header).get(path, PATHS[path])
    assert answer.status == (200 if answered else 400)
    assert answer.headers["x-experience-api-version"] == (answered or V2)
    if answered is None:
        assert answer.rules == {"request.version"}


@pytest.mark.parametrize("fallback", list(Version))
def test_the_fallback_version_is_a_setting(store: Store, fallback: Version) -> None:
    """An answer to a request that named no version names the one that was set."""
    stranger = Client(application(store, fallback=fallback), None, None)
    for path in ("/statements", "/about", "/nowhere"):
        assert stranger.get(path).headers["x-experience-api-version"] == fallback.value


@pytest.mark.parametrize("version", [V1, V2, None, "0.95", "9.9"])
def test_about_is_open_to_every_version(client: Client, version: str | None) -> None:
    """The versions spoken, without a credential; who speaks 1.0.x is told of 1.0.3 alone (XAPI-00316)."""
    stranger = replace(client, credential=None, version=version)
    answer = stranger.get("/about")
    assert answer.json == {"version": [V1] if version == V1 else [V1, V2]}
    assert answer.status == 200
    assert stranger.get("/about", {"foo": "1"}).status == 400


@pytest.mark.parametrize("path", [*PATHS, "/about"])
@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST", "DELETE", "TRACE", "FOO"])
def test_a_method_that_a_resource_has_not_is_405_with_those_it_has(
    client: Client, path: str, method: str
) -> None:
    """Allow lists what is possible; OPTIONS says the same."""
    allowed = client.call("OPTIONS", path).headers["allow"].split(", ")
    answer = client.call(method, path, PATHS.get(path))
    if method in allowed:
        assert answer.status != 405
    else:
        assert answer.status == 405
        assert answer.headers["allow"].split(", ") == allowed
        assert answer.headers["content-type"] == "application/problem+json"
    assert {"GET", "HEAD", "OPTIONS"} <= set(allowed)


@pytest.mark.parametrize(
    "path", ["", "/", "/statement", "/Statements", "/statements/x", "/activities/states"]
)
def test_an_unknown_resource_is_404(client: Client, path: str) -> None:
    """With a problem body and the version header, and without a hint of what else there is."""
    answer = client.get(path)
    assert answer.status == 404
    assert "x-experience-api-version" in answer.headers


def test_a_slash_at_the_end_of_a_resource_is_forgiven(client: Client) -> None:
    """Clients join addresses carelessly."""
    assert client.get("/statements/").status == 200


@pytest.mark.parametrize("path", ["//statements", "/activities//state", "//agents/profile/"])
def test_a_slash_too_many_is_forgiven(client: Client, path: str) -> None:
    """An endpoint that ends in a slash, joined with a path that begins with one, is the same resource."""
    answer = client.get(path)
    assert answer.status == (200 if path == "//statements" else 400), answer.body


@pytest.mark.parametrize("value", ["True", "TRUE", "true", "False", "fALSE"])
@pytest.mark.parametrize("name", ["related_agents", "related_activities", "ascending", "attachments"])
def test_a_boolean_parameter_may_be_in_any_letter_case(client: Client, name: str, value: str) -> None:
    """Python writes True: clients made of it send that, in both versions."""
    for version in (V1, V2):
        answer = client.speaking(version).get("/statements", {name: value})
        assert answer.status == 200, answer.body


def with_origins(store: Store, *origins: str) -> Client:
    xapi = application(store, clock=lambda: 1, origins=origins, limits=LIMITS)
    return Client(xapi, None).as_(store, "all")


@pytest.mark.parametrize(
    ("origins", "allowed"),
    [
        (("*",), "*"),
        (("https://a.example",), "https://a.example"),
        (("https://b.example",), None),
        ((), None),
    ],
)
def test_pages_of_the_origins_in_the_settings_may_call(
    store: Store, origins: tuple[str, ...], allowed: str | None
) -> None:
    """On success, refusal and preflight alike; credentials are never allowed, since cookies play no part."""
    client = with_origins(store, *origins)
    page = {"Origin": "https://a.example"}
    for answer in (
        client.get("/statements", headers=page),
        client.get("/statements", {"foo": "1"}, headers=page),
        replace(client, credential=None).get("/statements", headers=page),
        replace(client, credential=None, version=None).call(
            "OPTIONS", "/statements", headers={**page, "Access-Control-Request-Method": "PUT"}
        ),
    ):
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert "access-control-allow-credentials" not in answer.headers
        if allowed not in ("*", None):
            assert answer.headers["vary"] == "Origin"
    preflight = client.call("OPTIONS", "/statements", headers=page)
    assert "X-Experience-API-Version" in preflight.headers["access-control-allow-headers"]
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    may_send = preflight.headers["access-control-allow-headers"].lower().split(", ")
    assert {"if-none-match", "content-encoding", "x-requested-with", "cache-control", "traceparent"} <= set(
        may_send
    )
    assert "access-control-allow-origin" not in client.get("/statements").headers


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "request.json"),
        (b"{", "request.json"),
        (b"nonsense", "request.json"),
        (b'{"a":NaN}', "request.json"),
        (b"\xff\xfe{}", "request.json"),
        (b'{"a":"\xff"}', "request.json"),
        (b'{"a":"\\ud800"}', "request.json"),
        (b"[" * 100_000, "request.json"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "request.json"),
        (b"[" * 100 + b"1e400" + b"]" * 100, "request.too-deep"),
        (b"[" * 21 + b"]" * 21, "request.too-deep"),
    ],
)
@pytest.mark.parametrize("path", ["/statements", "/activities/state"])
def test_a_body_that_is_no_json_or_too_deep_is_400(client: Client, body: bytes, rule: str, path: str) -> None:
    """Statements and JSON documents alike; nothing is stored and no value is echoed."""
    params = {**PATHS[path], "stateId": "s"} if path != "/statements" else {}
    answer = client.post(path, body, params, headers={"Content-Type": "application/json"})
    assert answer.status == 400
    assert answer.rules == {rule}
    assert len(answer.body) < 600


def test_deep_extensions_are_accepted_up_to_the_limit(client: Client) -> None:
    """Nesting is counted from the body's own braces, in a batch as in a single statement."""

    def nested(depth: int) -> dict[str, Any]:
        value: Any = 1
        for _ in range(depth):
            value = [value]
        return statement(context={"extensions": {"https://example.org/deep": value}})

    most = LIMITS.max_depth - 3
    assert client.post("/statements", nested(most)).status == 200
    assert client.post("/statements", nested(most + 1)).status == 400
    others = [statement() for _ in range(5)]
    assert client.post("/statements", [nested(most - 1)]).status == 200
    assert client.post("/statements", [*others, nested(most - 1)]).status == 200
    for batch in ([nested(most)], [*others, nested(most)], [nested(most), *others], [*others, nested(300)]):
        answer = client.post("/statements", batch)
        assert (answer.status, answer.rules) == (400, {"request.too-deep"})


def test_many_brackets_side_by_side_are_not_deep(client: Client) -> None:
    """A statement may hold many objects and arrays, as long as they do not lie in each other."""
    wide: dict[str, Any] = {"extensions": {"https://example.org/wide": [[{}] for _ in range(99)]}}
    assert client.post("/statements", statement(context=wide)).status == 200
    assert client.post("/statements", [statement(context=wide), statement()]).status == 200


@pytest.mark.parametrize("length", ["x", "-1", "1.5", "٣"])
def test_a_length_that_is_no_number_is_400(client: Client, length: str) -> None:
    """Content-Length is digits or absent."""
    headers = {"Content-Type": "application/json", "Content-Length": length}
    assert client.post("/statements", b"[]", headers=headers).status == 400


def test_a_body_that_ends_early_is_400(client: Client) -> None:
    """Half a body is no request, in JSON and in multipart."""
    for kind in ("application/json", "multipart/mixed; boundary=b"):
        headers = {"Content-Type": kind, "Content-Length": "100"}
        assert client.post("/statements", b"[]", headers=headers).status == 400


def test_a_body_of_unknown_length_is_read_to_its_end(client: Client) -> None:
    """Chunked requests work, up to the limit."""
    chunked = {"Content-Type": "application/json", "Content-Length": "", "Transfer-Encoding": "chunked"}
    body = json.dumps(statement()).encode()
    assert client.post("/statements", body, headers=chunked).status == 200
    long = b" " * (LIMITS.max_body_bytes + 1)
    assert client.post("/statements", long, headers=chunked).status == 413


def test_documents_have_the_same_limit(client: Client) -> None:
    """413 for a document that is too large; one of the limit itself is kept."""
    where = {**PATHS["/activities/state"], "stateId": "s"}
    kind = {"Content-Type": "application/octet-stream"}
    body = bytes(LIMITS.max_body_bytes)
    assert client.put("/activities/state", where, body, headers=kind).status == 204
    answer = client.put("/activities/state", where, body + b"x", headers=kind)
    assert (answer.status, answer.rules) == (413, {"request.too-large"})


AS_MUCH_AS_KEPT = Limits(
    max_body_bytes=2 * MOST_BYTES, max_statement_bytes=MOST_BYTES + 1000, max_document_bytes=MOST_BYTES + 1000
)


def test_one_thing_is_never_larger_than_an_engine_keeps(store: Store) -> None:
    """A statement, a document or the result of a merge above 12 MiB is 413, whatever the body may have."""
    client = Client(application(store, limits=AS_MUCH_AS_KEPT), None).as_(store, "all")
    most = "x" * (MOST_BYTES + 1)
    assert client.post("/statements", statement(result={"response": most})).status == 413
    where = {**PATHS["/activities/state"], "stateId": "s"}
    kind = {"Content-Type": "text/plain"}
    assert client.put("/activities/state", where, most.encode(), headers=kind).status == 413
    half = most[: MOST_BYTES // 2]
    assert client.post("/activities/state", {"one": half}, where).status == 204
    answer = client.post("/activities/state", {"two": half}, where)
    assert (answer.status, answer.rules) == (413, {"request.too-large"})
    assert client.get("/activities/state", where).json == {"one": half}


def test_the_keys_of_a_statement_count_towards_its_size(store: Store) -> None:
    """What an engine could not keep together with its index keys is 413, not a failure of the store."""
    client = Client(application(store, limits=AS_MUCH_AS_KEPT), None).as_(store, "all")
    others = [{"id": f"https://example.org/{number:0990d}"} for number in range(8_000)]
    sent = statement(context={"contextActivities": {"other": others}})
    answer = client.post("/statements", sent)
    assert (answer.status, answer.rules) == (413, {"request.too-large"})
    del others[4_000:]
    assert client.post("/statements", sent).status == 200


def test_a_definition_does_not_grow_without_end(store: Store) -> None:
    """What would make it larger than 1 MiB is left out of it, and stays in its statement."""
    client = Client(application(store), None).as_(store, "all")
    for number in range(3):
        sent = statement()
        sent["object"]["definition"] = {"extensions": {f"https://example.org/{number}": "x" * 400_000}}
        assert client.post("/statements", sent).status == 200
    known = client.get("/activities", PATHS["/activities"]).json["definition"]["extensions"]
    assert list(known) == ["https://example.org/0", "https://example.org/1"]
    assert "https://example.org/2" in client.statements()[0]["object"]["definition"]["extensions"]


class Broken(MemoryStore):
    """A store whose reads and writes of data fail as told; credentials go on working."""

    failure: Exception | None = None

    def reading(self) -> Any:
        inner = super().reading()

        @contextmanager
        def opened() -> Any:
            with inner as reader:
                if self.failure is not None:
                    raise self.failure
                yield reader

        return opened()

    def writing(self, work: Callable[[Any], T], hints: WriteHints = NO_HINTS) -> T:
        if self.failure is not None:
            raise self.failure
        return super().writing(work, hints)


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (UnavailableError("host 10.1.2.3 is down"), 503),
        (FullError("disk /secret is full"), 507),
        (StoreError("secret path"), 500),
        (RuntimeError("secret value"), 500),
    ],
)
def test_a_failing_store_is_told_without_its_secrets(failure: Exception, status: int) -> None:
    """503 with Retry-After, 507 or 500; the reason goes to the log alone, the headers are complete."""
    store = Broken(MemoryData())
    client = Client(application(store, limits=LIMITS), None).as_(store, "all")
    assert client.get("/statements").status == 200
    store.failure = failure
    answers = [client.post("/statements", statement())]
    if not isinstance(failure, RuntimeError):
        answers += [client.get("/statements"), client.get("/activities", PATHS["/activities"])]
    for answer in answers:
        assert answer.status == status
        assert b"secret" not in answer.body
        assert b"10.1" not in answer.body
        assert answer.headers["x-experience-api-version"] == V1
        assert ("retry-after" in answer.headers) == (status == 503)
    assert "x-experience-api-consistent-through" in answers[0].headers


def test_a_definition_is_put_together_from_all_statements(client: Client) -> None:
    """XAPI-00254: members are united, later ones win, context and SubStatements count."""
    one, two, three = statement(), statement(), statement(target="https://example.org/other")
    one["object"]["definition"] = {"name": {"en": "Old", "id": "Kursus"}, "type": "https://example.org/t"}
    two["object"]["definition"] = {"name": {"en": "Course"}, "extensions": {"https://example.org/a": 1}}
    three["context"] = {
        "contextActivities": {
            "parent": {"id": COURSE, "definition": {"extensions": {"https://example.org/b": 2.50}}}
        }
    }
    inner = statement()
    inner["object"]["definition"] = {"description": {"en": "From inside"}}
    del inner["id"]
    four = statement() | {"object": {**inner, "objectType": "SubStatement"}}
    client.post("/statements", one)
    client.post("/statements", [two, three, four])
    assert client.get("/activities", {"activityId": COURSE}).json == {
        "objectType": "Activity",
        "id": COURSE,
        "definition": {
            "name": {"en": "Course", "id": "Kursus"},
            "type": "https://example.org/t",
            "extensions": {"https://example.org/a": 1, "https://example.org/b": 2.5},
            "description": {"en": "From inside"},
        },
    }


def test_a_definition_that_goes_back_and_forth_ends_as_last_told(client: Client) -> None:
    """The cache of the last definition never hides a change."""
    for name in ("A", "B", "A", "A", "B"):
        sent = statement()
        sent["object"]["definition"] = {"name": {"en": name}}
        client.post("/statements", sent)
        known = client.get("/activities", {"activityId": COURSE}).json
        assert known["definition"]["name"] == {"en": name}


@pytest.mark.parametrize("names", ["AB", "ABA", "ABBA", "AABAAB"])
def test_a_definition_that_changes_within_a_batch_ends_as_last_told(client: Client, names: str) -> None:
    """Of several definitions in one batch the last one wins, also when it repeats one before it."""
    batch = [statement() for _ in names]
    for sent, name in zip(batch, names, strict=True):
        sent["object"]["definition"] = {"name": {"en": name}}
    client.post("/statements", batch)
    known = client.get("/activities", {"activityId": COURSE}).json
    assert known["definition"]["name"] == {"en": names[-1]}


def extension(client: Client) -> str:
    """What is known of the extension of the course, as it is written."""
    answer = client.get("/activities", {"activityId": COURSE}).body.decode()
    return answer.partition(f'"{EXTRA}":')[2].partition("}")[0]


@pytest.mark.parametrize(("first", "last"), [("1", "true"), ("true", "1"), ("1", "1.0"), ("false", "0")])
def test_values_that_only_python_takes_for_the_same_are_told_apart(
    client: Client, first: str, last: str
) -> None:
    """Of two extensions in one batch that differ as JSON alone, as 1 and true do, the last one wins."""
    batch = [statement(), statement()]
    for sent, value in zip(batch, (first, last), strict=True):
        sent["object"]["definition"] = {"extensions": {EXTRA: json.loads(value)}}
    client.post("/statements", batch)
    assert extension(client) == last


@pytest.mark.parametrize("values", [("1", "true", "1.0"), ("false", "0"), ("1.5", "1.50", "1.5")])
def test_values_that_are_equal_and_yet_differ_are_told_apart_later_too(
    client: Client, values: tuple[str, ...]
) -> None:
    """A later statement that says a known extension otherwise is believed, however little it differs."""
    for value in values:
        sent = json.dumps(statement() | {"object": {"id": COURSE, "definition": {"extensions": {EXTRA: 0}}}})
        sent = sent.replace(f'"{EXTRA}": 0', f'"{EXTRA}": {value}')
        kind = {"Content-Type": "application/json"}
        assert client.post("/statements", sent.encode(), headers=kind).status == 200
        assert extension(client) == value


def test_a_definition_in_another_order_is_not_written_again(client: Client, store: Store) -> None:
    """Two systems that write the members of one definition in different orders do not fight for its row."""

    def held() -> Document | None:
        with store.reading() as reader:
            return reader.document("activity", "one", COURSE)

    parts = [("description", {"en": "A"}), ("id", "a")]
    documents = []
    for order in (1, -1, 1):
        choices = [dict(parts[::order])]
        definition = {"type": "http://adlnet.gov/expapi/activities/cmi.interaction", "choices": choices}
        sent = statement() | {
            "object": {"id": COURSE, "definition": definition | {"interactionType": "choice"}}
        }
        assert client.post("/statements", sent).status == 200
        documents.append(held())
    assert documents[0] is not None
    assert documents[1:] == [documents[0]] * 2


def test_a_definition_that_is_known_is_not_written_again(client: Client, store: Store) -> None:
    """A shared activity does not become a row that every write fights for."""
    sent = statement()
    sent["object"]["definition"] = {"name": {"en": "Course"}}
    client.post("/statements", sent)
    with store.reading() as reader:
        before = reader.document("activity", "one", COURSE)
    for _ in range(3):
        del sent["id"]
        client.post("/statements", sent)
        sent["id"] = "x"
    other = application(store, limits=LIMITS)
    del sent["id"]
    Client(other, client.credential).post("/statements", sent)
    with store.reading() as reader:
        assert reader.document("activity", "one", COURSE) is before


def test_a_refused_batch_defines_nothing(client: Client) -> None:
    """Definitions and names are part of the same write: 409 leaves them as they were."""
    sent = statement()
    client.post("/statements", sent)
    other = statement()
    other["object"]["definition"] = {"name": {"en": "Never"}}
    other["actor"]["name"] = "Never"
    assert client.post("/statements", [other, {**sent, "actor": agent("budi")}]).status == 409
    assert "definition" not in client.get("/activities", {"activityId": COURSE}).json
    assert "name" not in client.get("/agents", AGENT).json


@pytest.mark.parametrize("version", [V1, V2])
def test_an_unknown_activity_is_answered_with_its_id(client: Client, version: str) -> None:
    """200 with id and objectType, as 2.0 asks and 1.0.3 recommends."""
    answer = client.speaking(version).get("/activities", {"activityId": "https://example.org/new"})
    assert answer.json == {"objectType": "Activity", "id": "https://example.org/new"}


@pytest.mark.parametrize(
    "identifier",
    [
        {"mbox": "mailto:a@example.org"},
        {"mbox_sha1sum": "a" * 40},
        {"openid": "https://a.example.org/"},
        {"account": {"homePage": "https://lms.example.go.id", "name": "é 1"}},
    ],
)
def test_a_person_has_arrays_of_what_is_known(client: Client, identifier: dict[str, Any]) -> None:
    """XAPI-00237 to 00242: every member is an array; names come from all statements, actor or not."""
    asked = {"agent": json.dumps(identifier)}
    (kind, value), *_ = identifier.items()
    assert client.get("/agents", asked).json == {"objectType": "Person", kind: [value]}
    one = statement() | {"actor": {**identifier, "name": "Siti"}}
    two = statement(context={"instructor": {**identifier, "name": "Ibu Siti"}})
    three = statement() | {
        "actor": {"objectType": "Group", "member": [{**identifier, "name": "S."}, agent("x")]}
    }
    client.post("/statements", [one, two])
    client.post("/statements", three)
    person = client.get("/agents", asked).json
    assert sorted(person.pop("name")) == ["Ibu Siti", "S.", "Siti"]
    assert person == {"objectType": "Person", kind: [value]}


def test_a_person_keeps_so_many_names(client: Client) -> None:
    """A flood of names does not make an agent's document grow without end."""
    for number in range(30):
        sent = statement()
        sent["actor"]["name"] = f"Name {number:02}"
        client.post("/statements", sent)
    names = client.get("/agents", AGENT).json["name"]
    assert len(names) == 20
    assert names[-1] == "Name 29"


def test_context_agents_of_version_2_are_people_too(client: Client) -> None:
    """Names inside contextAgents and contextGroups are known, and their agents are found as related."""
    client = client.speaking(V2)
    sent = statement(
        "budi",
        context={
            "contextAgents": [{"objectType": "contextAgent", "agent": {**agent(), "name": "Siti"}}],
            "contextGroups": [
                {"objectType": "contextGroup", "group": {"objectType": "Group", "member": [agent("ani")]}}
            ],
        },
    )
    assert client.post("/statements", sent).status == 200
    assert client.get("/agents", AGENT).json["name"] == ["Siti"]
    for name in ("siti", "ani"):
        assert len(client.statements(agent=json.dumps(agent(name)), related_agents="true")) == 1


def test_who_wants_to_know_is_told_of_each_write(store: Store) -> None:
    """`on_written` is called after the write with what was stored, and not for a repetition."""
    told: list[Any] = []
    xapi = application(store, clock=lambda: 1_700_000_000_000_000, on_written=told.append)
    client = Client(xapi, None).as_(store, "all")
    sent = statement()
    client.post("/statements", sent)
    client.post("/statements", sent)
    assert [(receipt.ids, receipt.new) for receipt in told] == [((sent["id"],), 1)]


def test_a_length_of_thousands_of_digits_is_too_large(client: Client) -> None:
    """A Content-Length that no integer is read from is 413 like any other that is too large."""
    headers = {"Content-Type": "application/json", "Content-Length": "9" * 5_000}
    assert client.call("POST", "/statements", body=b"{}", headers=headers).status == 413

"""Reading statements over HTTP: filters, pages, formats, headers, and parameters that are refused."""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote
from uuid import uuid4

import pytest

from lrs.store.port import Store
from statements.keys import statement_keys, verb_filter_key
from tests.contract.make import FACET
from tests.lrs.client import V1, V2, Client
from tests.lrs.samples import ATTENDED, COURSE, about, agent, statement, voiding

ID = "8f87ccde-bb56-4c2e-ab83-44982ef22df0"


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("foo=1", "query.parameter-unknown"),
        ("LIMIT=1", "query.parameter-unknown"),
        ("statementid=" + ID, "query.parameter-unknown"),
        ("limit=1&limit=2", "query.parameter-once"),
        ("limit=-1", "query.limit"),
        ("limit=many", "query.limit"),
        ("limit=", "query.limit"),
        ("limit=1.5", "query.limit"),
        ("since=yesterday", "query.timestamp"),
        ("until=2026-13-01T00:00:00Z", "query.timestamp"),
        ("since=2026-01-01T00:00:00-00:00", "query.timestamp"),
        ("ascending=yes", "query.boolean"),
        ("ascending=1", "query.boolean"),
        ("related_agents=", "query.boolean"),
        ("attachments=yes", "query.boolean"),
        ("format=EXACT", "query.format"),
        ("format=", "query.format"),
        ("verb=completed", "query.iri"),
        ("activity=course/1", "query.iri"),
        ("activity=", "query.iri"),
        ("registration=1", "query.uuid"),
        ("statementId=1", "query.uuid"),
        ("voidedStatementId=x", "query.uuid"),
        ("agent=siti", "query.agent"),
        (f"statementId={ID}&voidedStatementId={ID}", "query.one-id"),
        (f"statementId={ID}&limit=1", "query.id-stands-alone"),
        (f"voidedStatementId={ID}&limit=1", "query.id-stands-alone"),
        (f"voidedStatementId={ID}&related_agents=true", "query.id-stands-alone"),
        (f"voidedStatementId={ID}&ascending=true", "query.id-stands-alone"),
        (f"statementId={ID}&verb=https://example.org/v", "query.id-stands-alone"),
        ("more=abc", "request.cursor"),
        ("more=", "request.cursor"),
        ("more=abc&limit=1", "request.cursor"),
        ("verb=%ff%fe", "request.parameter"),
        ("&".join(f"a{n}=1" for n in range(200)), "request.parameter"),
    ],
)
def test_a_bad_parameter_is_refused_by_its_rule(client: Client, query: str, rule: str) -> None:
    """400, its own rule, and the promise of consistency even then (XAPI-00153)."""
    answer = client.call("GET", "/statements", query=query)
    assert answer.status == 400
    assert rule in answer.rules
    assert "x-experience-api-consistent-through" in answer.headers
    assert all(error["pointer"].startswith("?") or not error["pointer"] for error in answer.json["errors"])


def test_all_bad_parameters_are_told_at_once(client: Client) -> None:
    """One answer names every parameter that is wrong."""
    answer = client.get("/statements", {"limit": "x", "verb": "y", "foo": "1", "since": "z"})
    assert {error["pointer"] for error in answer.json["errors"]} >= {"?limit", "?verb", "?since"}
    assert len(answer.json["errors"]) == 4


@pytest.mark.parametrize(
    "query", ["related_agents=true", "related_activities=true", "limit=0", "ascending=false"]
)
def test_parameters_that_change_nothing_are_accepted(client: Client, query: str) -> None:
    """`related_agents` without `agent` is no error."""
    assert client.call("GET", "/statements", query=query).status == 200


def test_values_may_arrive_without_percent_encoding(client: Client) -> None:
    """Braces, quotes, colons and bytes of UTF-8 in a query are taken as they are."""
    client.post("/statements", statement())
    raw = "agent=" + json.dumps(agent()).replace(" ", "")
    assert len(client.call("GET", "/statements", query=raw).json["statements"]) == 1
    sent = statement(target="https://contoh.example/é")
    client.post("/statements", sent)
    wire = "activity=https://contoh.example/é".encode().decode("latin-1")
    assert len(client.call("GET", "/statements", query=wire).json["statements"]) == 1


@pytest.mark.parametrize("ascending", ["true", "false"])
@pytest.mark.parametrize("limit", ["1", "2", "3", "7", "0"])
def test_pages_give_every_statement_once_in_order(client: Client, ascending: str, limit: str) -> None:
    """Whatever the page size, `more` leads through all of them, and "" ends them."""
    sent: list[str] = []
    for _ in range(3):
        batch = [statement() for _ in range(3)]
        client.post("/statements", batch)
        sent += [each["id"] for each in batch]
    found = [each["id"] for each in client.statements(ascending=ascending, limit=limit)]
    assert found == (sent if ascending == "true" else sent[::-1])


def test_more_is_an_address_on_this_server_that_keeps_the_query(client: Client, store: Store) -> None:
    """It begins with the path of the resource, is "" on the last page, and ignores what came later."""
    client.post("/statements", [statement(verb=ATTENDED) for _ in range(3)] + [statement()])
    first = client.get("/statements", {"verb": ATTENDED, "limit": "2"})
    assert first.json["more"].startswith("/xapi/statements?more=")
    client.post("/statements", statement(verb=ATTENDED))
    second = client.follow(first.json["more"])
    assert [each["verb"]["id"] for each in second.json["statements"]] == [ATTENDED]
    assert second.json["more"] == ""


def test_a_more_link_is_worthless_to_another_tenant_and_when_altered(client: Client, store: Store) -> None:
    """Cursors are authenticated, and bound to the tenant and to what its caller may see."""
    client.post("/statements", [statement() for _ in range(3)])
    more = client.get("/statements", {"limit": "1"}).json["more"]
    assert client.follow(more).status == 200
    assert client.follow(more[:-3] + ("AAA" if more[-3:] != "AAA" else "BBB")).rules == {"request.cursor"}
    assert client.as_(store, "all", tenant="two").follow(more).rules == {"request.cursor"}
    assert client.as_(store, "statements/read/mine").follow(more).rules == {"request.cursor"}
    assert client.follow(more + "&limit=2").rules == {"request.cursor"}


def test_a_page_has_a_bound_whatever_the_limit_asks(client: Client) -> None:
    """No limit and 0 mean what the server likes; a large one is cut to the most it gives."""
    client.post("/statements", [statement() for _ in range(15)])
    for limit, count in (("", 5), ("0", 5), ("7", 7), ("1000", 10), ("9" * 30, 10)):
        answer = client.get("/statements", {"limit": limit} if limit else {})
        assert len(answer.json["statements"]) == count


def test_since_is_exclusive_and_until_inclusive(client: Client) -> None:
    """The same moment as `since` leaves a statement out, as `until` keeps it."""
    one, two = statement(), statement()
    client.post("/statements", one)
    client.post("/statements", two)
    stored = {each["id"]: each["stored"] for each in client.statements()}
    assert [each["id"] for each in client.statements(since=stored[one["id"]])] == [two["id"]]
    assert [each["id"] for each in client.statements(until=stored[one["id"]])] == [one["id"]]


@pytest.mark.parametrize("version", [V1, V2])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 405])
def test_every_answer_names_its_version_and_how_far_it_is_consistent(
    client: Client, store: Store, version: str, status: int
) -> None:
    """XAPI-00333 and XAPI-00153: on success and on every refusal, with a recent moment."""
    client = client.speaking(version)
    answer = {
        200: lambda: client.get("/statements"),
        400: lambda: client.get("/statements", {"foo": "1"}),
        401: lambda: client.get("/statements", headers={"Authorization": "Basic eDp5"}),
        403: lambda: client.as_(store, "state").get("/statements"),
        404: lambda: client.get("/statements", {"statementId": ID}),
        405: lambda: client.call("PATCH", "/statements"),
    }[status]()
    assert answer.status == status
    assert answer.headers["x-experience-api-version"] == version
    moment = datetime.fromisoformat(answer.headers["x-experience-api-consistent-through"])
    assert abs((datetime.now(moment.tzinfo) - moment).total_seconds()) < 5
    assert "." in answer.headers["x-experience-api-consistent-through"]


def test_what_was_stored_before_an_answer_is_behind_the_promise_of_the_next_read(client: Client) -> None:
    """A puller that goes on from the promise misses nothing: it never lies ahead of a later `stored`."""
    promise = client.get("/statements").headers["x-experience-api-consistent-through"]
    sent = statement()
    client.post("/statements", sent)
    assert sent["id"] in {each["id"] for each in client.statements(since=promise)}


@pytest.mark.parametrize(
    "path", ["/statements", "/about", "/activities?activityId=" + quote(COURSE, safe="")]
)
def test_head_answers_like_get_without_a_body(client: Client, path: str) -> None:
    """XAPI-00125: the same status and headers, the length too, and no body."""
    path, _, query = path.partition("?")
    get, head = client.call("GET", path, query=query), client.call("HEAD", path, query=query)
    assert head.status == get.status == 200
    assert head.body == b""
    changing = {"x-experience-api-consistent-through"}
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in get.headers.items() if k not in changing
    }


def test_one_statement_tells_when_it_was_stored(client: Client) -> None:
    """Last-Modified of a single statement is its `stored`, to the second."""
    sent = statement()
    client.post("/statements", sent)
    answer = client.get("/statements", {"statementId": sent["id"]})
    modified = parsedate_to_datetime(answer.headers["last-modified"])
    assert modified == datetime.fromisoformat(answer.json["stored"]).replace(microsecond=0)


def test_ids_are_all_that_the_format_ids_leaves(client: Client) -> None:
    """Activity, verb and agent are cut to what identifies them."""
    sent = statement()
    sent["actor"]["name"] = "Siti"
    sent["object"]["definition"] = {"name": {"en": "A course"}}
    client.post("/statements", sent)
    found = client.get("/statements", {"statementId": sent["id"], "format": "ids"}).json
    assert found["actor"] == agent()
    assert found["object"] == {"id": COURSE}


def test_canonical_has_one_language_each_and_the_definition_of_all_statements(client: Client) -> None:
    """Accept-Language chooses, in the list and in a single statement; the answer says that it varies."""
    one, two = statement(), statement()
    one["object"]["definition"] = {"name": {"en": "A course", "id": "Kursus"}}
    two["object"]["definition"] = {"description": {"en": "About it", "id": "Tentang"}}
    client.post("/statements", [one, two])
    answer = client.get(
        "/statements",
        {"statementId": one["id"], "format": "canonical"},
        headers={"Accept-Language": "fr;q=0.3, id;q=0.9, en;q=0.5"},
    )
    assert answer.json["object"]["definition"] == {
        "name": {"id": "Kursus"},
        "description": {"id": "Tentang"},
    }
    assert answer.headers["vary"] == "Accept-Language"
    listed = client.get("/statements", {"format": "canonical", "limit": "1"})
    assert len(listed.json["statements"][0]["object"]["definition"]["name"]) == 1


def test_exact_gives_back_the_bytes_of_the_log(client: Client) -> None:
    """A list is the stored statements joined, not written anew."""
    sent = statement()
    client.post("/statements", sent)
    single = client.get("/statements", {"statementId": sent["id"]}).body
    assert client.get("/statements").body == b'{"statements":[' + single + b'],"more":""}'


def test_agents_are_found_as_actor_object_and_member_and_related(client: Client) -> None:
    """`agent` looks at actor, object and members; `related_agents` everywhere."""
    as_object = statement("budi") | {"object": agent("siti")}
    as_member = statement() | {"actor": {"objectType": "Group", "member": [agent("siti")]}}
    as_instructor = statement("budi", context={"instructor": agent("siti")})
    client.post("/statements", [as_object, as_member, as_instructor])
    wanted = json.dumps(agent("siti"))
    assert {each["id"] for each in client.statements(agent=wanted)} == {as_object["id"], as_member["id"]}
    assert len(client.statements(agent=wanted, related_agents="true")) == 3


def test_registration_and_upper_case_ids_are_compared_without_case(client: Client) -> None:
    """UUIDs are the same in either case."""
    registration = str(uuid4())
    sent = statement(context={"registration": registration.upper()})
    sent["id"] = sent["id"].upper()
    client.post("/statements", sent)
    assert len(client.statements(registration=registration)) == 1
    assert client.get("/statements", {"statementId": sent["id"].lower()}).json["id"] == sent["id"]


def test_a_get_may_carry_a_content_type_without_a_body(client: Client) -> None:
    """Several real clients send application/json with every request."""
    assert client.get("/statements", headers={"Content-Type": "application/json"}).status == 200


def test_voided_statements_appear_only_through_what_refers_to_them(client: Client) -> None:
    """XAPI-00162 and XAPI-00163, by a filter that only the voided statement matches."""
    sent = statement(verb=ATTENDED)
    comment = about(sent["id"])
    void = voiding(sent["id"])
    client.post("/statements", [sent, comment, void])
    found = {each["id"] for each in client.statements(agent=json.dumps(agent("siti")), verb=ATTENDED)}
    assert found == {comment["id"], void["id"]}


def test_the_plus_of_a_time_zone_may_come_unencoded(client: Client) -> None:
    """`since=...+07:00` is read as it was meant, although a plus in a query stands for a space."""
    client.post("/statements", statement())
    answer = client.call("GET", "/statements", query="since=2020-01-01T00:00:00+07:00")
    assert (answer.status, len(answer.json["statements"])) == (200, 1)


def test_a_more_link_carries_a_long_query(client: Client) -> None:
    """Whoever asked for statements of an agent with a long name gets the next page, too."""
    account = {"account": {"homePage": "https://example.org", "name": "n" * 20_000}}
    client.post("/statements", [statement() | {"actor": account} for _ in range(3)])
    assert len(client.statements(agent=json.dumps(account), limit="1")) == 3


def test_the_verb_is_the_facet() -> None:
    """What engines keep beside other keys is the verb, and a statement has one."""
    keys = statement_keys(statement("siti", ATTENDED, context={"registration": ID}))
    assert [key for key in keys if key.startswith(FACET)] == [verb_filter_key(ATTENDED)]


def test_related_filters_do_not_look_through_a_reference_to_many_keys(client: Client) -> None:
    """What refers to a statement with more than 64 keys is found by all but what is merely related to it."""
    few = [{"id": f"https://lms.example.go.id/unit/{number}"} for number in range(20)]
    many = [{"id": f"https://lms.example.go.id/activity/{number}"} for number in range(80)]
    for listed, reached in ((few, True), (many, False)):
        registration = str(uuid4())
        context = {"registration": registration, "contextActivities": {"other": listed}}
        target = statement("siti", ATTENDED, context=context, target=f"https://x.example.org/{registration}")
        reference = about(target["id"])
        assert client.post("/statements", [target, reference]).status == 200
        both = {target["id"], reference["id"]}
        for query in (
            {"registration": registration},
            {"registration": registration, "verb": ATTENDED},
            {"registration": registration, "agent": json.dumps(agent("siti")), "related_agents": "true"},
            {"activity": target["object"]["id"]},
            {"activity": target["object"]["id"], "related_activities": "true"},
        ):
            assert {each["id"] for each in client.statements(**query)} == both
        related = client.statements(activity=listed[0]["id"], related_activities="true")
        assert {each["id"] for each in related} == (both if reached else {target["id"]})

"""Storing statements over HTTP: POST, PUT, batches, immutability, voiding, what the store assigns."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrs.http.xapi.application import XapiApplication
from lrs.store.memory import MemoryData, MemoryStore
from statements.data_types.versions import Version
from tests import strategies
from tests.lrs.client import V1, V2, Client
from tests.lrs.samples import ATTENDED, COMPLETED, COURSE, about, agent, statement, voiding
from tests.serving import application


def fetched(client: Client, statement_id: str) -> dict[str, Any]:
    answer = client.get("/statements", {"statementId": statement_id})
    assert answer.status == 200
    found: dict[str, Any] = answer.json
    return found


def test_a_post_answers_the_ids_in_the_order_of_the_statements(client: Client) -> None:
    """XAPI-00146: 200 and every id, those the store made included."""
    one, two, three = statement(), statement(), statement()
    del two["id"]
    answer = client.post("/statements", [one, two, three])
    assert answer.status == 200
    assert answer.json[0] == one["id"]
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.json[1])
    assert answer.json[2] == three["id"]
    assert fetched(client, answer.json[1])["id"] == answer.json[1]


def test_an_empty_batch_is_no_error_and_stores_nothing(client: Client) -> None:
    """A client that has nothing to send gets an empty list of ids."""
    assert client.post("/statements", []).json == []
    assert client.statements() == []


def test_put_needs_the_id_of_its_one_statement(client: Client) -> None:
    """XAPI-00145 and XAPI-00144: 204 with statementId; 400 without, with another id, with an array."""
    sent = statement()
    assert client.put("/statements", {"statementId": sent["id"].upper()}, sent).status == 204
    assert client.put("/statements", {}, sent).rules == {"statement.put-id"}
    assert client.put("/statements", {"statementId": "x"}, sent).rules == {"statement.put-id"}
    assert client.put("/statements", {"statementId": str(uuid4())}, sent).rules == {"statement.put-matches"}
    assert client.put("/statements", {"statementId": sent["id"]}, [sent]).status == 400
    extra = {"statementId": sent["id"], "foo": "1"}
    assert client.put("/statements", extra, sent).rules == {"request.parameter"}
    del sent["id"]
    named = str(uuid4())
    assert client.put("/statements", {"statementId": named}, sent).status == 204
    assert fetched(client, named)["id"] == named


@pytest.mark.parametrize("body", [1, "text", None, True, [None], [[]], [[statement()]], {}, [statement(), 7]])
def test_what_is_no_statement_is_refused_as_such(client: Client, body: object) -> None:
    """JSON of any other shape is 400 with a problem for each place, by POST and by PUT."""
    text = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    assert client.post("/statements", text, headers=headers).status == 400
    put = client.put("/statements", {"statementId": str(uuid4())}, text, headers=headers)
    assert put.status == 400
    assert put.json["errors"]
    assert client.statements() == []


def test_the_same_statement_again_changes_nothing(client: Client) -> None:
    """The same id and content is a success, 200 or 204, and is stored once."""
    sent = statement()
    assert client.post("/statements", sent).json == [sent["id"]]
    first = fetched(client, sent["id"])
    assert client.post("/statements", [sent, statement()]).json[0] == sent["id"]
    assert client.put("/statements", {"statementId": sent["id"]}, sent).status == 204
    assert fetched(client, sent["id"]) == first
    assert len(client.statements()) == 2


def test_a_stored_statement_is_never_overwritten(client: Client) -> None:
    """XAPI-00142: 409 names what differs and never shows a value; the batch around it is not stored."""
    sent = statement()
    client.post("/statements", sent)
    other = {**sent, "actor": agent("rahasia"), "result": {"response": "rahasia"}}
    answer = client.post("/statements", [statement(), other])
    assert answer.status == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert {(each["index"], each["pointer"]) for each in answer.json["errors"]} == {
        (1, "/actor/mbox"),
        (1, "/result"),
    }
    assert answer.rules == {"statement.immutable"}
    assert b"rahasia" not in answer.body
    assert client.put("/statements", {"statementId": sent["id"]}, other).status == 409
    assert len(client.statements()) == 1
    assert fetched(client, sent["id"])["actor"] == sent["actor"]


def test_every_problem_of_a_batch_is_told_with_its_place(client: Client) -> None:
    """Index, pointer, rule, hint, requirement and a link to the rule, for each; nothing is stored."""
    bad = statement()
    bad["verb"] = {"id": "no iri"}
    bad["extra"] = None
    answer = client.post("/statements", [statement(), bad, {"actor": agent()}])
    assert answer.status == 400
    assert answer.json["status"] == 400
    assert answer.json["title"] == "Bad Request"
    places = {(each["index"], each["pointer"]) for each in answer.json["errors"]}
    assert {(1, "/verb/id"), (1, "/extra")} <= places
    assert any(index == 2 for index, _ in places)
    for each in answer.json["errors"]:
        assert each["hint"]
        assert each["link"] == f"/docs/rules#{each['rule']}"
        assert each["requirement"]
    assert client.statements() == []


def test_a_hostile_batch_does_not_get_a_longer_answer(client: Client) -> None:
    """At most 100 errors are listed; the rest is counted."""
    bad = {f"key{number}": None for number in range(90)}
    answer = client.post("/statements", [bad, bad, bad])
    assert len(answer.json["errors"]) == 100
    assert answer.json["more_errors"] > 50
    assert len(answer.body) < 60_000


def test_two_statements_of_a_batch_may_not_share_an_id(client: Client) -> None:
    """A duplicate id inside a batch is 400, in upper case too, and nothing of it is stored."""
    one, two = statement(), statement("budi")
    two["id"] = one["id"].upper()
    assert client.post("/statements", [one, two]).rules == {"batch.distinct-ids"}
    assert client.statements() == []


def test_stored_belongs_to_the_store_and_timestamp_defaults_to_it(client: Client) -> None:
    """A `stored` that is sent is replaced; without `timestamp` the statement happened when it was stored."""
    sent = statement(stored="2001-01-01T00:00:00Z")
    later = statement(timestamp="2055-01-01T00:00:00.123Z")
    client.post("/statements", [sent, later])
    found = fetched(client, sent["id"])
    assert not found["stored"].startswith("2001")
    assert found["timestamp"] == found["stored"]
    assert fetched(client, later["id"])["timestamp"] == "2055-01-01T00:00:00.123Z"


@pytest.mark.parametrize(
    "raw", ["1.10", "1E400", "123456789012345678901234567890", "-0", "0.1000000000000000055511151231257827"]
)
def test_numbers_come_back_with_their_digits(client: Client, raw: str) -> None:
    """A number that a float cannot hold is returned as it was written."""
    sent = statement(context={"extensions": {"https://example.org/n": "NUMBER"}})
    body = json.dumps(sent).replace('"NUMBER"', raw).encode()
    assert client.post("/statements", body, headers={"Content-Type": "application/json"}).status == 200
    answer = client.get("/statements", {"statementId": sent["id"]})
    assert f'"https://example.org/n":{raw}'.encode() in answer.body


def test_a_voided_statement_is_found_by_its_voided_id_alone(client: Client) -> None:
    """404 by statementId, 200 by voidedStatementId, in no list; the other way round before the voiding."""
    sent = statement()
    client.post("/statements", sent)
    assert client.get("/statements", {"voidedStatementId": sent["id"]}).status == 404
    void = voiding(sent["id"])
    assert client.post("/statements", void).status == 200
    assert client.get("/statements", {"statementId": sent["id"]}).status == 404
    assert client.get("/statements", {"voidedStatementId": sent["id"]}).json["id"] == sent["id"]
    assert [each["id"] for each in client.statements()] == [void["id"]]
    assert [each["id"] for each in client.statements(verb=COMPLETED)] == [void["id"]]


def test_a_voiding_statement_cannot_be_voided(client: Client) -> None:
    """XAPI-00016: 400, in one batch too; the first voiding stays in force."""
    sent = statement()
    void = voiding(sent["id"])
    client.post("/statements", [sent, void])
    assert client.post("/statements", voiding(void["id"])).rules == {"voiding.target-is-voiding"}
    assert client.get("/statements", {"voidedStatementId": sent["id"]}).status == 200
    assert client.get("/statements", {"voidedStatementId": void["id"]}).status == 404


def test_voiding_a_voided_statement_again_is_accepted(client: Client) -> None:
    """A second voiding of the same statement is stored and changes nothing else."""
    sent = statement()
    client.post("/statements", sent)
    client.post("/statements", voiding(sent["id"]))
    assert client.post("/statements", voiding(sent["id"])).status == 200
    assert client.get("/statements", {"voidedStatementId": sent["id"]}).status == 200
    assert len(client.statements()) == 2


def test_a_statement_that_was_voided_before_it_came_is_hidden_when_it_comes(client: Client) -> None:
    """Voiding an unknown id is accepted, and holds when the statement arrives."""
    sent = statement()
    assert client.post("/statements", voiding(sent["id"])).status == 200
    client.post("/statements", sent)
    assert client.get("/statements", {"statementId": sent["id"]}).status == 404
    assert client.get("/statements", {"voidedStatementId": sent["id"]}).status == 200


def test_the_same_statement_after_its_voiding_changes_nothing(client: Client) -> None:
    """A client that repeats its request does not bring a voided statement back."""
    sent = statement()
    client.post("/statements", sent)
    client.post("/statements", voiding(sent["id"]))
    assert client.put("/statements", {"statementId": sent["id"]}, sent).status == 204
    assert client.get("/statements", {"statementId": sent["id"]}).status == 404


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_filters_follow_references_through_chains_in_any_order_of_arrival(
    client: Client, order: tuple[int, ...]
) -> None:
    """A verb of the last statement finds all that lead to it, and voiding it hides it alone."""
    last = statement(verb=ATTENDED)
    middle = about(last["id"])
    first = about(middle["id"])
    sent = (last, middle, first)
    for place in order:
        assert client.post("/statements", sent[place]).status == 200
    ids = {each["id"] for each in client.statements(verb=ATTENDED)}
    assert ids == {each["id"] for each in sent}
    both = {each["id"] for each in client.statements(verb=ATTENDED, agent=json.dumps(agent("budi")))}
    assert both == set()
    void = voiding(last["id"])
    client.post("/statements", void)
    ids = {each["id"] for each in client.statements(activity=COURSE)}
    assert ids == {middle["id"], first["id"], void["id"]}


def test_references_in_a_circle_do_no_harm(client: Client) -> None:
    """Statements that refer to each other, or to themselves, are stored and found."""
    one, two = about(str(uuid4())), None
    two = about(one["id"])
    one["object"]["id"] = two["id"]
    me = about(str(uuid4()))
    me["object"]["id"] = me["id"]
    assert client.post("/statements", [one, two]).status == 200
    assert client.post("/statements", me).status == 200
    assert len(client.statements(agent=json.dumps(agent("budi")))) == 3


def test_one_verb_is_kept_of_a_retry_whose_answer_was_lost(client: Client) -> None:
    """A batch of which a part is stored already adds the rest and answers all ids."""
    known, new = statement(), statement()
    client.post("/statements", known)
    assert client.post("/statements", [new, known]).json == [new["id"], known["id"]]
    assert len(client.statements()) == 2


def test_a_batch_has_a_bound(client: Client) -> None:
    """More statements than the limit are 413, whatever their size."""
    assert client.post("/statements", [statement() for _ in range(50)]).status == 200
    assert client.post("/statements", [statement() for _ in range(51)]).status == 413


@pytest.mark.parametrize("version", [V1, V2])
def test_the_version_of_a_statement_defaults_to_that_of_its_request(client: Client, version: str) -> None:
    """1.0.0 for requests of 1.0.3, 2.0.0 for those of 2.0.0; what was given is kept."""
    client = client.speaking(version)
    plain, named = statement(), statement(version="1.0.9" if version == V1 else "2.0.0")
    assert client.post("/statements", [plain, named]).status == 200
    assert fetched(client, plain["id"])["version"] == {V1: "1.0.0", V2: "2.0.0"}[version]
    assert fetched(client, named["id"])["version"] == named["version"]


_shared = application(MemoryStore(MemoryData()))


@pytest.mark.parametrize("version", list(Version))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_valid_statement_comes_back_equal(version: Version, data: Any) -> None:
    """Round trip: what is returned in `exact` holds every member that was sent, unchanged."""
    sent = data.draw(strategies.statements(version))
    client = _client(_shared).speaking(version.value)
    sent["id"] = str(uuid4())
    answer = client.post("/statements", sent)
    voids = sent["verb"]["id"].endswith("/voided")
    assert answer.status == 200, answer.body
    assert not voids or sent["object"]["objectType"] == "StatementRef"
    found = fetched(client, sent["id"])
    for name in sent.keys() - {"authority", "stored", "timestamp", "context", "object"}:
        assert found[name] == sent[name]
    assert _arrays(found) == _arrays(sent)
    assert client.put("/statements", {"statementId": sent["id"]}, sent).status == 204


def _client(xapi: XapiApplication) -> Client:
    store = xapi.services.ingest._store
    return Client(xapi, None).as_(store, "all")


def _arrays(value: dict[str, Any]) -> tuple[object, object]:
    """Object and context, with contextActivities as arrays and without timestamps."""
    target, context = dict(value["object"]), dict(value.get("context", {}))
    if "contextActivities" in context:
        context["contextActivities"] = {
            role: listed if isinstance(listed, list) else [listed]
            for role, listed in context["contextActivities"].items()
        }
    if target.get("objectType") == "SubStatement":
        target.pop("timestamp", None)
        return (*_arrays(target), {**target, "object": None, "context": None}), context
    return target, context


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ({"context": {"language": "en-US"}}, {"context": {"language": "en-us"}}),
        ({"timestamp": "2026-11-23T10:00:00Z"}, {"timestamp": "20261123T100000Z"}),
        ({"actor": {"mbox": "mailto:a@example.org"}}, {"actor": {"mbox": "MAILTO:a@EXAMPLE.org"}}),
    ],
)
def test_letter_case_without_meaning_makes_no_other_statement(
    client: Client, first: dict[str, Any], again: dict[str, Any]
) -> None:
    """Sent again in another spelling, a statement is stored already: no 409, and it stays as it was."""
    for version in (V1, V2):
        one = {**statement(), **first}
        speaking = client.speaking(version)
        assert speaking.post("/statements", one).status == 200
        assert speaking.post("/statements", {**one, **again}).status == 200
    assert len(client.statements()) == 2


def test_a_mailbox_is_found_whatever_the_case_of_its_scheme(client: Client) -> None:
    """`MAILTO:` and `mailto:` name the same agent, in statements and in the query."""
    client.post("/statements", {**statement(), "actor": {"mbox": "MAILTO:siti@example.org"}})
    for asked in ("mailto:siti@example.org", "Mailto:siti@Example.org"):
        found = client.statements(agent=json.dumps({"mbox": asked}))
        assert [each["actor"]["mbox"] for each in found] == ["MAILTO:siti@example.org"]


def test_a_multipart_answer_names_its_boundary_bare(client: Client) -> None:
    """Without quotes: it is a token, and TinCanJS and TinCanPHP take quotes for a part of it."""
    kind = client.get("/statements", {"attachments": "true"}).headers["content-type"]
    assert re.fullmatch(r"multipart/mixed; boundary=[A-Za-z0-9-]+", kind)

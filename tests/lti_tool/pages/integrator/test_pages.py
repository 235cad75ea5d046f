"""The page of rules and the page to try a statement, as a browser without scripts sees them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import PackageLoader

from lrs.http.xapi.services import Limits
from lrs.http.xapi.validate import Strangers, inspect
from lti_tool.pages.integrator.routes import MAX_BYTES, create_integrator_blueprint
from lti_tool.web.flask_setup import install_pages
from statements.data_types.versions import Version
from statements.errors import Problem
from statements.rules.check import RULES
from statements.rules.request_rules import REQUEST_RULES

GOOD = {
    "actor": {"account": {"homePage": "https://lms.example.go.id", "name": "7"}},
    "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
    "object": {"id": "https://lms.example.go.id/course/1"},
}


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("test", static_folder=None)
    install_pages(app, default_language="en")
    app.jinja_loader = PackageLoader("lti_tool", "templates")
    app.register_blueprint(
        create_integrator_blueprint(lambda body, version, _: inspect(body, version, Limits()))
    )
    return app.test_client()


def test_every_rule_that_a_refusal_can_name_has_its_place(client: FlaskClient) -> None:
    """The link of each problem leads to an anchor of the page."""
    text = client.get("/docs/rules").text
    for slug in (*RULES, *REQUEST_RULES):
        assert f'id="{slug}"' in text


def test_a_good_statement_is_called_valid(client: FlaskClient) -> None:
    """The page says how many statements are valid and that nothing was stored."""
    answer = client.post("/validate", data={"statement": json.dumps([GOOD, GOOD]), "version": "1.0.3"})
    assert answer.status_code == 200
    assert "2 valid statements." in answer.text
    assert "never stores" in answer.text


def test_all_problems_are_shown_with_place_and_rule(client: FlaskClient) -> None:
    """Each problem has its pointer and a link to its rule; what was pasted is still there."""
    bad = {**GOOD, "verb": {"id": "no-iri"}, "result": {"success": "yes"}}
    answer = client.post("/validate", data={"statement": json.dumps([GOOD, bad]), "version": "2.0.0"})
    assert answer.status_code == 422
    for text in ("2 problems found.", "[1] /verb/id", "[1] /result/success", "/docs/rules#verb.id", "no-iri"):
        assert text in answer.text


@pytest.mark.parametrize("pasted", ["{", "", "null", "[" * 500, '"\ud800"', "<script>alert(1)</script>"])
def test_nonsense_is_refused_kindly_and_escaped(client: FlaskClient, pasted: str) -> None:
    """Whatever is pasted gets the page with a problem, and never runs."""
    body = {"statement": pasted.encode("utf-8", "surrogatepass"), "version": "1.0.3"}
    answer = client.post("/validate", data=body)
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text


def test_too_much_is_refused_with_the_size(client: FlaskClient) -> None:
    """More than is taken gets 413 and a sentence, however it was encoded on its way."""
    for letter, count in (("x", MAX_BYTES + 1), ("{", MAX_BYTES + 1), ("x", 10 * MAX_BYTES)):
        answer = client.post("/validate", data={"statement": letter * count})
        assert answer.status_code == 413
        assert f"{MAX_BYTES // 1024} KB" in answer.text
    assert client.post("/validate", data={"statement": "{" * MAX_BYTES}).status_code == 422


def test_who_checks_too_often_is_told_to_wait() -> None:
    """The page says for how long, keeps what was pasted, and says so to programs as well."""
    app = Flask("test", static_folder=None)
    install_pages(app, default_language="en")
    app.jinja_loader = PackageLoader("lti_tool", "templates")
    strangers = Strangers(per_minute=1, clock=lambda: 20_000_000)

    def check(body: bytes, version: Version, address: str) -> tuple[int, Iterable[Problem]]:
        with strangers.turn(address):
            return inspect(body, version, Limits())

    app.register_blueprint(create_integrator_blueprint(check))
    client = app.test_client()
    assert client.post("/validate", data={"statement": json.dumps(GOOD)}).status_code == 200
    answer = client.post("/validate", data={"statement": json.dumps(GOOD)})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "41")
    assert "Wait 41 seconds" in answer.text
    assert "completed" in answer.text


def test_the_front_page_leads_on(client: FlaskClient) -> None:
    """Who opens the bare address learns where the record opens, and finds the pages for integrators."""
    text = client.get("/").text
    for address in ("/validate", "/docs/rules", "/xapi/about", "/api/openapi.json"):
        assert f'href="{address}"' in text


@pytest.mark.parametrize(("lang", "word"), [("id", "Aturan"), ("en", "Rules")])
def test_the_pages_speak_both_languages(client: FlaskClient, lang: str, word: str) -> None:
    """`?lang=` chooses, and the choice is remembered."""
    answer = client.get(f"/docs/rules?lang={lang}")
    assert word in answer.text
    assert f'lang="{lang}"' in answer.text
    assert "__Host-lang" in answer.headers["Set-Cookie"]


def test_problems_are_told_in_indonesian(client: FlaskClient) -> None:
    """What a rule asks for stands in the reader's language, above the hint of the checker."""
    bad = {**GOOD, "verb": {"id": "no-iri"}}
    answer = client.post("/validate?lang=id", data={"statement": json.dumps(bad), "version": "2.0.0"})
    assert "verb mempunyai id berupa IRI dengan skema." in answer.text
    assert "verb mempunyai" not in client.post("/validate?lang=en", data={"statement": json.dumps(bad)}).text


def test_every_rule_of_statements_has_its_indonesian_text() -> None:
    """None is left in English alone, and none is told of a rule that there is not."""
    told = json.loads((files("lti_tool.text") / "rules_id.json").read_text("utf-8"))
    assert set(RULES) <= set(told)
    assert set(told) <= {*RULES, *REQUEST_RULES}
    assert all(text.endswith(".") for text in told.values())

"""What every answer has, whoever made it: safe headers, the public address, and what may be done there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from jejak.server.backpressure import refusal
from lrs.http.problems import invalid, rendered
from statements.errors import Problem
from tests.jejak.product import Product, product
from tests.lti_tool.platform import TOOL

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with pytest.MonkeyPatch.context() as patch, product(patch, tmp_path_factory.mktemp("answers")) as made:
        yield made


ERRORS: list[tuple[str, str, dict[str, Any], int]] = [
    ("GET", "/nothing", {}, 404),
    ("GET", "/nothing.html?x=<script>", {}, 404),
    ("GET", "/static/x/none.css", {}, 404),
    ("GET", "/static/x/a%00.css", {}, 404),
    ("DELETE", "/validate", {}, 405),
    ("FOO", "/validate", {}, 405),
    ("GET", "/lti/launch", {}, 405),
    ("POST", "/health/live", {}, 405),
    ("GET", "/l/unknown/record", {}, 401),
    ("POST", "/lti/launch", {"data": b"x" * 300_000}, 413),
    ("POST", "/validate", {"data": {"statement": "x" * 1_100_000}}, 413),
    ("GET", "/api/v1/nothing", {}, 404),
    ("GET", "/api/v1/table", {}, 401),
    ("FOO", "/api/v1/table", {}, 405),
    ("DELETE", "/api/v1/table", {}, 405),
    ("POST", "/api/v1/validate", {"data": b"{", "headers": JSON}, 400),
    ("GET", "/api/v1/validate", {}, 405),
    ("GET", "/xapi/nothing", {}, 404),
    ("GET", "/xapi", {}, 404),
    ("GET", "/xapi/statements", {}, 400),
    ("PATCH", "/xapi/statements", {"headers": {"X-Experience-API-Version": "1.0.3"}}, 405),
]


@pytest.mark.parametrize(
    ("method", "path", "more", "status"), ERRORS, ids=[f"{row[0]} {row[1][:20]}" for row in ERRORS]
)
def test_every_error_has_safe_headers(
    served: Product, method: str, path: str, more: dict[str, Any], status: int
) -> None:
    """Errors of every maker run nothing, are taken for nothing else and tell no other site where one was."""
    answer = served.browser().open(path, method=method, base_url=TOOL, **more)
    assert answer.status_code == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert "no-store" in answer.headers["Cache-Control"]


def test_an_error_of_ours_has_safe_headers(served: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure that nobody foresaw is answered with the same headers, and tells nothing of the inside."""
    monkeypatch.setattr(
        "lti_tool.pages.integrator.routes.render_template", lambda *_a, **_k: 1 / 0 and "never reached"
    )
    answer = served.browser().get("/", base_url=TOOL)
    assert answer.status_code == 500
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "ZeroDivision" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("status", [400, 408, 503])
def test_what_no_application_saw_is_refused_with_safe_headers(status: int) -> None:
    """Requests that end before any application sees them get the same."""
    _, headers, _ = refusal(status, "Not now.")
    assert dict(headers)["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in dict(headers)["Content-Security-Policy"]


def test_an_error_inside_a_launch_stays_in_its_frame(served: Product) -> None:
    """A page that is not there is shown in the frame of the platform that opened the tool, as others are."""
    visit = served.visit()
    path = visit.go().headers["Location"]
    answer = visit.client.get(path + "entries/none", base_url=TOOL)
    assert answer.status_code == 404
    assert "frame-ancestors 'self' https://lms.example" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "localhost", "[::1", "tool.example:99999", "a b", ""]
)
def test_redirects_lead_to_the_public_address(served: Product, host: str) -> None:
    """Whatever a client, or a cache between, takes for our host: we send it to our own address."""
    answer = served.browser().get("/l/one?lang=en", base_url=TOOL, headers={"Host": host})
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"{TOOL}/l/one/?lang=en"


ALLOWED = [
    ("/xapi/statements", "GET HEAD OPTIONS POST PUT"),
    ("/xapi/activities/state", "DELETE GET HEAD OPTIONS POST PUT"),
    ("/xapi/activities", "GET HEAD OPTIONS"),
    ("/xapi/about", "GET HEAD OPTIONS"),
    ("/api/v1/table", "GET HEAD OPTIONS PUT"),
    ("/api/v1/decisions", "OPTIONS POST"),
    ("/api/v1/people/lookup", "GET HEAD OPTIONS POST"),
    ("/api/v1/people/x/entries", "GET HEAD OPTIONS"),
    ("/api/v1/validate", "OPTIONS POST"),
    ("/api/openapi.json", "GET HEAD OPTIONS"),
    ("/lti/launch", "OPTIONS POST"),
    ("/health/live", "GET HEAD OPTIONS"),
]


@pytest.mark.parametrize(("path", "methods"), ALLOWED)
def test_options_lists_what_is_served(served: Product, path: str, methods: str) -> None:
    """`Allow` names the methods of this resource and no others; a wrong method is told the same."""
    client = served.browser()
    answer = client.options(path, base_url=TOOL)
    assert answer.status_code in (200, 204)
    assert sorted(re.split(r",\s*", answer.headers["Allow"])) == methods.split()
    wrong = client.open(
        path, method="PATCH", base_url=TOOL, headers={**JSON, "X-Experience-API-Version": "2.0.0"}
    )
    assert wrong.status_code == 405
    assert sorted(re.split(r",\s*", wrong.headers["Allow"])) == methods.split()


def test_options_of_nothing_is_404(served: Product) -> None:
    """Where nothing is, nothing is allowed."""
    for path in ("/api/v1/nothing", "/api/v1/people/x/y/z", "/xapi/nothing", "/nothing"):
        assert served.browser().options(path, base_url=TOOL).status_code == 404


@pytest.mark.parametrize("credential", [None, ("unknown", "wrong")], ids=["none", "wrong"])
def test_a_credential_is_asked_for_alike_everywhere(
    served: Product, credential: tuple[str, str] | None
) -> None:
    """The xAPI and the record API have one guard: the same challenge, and the same words."""
    headers = {"X-Experience-API-Version": "2.0.0"}
    told = [
        served.browser().get(path, base_url=TOOL, headers=headers, auth=credential)
        for path in ("/xapi/statements", "/api/v1/table")
    ]
    assert [answer.status_code for answer in told] == [401, 401]
    assert told[0].json == told[1].json
    assert told[0].headers["WWW-Authenticate"] == told[1].headers["WWW-Authenticate"]


def test_refusals_have_one_form(served: Product) -> None:
    """What the server itself, the xAPI and the record API refuse is told by the same members and headers."""
    xapi = served.browser().get("/xapi/nothing", base_url=TOOL)
    records = served.browser().get("/api/v1/nothing", base_url=TOOL)
    _, headers, body = refusal(408, "The body did not come in time.")
    by_server = dict(headers)
    for answer in (xapi, records):
        assert (
            list(orjson.loads(answer.data))
            == list(orjson.loads(body))
            == ["type", "title", "status", "detail"]
        )
        for name in ("Content-Type", "Cache-Control", "X-Content-Type-Options", "Referrer-Policy"):
            assert answer.headers[name] == by_server[name]


def test_an_error_links_to_what_there_is_to_read(served: Product) -> None:
    """A rule that the page about rules explains has a link to it there; others have none."""
    headers = {"Content-Type": "application/json"}
    told = served.browser().post("/api/v1/validate", base_url=TOOL, data=b"{}", headers=headers)
    (first, *_) = orjson.loads(told.data)["errors"]
    page = served.browser().get("/docs/rules", base_url=TOOL).get_data(as_text=True)
    assert first["link"] == f"/docs/rules#{first['rule']}"
    assert f'id="{first["rule"]}"' in page
    shape = invalid([Problem(None, "/year", "record.shape", "A year is needed.")])
    assert "link" not in orjson.loads(rendered(shape)[0])["errors"][0]

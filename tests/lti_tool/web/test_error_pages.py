"""Where there is no page, a person gets one with a way back, and a program gets JSON."""

from __future__ import annotations

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient

from lrs.store.errors import StoreError
from lti_tool.web.error_pages import install_error_pages
from tests.lti_tool.conftest import World
from tests.lti_tool.pages.admin.test_pages import Here, site
from tests.lti_tool.platform import ROLE

__all__ = ["site"]


@pytest.fixture
def app(site: World) -> Flask:
    """The pages with error pages, and places where things go wrong."""
    install_error_pages(site.app)
    site.app.add_url_rule("/broken", "broken", lambda: str(1 // 0))
    site.app.add_url_rule("/busy", "busy", _away)
    site.app.add_url_rule("/teapot", "teapot", lambda: abort(400))
    return site.app


def _away() -> str:
    raise StoreError("gone")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that is told of errors as in production."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app.test_client()


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/nothing", 404, "Halaman ini tidak ada"),
        ("/teapot", 400, "tidak dapat dipahami"),
        ("/broken", 500, "Terjadi kesalahan"),
        ("/busy", 503, "tidak dapat menjawab"),
    ],
)
def test_an_error_is_told_in_the_readers_language_with_a_way_back(
    client: FlaskClient, path: str, status: int, said: str
) -> None:
    """Each says what happened, offers the first page and the other language."""
    answer = client.get(f"{path}?lang=id")
    assert answer.status_code == status
    assert said in answer.text
    assert 'href="/"' in answer.text
    assert 'hreflang="en"' in answer.text
    assert "ZeroDivision" not in answer.text


def test_a_wrong_method_keeps_its_allow_header(client: FlaskClient) -> None:
    """The page of a 405 names what the address takes, as HTTP asks."""
    answer = client.post("/favicon.ico?lang=en")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert "cannot be used in this way" in answer.text


def test_who_asks_for_json_gets_problem_json(client: FlaskClient) -> None:
    """A program that reads JSON is not sent a page; one that takes anything is."""
    answer = client.get("/nothing", headers={"Accept": "application/json"})
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["status"] == 404
    assert client.get("/nothing", headers={"Accept": "*/*"}).mimetype == "text/html"


def test_an_address_below_a_launch_is_told_inside_the_launch(app: Flask, site: World) -> None:
    """The page leads back to the launch."""
    here = Here(site.visit(), [ROLE + "Learner"])
    answer = here.get("no/such/page")
    assert answer.status_code == 404
    assert 'href="/l/' in answer.text


def test_the_icon_is_found_without_a_page(client: FlaskClient) -> None:
    """Browsers ask for /favicon.ico of an address that is no page."""
    answer = client.get("/favicon.ico")
    assert answer.mimetype == "image/svg+xml"
    assert answer.data.startswith(b"<svg")

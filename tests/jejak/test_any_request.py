"""No request gets a 5xx: every route outside the xAPI, with names, numbers and bodies nobody should send."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.jejak.product import Product, product
from tests.lrs.client import basic
from tests.lti_tool.platform import CLAIM, ROLE, TOOL

ADMINISTRATOR = "http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator"
JUNK = [
    "a%00.css", "%00", "%ff", "%ed%a0%80", "9" * 5000, "-1", "1e999", "%0d%0aX:y", "..%2f..", "x" * 3000,
    "%F0%9F%98%80", "2026", "",
]  # fmt: skip
NAMES = ["year", "limit", "after", "pillar", "logged", "start", "end", "hours", "minutes", "count", "lang"]
NAMES += ["status", "invite", "openid_configuration", "iss", "login_hint", "method"]
BODIES = [
    ("application/x-www-form-urlencoded", b"hours=" + b"9" * 5000 + b"&count=%00&end=99999-1-1&title=%ff"),
    ("application/json", b'{"entries": 1' + b"0" * 400 + b', "persons": ["x"], "year": 1e400}'),
    ("application/json", b'{"agent": ' + b"[" * 5000),
    ("application/json", b'"\\ud800"'),
    ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=\xff\r\n"),
    ("text/plain", b""),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with pytest.MonkeyPatch.context() as patch, product(patch, tmp_path_factory.mktemp("any")) as made:
        # The walk below is one caller with thousands of requests.
        patch.setattr("lrs.rate_limit.RateLimit.wait", lambda _self, _address, _what="": 0)
        yield made


@pytest.fixture(scope="module")
def home(served: Product) -> tuple[Any, str]:
    """A browser with an open session of an administrator who teaches, and its path."""
    visit = served.visit()
    return visit.client, visit.go(**{CLAIM + "roles": [ROLE + "Instructor", ADMINISTRATOR]}).headers[
        "Location"
    ]


def paths(served: Product, launch: str, junk: str) -> list[str]:
    rules = [rule.rule for rule in served.app.flask.url_map.iter_rules()]
    known = [rule.replace("<launch_id>", launch) for rule in rules]
    return [re.sub(r"<[^>]+>", lambda _: junk, rule) for rule in known if "disable" not in rule]


@pytest.mark.parametrize("junk", JUNK, ids=lambda one: one[:12])
def test_every_route_answers_below_500(served: Product, home: tuple[Any, str], junk: str) -> None:
    """Junk in each variable part of a path and in each parameter, by every method: told, never a failure."""
    client, path = home
    query = "&".join(f"{name}={junk}" for name in NAMES)
    headers = {"Authorization": basic(*served.key()), "Origin": TOOL}
    for one in paths(served, path.split("/")[2], junk):
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "FOO"):
            answer = client.open(f"{one}?{query}", method=method, headers=headers, base_url=TOOL)
            assert answer.status_code < 500, (method, one[:60])


@pytest.mark.parametrize(("kind", "body"), BODIES)
def test_every_body_answers_below_500(served: Product, home: tuple[Any, str], kind: str, body: bytes) -> None:
    """Bodies of any type by POST and PUT to every route, with the right key and the session's own token."""
    client, path = home
    page = client.get(path + "admin", base_url=TOOL).get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    headers = {"Authorization": basic(*served.key()), "Origin": TOOL, "X-CSRF-Token": token[1]}
    for junk in ("mentoring", "%00", "table"):
        for one in paths(served, path.split("/")[2], junk):
            for method in ("POST", "PUT"):
                answer = client.open(
                    one, method=method, data=body, content_type=kind, headers=headers, base_url=TOOL
                )
                assert answer.status_code < 500, (method, one)


def test_a_year_of_thousands_of_digits_is_this_year(served: Product, home: tuple[Any, str]) -> None:
    """A year that cannot be one is answered with the current year, as any other nonsense is."""
    client, path = home
    for year in ("9" * 5000, "0" * 5000 + "2026", "²⁰²⁶", "-2026", "2026.0"):
        page = client.get(f"{path}record?year={year}", base_url=TOOL)
        assert page.status_code == 200
        assert str(datetime.now(UTC).year) in page.get_data(as_text=True)


@pytest.mark.parametrize(
    "name", ["a%00.css", "%00", "..%2f..%2fcli.css", "none.css", "style.css%00", "%ff.css"]
)
def test_static_files_that_are_not_there_are_404(served: Product, name: str) -> None:
    """A name that no file can have is as absent as any other."""
    assert served.browser().get(f"/static/x/{name}", base_url=TOOL).status_code == 404


def test_nothing_fails_for_a_folder_that_is_new(tmp_path: Path) -> None:
    """The fixture above is the product as it is served: a fresh store answers its first request."""
    with pytest.MonkeyPatch.context() as patch, product(patch, tmp_path) as made:
        assert made.browser().get("/health/ready", base_url=TOOL).status_code == 200

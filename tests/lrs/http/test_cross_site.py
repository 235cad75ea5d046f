"""What a page of another site can make a browser send with a remembered key changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from lrs.http.cors import ALLOWED_HEADERS
from lrs.http.xapi.application import ROUTES
from tests.lrs.client import Client, basic
from tests.lrs.samples import COURSE, agent, statement

SIMPLE_TYPES = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", None]
"""Types that a page may send without a preflight (Fetch standard, CORS-safelisted request-header)."""
OWNERS = {"activityId": COURSE, "agent": json.dumps(agent()), "stateId": "s", "profileId": "p"}
NAMES = {
    "/activities/state": ("activityId", "agent", "stateId"),
    "/activities/profile": ("activityId", "profileId"),
    "/agents/profile": ("agent", "profileId"),
}
WRITABLE = sorted(path for path, methods in ROUTES.items() if "POST" in methods)


@pytest.mark.parametrize("kind", SIMPLE_TYPES)
@pytest.mark.parametrize("path", WRITABLE)
def test_no_write_is_reached_without_a_preflight(client: Client, path: str, kind: str | None) -> None:
    """POST with safe-listed headers alone, the remembered key included, is refused on every resource."""
    assert client.credential is not None
    page = replace(client, credential=None, version=None)
    params = {name: OWNERS[name] for name in NAMES.get(path, ())}
    body = json.dumps(statement()).encode()
    headers = {"Authorization": basic(*client.credential), "Origin": "https://evil.example"}
    headers |= {"Content-Type": kind} if kind else {}
    plain = page.call("POST", path, params, body, headers=headers)
    assert plain.status == 400
    assert plain.rules == {"request.version"}
    for method in ("PUT", "POST", "DELETE"):
        form = {"X-Experience-API-Version": "1.0.3", "content": body.decode(), **params}
        answer = page.call("POST", path, {"method": method}, urlencode(form).encode(), headers=headers)
        assert answer.status in (401, 405)
    assert client.statements() == []
    for name, wanted in NAMES.items():
        assert client.get(name, {one: OWNERS[one] for one in wanted}).status == 404


def test_a_preflight_never_lets_a_remembered_key_through(client: Client) -> None:
    """Pages of other origins may set the headers of the xAPI, but never send what the browser remembers."""
    asked = {"Origin": "https://lms.example", "Access-Control-Request-Method": "POST"}
    answer = client.call("OPTIONS", "/statements", headers=asked)
    assert answer.status == 204
    assert "X-Experience-API-Version" in ALLOWED_HEADERS
    assert "access-control-allow-credentials" not in answer.headers

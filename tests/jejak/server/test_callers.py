"""Whose request it is: a tenant that proved who it is, or a stranger's address."""

from __future__ import annotations

import pytest

from jejak.server.callers import Callers
from lrs.access import Credentials
from lrs.store.memory import MemoryData, MemoryStore
from lti_tool.web.cookies import session_name
from lti_tool.web.guard import TENANT
from tests.lrs.client import basic

COOKIE = f"{session_name('abc')}=19a.secret"


def test_a_tenant_is_known_by_a_credential_that_was_proved() -> None:
    """Not yet looked up, or with a wrong secret, it is a stranger's: nobody spends another's share."""
    credentials = Credentials(MemoryStore(MemoryData()), lambda: 1_000_000_000)
    key, secret = credentials.create("bkn", "lms", ["all"])
    callers = Callers(credentials, 0)
    request = {"PATH_INFO": "/xapi/statements", "REMOTE_ADDR": "192.0.2.1"}
    stranger = ("", "192.0.2.1")
    good = request | {"HTTP_AUTHORIZATION": basic(key, secret)}
    assert callers.of(good) == stranger
    assert credentials.authenticate(key, secret) is not None
    assert callers.of(good) == ("bkn", "")
    assert callers.of(good) == ("bkn", "")
    for bad in (basic(key, "wrong"), basic("other", secret), "Basic x", "Bearer " + secret, "x" * 5000):
        assert callers.of(request | {"HTTP_AUTHORIZATION": bad}) == stranger


def test_a_tenant_is_known_by_a_session_that_was_proved() -> None:
    """Once a page of a launch was answered, its later requests are the tenant's; those of others are not."""
    callers = Callers(Credentials(MemoryStore(MemoryData()), lambda: 0), 0)
    page = {"PATH_INFO": "/l/abc/log", "HTTP_COOKIE": COOKIE, "REMOTE_ADDR": "192.0.2.1"}
    callers.learn(page)
    assert callers.of(page)[0] == ""
    callers.learn(page | {TENANT: "bkn"})
    assert callers.of(page | {"PATH_INFO": "/l/abc/"}) == ("bkn", "")
    for other in ({"HTTP_COOKIE": COOKIE + "2"}, {"PATH_INFO": "/l/abd/log"}, {"PATH_INFO": "/lti/login"}):
        assert callers.of(page | other) == ("", "192.0.2.1")


def test_other_cookies_of_a_browser_fill_no_memory_and_change_nothing() -> None:
    """A launch is known by its own secret alone, beside whatever cookies, and takes one place."""
    callers = Callers(Credentials(MemoryStore(MemoryData()), lambda: 0), 0)
    page = {"PATH_INFO": "/l/abc/log", "REMOTE_ADDR": "192.0.2.1", TENANT: "bkn"}
    for number in range(50):
        callers.learn(page | {"HTTP_COOKIE": f"junk{number}={'x' * 60_000}; {COOKIE}; more=1"})
    assert callers.of(page | {"HTTP_COOKIE": COOKIE}) == ("bkn", "")
    assert [len(proof) for proof in callers._known] == [32]


def test_when_too_many_are_known_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ever new sessions make no others strangers but those that were seen longest ago."""
    monkeypatch.setattr("jejak.server.callers.MOST_KNOWN", 3)
    callers = Callers(Credentials(MemoryStore(MemoryData()), lambda: 0), 0)
    pages = [
        {"PATH_INFO": f"/l/{id}/", "HTTP_COOKIE": f"{session_name(id)}=1.s", "REMOTE_ADDR": "192.0.2.1"}
        for id in "abcd"
    ]
    for page in (*pages[:3], pages[0], pages[3]):
        callers.learn(page | {TENANT: "bkn"})
    assert [callers.of(page)[0] for page in pages] == ["bkn", "", "bkn", "bkn"]


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, "203.0.113.9", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (2, "203.0.113.9", "192.0.2.1"),
        (1, "", "192.0.2.1"),
    ],
)
def test_an_address_is_what_trusted_proxies_say(hops: int, forwarded: str, address: str) -> None:
    """As many proxies are believed as the settings say, and nothing that the client wrote itself."""
    callers = Callers(Credentials(MemoryStore(MemoryData()), lambda: 0), hops)
    request = {"PATH_INFO": "/", "REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": forwarded}
    assert callers.of(request) == ("", address)

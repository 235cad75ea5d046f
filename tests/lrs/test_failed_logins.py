"""Wrong secrets are logged and limited; the right one always opens."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from lrs.access import Credentials
from lrs.failed_logins import LINES_PER_MINUTE, PER_MINUTE, FailedLogins, shown
from lrs.http.xapi.application import XapiApplication
from lrs.rate_limit import MAX_CALLERS
from lrs.store.port import Store
from tests.lrs.client import Client

MINUTE = 60_000_000


class Clock:
    """A clock that stands until it is moved."""

    now = 1_000 * MINUTE

    def __call__(self) -> int:
        return self.now


def test_wrong_secrets_are_told_to_wait_and_the_right_one_never_is(client: Client) -> None:
    """After ten wrong secrets in a minute more are 429 with Retry-After; the right one works throughout."""
    assert client.credential is not None
    key, _ = client.credential
    guess = replace(client, credential=(key, "wrong"))
    told = [guess.get("/statements") for _ in range(PER_MINUTE + 5)]
    assert {answer.status for answer in told[:9]} == {401}
    assert told[-1].status == 429
    assert 1 <= int(told[-1].headers["retry-after"]) <= 61
    assert "right one is taken at any time" in told[-1].json["detail"]
    assert client.get("/statements").status == 200


def test_others_are_not_limited_by_it(client: Client, xapi: XapiApplication) -> None:
    """Another address guessing the same key, and another key of the same address, begin at nothing."""
    failed = xapi.services.credentials.failed
    assert [failed.count("10.0.0.1", "a") for _ in range(PER_MINUTE)] == [0] * PER_MINUTE
    assert failed.count("10.0.0.1", "a") > 0
    assert failed.count("10.0.0.2", "a") == 0
    assert failed.count("10.0.0.1", "b") == 0


def test_the_next_minute_begins_anew() -> None:
    """Whoever waits as long as was said may try again."""
    clock = Clock()
    failed = FailedLogins(clock)
    while not (seconds := failed.count("10.0.0.1", "a")):
        pass
    clock.now += seconds * 1_000_000
    assert failed.count("10.0.0.1", "a") == 0


def test_ever_new_keys_fill_neither_the_memory_nor_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """One address has so many lines in a minute whatever keys it names; others are logged all the same."""
    failed = FailedLogins(Clock())
    for number in range(MAX_CALLERS + 1):
        assert failed.count("10.0.0.1", f"k{number}") == 0
    assert failed.count("x" * 100_000, "y" * 100_000) == 0
    lines = [record.getMessage().split(" key=")[0] for record in caplog.records]
    assert lines[:-2] == ["login_failed address=10.0.0.1"] * LINES_PER_MINUTE
    assert lines[-2] == "login_failures_limited address=10.0.0.1"
    assert lines[-1].startswith("login_failed address=xxx")
    assert len(failed._pairs._counts) <= MAX_CALLERS


def test_the_log_gets_no_secret_and_little_of_the_key(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """A line names the address and the beginning of the key; what could forge lines is made harmless."""
    caplog.set_level(logging.WARNING)
    key = "abcdefghijklmnop\nlogin ok"
    guess = replace(client, credential=(key, "my-secret"))
    for _ in range(PER_MINUTE * 3):
        guess.call("GET", "/statements")
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == PER_MINUTE + 1
    assert lines[0].startswith("login_failed ")
    assert lines[-1].startswith("login_failures_limited ")
    assert all("abcdefgh..." in line and "ijkl" not in line for line in lines)
    assert not any("my-secret" in line or "\n" in line for line in lines)


@pytest.mark.parametrize(
    ("text", "safe"), [("a\nb\x1b[1m", "a?b?[1m"), ("é\u202e", "??"), ("", ""), ("a" * 99, "a" * 8 + "...")]
)
def test_what_a_stranger_sent_is_logged_harmlessly(text: str, safe: str) -> None:
    """Control characters, and letters that turn a line around, do not reach a terminal."""
    assert shown(text, 8) == safe


@pytest.mark.parametrize(
    ("forwarded", "hops", "address"),
    [
        ("6.6.6.6, 7.7.7.7", 0, "127.0.0.1"),
        ("6.6.6.6, 7.7.7.7", 1, "7.7.7.7"),
        ("6.6.6.6,7.7.7.7", 2, "6.6.6.6"),
        ("7.7.7.7", 2, "127.0.0.1"),
        ("", 1, "127.0.0.1"),
    ],
)
def test_the_address_is_the_one_that_trusted_proxies_tell(
    store: Store, caplog: pytest.LogCaptureFixture, forwarded: str, hops: int, address: str
) -> None:
    """A client cannot count against others by making up an X-Forwarded-For of its own."""
    from lrs.http.guard import failed_login

    environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": forwarded}
    failed_login(environ, Credentials(store, Clock(), proxy_hops=hops), "k")
    assert f"address={address} " in caplog.records[-1].getMessage()

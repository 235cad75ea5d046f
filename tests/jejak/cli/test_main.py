"""The command `jejak` as a person or a script meets it: what it prints, what it refuses, and how."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result

from jejak.cli.main import main
from jejak.clock import now
from jejak.logs import json_lines
from lrs.access import Credentials, Scope
from lrs.store.open import open_store
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests.statements.profile_samples import moodle
from tests.waiting import wait_until

PLATFORM = {
    "--tenant": "T",
    "--name": "Moodle",
    "--issuer": "https://lms.example",
    "--client-id": "C",
    "--deployment-id": "D",
    "--auth-login-url": "https://lms.example/mod/lti/auth.php",
    "--auth-token-url": "https://lms.example/mod/lti/token.php",
    "--jwks-url": "https://lms.example/mod/lti/certs.php",
}
ADD = ["platforms", "add", *(word for pair in PLATFORM.items() for word in pair)]


def jejak(*words: str, store: str) -> Result:
    """Run one command on a store."""
    return CliRunner(env={"JEJAK_STORE": store}).invoke(main, words)


@pytest.fixture
def store(tmp_path: Path) -> str:
    """The address of a store that does not exist yet, in a folder that does not either."""
    return f"sqlite:///{tmp_path}/new/jejak.db"


def test_what_administrators_do_is_logged_without_secrets(store: str) -> None:
    """Each command that changes something is listed with who, what and on what; a secret never is."""
    words = ["credentials", "create", "--tenant", "T", "--name", "N", "--scope", "all", "--json"]
    made = json.loads(jejak(*words, store=store).stdout)
    key, secret = made["key"], made["secret"]
    jejak("credentials", "scopes", key, "--add", "state", store=store)
    jejak("credentials", "scopes", key, store=store)
    jejak("credentials", "disable", "--key", key, store=store)
    platform = json.loads(jejak(*ADD, "--json", store=store).stdout)["id"]
    jejak("platforms", "disable", "--platform", platform, store=store)
    jejak("platforms", "activate", "--platform", platform, "--no-trust-numbers", store=store)
    url = json.loads(jejak("platforms", "invite", "--tenant", "T", "--json", store=store).stdout)["url"]
    jejak("platforms", "rotate-keys", store=store)
    jejak("platforms", "disable", "--platform", "none", store=store)
    told = jejak("admin-log", "--json", store=store).stdout
    acts = json.loads(told)
    assert [one["act"] for one in reversed(acts)] == [
        "credential.created",
        "credential.scopes",
        "credential.disabled",
        "platform.added",
        "platform.disabled",
        "platform.activated",
        "platform.invited",
        "keys.rotated",
    ]
    assert {one["by"] for one in acts} == {"operator"}
    assert all(one["name"] for one in acts)
    assert acts[-1]["target"] == key
    assert acts[2]["details"] == {"named": "Moodle", "numbers_trusted": False}
    assert secret not in told
    assert url.partition("invite=")[2] not in told
    for_people = jejak("admin-log", "--tenant", "T", "--limit", "1", store=store).stdout
    assert "act: platform.invited" in for_people


@pytest.mark.parametrize(
    "scopes",
    [("all",), ("statements/write", "statements/read/mine", "state"), ("profile", "define", "all/read")],
)
def test_credentials_are_printed_as_one_json_object(store: str, scopes: Sequence[str]) -> None:
    """Key and secret are all that a script reads; the store is made when it is not there."""
    options = [word for scope in scopes for word in ("--scope", scope)]
    done = jejak("credentials", "create", "--tenant", "T", "--name", "N", *options, "--json", store=store)
    assert done.exit_code == 0, done.output
    assert set(json.loads(done.stdout)) == {"key", "secret"}


def test_a_disabled_key_is_listed_as_such_without_its_secret(store: str) -> None:
    """What is created can be listed and disabled; a list never tells secrets."""
    create = ("credentials", "create", "--tenant", "T", "--name", "N", "--scope", "all", "--json")
    made = json.loads(jejak(*create, store=store).stdout)
    assert jejak("credentials", "disable", "--key", made["key"], store=store).exit_code == 0
    listed = jejak("credentials", "list", "--tenant", "T", "--json", store=store).stdout
    assert made["secret"] not in listed
    assert [(one["key"], one["disabled"]) for one in json.loads(listed)] == [(made["key"], True)]


def test_a_platform_is_added_shown_disabled_and_activated(store: str) -> None:
    """One platform through all its commands, each with JSON on standard output."""
    made = json.loads(jejak(*ADD, "--json", store=store).stdout)
    one = ("--platform", made["id"], "--json")
    assert json.loads(jejak("platforms", "list", "--tenant", "T", "--json", store=store).stdout) == [made]
    assert json.loads(jejak("platforms", "disable", *one, store=store).stdout)["status"] == "disabled"
    assert json.loads(jejak("platforms", "activate", *one, store=store).stdout)["status"] == "active"
    jejak("platforms", "add-deployment", *one, "--deployment-id", "E", store=store)
    assert made["numbers_trusted"] is True
    for word, trusted in (("--no-trust-numbers", False), ("--trust-numbers", True)):
        told = jejak("platforms", "activate", *one, word, store=store).stdout
        assert json.loads(told)["numbers_trusted"] is trusted
        assert (
            json.loads(jejak("platforms", "activate", *one, store=store).stdout)["numbers_trusted"] is trusted
        )
    assert json.loads(jejak("platforms", "show", *one, store=store).stdout)["deployments"] == ["D", "E"]


def test_an_invitation_is_an_address_on_this_service(store: str) -> None:
    """The one-time address opens the registration; people read when it expires as a date."""
    made = json.loads(jejak("platforms", "invite", "--tenant", "T", "--json", store=store).stdout)
    assert made["url"].startswith("http://localhost:8080/lti/register?invite=")
    told = jejak("platforms", "invite", "--tenant", "T", store=store).stdout
    assert time.strftime("expires: %Y-") in told


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["credentials", "create", "--tenant", "T", "--name", "N", "--scope", "every"], "statements/write"),
        (["credentials", "create", "--tenant", "", "--name", "N", "--scope", "all"], "the tenant must be"),
        (
            ["credentials", "create", "--tenant", "T", "--name", "a\x1fb", "--scope", "all"],
            "the name must be",
        ),
        (["credentials", "disable", "--key", "nobody"], "there is no key nobody"),
        (["platforms", "invite", "--tenant", "bkn "], "the tenant must be"),
        (["credentials", "create", "--tenant", "a/b", "--name", "n", "--scope", "all"], "the tenant must be"),
        (["credentials", "create", "--tenant", "b", "--name", "jEjAk", "--scope", "all"], "calls itself"),
        (["platforms", "show", "--platform", "x"], "there is no such platform"),
        (["platforms", "disable", "--platform", "x"], "there is no such platform"),
        (["platforms", "activate", "--platform", "x"], "there is no such platform"),
        (["platforms", "add-deployment", "--platform", "x", "--deployment-id", "1"], "there is no such"),
        ([*ADD, "--jwks-url", "certs.php"], "jwks_url must be an absolute"),
        (["serve", "--bind", "8080"], "use HOST:PORT"),
        (["serve", "--bind", "127.0.0.1:99999"], "use HOST:PORT"),
        (["serve", "--bind", "host.invalid:8080"], "cannot listen on host.invalid:8080"),
        (["serve", "--workers", "0"], "--workers"),
    ],
)
def test_a_bad_argument_is_refused_in_plain_words(store: str, words: list[str], says: str) -> None:
    """The message names what is wrong; the exit code is not zero and nothing is raised past it."""
    done = jejak(*words, store=store)
    assert done.exit_code in {1, 2}
    assert isinstance(done.exception, SystemExit)
    assert says in done.output


def test_a_platform_is_never_overwritten(store: str) -> None:
    """The same issuer and client id a second time is refused, with the command that shows the first."""
    jejak(*ADD, store=store)
    again = jejak(*ADD, store=store)
    assert again.exit_code == 1
    assert "already registered; `jejak platforms list` shows it" in again.output


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("sqlite:////proc/none/jejak.db", "the store sqlite:////proc/none/jejak.db"),
        ("mongodb://127.0.0.1:1/jejak", "the store mongodb://127.0.0.1:1/jejak: the database cannot answer"),
        ("mongodb://user:hu@127.0.0.1:1/jejak?foo=1", "Unknown option: foo"),
        ("mongodb://user:hu@sh@127.0.0.1:1/jejak", "the address cannot be used"),
        ("mongodb://user:hu/sh@127.0.0.1/jejak", "percent-encoded"),
    ],
)
def test_a_store_that_cannot_be_opened_is_named_without_its_password(address: str, says: str) -> None:
    """The message names the store and the reason, and no part of a password."""
    done = jejak("rebuild", store=address)
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert says in done.output
    assert "hu" not in done.output


def test_a_port_that_is_taken_is_named(store: str) -> None:
    """Nothing is started on a port that something else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        bind = f"127.0.0.1:{other.getsockname()[1]}"
        done = jejak("serve", "--bind", bind, store=store)
    assert done.exit_code == 2
    assert f"cannot listen on {bind}: Address already in use" in done.output


def test_every_logged_line_is_json() -> None:
    """Quotes, line breaks and exceptions of other libraries' logging do not break a line."""
    try:
        raise ValueError('a "quoted"\nreason')
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, 'said "%s"', ("a\nb",), sys.exc_info())
    line = json_lines().format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert (told["event"], told["logger"], told["level"]) == ('said "a\nb"', "x", "error")
    assert 'ValueError: a "quoted"' in told["exception"]


def when_ready(server: subprocess.Popen[bytes], home: str, log: Path) -> requests.Response:
    """What a server that was just started says when it is first ready."""
    until = time.monotonic() + 60
    while True:
        try:
            return requests.get(f"{home}/health/ready", timeout=5)
        except requests.ConnectionError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until
            time.sleep(0.1)


@pytest.mark.server
def test_serve_answers_with_two_workers_and_logs_json(tmp_path: Path, store: str) -> None:
    """The promised addresses answer, every line of the log is JSON, and SIGTERM ends it with code 0."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path / "log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jejak.cli.main",
                "serve",
                "--bind",
                f"localhost:{port}",
                "--workers",
                "2",
            ],
            env={**os.environ, "JEJAK_STORE": store},
            stdout=subprocess.DEVNULL,
            stderr=out,
        )
    home = f"http://127.0.0.1:{port}"
    try:
        ready = when_ready(server, home, log)
        assert ready.json() == {"status": "ready"}
        assert requests.get(f"{home}/health/live", timeout=5).json() == {"status": "live"}
        described = requests.get(f"{home}/api/openapi.json", timeout=5).json()
        assert described["openapi"].startswith("3.")
        for path, methods in described["paths"].items():
            for method in methods:
                answer = requests.request(method, home + path, timeout=5)
                assert answer.status_code in {200, 400, 401}, (method, path)
        assert requests.get(f"{home}/lti/jwks", timeout=5).json()["keys"]
        assert requests.get(f"{home}/xapi/about", timeout=5).json() == {"version": ["1.0.3", "2.0.0"]}
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait(timeout=30)
    assert code == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert any(f":{port}" in line["event"] for line in lines)


@pytest.mark.server
def test_a_trial_in_memory_shows_its_credential_and_works_out_the_record(tmp_path: Path) -> None:
    """With `memory://` one worker serves, warns, and shows the only credential there can be."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log, shown = tmp_path / "log", tmp_path / "shown"
    with log.open("wb") as errors, shown.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "jejak.cli.main", "serve", "--bind", f"127.0.0.1:{port}"],
            env={**os.environ, "JEJAK_STORE": "memory://"},
            stdout=out,
            stderr=errors,
        )
    home = f"http://127.0.0.1:{port}"
    try:
        assert when_ready(server, home, log).json() == {"status": "ready"}
        key, _, secret = shown.read_text().split()[1].partition(":")
        caller = requests.Session()
        caller.auth = (key, secret)
        caller.headers["X-Experience-API-Version"] = "1.0.3"
        sent = caller.post(f"{home}/xapi/statements", json=moodle(), timeout=20)
        assert sent.status_code == 200
        found = caller.get(f"{home}/xapi/statements", timeout=20).json()["statements"]
        assert [one["id"] for one in found] == sent.json()
        assert requests.get(f"{home}/lti/jwks", timeout=20).json()["keys"]

        def unmatched() -> bool:
            page = caller.get(f"{home}/api/v1/actors/unmatched", timeout=20).json()
            return bool(page["actors"])

        wait_until(unmatched, "the follower has met the actor", seconds=60)
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait(timeout=30)
    assert code == 0
    told = log.read_text()
    assert "everything is lost when this process ends" in told
    assert secret not in told


def test_a_store_in_memory_is_refused_where_it_cannot_be_shared() -> None:
    """Several workers, or a command beside the server, would each have an empty store of their own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    several = jejak("serve", "--bind", bind, "--workers", "2", store="memory://")
    beside = jejak("admin-log", store="memory://")
    assert (several.exit_code, beside.exit_code) == (1, 1)
    assert "memory:// is for one worker" in several.stderr
    assert "no command can open it" in beside.stderr


def test_an_unknown_agency_is_warned_of_while_others_are_known(store: str) -> None:
    """A misspelt agency would be a new one in which nobody launches; the first one is no news."""
    create = ["credentials", "create", "--name", "N", "--scope", "all", "--json", "--tenant"]
    first = jejak(*create, "bkn", store=store)
    again = jejak(*create, "bkn", store=store)
    misspelt = jejak(*create, "bnk", store=store)
    invited = jejak("platforms", "invite", "--json", "--tenant", "bk", store=store)
    assert "Warning" not in first.stderr + again.stderr
    for done in (misspelt, invited):
        assert done.exit_code == 0
        assert "is a new agency here. Known are: bkn" in done.stderr
        assert json.loads(done.stdout)


def test_commands_say_which_store_they_opened(store: str) -> None:
    """Standard error names the store, without passwords, so that standard output stays what scripts read."""
    done = jejak("credentials", "list", "--tenant", "T", "--json", store=store)
    assert done.stderr == f"store: {store}\n"
    assert json.loads(done.stdout) == []


def test_what_the_account_names_of_a_key_are_is_shown_and_changed(store: str) -> None:
    """Numbers of users until somebody says otherwise, for all keys with that name; others are refused."""
    create = ["credentials", "create", "--tenant", "T", "--name", "Moodle", "--scope", "statements/write"]
    keys = [json.loads(jejak(*create, "--json", store=store).stdout)["key"] for _ in range(2)]
    setting = ["credentials", "account-names"]
    shown = json.loads(jejak(*setting, keys[0], "--json", store=store).stdout)
    assert shown == {"key": keys[0], "source": "Moodle", "account_names": "user-id"}
    assert jejak(*setting, keys[0], "username", store=store).exit_code == 0
    assert json.loads(jejak(*setting, keys[1], "--json", store=store).stdout)["account_names"] == "username"
    assert "there is no key" in jejak(*setting, "nobody", store=store).output
    assert jejak(*setting, keys[0], "email", store=store).exit_code == 2


def test_scopes_are_shown_and_changed(store: str) -> None:
    """Without options they are shown; the answer holds the new ones; the help says what each is."""
    create = (
        "credentials",
        "create",
        "--tenant",
        "T",
        "--name",
        "N",
        "--scope",
        "statements/write",
        "--json",
    )
    key = json.loads(jejak(*create, store=store).stdout)["key"]

    def scopes(*options: str) -> list[str]:
        done = jejak("credentials", "scopes", key, *options, "--json", store=store)
        assert done.exit_code == 0, done.output
        return sorted(json.loads(done.stdout)["scopes"])

    assert scopes() == ["statements/write"]
    assert scopes("--add", "decisions/write", "--add", "state") == [
        "decisions/write",
        "state",
        "statements/write",
    ]
    assert scopes("--remove", "decisions/write", "--remove", "state") == ["statements/write"]
    refused = jejak("credentials", "scopes", key, "--remove", "statements/write", store=store)
    assert (refused.exit_code, "at least one scope" in refused.output) == (1, True)
    unknown = jejak("credentials", "scopes", "nobody", "--add", "state", store=store)
    assert (unknown.exit_code, "there is no key nobody" in unknown.output) == (1, True)
    told = jejak("credentials", "scopes", "--help", store=store).output
    assert all(scope.value in told for scope in Scope)
    assert "counts in the learning record" in told


def test_a_store_of_an_earlier_version_says_whose_decisions_count(
    store: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The first command or start names each credential that keeps the right to decide, and only the first."""
    made = open_store(store, STATEMENT_KEYS)
    Credentials(made, now).create("T", "Moodle", ["statements/write"])
    Credentials(made, now).create("T", "Reader", ["statements/read"])
    made.close()
    told = []
    for _ in range(2):
        listed = jejak("credentials", "list", "--tenant", "T", "--json", store=store)
        told.append(
            [each.getMessage() for each in caplog.records if "decisions of this" in each.getMessage()]
        )
        caplog.clear()
    scopes = {one["name"]: set(one["scopes"]) for one in json.loads(listed.stdout)}
    assert scopes == {"Moodle": {"statements/write", "decisions/write"}, "Reader": {"statements/read"}}
    assert [len(each) for each in told] == [1, 0]
    assert "name Moodle" in told[0][0]

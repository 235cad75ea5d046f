"""The table of budgets in docs/explanation/limits.md is true."""

from __future__ import annotations

import asyncio
import importlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from jejak.app import Application, create_app
from jejak.server.shares import Slots
from jejak.settings import TABLE, load
from lrs.http import parse_budget
from lrs.http.parse_budget import ParseBudget
from lrs.store import write_queue
from lrs.store.port import Writer
from lrs.store.writes import WriteHints
from tests.jejak.asgi import Asking, asking
from tests.lrs.client import Answer
from tests.lrs.samples import COURSE, agent, statement

PAGE = Path(__file__).parents[2] / "docs/explanation/limits.md"
UNITS = {"KiB": 1024, "MiB": 1024 * 1024}
BOUNDS = re.compile(r"(max_|page_size_max|.*_bytes$|.*_per_minute$|threads$)")
"""Names of settings that bound something."""


def rows() -> list[list[str]]:
    """The rows of the table: what, number, beyond it, set by."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def amount(text: str) -> float:
    """The number that a cell begins with: "64 KiB" is 65536, "30 a minute" is 30."""
    number, _, rest = text.partition(" ")
    return float(number.replace(",", "")) * UNITS.get(rest.partition(" ")[0], 1)


def actual(name: str) -> float:
    """The default of a setting, or the value of a constant named by its module."""
    for setting in TABLE:
        if setting.variable == name:
            return float(setting.default)
    module, _, constant = name.rpartition(".")
    return float(getattr(importlib.import_module(module), constant))


def test_every_number_is_the_one_in_force() -> None:
    """Each row names a setting or a constant, and tells its number."""
    told = {row[3].strip("`"): amount(row[1]) for row in rows()}
    assert told == {name: actual(name) for name in told}


def test_every_bound_among_the_settings_is_told() -> None:
    """A setting that bounds something has a row."""
    bounds = {setting.variable for setting in TABLE if BOUNDS.match(setting.name)}
    assert bounds <= {row[3].strip("`") for row in rows()}


def test_every_row_says_what_is_beyond_it() -> None:
    """No row leaves a cell empty."""
    assert all(len(row) == 4 and all(row) for row in rows())


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The product as it is without any setting."""
    file = tmp_path_factory.mktemp("limits") / "jejak.db"
    made = create_app(load({"JEJAK_STORE": f"sqlite:///{file}"}))
    yield made
    made.close()


def array(length: int, value: bytes) -> bytes:
    """A JSON array of so many times the same."""
    return b"[" + b",".join([value] * length) + b"]"


def groups(keys: int) -> list[dict[str, Any]]:
    """Statements about so many members that they have more than `keys` index keys."""
    return [
        {**statement(), "actor": {"objectType": "Group", "member": [agent(f"{n}-{m}") for m in range(100)]}}
        for n in range(keys // 200 + 1)
    ]


STATEMENTS, VALIDATE, LOOKUP = "/xapi/statements", "/api/v1/validate", "/api/v1/people/lookup"
STATE = "/xapi/activities/state?" + urlencode(
    {"activityId": COURSE, "agent": json.dumps(agent()), "stateId": "s"}
)
STRANGER = {"authorization": ""}
TOO_LARGE: dict[str, tuple[str, Callable[[int], object], dict[str, str]]] = {
    "JEJAK_MAX_BODY_BYTES": (STATEMENTS, lambda most: b" " * (most + 1), {}),
    "JEJAK_MAX_STATEMENT_BYTES": (STATEMENTS, lambda most: statement(result={"response": "x" * most}), {}),
    "JEJAK_MAX_DOCUMENT_BYTES": (STATE, lambda most: {"a": "x" * most}, {}),
    "JEJAK_MAX_VALUES": (STATEMENTS, lambda most: array(most, b"0"), {}),
    "lrs.http.records.routes.MOST_VALUES": (LOOKUP, lambda most: array(most, b"0"), {}),
    "JEJAK_MAX_BATCH": (STATEMENTS, lambda most: array(most + 1, b"{}"), {}),
    "JEJAK_VALIDATE_MAX_BYTES": (VALIDATE, lambda most: b" " * (most + 1), STRANGER),
    "lrs.xapi.size_limits.MOST_KEYS": (STATEMENTS, groups, {}),
}
"""What is too large by the number of a row: where it is posted, the body, headers."""


@pytest.mark.parametrize("name", TOO_LARGE)
def test_what_is_too_large_is_refused_as_told(app: Application, name: str) -> None:
    """A body beyond the number of its row is 413, as the row says."""
    path, body, headers = TOO_LARGE[name]
    assert beyond(name).startswith("413")
    known = app.wired.credentials.create("agency", name, ["all"])

    async def scenario(ask: Asking) -> int:
        return (await ask.call("POST", path, body(int(actual(name))), headers=headers)).status

    assert asking(app, known, scenario) == 413


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("jejak.server.environ.MOST_HEADERS", {f"x-{n}": "y" for n in range(101)}),
        ("jejak.server.environ.MOST_HEADER_BYTES", {"x-a": "y" * 65_536}),
    ],
)
def test_a_head_that_is_too_large_is_refused_as_told(
    app: Application, name: str, headers: dict[str, str]
) -> None:
    """Too many headers, or too long ones."""
    assert beyond(name).startswith("431")
    known = app.wired.credentials.create("agency", name, ["all"])

    async def scenario(ask: Asking) -> int:
        return (await ask.call("GET", "/health/live", headers=headers)).status

    assert asking(app, known, scenario) == 431


async def _ask_too_often(ask: Asking, patched: pytest.MonkeyPatch) -> Answer:
    for _ in range(int(actual("JEJAK_VALIDATE_PER_MINUTE"))):
        assert (await ask.call("POST", VALIDATE, statement(), headers=STRANGER)).status == 200
    return await ask.call("POST", VALIDATE, statement(), headers=STRANGER)


async def _too_many_in_hand(ask: Asking, patched: pytest.MonkeyPatch) -> Answer:
    ask.serving.requests = Slots(0)
    return await ask.call("POST", STATEMENTS, statement())


async def _too_many_unread(ask: Asking, patched: pytest.MonkeyPatch) -> Answer:
    assert (await ask.call("POST", STATEMENTS, statement(result={"response": "x" * 200_000}))).status == 200
    ask.serving._answers.unread = Slots(0)
    return await ask.call("GET", STATEMENTS)


async def _too_many_writes(ask: Asking, patched: pytest.MonkeyPatch) -> Answer:
    patched.setattr(write_queue, "MOST_WAITING", 1)
    return await _behind_another_write(ask)


async def _too_many_bytes_of_writes(ask: Asking, patched: pytest.MonkeyPatch) -> Answer:
    patched.setattr(write_queue, "MOST_WAITING_BYTES", 1)
    return await _behind_another_write(ask)


async def _behind_another_write(ask: Asking) -> Answer:
    """Two requests of one tenant while the writing thread is held up: one waits, the other is refused."""
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(_: Writer) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(60)

    ask.worker._app.wired.store.submit(hold, lambda *_: None, WriteHints(tenant="another agency"))
    await begun.wait()
    both = [asyncio.create_task(ask.call("POST", STATEMENTS, statement())) for _ in range(2)]
    try:
        (refused,), (waiting,) = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        go_on.set()
    assert (await waiting).status == 200
    return await refused


async def _too_much_of_one_tenant(ask: Asking, patched: pytest.MonkeyPatch) -> Answer:
    patched.setattr(parse_budget, "SHARE", 1)
    patched.setattr(parse_budget, "WAITING_SHARE", 0)
    patched.setattr(ParseBudget, "_fits", lambda *_: False)
    return await ask.call("POST", STATEMENTS, statement(result={"response": "x" * 200_000}))


REFUSED = {
    "JEJAK_VALIDATE_PER_MINUTE": (429, _ask_too_often),
    "jejak.server.asgi.MOST_REQUESTS": (503, _too_many_in_hand),
    "jejak.server.sending.UNREAD_BYTES": (503, _too_many_unread),
    "lrs.store.write_queue.MOST_WAITING": (503, _too_many_writes),
    "lrs.store.write_queue.MOST_WAITING_BYTES": (503, _too_many_bytes_of_writes),
    "lrs.http.parse_budget.WAITING_SHARE": (429, _too_much_of_one_tenant),
}


@pytest.mark.parametrize("name", REFUSED)
def test_every_refusal_that_may_pass_says_so(
    app: Application, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Beyond the number of these rows a request is 429 or 503, as they say, with Retry-After in seconds."""
    status, scenario = REFUSED[name]
    assert str(status) in beyond(name)
    known = app.wired.credentials.create(f"agency {name}", name, ["all"])
    answer = asking(app, known, lambda ask: scenario(ask, monkeypatch))
    assert answer.status == status
    assert int(answer.headers["retry-after"]) > 0


def beyond(name: str) -> str:
    """What the page says of whoever goes beyond a bound."""
    (found,) = (row[2] for row in rows() if row[3].strip("`") == name)
    return found

"""`jejak outbox` shows what waits to be sent and what failed, as data for scripts and as lines for people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from jejak.cli.main import main
from jejak.clock import now
from lrs.outbox.deliveries import Deliveries
from lrs.outbox.messages import FAILED, Draft, MessageKind, Outcome
from lrs.outbox.outbox import Outbox
from lrs.store.open import open_store
from lrs.xapi.statement_keys import STATEMENT_KEYS


@pytest.fixture
def address(tmp_path: Path) -> str:
    """A store in which two agencies have messages: one failed, one waits."""
    made = f"sqlite:///{tmp_path}/jejak.db"
    store = open_store(made, STATEMENT_KEYS)
    outbox = Outbox(store, now)
    refuse = MessageKind("parcel", lambda _: Outcome(FAILED, "refused", 410, "it is gone"))
    outbox.add_kind(refuse)
    outbox.put("parcel", Draft("bkd", "one", "a", {}))
    Deliveries(outbox).run_once()
    outbox.put("parcel", Draft("bkn", "two", "b", {}))
    store.close()
    return made


def run(address: str, *words: str) -> str:
    """What the command prints."""
    answer = CliRunner(env={"JEJAK_STORE": address}).invoke(main, ["outbox", *words])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_scripts_read_every_count_and_reason(address: str) -> None:
    """One JSON object for each target, of all agencies or of one."""
    told = {one["tenant"]: one for one in json.loads(run(address, "--json"))}
    assert (told["bkd"]["kind"], told["bkd"]["target"]) == ("parcel", "one")
    assert (told["bkd"]["waiting"], told["bkd"]["failed"]) == (0, 1)
    assert (told["bkd"]["code"], told["bkd"]["http_status"]) == ("refused", 410)
    assert told["bkn"]["waiting"] == 1
    assert [one["tenant"] for one in json.loads(run(address, "--json", "--tenant", "bkn"))] == ["bkn"]


def test_people_read_lines_without_what_is_empty(address: str) -> None:
    """Counts always, a reason and its time where there is one."""
    lines = run(address, "--tenant", "bkd").splitlines()
    assert lines[:5] == ["kind: parcel", "tenant: bkd", "target: one", "waiting: 0", "failed: 1"]
    assert "detail: it is gone" in lines
    assert any(line.startswith("problem_at: 20") for line in lines)
    assert "detail" not in run(address, "--tenant", "bkn")


def test_nothing_is_shown_where_nothing_waits(tmp_path: Path) -> None:
    """An empty outbox is no lines, and an empty list for scripts."""
    address = f"sqlite:///{tmp_path}/empty.db"
    assert run(address) == ""
    assert json.loads(run(address, "--json")) == []

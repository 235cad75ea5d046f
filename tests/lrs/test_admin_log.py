"""The log of administrators' acts: what it keeps, for how long, and what never gets into it."""

from __future__ import annotations

import pytest

from lrs.admin_log import KEPT_DAYS, KIND, AdminLog
from lrs.store.documents import DocumentQuery
from lrs.store.errors import UnavailableError
from lrs.store.port import Store, Writer

DAY = 86_400_000_000


class Clock:
    """A clock that stands until it is moved."""

    now = 2_000 * DAY

    def __call__(self) -> int:
        return self.now


def test_acts_are_told_the_latest_first_and_by_agency(store: Store) -> None:
    """An agency sees its own acts, the operator all of them."""
    clock = Clock()
    log = AdminLog(store, clock)
    for number, tenant in enumerate(("bkn", "bkd", "bkn", "")):
        clock.now += 1
        log.note("credential.created", by="operator", name="root", tenant=tenant, target=f"k{number}")
    assert [one.target for one in log.acts("bkn")] == ["k2", "k0"]
    assert [one.target for one in log.acts()] == ["k3", "k2", "k1", "k0"]
    assert [one.target for one in log.acts(limit=1)] == ["k3"]


def test_an_act_says_who_did_what_to_what(store: Store) -> None:
    """All that was noted comes back."""
    log = AdminLog(store, Clock())
    told = log.note("credential.scopes", by="operator", name="adm", tenant="bkn", target="k", added=("all",))
    assert log.acts() == [told]
    assert (told.name, told.target, told.details) == ("adm", "k", {"added": ["all"]})


def test_acts_are_forgotten_after_two_years(store: Store) -> None:
    """What is older goes with the next act that is kept."""
    clock = Clock()
    log = AdminLog(store, clock)
    log.note("platform.added", by="operator", name="a", target="old")
    clock.now += (KEPT_DAYS - 1) * DAY
    log.note("platform.added", by="operator", name="a", target="young")
    assert {one.target for one in log.acts()} == {"old", "young"}
    clock.now += 2 * DAY
    log.note("platform.added", by="operator", name="a", target="new")
    assert [one.target for one in log.acts()] == ["new", "young"]


def test_numbers_addresses_and_control_characters_do_not_get_into_it(store: Store) -> None:
    """Whatever an operator wrote into a name: no employee number and no e-mail is kept."""
    log = AdminLog(store, Clock())
    log.note(
        "credential.created",
        by="operator",
        name="budi@bkn.go.id",
        target="x\n\x1b[1m",
        named="Moodle 199001012015031001",
        listed=["19900101 201503 1 001", 5, True],
        long="x" * 10_000,
    )
    with store.reading() as reader:
        (kept,) = reader.find_documents(DocumentQuery(KIND, "", limit=9))
    for secret in (b"bkn.go.id", b"199001012015031001", b"201503", b"\\n", b"u001b"):
        assert secret not in kept.body
    assert len(kept.body) < 1_000


def test_an_act_that_cannot_be_kept_fails_nobody(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What was done is done: the act is in the program's log, and whoever did it hears of no failure."""

    def fail(*_args: object, **_more: object) -> None:
        raise UnavailableError("gone")

    monkeypatch.setattr(store, "writing", fail)
    told = AdminLog(store, Clock()).note("credential.created", by="operator", name="a", target="k1")
    assert told.act == "credential.created"
    assert "admin_act_not_kept" in caplog.text
    assert "k1" in caplog.text


def test_an_act_is_kept_with_what_was_done_or_not_at_all(store: Store) -> None:
    """As part of a larger write it stands or falls with it."""
    log = AdminLog(store, Clock())
    noting = log.noting("table.changed", by="program", name="a", tenant="bkn")

    def work(writer: Writer) -> None:
        noting(writer)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.writing(work)
    assert log.acts() == []
    store.writing(noting)
    assert [one.act for one in log.acts("bkn")] == ["table.changed"]

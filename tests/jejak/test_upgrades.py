"""A store of an earlier build is settled by whatever program opens it first, and not a second time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jejak import wsgi
from jejak.clock import now
from jejak.settings import load
from jejak.wiring import core, lti_settings
from lrs.access import CARRIED_OVER, Credentials, Scope
from lrs.store import json_documents
from lrs.store.open import open_store
from lrs.store.port import Store
from lrs.xapi.statement_keys import STATEMENT_KEYS
from lti_tool.platforms.platforms import KIND, Platforms
from tests.lti_tool.platform import TOOL, Clock, TestPlatform, Wire


def as_it_was(store: Store, environment: dict[str, str]) -> tuple[str, str]:
    """A credential and a platform as an earlier build kept them; key and platform id."""
    key, _ = Credentials(store, now).create("agency", "lms", ["statements/write"])
    platforms = Platforms(store, now)
    made = TestPlatform(Clock(now())).register(platforms, Wire(lti_settings(load(environment))))

    def earlier(writer: Any) -> None:
        value = json_documents.get(writer, KIND, made.id)
        assert value is not None
        value.pop("numbers_trusted", None)
        json_documents.put(writer, KIND, made.id, value, now=1, keys=("tenant\x1fagency",), order=made.name)

    store.writing(earlier)
    return key, made.id


@pytest.mark.parametrize("program", ["wsgi", "follower"])
def test_existing_keys_and_platforms_keep_what_they_could(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Under another server than `jejak serve`, too: decisions count and numbers are trusted as before."""
    environment = {"JEJAK_STORE": f"sqlite:///{tmp_path}/jejak.db", "JEJAK_PUBLIC_URL": TOOL}
    store = open_store(environment["JEJAK_STORE"], STATEMENT_KEYS)
    key, platform = as_it_was(store, environment)
    store.close()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def opened() -> None:
        if program == "wsgi":
            wsgi.application().close()
        else:
            core(load(environment)).store.close()

    opened()
    assert len([each for each in caplog.messages if key in each or platform in each]) == 2
    caplog.clear()
    opened()
    assert not [each for each in caplog.messages if key in each or platform in each]
    store = open_store(environment["JEJAK_STORE"], STATEMENT_KEYS)
    with store.reading() as reader:
        assert reader.document(CARRIED_OVER, "", Scope.DECISIONS_WRITE) is not None
        kept = json_documents.get(reader, KIND, platform)
    held = {one.key: one.scopes for one in Credentials(store, now).list("agency")}
    store.close()
    assert Scope.DECISIONS_WRITE in held[key]
    assert kept is not None
    assert kept["numbers_trusted"] is True

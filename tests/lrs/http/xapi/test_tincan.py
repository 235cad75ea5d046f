"""The tincan client, unchanged, against a real server: every call of its RemoteLRS."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tincan import (
    Activity,
    ActivityDefinition,
    Agent,
    LanguageMap,
    RemoteLRS,
    Statement,
    StatementRef,
    Verb,
)
from tincan.documents import ActivityProfileDocument, AgentProfileDocument, StateDocument
from tincan.http_request import HTTPRequest

from jejak.clock import now
from lrs.access import Credentials
from lrs.store.open import open_store
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests.lrs.conftest import LIMITS
from tests.serving import application, serving

AGENT = Agent(name="Siti", mbox="mailto:siti@example.go.id")
ACTIVITY = Activity(
    id="https://lms.example.go.id/course/1", definition=ActivityDefinition(name=LanguageMap({"id": "Kursus"}))
)
COMPLETED = Verb(id="http://adlnet.gov/expapi/verbs/completed", display=LanguageMap({"id": "menyelesaikan"}))


@pytest.fixture
def lrs(tmp_path: Path) -> Iterator[RemoteLRS]:
    """A client with a credential of its own, on a server over a SQLite file."""
    store = open_store(f"sqlite:///{tmp_path / 'tincan.db'}", STATEMENT_KEYS)
    try:
        key, secret = Credentials(store, now).create("one", "tincan", ["all"])
        with serving(application(store, limits=LIMITS)) as served:
            yield RemoteLRS(version="1.0.3", endpoint=served.endpoint, username=key, password=secret)
    finally:
        store.close()


def sent() -> Statement:
    return Statement(id=str(uuid.uuid4()), actor=AGENT, verb=COMPLETED, object=ACTIVITY)


def test_statements_are_saved_found_and_paged(lrs: RemoteLRS) -> None:
    """save_statement(s), retrieve_statement, query_statements and more_statements."""
    one = sent()
    assert lrs.save_statement(one).success
    assert lrs.save_statement(one).success
    assert lrs.save_statements([sent(), sent(), sent()]).success
    found = lrs.retrieve_statement(one.id)
    assert found.success
    assert str(found.content.id) == str(one.id)
    assert found.content.authority.account.name == "tincan"
    page = lrs.query_statements({"agent": AGENT, "verb": COMPLETED, "activity": ACTIVITY, "limit": 3})
    assert page.success
    assert len(page.content.statements) == 3
    rest = lrs.more_statements(page.content)
    assert rest.success
    assert [str(each.id) for each in rest.content.statements] == [str(one.id)]
    assert not rest.content.more


def test_a_statement_is_voided(lrs: RemoteLRS) -> None:
    """The voided statement is found by retrieve_voided_statement alone."""
    one = sent()
    lrs.save_statement(one)
    void = Statement(
        actor=AGENT, verb=Verb(id="http://adlnet.gov/expapi/verbs/voided"), object=StatementRef(id=one.id)
    )
    assert lrs.save_statement(void).success
    assert not lrs.retrieve_statement(one.id).success
    assert str(lrs.retrieve_voided_statement(one.id).content.id) == str(one.id)


def test_state_is_saved_listed_and_deleted(lrs: RemoteLRS) -> None:
    """save_state with its etag, retrieve_state(_ids), delete_state and clear_state."""
    document = StateDocument(
        activity=ACTIVITY, agent=AGENT, id="progress", content='{"page":1}', content_type="application/json"
    )
    assert lrs.save_state(document).success
    got = lrs.retrieve_state(ACTIVITY, AGENT, "progress")
    assert got.success
    assert bytes(got.content.content) == b'{"page":1}'
    document.etag, document.content = got.response.getheader("ETag"), '{"page":2}'
    # tincan 1.0.0 sends every save_state twice; the second no longer has the current tag.
    assert lrs.save_state(document).response.status == 412
    assert bytes(lrs.retrieve_state(ACTIVITY, AGENT, "progress").content.content) == b'{"page":2}'
    assert lrs.retrieve_state_ids(ACTIVITY, AGENT).content == ["progress"]
    document.etag = None
    assert lrs.delete_state(document).success
    assert lrs.save_state(document).success
    assert lrs.clear_state(ACTIVITY, AGENT).success
    assert lrs.retrieve_state_ids(ACTIVITY, AGENT).content == []


def test_profiles_are_read_updated_and_deleted(lrs: RemoteLRS) -> None:
    """Activity and agent profiles; tincan cannot say If-None-Match, so 1.0.3 has it refused a new one."""
    cases: tuple[tuple[Any, ...], ...] = (
        (
            ActivityProfileDocument(activity=ACTIVITY, id="p", content="one", content_type="text/plain"),
            {"activityId": ACTIVITY.id},
            lrs.save_activity_profile,
            lambda: lrs.retrieve_activity_profile(ACTIVITY, "p"),
            lambda: lrs.retrieve_activity_profile_ids(ACTIVITY),
            lrs.delete_activity_profile,
        ),
        (
            AgentProfileDocument(agent=AGENT, id="p", content="one", content_type="text/plain"),
            {"agent": AGENT.to_json("1.0.3")},
            lrs.save_agent_profile,
            lambda: lrs.retrieve_agent_profile(AGENT, "p"),
            lambda: lrs.retrieve_agent_profile_ids(AGENT),
            lrs.delete_agent_profile,
        ),
    )
    for case in cases:
        document, owner, save, get, listed, delete = case
        assert save(document).response.status == 400
        resource = "activities/profile" if "activityId" in owner else "agents/profile"
        new = HTTPRequest(method="POST", resource=resource, content="zero")
        new.headers["Content-Type"] = "text/plain"
        new.query_params = {**owner, "profileId": "p"}
        assert lrs._send_request(new).success
        got = get()
        assert bytes(got.content.content) == b"zero"
        document.etag = got.response.getheader("ETag")
        assert save(document).success
        assert bytes(get().content.content) == b"one"
        assert listed().content == ["p"]
        document.etag = None
        assert delete(document).success
        assert listed().content == []


def test_about_names_the_versions(lrs: RemoteLRS) -> None:
    """about() is understood."""
    assert "1.0.3" in lrs.about().content.version

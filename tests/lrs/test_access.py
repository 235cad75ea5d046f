"""Credentials, and the table of what each scope opens."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from jejak.clock import now
from lrs.access import CACHE_MICROSECONDS, KIND, Access, Credentials, Scope, mine_key
from lrs.store.port import Store
from tests.lrs.client import Client
from tests.lrs.samples import COURSE, agent, statement


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


def test_no_key_passes_for_an_option(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and secrets are given to command lines: none begins with a hyphen."""
    made = iter(["-Version", "-", "key", "-secret", "secret"])
    monkeypatch.setattr("lrs.access.secrets.token_urlsafe", lambda size: next(made))
    assert Credentials(store, now).create("one", "lms", ["all"]) == ("key", "secret")


def test_a_secret_opens_only_its_own_key(store: Store) -> None:
    """A key is accepted with its own secret and with no other."""
    credentials = Credentials(store, now)
    key, secret = credentials.create("one", "lms", ["all"])
    other, other_secret = credentials.create("one", "tool", ["all"])
    assert credentials.authenticate(key, secret)
    assert credentials.authenticate(other, other_secret)
    for pair in ((key, other_secret), (key, ""), (key, secret + "x"), ("nobody", secret), ("", "")):
        assert credentials.authenticate(*pair) is None


def test_the_store_never_holds_a_secret(store: Store) -> None:
    """What is kept of a secret of 256 bits is its SHA-256."""
    key, secret = Credentials(store, now).create("one", "lms", ["all"])
    with store.reading() as reader:
        document = reader.document(KIND, "", key)
    assert document is not None
    assert secret.encode() not in document.body
    assert len(secret) >= 43


def test_a_disabled_credential_ends_here_at_once_and_elsewhere_within_five_seconds(store: Store) -> None:
    """Disabling empties this process's cache; another process's cache runs out."""
    clock = Clock()
    here, elsewhere = Credentials(store, clock), Credentials(store, clock)
    key, secret = here.create("one", "lms", ["all"])
    assert elsewhere.authenticate(key, secret)
    assert here.disable(key)
    assert here.authenticate(key, secret) is None
    assert elsewhere.authenticate(key, secret)
    clock.now += CACHE_MICROSECONDS + 1
    assert elsewhere.authenticate(key, secret) is None
    assert not here.disable("nobody")


def test_a_credential_in_steady_use_is_known_nearly_always(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is remembered is answered without the store; it is read anew only when it has run out."""
    clock = Clock()
    credentials = Credentials(store, clock)
    key, secret = credentials.create("one", "lms", ["all"])
    assert not credentials.remembers(key)
    reads: list[int] = []
    reading = store.reading

    def noted() -> Any:
        reads.append(clock.now)
        return reading()

    monkeypatch.setattr(store, "reading", noted)
    remembered = 0
    for _ in range(1_000):
        clock.now += CACHE_MICROSECONDS // 100
        before = len(reads)
        is_remembered = credentials.remembers(key)
        assert credentials.authenticate(key, secret)
        assert not (is_remembered and len(reads) > before)
        remembered += is_remembered
    assert len(reads) <= 10
    assert remembered > 950


def test_the_credentials_of_a_tenant_are_listed_without_those_of_others(store: Store) -> None:
    """A listing shows names, scopes and state, of one tenant, in order of name."""
    credentials = Credentials(store, now)
    for tenant, name in (("one", "b"), ("two", "c"), ("one", "a")):
        credentials.create(tenant, name, ["state", "statements/write"])
    key = credentials.list("one")[0].key
    credentials.disable(key)
    found = credentials.list("one")
    assert [(each.name, each.disabled) for each in found] == [("a", True), ("b", False)]
    assert found[0].scopes == (Scope.STATE, Scope.STATEMENTS_WRITE)


@pytest.mark.parametrize(
    ("tenant", "name", "scopes"),
    [
        ("", "n", ["all"]),
        ("t", " ", ["all"]),
        ("t\x1fx", "n", ["all"]),
        ("t", "n" * 201, ["all"]),
        ("t", "n", ["everything"]),
        ("t", "n", []),
    ],
)
def test_unusable_names_and_scopes_are_refused(
    store: Store, tenant: str, name: str, scopes: list[str]
) -> None:
    """A credential needs a plain tenant and name, and known scopes."""
    with pytest.raises(ValueError, match=r"."):
        Credentials(store, now).create(tenant, name, scopes)


def test_an_authority_group_has_a_key_of_its_members() -> None:
    """The authority of an OAuth application and its user is known by both, in any order."""
    one, two = agent("a"), agent("b")
    both = mine_key({"objectType": "Group", "member": [one, two]})
    assert both == mine_key({"objectType": "Group", "member": [two, one]})
    assert both not in (mine_key(one), mine_key(two))


def test_inner_access_may_do_everything_in_its_tenant() -> None:
    """Parts of this program pass with every permission, and an authority of their own."""
    access = Access.internal("one", "tool", agent("tool"))
    assert access.may_write
    assert access.may_decide
    assert access.may_read_everything
    assert access.may_define
    assert access.mine == mine_key(agent("tool"))


READ_OWN, READ_OTHERS, WRITE, STATE_READ, STATE_WRITE, PROFILE_READ, PROFILE_WRITE, DESCRIBE, DEFINE = range(
    9
)
EVERYTHING = set(range(9))
ALLOWED = {
    "statements/write": {WRITE},
    "decisions/write": set(),
    "statements/read/mine": {READ_OWN, DESCRIBE},
    "statements/read": {READ_OWN, READ_OTHERS, DESCRIBE},
    "state": {STATE_READ, STATE_WRITE, DESCRIBE},
    "profile": {PROFILE_READ, PROFILE_WRITE, DESCRIBE},
    "define": {DESCRIBE},
    "all/read": {READ_OWN, READ_OTHERS, STATE_READ, PROFILE_READ, DESCRIBE},
    "all": EVERYTHING - {DEFINE},
}
STATE = ("/activities/state", {"activityId": COURSE, "agent": json.dumps(agent()), "stateId": "s"})
ACTIVITY_PROFILE = ("/activities/profile", {"activityId": COURSE, "profileId": "p"})
AGENT_PROFILE = ("/agents/profile", {"agent": json.dumps(agent()), "profileId": "p"})
DEEDS = [
    ("GET", "/statements", {}, READ_OWN),
    ("HEAD", "/statements", {}, READ_OWN),
    ("POST", "/statements", {}, WRITE),
    ("PUT", "/statements", {"statementId": "8f87ccde-bb56-4c2e-ab83-44982ef22df0"}, WRITE),
    ("GET", *STATE, STATE_READ),
    ("PUT", *STATE, STATE_WRITE),
    ("POST", *STATE, STATE_WRITE),
    ("DELETE", *STATE, STATE_WRITE),
    *(
        (method, *where, PROFILE_READ if method == "GET" else PROFILE_WRITE)
        for where in (ACTIVITY_PROFILE, AGENT_PROFILE)
        for method in ("GET", "PUT", "POST", "DELETE")
    ),
    ("GET", "/activities", {"activityId": COURSE}, DESCRIBE),
    ("GET", "/agents", {"agent": json.dumps(agent())}, DESCRIBE),
]


@pytest.mark.parametrize("scope", list(ALLOWED))
@pytest.mark.parametrize(("method", "path", "params", "deed"), DEEDS)
def test_a_scope_opens_what_the_table_says_and_nothing_else(
    client: Client, store: Store, scope: str, method: str, path: str, params: dict[str, str], deed: int
) -> None:
    """Each scope, resource and method: 403 outside the scope, never inside."""
    caller = client.as_(store, scope)
    body: object = None
    if method in ("PUT", "POST"):
        body = {key: value for key, value in statement().items() if key != "id"}
    answer = caller.call(method, path, params, body, headers={"If-None-Match": "*"})
    if deed in ALLOWED[scope]:
        assert answer.status in {200, 204, 404}
    else:
        assert answer.status == 403
        assert method == "HEAD" or answer.json["title"] == "Forbidden"


@pytest.mark.parametrize("scope", ["statements/read/mine", "statements/read", "all/read", "all"])
@pytest.mark.parametrize("whose", ["own", "other", "other tenant"])
def test_statements_are_seen_by_whom_the_scope_says(
    client: Client, store: Store, scope: str, whose: str
) -> None:
    """read/mine sees its own authority's statements alone; no scope sees another tenant's."""
    writers = {
        "own": client.as_(store, "statements/write", name="me"),
        "other": client.as_(store, "statements/write", name="other"),
        "other tenant": client.as_(store, "statements/write", tenant="two", name="me"),
    }
    sent = statement()
    assert writers[whose].post("/statements", sent).status == 200
    reader = client.as_(store, scope, name="me")
    seen = whose == "own" or (whose == "other" and scope != "statements/read/mine")
    assert [each["id"] for each in reader.statements()] == ([sent["id"]] if seen else [])
    assert reader.get("/statements", {"statementId": sent["id"]}).status == (200 if seen else 404)


def test_the_authority_comes_from_the_credential(client: Client) -> None:
    """Whatever authority a statement brings, the store writes that of the caller."""
    sent = statement(authority=agent("impostor"))
    client.post("/statements", sent)
    authority = client.get("/statements", {"statementId": sent["id"]}).json["authority"]
    assert authority["account"]["name"] == "everything"
    assert authority["account"]["homePage"].endswith("/one")


def test_the_same_id_may_be_used_in_two_tenants(client: Client, store: Store) -> None:
    """Tenants do not see each other's statements, documents, definitions or names, even by id."""
    other = client.as_(store, "all", tenant="two")
    mine, theirs = statement(), statement("budi")
    theirs["id"] = mine["id"]
    mine["object"]["definition"] = {"name": {"en": "Mine"}}
    mine["actor"]["name"] = "Siti"
    assert client.post("/statements", mine).status == 200
    assert other.post("/statements", theirs).status == 200
    assert client.put(*STATE, b"mine", headers={"Content-Type": "text/plain"}).status == 204
    assert other.get(*STATE).status == 404
    assert other.get("/activities", {"activityId": COURSE}).json == {"objectType": "Activity", "id": COURSE}
    assert "name" not in other.get("/agents", {"agent": json.dumps(agent())}).json


def test_without_the_scope_define_nothing_is_defined(client: Client, store: Store) -> None:
    """A writer without `define` stores statements, yet changes no definition and no name."""
    sent = statement()
    sent["object"]["definition"] = {"name": {"en": "A course"}}
    sent["actor"]["name"] = "Siti"
    client.as_(store, "statements/write").post("/statements", sent)
    assert "definition" not in client.get("/activities", {"activityId": COURSE}).json
    assert "name" not in client.get("/agents", {"agent": json.dumps(agent())}).json
    del sent["id"]
    client.as_(store, "statements/write", "define").post("/statements", sent)
    assert client.get("/activities", {"activityId": COURSE}).json["definition"] == {
        "name": {"en": "A course"}
    }
    assert client.get("/agents", {"agent": json.dumps(agent())}).json["name"] == ["Siti"]


def test_names_of_agents_are_hidden_from_who_sees_only_its_own_statements(
    client: Client, store: Store
) -> None:
    """With read/mine a Person holds what was asked with, and no name from others' statements."""
    sent = statement()
    sent["actor"]["name"] = "Siti"
    client.post("/statements", sent)
    person = client.as_(store, "statements/read/mine").get("/agents", {"agent": json.dumps(agent())}).json
    assert person == {"objectType": "Person", "mbox": [agent()["mbox"]]}


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic bm9jb2xvbg==",
        "Bearer abc",
        "Basic " + "QQ==" * 2000,
        "Basic /////w==",
    ],
)
def test_without_a_known_credential_nothing_is_told(client: Client, header: str | None) -> None:
    """401 with a challenge; /about and OPTIONS alone are open."""
    stranger = replace(client, credential=None)
    headers = {} if header is None else {"Authorization": header}
    for path in ("/statements", "/activities/state", "/activities", "/agents/profile"):
        answer = stranger.get(path, headers=headers)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic")
    assert stranger.get("/about", headers=headers).status == 200
    assert stranger.call("OPTIONS", "/statements", headers=headers).status == 204


def test_read_mine_finds_no_statement_of_others_through_references(client: Client, store: Store) -> None:
    """A statement of someone else that refers to mine is found by my verb for everyone but me."""
    me = client.as_(store, "statements/write", "statements/read/mine", name="me")
    other = client.as_(store, "statements/write", name="other")
    mine = statement()
    me.post("/statements", mine)
    theirs = statement("budi", "https://example.org/verb")
    theirs["object"] = {"objectType": "StatementRef", "id": mine["id"]}
    other.post("/statements", theirs)
    found = {each["id"] for each in client.statements(verb=mine["verb"]["id"])}
    assert found == {mine["id"], theirs["id"]}
    assert [each["id"] for each in me.statements(verb=mine["verb"]["id"])] == [mine["id"]]
    assert [each["id"] for each in me.statements()] == [mine["id"]]


def test_a_conflict_tells_a_mere_writer_nothing_of_what_is_stored(client: Client, store: Store) -> None:
    """409 names the places that differ to those alone who may read the stored statement, or wrote it."""
    key = "https://example.org/extensions/diagnosis"
    sent = statement(result={"extensions": {key: "secret"}})
    other = {**sent, "result": {"extensions": {"https://example.org/guess": 1}}}
    writer = client.as_(store, "statements/write", name="writer")
    client.post("/statements", sent)
    refused = writer.put("/statements", {"statementId": sent["id"]}, other)
    assert refused.status == 409
    assert [each["pointer"] for each in refused.json["errors"]] == [""]
    assert b"diagnosis" not in refused.body
    assert b"diagnosis" in client.put("/statements", {"statementId": sent["id"]}, other).body
    own = statement("budi")
    writer.post("/statements", own)
    again = writer.put("/statements", {"statementId": own["id"]}, {**own, "actor": sent["actor"]})
    assert [each["pointer"] for each in again.json["errors"]] == ["/actor/mbox"]


@pytest.mark.parametrize("scope", list(Scope))
def test_writing_statements_is_not_deciding(store: Store, scope: Scope) -> None:
    """Decisions count from credentials with a scope of their own, which `all` includes."""
    credentials = Credentials(store, now)
    access = credentials.authenticate(*credentials.create("one", "name", [scope]))
    assert access is not None
    assert access.may_decide is (scope in {Scope.DECISIONS_WRITE, Scope.ALL})


def test_scopes_are_added_and_removed(store: Store) -> None:
    """What a credential may do changes at once where it was changed; its secret stays the same."""
    credentials = Credentials(store, now)
    key, secret = credentials.create("one", "name", [Scope.STATEMENTS_WRITE])
    assert credentials.authenticate(key, secret) is not None
    changed = credentials.rescope(key, add={Scope.DECISIONS_WRITE, Scope.STATE})
    assert changed is not None
    assert set(changed.scopes) == {Scope.STATEMENTS_WRITE, Scope.DECISIONS_WRITE, Scope.STATE}
    credentials.rescope(key, add={Scope.DEFINE}, remove={Scope.STATE, Scope.STATEMENTS_WRITE, Scope.ALL})
    access = credentials.authenticate(key, secret)
    assert access is not None
    assert access.scopes == {Scope.DECISIONS_WRITE, Scope.DEFINE}
    with pytest.raises(ValueError, match="at least one scope"):
        credentials.rescope(key, remove={Scope.DECISIONS_WRITE, Scope.DEFINE})
    assert credentials.authenticate(key, secret) == access
    assert credentials.rescope("nobody", add={Scope.STATE}) is None


def test_a_disabled_credential_stays_disabled_when_its_scopes_change(store: Store) -> None:
    """Changing scopes brings nothing back."""
    credentials = Credentials(store, now)
    key, secret = credentials.create("one", "name", [Scope.STATE])
    credentials.disable(key)
    credentials.rescope(key, add={Scope.ALL})
    assert credentials.authenticate(key, secret) is None


def test_who_could_write_before_may_decide_after_once(store: Store) -> None:
    """Credentials of an earlier version keep what they had; later and disabled ones get nothing."""
    credentials = Credentials(store, now)
    early = {
        scope: credentials.create("one", f"early {scope}", [scope])[0]
        for scope in (Scope.STATEMENTS_WRITE, Scope.STATEMENTS_READ, Scope.ALL)
    }
    disabled = credentials.create("two", "disabled", [Scope.STATEMENTS_WRITE])[0]
    credentials.disable(disabled)
    held = credentials.carry_over()
    assert held is not None
    assert {one.key for one in held} == {early[Scope.STATEMENTS_WRITE], early[Scope.ALL]}
    late = credentials.create("one", "late", [Scope.STATEMENTS_WRITE])[0]
    assert credentials.carry_over() is None
    scopes = {one.key: set(one.scopes) for tenant in ("one", "two") for one in credentials.list(tenant)}
    assert scopes == {
        early[Scope.STATEMENTS_WRITE]: {Scope.STATEMENTS_WRITE, Scope.DECISIONS_WRITE},
        early[Scope.STATEMENTS_READ]: {Scope.STATEMENTS_READ},
        early[Scope.ALL]: {Scope.ALL},
        disabled: {Scope.STATEMENTS_WRITE},
        late: {Scope.STATEMENTS_WRITE},
    }


def test_when_too_many_credentials_are_remembered_the_oldest_is_forgotten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ever new keys do not make every caller's next request read the store."""
    monkeypatch.setattr("lrs.access.CACHE_SIZE", 2)
    credentials = Credentials(store, lambda: 1_000_000_000)
    pairs = [credentials.create("bkn", f"source {number}", ["all"]) for number in range(3)]
    for pair in pairs:
        credentials.authenticate(*pair)
    assert [credentials.remembers(key) for key, _ in pairs] == [False, True, True]

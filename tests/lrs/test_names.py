"""Which names agencies and credentials may have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lrs.access import Credentials
from lrs.http.xapi.application import XapiApplication
from lrs.names import check_credential_name, check_tenant_name
from lrs.store.documents import Document
from lrs.store.port import Store
from lrs.tenants import tenant_key
from lti_tool.platforms.platforms import Platforms
from lti_tool.services.emitter import access_of
from lti_tool.services.registration import Invites
from lti_tool.settings import LtiSettings
from tests.lrs.client import Client


@pytest.mark.parametrize(
    "tenant",
    ["bkn", "T", "7", "my-agency", "bkd_jabar", "bkn.go.id", "BKD Jawa Barat", "Dinas Perhubungan 2", "é"],
)
def test_agencies_have_plain_names(tenant: str) -> None:
    """Letters and digits of any script, with single spaces, points, hyphens and underscores between them."""
    check_tenant_name(tenant)


@pytest.mark.parametrize(
    "tenant",
    [
        "", " ", "bkn ", " bkn", "bkn\t", "bkn\n", "bkn\u00a0", "bkn\u200b",
        "a  b", "a\x1fb", "a/b", "a:b", "a*b",
        "-bkn", "bkn-", ".", "..", "_", "a\u0301", "bkn\u202e",
        "x" * 201, "a\ud800", "a\x00b", "'; --", "<b>",
    ],
)  # fmt: skip
def test_other_names_of_agencies_are_refused_with_what_is_allowed(tenant: str, store: Store) -> None:
    """A name that could be taken for another's is refused, and nothing is kept."""
    with pytest.raises(ValueError, match="letters and digits, with single spaces"):
        check_tenant_name(tenant)
    credentials = Credentials(store, lambda: 1)
    with pytest.raises(ValueError, match="the tenant must be"):
        credentials.create(tenant, "n", ["all"])
    assert credentials.list(tenant) == []


@pytest.mark.parametrize(
    "name",
    [
        "Jejak",
        "jejak",
        "JEJAK",
        "J e j a k",
        "Jejak.",
        "(jejak)",
        "Je-jak",
        "Ｊｅｊａｋ",
        "Je\u0301jak",
        "jej\u200bak",
    ],
)
def test_nobody_else_has_the_name_of_this_service(name: str, store: Store) -> None:
    """The tool's own authority cannot be made a second time, however the name is spelled."""
    with pytest.raises(ValueError, match=r"what this service calls itself|printable"):
        Credentials(store, lambda: 1).create("bkn", name, ["all"])


def test_a_credential_cannot_have_the_authority_of_the_tool(store: Store) -> None:
    """What a credential writes is never signed as what the tool writes."""
    credentials = Credentials(store, lambda: 1)
    key, secret = credentials.create("bkn", "Jejak 2", ["all"])
    made = credentials.authenticate(key, secret)
    assert made is not None
    assert made.authority["account"] != access_of("bkn").authority["account"]
    assert made.mine != access_of("bkn").mine


@pytest.mark.parametrize("name", ["Moodle", "Moodle 5 (produksi)", "SIASN é", "jejakku", "my jejak"])
def test_credentials_may_have_other_names(name: str) -> None:
    """Names are free otherwise."""
    check_credential_name(name)


@pytest.mark.parametrize("name", ["", " ", "a ", " a", "a\n", "a\x1fb", "x" * 201])
def test_names_of_credentials_are_printable(name: str) -> None:
    """No control characters, no spaces at the ends."""
    with pytest.raises(ValueError, match="printable characters"):
        check_credential_name(name)


@pytest.mark.parametrize("tenant", ["BKD (Jabar)", "A & B"])
def test_an_agency_that_is_here_keeps_its_name(
    tenant: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was allowed when it came, it gets further keys; a new one of such a name is refused."""
    credentials = Credentials(store, lambda: 1)
    with pytest.raises(ValueError, match="the tenant must be"):
        credentials.create(tenant, "first", ["all"])
    with monkeypatch.context() as patch:
        patch.setattr("lrs.access.check_tenant_name", lambda _tenant: None)
        credentials.create(tenant, "first", ["all"])
    key, secret = credentials.create(tenant, "second", ["all"])
    made = credentials.authenticate(key, secret)
    assert made is not None
    assert made.tenant == tenant


@pytest.mark.parametrize("kind", ["tenant", "platform"])
def test_an_agency_is_here_by_its_statements_or_a_platform(kind: str, store: Store) -> None:
    """Any one of them is enough."""
    name = "A & B" if kind == "tenant" else "p1"
    keys = frozenset({tenant_key("A & B")})
    store.writing(lambda writer: writer.put(Document(kind, "", name, b"{}", updated=1, keys=keys)))
    Credentials(store, lambda: 1).create("A & B", "first", ["all"])
    Invites(store, lambda: 1, LtiSettings(public_url="https://jejak.example")).create("A & B")
    base = "https://lms.example"
    added = Platforms(store, lambda: 1).add(
        tenant="A & B",
        name="LMS",
        issuer=base,
        client_id="c",
        auth_login_url=base + "/auth",
        auth_token_url=base + "/token",
        jwks_url=base + "/jwks",
    )
    assert added.tenant == "A & B"


def test_a_key_with_the_name_of_this_service_is_refused(
    client: Client, xapi: XapiApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One from before the name was refused reads and writes nothing: 403 says what to do; it is listed."""
    credentials = xapi.services.credentials
    monkeypatch.setattr("lrs.access.check_credential_name", lambda _name: None)
    pair = credentials.create("one", "jeJak", ["all"])
    imitation = replace(client, credential=pair)
    answer = imitation.get("/statements")
    assert answer.status == 403
    assert "another name" in answer.json["detail"]
    assert [one.key for one in credentials.imitations()] == [pair[0]]
    credentials.disable(pair[0])
    assert credentials.imitations() == []
    assert client.get("/statements").status == 200

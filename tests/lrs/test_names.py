"""Which names agencies and credentials may have."""

from __future__ import annotations

import pytest

from lrs.access import Credentials
from lrs.names import check_credential_name, check_tenant_name
from lrs.store.port import Store
from lti_tool.services.emitter import access_of


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

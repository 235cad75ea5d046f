"""The registry of platforms: unique clients, tenants apart, values checked."""

from __future__ import annotations

from typing import Any

import pytest

from lti_tool.platforms.platforms import AlreadyRegisteredError, Platform
from tests.lti_tool.conftest import World

VALUES: dict[str, Any] = {
    "tenant": "agency",
    "name": "Moodle",
    "issuer": "https://moodle.example",
    "client_id": "c",
    "auth_login_url": "https://moodle.example/a",
    "auth_token_url": "https://moodle.example/t",
    "jwks_url": "https://moodle.example/j",
    "deployments": ["1"],
}


def add(world: World, **changes: Any) -> Platform:
    return world.tool.platforms.add(**{**VALUES, **changes})


def test_a_platform_is_found_by_issuer_and_client(world: World) -> None:
    """Issuer and client id together name one registration, exactly as written."""
    made = add(world)
    found = world.tool.platforms.find("https://moodle.example", "c")
    assert found is not None
    assert found.id == made.id
    for issuer, client in (("https://moodle.example/", "c"), ("https://moodle.example", "C"), ("", "c")):
        assert world.tool.platforms.find(issuer, client) is None


def test_issuer_and_client_do_not_run_together(world: World) -> None:
    """Where one text ends and the next begins is part of the name."""
    add(world, issuer="https://moodle.example/a", client_id="b")
    assert world.tool.platforms.find("https://moodle.example/", "ab") is None


def test_a_client_is_registered_once_over_all_tenants(world: World) -> None:
    """No agency can take over another's registration by adding it again."""
    first = add(world)
    with pytest.raises(AlreadyRegisteredError):
        add(world, tenant="other")
    assert world.tool.platforms.list("other") == []
    assert world.tool.platforms.show(first.id) == first


def test_many_clients_of_one_issuer(world: World) -> None:
    """Agencies that share one hosted platform each have their own client."""
    made = [add(world, client_id=f"c{n}", tenant=f"t{n}") for n in range(3)]
    found = world.tool.platforms.of_issuer("https://moodle.example")
    assert {one.id for one in found} == {one.id for one in made}


def test_platforms_are_listed_by_name_per_tenant(world: World) -> None:
    """A tenant sees its own platforms, an operator all of them."""
    add(world, name="Beta", tenant="t")
    add(world, name="alpha", tenant="t", client_id="d")
    assert [one.name for one in world.tool.platforms.list("t")] == ["alpha", "Beta"]
    assert len(world.tool.platforms.list()) == 3


def test_deployments_can_be_added(world: World) -> None:
    """A deployment added later is accepted, and those of other platforms are not."""
    made, other = add(world), add(world, client_id="d")
    world.tool.platforms.add_deployment(made.id, "2")
    assert world.tool.platforms.has_deployment(made.id, "2")
    assert not world.tool.platforms.has_deployment(other.id, "2")
    shown = world.tool.platforms.show(made.id)
    assert shown is not None
    assert shown.deployments == ("1", "2")
    with pytest.raises(KeyError):
        world.tool.platforms.add_deployment("missing", "2")


BAD: list[dict[str, Any]] = [
    {"name": ""},
    {"name": "x" * 256},
    {"tenant": " "},
    {"tenant": "agency "},
    {"tenant": "a/b"},
    {"tenant": "<b>"},
    {"tenant": "a\x1fb"},
    {"client_id": "a\nb"},
    {"deployments": [""]},
    {"issuer": ""},
    {"auth_login_url": "moodle.example/a"},
    {"auth_login_url": "javascript:alert(1)"},
    {"auth_token_url": "https://user:secret@moodle.example/t"},
    {"jwks_url": "file:///etc/passwd"},
    {"jwks_url": "https://moodle.example/" + "x" * 2048},
    {"issuer": "Moodle"},
    {"issuer": "https://moodle.example/a b"},
    {"issuer": "https://"},
    {"issuer": "\ud800"},
    {"audience": "\ud800"},
    {"audience": "a\nb"},
    {"status": "maybe"},
    {"number_source": "custom:"},
    {"number_source": "custom:a b"},
    {"number_source": "elsewhere"},
    {"frame_origins": ["https://portal.example/"]},
    {"frame_origins": ["https://portal.example; script-src *"]},
    {"frame_origins": ["*"]},
]


@pytest.mark.parametrize("changes", BAD)
def test_bad_values_are_refused(world: World, changes: dict[str, Any]) -> None:
    """Each unusable value is refused by name and nothing is kept."""
    with pytest.raises(ValueError, match=r"must|origin"):
        add(world, **changes)
    assert len(world.tool.platforms.list()) == 1


def test_settings_change_but_never_the_owner(world: World) -> None:
    """Addresses and settings can change; tenant, issuer and client id stay."""
    made = add(world)
    changed = world.tool.platforms.change(made.id, jwks_url="https://moodle.example/new")
    assert changed.jwks_url == "https://moodle.example/new"
    for field in ("tenant", "issuer", "client_id", "id"):
        with pytest.raises(ValueError, match="cannot be changed"):
            world.tool.platforms.change(made.id, **{field: "x"})
    with pytest.raises(ValueError, match="jwks_url"):
        world.tool.platforms.change(made.id, jwks_url="x")
    with pytest.raises(KeyError):
        world.tool.platforms.disable("missing")


def test_a_platform_as_json_has_no_secret(world: World) -> None:
    """What the command line prints holds public values only."""
    assert set(add(world).as_dict()) == {
        "id",
        "tenant",
        "name",
        "issuer",
        "client_id",
        "auth_login_url",
        "auth_token_url",
        "jwks_url",
        "status",
        "audience",
        "number_source",
        "numbers_trusted",
        "emails_locked",
        "frame_origins",
        "created",
        "deployments",
    }

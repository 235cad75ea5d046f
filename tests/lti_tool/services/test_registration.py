"""Dynamic registration: one invitation, one registration, pending, for the platform's own host alone."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import TestResponse

from lrs.outbound.http_client import Answer, ForbiddenAddressError
from lrs.store.documents import DocumentQuery
from lti_tool.refusals import RefusedError
from tests.lti_tool.conftest import World
from tests.lti_tool.platform import TOOL, Sent, answer

MOODLE = "https://moodle.example"
CONFIGURATION = MOODLE + "/mod/lti/openid-configuration.php"
ENDPOINT = MOODLE + "/mod/lti/openid-registration.php"
PLATFORM_CLAIM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
TOOL_CLAIM = "https://purl.imsglobal.org/spec/lti-tool-configuration"


def configuration(**changes: Any) -> dict[str, Any]:
    value = {
        "issuer": MOODLE,
        "token_endpoint": MOODLE + "/mod/lti/token.php",
        "jwks_uri": MOODLE + "/mod/lti/certs.php",
        "authorization_endpoint": MOODLE + "/mod/lti/auth.php",
        "registration_endpoint": ENDPOINT,
        PLATFORM_CLAIM: {"product_family_code": "moodle", "version": "5.0"},
        **changes,
    }
    return {name: one for name, one in value.items() if one is not None}


@pytest.fixture(autouse=True)
def moodle(world: World) -> None:
    serve(world)


def serve(world: World, **changes: Any) -> None:
    def register(sent: Sent) -> Answer:
        request = json.loads(sent.body)
        tool = {**request[TOOL_CLAIM], "deployment_id": "5"}
        return answer({**request, "client_id": "new-client", TOOL_CLAIM: tool})

    world.wire.handlers[CONFIGURATION] = lambda _sent: answer(configuration(**changes))
    world.wire.handlers[ENDPOINT] = register


def invite(world: World, tenant: str = "agency") -> str:
    url, _expires = world.tool.registrations.invites.create(tenant)
    return parse_qs(urlsplit(url).query)["invite"][0]


def fields(secret: str, **changes: str) -> dict[str, str]:
    return {
        "invite": secret,
        "openid_configuration": CONFIGURATION,
        "registration_token": "token",
        **changes,
    }


def ask(world: World, secret: str, **changes: str) -> TestResponse:
    return world.app.test_client().get("/lti/register", query_string=fields(secret, **changes), base_url=TOOL)


def register(world: World, secret: str, origin: str = TOOL, **changes: str) -> TestResponse:
    return world.app.test_client().post(
        "/lti/register", data=fields(secret, **changes), base_url=TOOL, headers={"Origin": origin}
    )


def code_of(response: TestResponse) -> str:
    return response.get_data(as_text=True).partition("<code>")[2].partition("</code>")[0]


def newcomers(world: World) -> list[Any]:
    return [one for one in world.tool.platforms.list() if one.id != world.platform_id]


def test_a_platform_registers_itself_and_waits(world: World) -> None:
    """A registration is kept with all its addresses, for the invitation's tenant, as pending."""
    assert register(world, invite(world, "dinas")).status_code == 200
    (made,) = newcomers(world)
    assert (made.tenant, made.issuer, made.client_id, made.deployments) == (
        "dinas",
        MOODLE,
        "new-client",
        ("5",),
    )
    assert (made.auth_login_url, made.jwks_url) == (
        MOODLE + "/mod/lti/auth.php",
        MOODLE + "/mod/lti/certs.php",
    )
    assert made.status == "pending"


def test_a_pending_platform_launches_nothing_until_activated(world: World) -> None:
    """Only an administrator's activation makes a registered platform launch."""
    register(world, invite(world))
    (made,) = newcomers(world)
    login = {"iss": MOODLE, "client_id": "new-client", "login_hint": "1", "target_link_uri": TOOL + "/"}
    response = world.app.test_client().post("/lti/login", data=login, base_url=TOOL)
    assert code_of(response) == "LTI-04"
    world.tool.platforms.activate(made.id)
    assert world.app.test_client().post("/lti/login", data=login, base_url=TOOL).status_code == 200


def test_the_request_holds_what_moodle_requires(world: World) -> None:
    """Every member that Moodle requires is there, the domain with its port, the token as bearer."""
    register(world, invite(world))
    (sent,) = world.wire.to(ENDPOINT)
    value = json.loads(sent.body)
    assert sent.headers["Authorization"] == "Bearer token"
    assert "id_token" in value["response_types"]
    assert value["initiate_login_uri"] == TOOL + "/lti/login"
    assert value["redirect_uris"] == [TOOL + "/lti/launch"]
    assert value["client_name"]
    assert value["jwks_uri"] == TOOL + "/lti/jwks"
    assert value["token_endpoint_auth_method"] == "private_key_jwt"
    assert value["application_type"] == "web"
    assert value[TOOL_CLAIM]["domain"] == "tool.example"
    assert {one["type"] for one in value[TOOL_CLAIM]["messages"]} == {
        "LtiResourceLinkRequest",
        "LtiDeepLinkingRequest",
    }
    assert len(value["scope"].split()) == 4


def test_opening_the_address_changes_nothing(world: World) -> None:
    """A page that is only looked at (or fetched ahead) registers nothing and uses nothing up."""
    secret = invite(world)
    page = ask(world, secret)
    assert page.status_code == 200
    assert "moodle.example" in page.get_data(as_text=True)
    assert newcomers(world) == []
    assert register(world, secret).status_code == 200


def test_an_invitation_is_used_once(world: World) -> None:
    """A second registration with the same address is refused."""
    secret = invite(world)
    register(world, secret)
    assert code_of(register(world, secret)) == "LTI-70"
    assert code_of(ask(world, secret)) == "LTI-70"
    assert len(newcomers(world)) == 1


def test_an_old_or_invented_invitation_is_refused(world: World) -> None:
    """Invitations end after their time; nothing is fetched for one that does not exist."""
    secret = invite(world)
    world.clock.forward(7 * 86_400)
    assert code_of(register(world, secret)) == "LTI-70"
    assert code_of(ask(world, "invented")) == "LTI-70"
    assert code_of(ask(world, "")) == "LTI-70"
    assert world.wire.sent == []


def test_an_invitation_is_kept_as_a_digest(world: World) -> None:
    """A copy of the store holds no usable invitation."""
    secret = invite(world)
    with world.store.reading() as reader:
        (kept,) = reader.find_documents(DocumentQuery("invite", "", limit=9))
    assert secret not in kept.name + kept.body.decode()


def test_an_attempt_that_fails_leaves_the_invitation(world: World) -> None:
    """When the platform refuses, the administrator may try again with the same address."""
    secret = invite(world)
    working = world.wire.handlers[ENDPOINT]
    world.wire.handlers[ENDPOINT] = lambda _sent: answer({"error": "invalid_token"}, 400)
    assert code_of(register(world, secret)) == "LTI-73"
    world.wire.handlers[ENDPOINT] = working
    assert register(world, secret).status_code == 200


def test_two_attempts_at_once_register_one(world: World) -> None:
    """While one attempt is under way, another with the same invitation is refused."""
    secret = invite(world)
    working = world.wire.handlers[ENDPOINT]
    codes = []

    def slow(sent: Sent) -> Answer:
        codes.append(code_of(register(world, secret)))
        return working(sent)

    world.wire.handlers[ENDPOINT] = slow
    assert register(world, secret).status_code == 200
    assert codes == ["LTI-70"]
    assert len(newcomers(world)) == 1


def test_a_registration_never_overwrites_another(world: World) -> None:
    """A platform that claims a known issuer and client id is refused; the known one stays as it was."""
    known = world.tool.platforms.add(
        tenant="first",
        name="Known",
        issuer=MOODLE,
        client_id="new-client",
        auth_login_url=MOODLE + "/a",
        auth_token_url=MOODLE + "/t",
        jwks_url=MOODLE + "/j",
        deployments=["1"],
    )
    assert code_of(register(world, invite(world, "second"))) == "LTI-74"
    assert world.tool.platforms.show(known.id) == known


BAD_CONFIGURATIONS: list[dict[str, Any]] = [
    {"issuer": "https://other.example"},
    {"issuer": "https://moodle.example.evil.example"},
    {"issuer": "http://moodle.example"},
    {"issuer": "https://moodle.example:8443"},
    {"issuer": None},
    {"issuer": 5},
    {"registration_endpoint": "https://internal.example/register"},
    {"registration_endpoint": None},
    {"jwks_uri": None},
    {"jwks_uri": "javascript:alert(1)"},
    {"token_endpoint": "file:///etc/passwd"},
    {"authorization_endpoint": "/relative"},
    {"issuer": "https://moodle.example/a b"},
    {"issuer": "https://moodle.example/\ud800"},
    {"token_endpoint": "https://moodle.example/\udfff"},
    {"jwks_uri": "https://["},
    {PLATFORM_CLAIM: None},
    {PLATFORM_CLAIM: "moodle"},
]


@pytest.mark.parametrize("changes", BAD_CONFIGURATIONS)
def test_a_platform_speaks_for_its_own_host_alone(world: World, changes: dict[str, Any]) -> None:
    """A configuration that is incomplete or names another host is refused; nothing is sent there."""
    serve(world, **changes)
    secret = invite(world)
    assert code_of(ask(world, secret)) == "LTI-72"
    assert code_of(register(world, secret)) == "LTI-72"
    assert [sent.method for sent in world.wire.sent] == ["GET", "GET"]
    assert newcomers(world) == []


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/x", "https://169.254.169.254/x", "https://[::1]/x", "http://10.0.0.1/x"]
)
def test_registration_cannot_reach_inside(world: World, url: str) -> None:
    """An invitation does not let anyone make the tool fetch inner addresses (SSRF)."""
    from lrs.outbound.calls import Calls
    from lrs.outbound.http_client import Outbound
    from lti_tool.services.registration import Registrations

    real = Outbound(world.tool.settings)
    registrations = Registrations(
        store=world.store,
        clock=world.clock,
        settings=world.tool.settings,
        calls=Calls(real, world.clock, world.tool.settings),
        platforms=world.tool.platforms,
    )
    with pytest.raises(RefusedError) as refused:
        registrations.configuration("agency", url)
    assert refused.value.refusal.code == "LTI-72"
    assert isinstance(refused.value.__cause__, ForbiddenAddressError)


@pytest.mark.parametrize(
    "reply",
    [
        {},
        [],
        {"client_id": 5},
        {"client_id": ""},
        {"client_id": "x" * 300},
        {"client_id": "a\nb"},
        {"client_id": "\ud800"},
        {"client_id": "c", TOOL_CLAIM: {"deployment_id": "\ud800"}},
        {"client_id": "c", TOOL_CLAIM: {"deployment_id": 10**300}},
        "text",
    ],
)
def test_a_strange_reply_registers_nothing(world: World, reply: Any) -> None:
    """A reply without a usable client id is refused."""
    world.wire.handlers[ENDPOINT] = lambda _sent: answer(reply)
    assert code_of(register(world, invite(world))) == "LTI-73"
    assert newcomers(world) == []


@pytest.mark.parametrize("reply", [{"client_id": "c"}, {"client_id": "c", TOOL_CLAIM: {"deployment_id": ""}}])
def test_a_platform_that_names_no_deployment_is_kept_without(world: World, reply: Any) -> None:
    """The deployment may be added by hand later; until then no launch is accepted."""
    world.wire.handlers[ENDPOINT] = lambda _sent: answer(reply)
    register(world, invite(world))
    assert newcomers(world)[0].deployments == ()


@pytest.mark.parametrize("audience", ["\ud800", "a\nb", 10**25, ["x"], "x" * 3000])
def test_a_strange_audience_is_left_out(world: World, audience: Any) -> None:
    """An `authorization_server` that cannot be used is as if it were not told."""
    serve(world, authorization_server=audience)
    register(world, invite(world))
    assert newcomers(world)[0].audience == ""


def test_a_numeric_deployment_is_its_text(world: World) -> None:
    """Moodle may send the deployment as a number; tokens carry it as text."""
    reply = {"client_id": "c", TOOL_CLAIM: {"deployment_id": 7}}
    world.wire.handlers[ENDPOINT] = lambda _sent: answer(reply)
    register(world, invite(world))
    assert newcomers(world)[0].deployments == ("7",)


def test_the_window_is_closed_towards_the_platform_alone(world: World) -> None:
    """The last page tells its platform, and nobody else, that the window may close."""
    response = register(world, invite(world))
    page = response.get_data(as_text=True)
    assert f'data-origin="{MOODLE}"' in page
    assert "org.imsglobal.lti.close" in page
    assert f"frame-ancestors 'self' {MOODLE}" in response.headers["Content-Security-Policy"]
    assert "'*'" not in page
    assert '"*"' not in page


def test_a_registration_must_come_from_its_own_page(world: World) -> None:
    """Another site cannot send the form for an administrator."""
    secret = invite(world)
    assert code_of(register(world, secret, origin="https://evil.example")) == "LTI-52"
    assert register(world, secret).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"openid_configuration": ""},
        {"openid_configuration": "javascript:alert(1)"},
        {"registration_token": "a\r\nX-Evil: 1"},
        {"registration_token": "x" * 9000},
    ],
)
def test_a_strange_request_is_refused(world: World, changes: dict[str, str]) -> None:
    """Addresses and tokens of the wrong form are refused before anything is fetched."""
    assert code_of(register(world, invite(world), **changes)) == "LTI-71"
    assert world.wire.sent == []


def test_registrations_are_limited(world: World) -> None:
    """The registration page answers a bounded number of requests a minute from one address."""
    codes = [code_of(ask(world, "x")) for _ in range(31)]
    assert codes == ["LTI-70"] * 30 + ["LTI-91"]


def test_markup_in_a_host_is_escaped(world: World) -> None:
    """Nothing of a hostile configuration becomes markup."""
    page = ask(world, invite(world), registration_token='"><script>').get_data(as_text=True)
    assert '"><script>' not in page

"""Deep linking, dynamic registration, and what outlives a restart."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from jejak.demo.lms import LmsConfig, create_demo_lms
from jejak.demo.lms.config import tool_at
from tests.jejak.demo.conftest import CLIENT, TOOL_KEY, TOOL_URL, URL, Clock, Lms

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
TOOL_CONFIG = "https://purl.imsglobal.org/spec/lti-tool-configuration"
RETURN = "/mod/lti/contentitem_return.php?course=2&id=1&as=3"
ITEM = {
    "type": "ltiResourceLink",
    "title": "Catat 4 JP mentoring",
    "custom": {"activity": "mentoring"},
    "lineItem": {"label": "Mentoring", "scoreMaximum": 4},
}


def response(lms: Lms, *items: dict[str, Any], **changes: Any) -> str:
    now = int(lms.clock.now)
    facts = {
        "iss": CLIENT,
        "aud": [URL],
        "iat": now - 5,
        "exp": now + 60,
        "nonce": "dl-nonce",
        CLAIM + "message_type": "LtiDeepLinkingResponse",
        CLAIM + "version": "1.3.0",
        CLAIM + "deployment_id": "1",
        DL + "content_items": list(items),
        **changes,
    }
    return TOOL_KEY.sign({name: value for name, value in facts.items() if value is not None})


def give(lms: Lms, token: str, **form: str) -> Any:
    return lms.client.post(RETURN, data={"JWT": token, **form})


def test_deep_linking_request_has_moodles_settings(lms: Lms) -> None:
    """The request asks for resource links, several at once, sends no data and no resource link."""
    facts = lms.launch("3", id="", type=1)
    settings = facts[DL + "deep_linking_settings"]
    assert facts[CLAIM + "message_type"] == "LtiDeepLinkingRequest"
    assert (settings["accept_types"], settings["accept_multiple"]) == (["ltiResourceLink"], True)
    assert "data" not in settings
    assert CLAIM + "resource_link" not in facts
    assert urlsplit(settings["deep_link_return_url"]).path == "/mod/lti/contentitem_return.php"


def test_one_item_becomes_an_activity_with_its_column(lms: Lms) -> None:
    """A returned link is launched with its custom values and has its line item in the claim."""
    assert "Added to the course" in give(lms, response(lms, ITEM)).text
    link = max(lms.memory.links)
    facts = lms.launch("11", id=link)
    assert facts[CLAIM + "resource_link"]["title"] == "Catat 4 JP mentoring"
    assert facts[CLAIM + "custom"] == {"activity": "mentoring"}
    assert "lineitem" in facts["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"]
    assert "Mentoring" in lms.client.get("/grade/report.php?as=3").text


def test_several_items_are_confirmed_first(lms: Lms) -> None:
    """Two items show a list; the same token, confirmed, adds both; a third time it is refused."""
    token, before = response(lms, ITEM, {**ITEM, "title": "<b>Laporan</b>"}), len(lms.memory.links)
    page = give(lms, token).text
    assert "Add 2 activities?" in page
    assert "&lt;b&gt;Laporan" in page
    assert len(lms.memory.links) == before
    give(lms, token, confirmed="yes")
    assert len(lms.memory.links) == before + 2
    assert give(lms, token, confirmed="yes").status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"iat": 1_795_000_001},
        {"exp": 1_795_000_000},
        {"iss": "another"},
        {"aud": ["https://another.example"]},
        {"nonce": None},
        {CLAIM + "deployment_id": "2"},
        {CLAIM + "version": "1.1"},
        {CLAIM + "message_type": "LtiResourceLinkRequest"},
        {DL + "data": None, DL + "content_items": [{"type": "file"}]},
        {DL + "data": "unasked"},
        {DL + "content_items": [{**ITEM, "url": "https://evil.example/x"}]},
    ],
    ids=lambda one: str(next(iter(one))).rpartition("/")[2],
)
def test_bad_response_adds_nothing(lms: Lms, changes: dict[str, Any]) -> None:
    """A response that is early by half a second, late, for another, or with foreign items is refused."""
    before = len(lms.memory.links)
    assert give(lms, response(lms, ITEM, **changes)).status_code == 400
    assert len(lms.memory.links) == before


def test_learner_cannot_add_content(lms: Lms) -> None:
    """A return address for a learner is refused."""
    answer = lms.client.post(RETURN.replace("as=3", "as=11"), data={"JWT": response(lms, ITEM)})
    assert answer.status_code == 400


def registration(**changes: Any) -> dict[str, Any]:
    value = {
        "application_type": "web",
        "response_types": ["id_token"],
        "initiate_login_uri": f"{TOOL_URL}/lti/login",
        "redirect_uris": [f"{TOOL_URL}/lti/launch"],
        "client_name": "Another tool",
        "jwks_uri": f"{TOOL_URL}/lti/jwks",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": "https://purl.imsglobal.org/spec/lti-ags/scope/score",
        TOOL_CONFIG: {"domain": "localhost:8080", "target_link_uri": f"{TOOL_URL}/lti/launch"},
        **changes,
    }
    return {name: one for name, one in value.items() if one is not None}


def register(lms: Lms, value: dict[str, Any], token: str) -> Any:
    return lms.client.post(
        "/mod/lti/openid-registration.php", json=value, headers={"Authorization": f"Bearer {token}"}
    )


def test_registration_opens_in_a_frame_with_its_token(lms: Lms) -> None:
    """The administrator's form frames the tool's address with discovery address and one-time token."""
    page = lms.client.post("/admin/tools/add", data={"url": f"{TOOL_URL}/lti/register/abc?x=1"}).text
    assert f'src="{TOOL_URL}/lti/register/abc?x=1&amp;openid_configuration=http' in page
    assert f"registration_token={next(iter(lms.memory.invitations))}" in page


def test_registered_tool_waits_for_activation(lms: Lms) -> None:
    """A registration answers 200 with client id and deployment id; the tool is pending until activated."""
    answer = register(lms, registration(), lms.memory.invite())
    assert answer.status_code == 200
    assert answer.json[TOOL_CONFIG]["deployment_id"] == "1"
    type_id = max(lms.memory.tools)
    assert lms.client.get(f"/mod/lti/launch.php?type={type_id}&as=3").status_code == 404
    lms.client.post(f"/admin/tools/{type_id}/activate")
    facts_page = lms.client.get(f"/mod/lti/launch.php?type={type_id}&as=3")
    assert answer.json["client_id"] in facts_page.text


def test_registration_token_is_used_once_and_expires(lms: Lms) -> None:
    """A used, unknown or hour-old token is 401."""
    token, old = lms.memory.invite(), lms.memory.invite()
    assert [register(lms, registration(), token).status_code for _ in range(2)] == [200, 401]
    lms.clock.now += 3601
    assert register(lms, registration(), old).status_code == 401
    assert register(lms, registration(), "guess").status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"response_types": ["code"]},
        {"initiate_login_uri": None},
        {"redirect_uris": []},
        {"client_name": None},
        {"jwks_uri": None},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {TOOL_CONFIG: None},
        {TOOL_CONFIG: {"target_link_uri": f"{TOOL_URL}/lti/launch"}},
        {TOOL_CONFIG: {"domain": "localhost", "target_link_uri": f"{TOOL_URL}/lti/launch"}},
    ],
    ids=str,
)
def test_incomplete_registration_is_refused(lms: Lms, changes: dict[str, Any]) -> None:
    """What Moodle requires is required, the domain with its port included."""
    answer = register(lms, registration(**changes), lms.memory.invite())
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client_metadata")
    assert len(lms.memory.tools) == 1


def test_restart_keeps_keys_tools_activities_and_grades(tmp_path: Path) -> None:
    """A second start on the same file has the same key and contents; the file is for its owner only."""
    config = LmsConfig(tools=(tool_at(TOOL_URL, CLIENT),), file=tmp_path / "lms.json", fetch=lambda url: {})
    first = Lms(create_demo_lms(config), Clock())
    memory = first.memory
    register(first, registration(), memory.invite())
    second = create_demo_lms(config).extensions["demo_lms"]
    assert second.key.kid == memory.key.kid
    assert (second.tools, second.links, second.items) == (memory.tools, memory.links, memory.items)
    assert stat.S_IMODE((tmp_path / "lms.json").stat().st_mode) == 0o600

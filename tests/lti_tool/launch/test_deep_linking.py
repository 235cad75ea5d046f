"""Deep linking: what can be chosen, what goes back, and that nobody's markup goes with it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import jwt
import pytest
from werkzeug.test import TestResponse

from lti_tool.launch.deep_linking import Embedded, embedded
from tests.lti_tool.conftest import World
from tests.lti_tool.platform import CLAIM, DL_CLAIM, ROLE, TOOL, Visit

RETURN = "https://lms.example/mod/lti/contentitem_return.php?course=3&id=1"
SETTINGS = {
    "deep_link_return_url": RETURN,
    "accept_types": ["ltiResourceLink"],
    "accept_presentation_document_targets": ["frame", "iframe", "window"],
    "accept_multiple": True,
}


class Forms(HTMLParser):
    """The first form of a page: where it goes and what it sends."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = given["action"]
        if tag == "input" and given.get("type") == "hidden":
            self.fields[given["name"]] = given["value"]


def open_picker(
    world: World, settings: dict[str, Any] | None = None, **claims: Any
) -> tuple[Visit, str, TestResponse]:
    message = {
        CLAIM + "message_type": "LtiDeepLinkingRequest",
        CLAIM + "resource_link": None,
        CLAIM + "roles": [ROLE + "Instructor"],
        DL_CLAIM + "deep_linking_settings": SETTINGS if settings is None else settings,
        **claims,
    }
    visit = world.visit()
    response = visit.go(**message)
    path = response.headers.get("Location", "")
    page = visit.client.get(path, base_url=TOOL) if path else response
    return visit, path, page


def pick(world: World, choice: Any, settings: dict[str, Any] | None = None, **claims: Any) -> TestResponse:
    visit, path, page = open_picker(world, settings, **claims)
    token = Forms(page.get_data(as_text=True)).fields["csrf_token"]
    return visit.client.post(
        path, base_url=TOOL, headers={"Origin": TOOL}, data={"csrf_token": token, **choice}
    )


def returned(world: World, response: TestResponse) -> dict[str, Any]:
    """The message that goes back, verified with the tool's published key as Moodle would."""
    token = Forms(response.get_data(as_text=True)).fields["JWT"]
    keys = jwt.PyJWKSet.from_dict(world.tool.tool_keys.public_set())
    claims: dict[str, Any] = jwt.decode(
        token,
        keys[jwt.get_unverified_header(token)["kid"]],
        algorithms=["RS256"],
        audience="https://lms.example",
        options={"verify_exp": False, "verify_iat": False},
    )
    return claims


FORM = "mentoring"


@pytest.fixture(autouse=True)
def form_exists(world: World) -> None:
    assert FORM in world.tool.table_for("agency").forms


ITEMS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"choice": "record"}, {"jejak_view": "record"}),
    ({"choice": "cohort"}, {"jejak_view": "cohort"}),
    ({"choice": "log", "log_form": FORM}, {"jejak_view": "log", "jejak_form": FORM}),
]


@pytest.mark.parametrize(("choice", "custom"), ITEMS)
def test_a_choice_goes_back_as_a_content_item(
    world: World, choice: dict[str, Any], custom: dict[str, str]
) -> None:
    """What to open is in the item's custom parameters; nothing in it is null."""
    claims = returned(world, pick(world, choice))
    (item,) = claims[DL_CLAIM + "content_items"]
    assert item["type"] == "ltiResourceLink"
    assert item["url"] == TOOL + "/lti/launch"
    assert item["custom"] == custom
    assert None not in item.values()
    assert "lineItem" not in item


def test_the_response_follows_the_specification(world: World) -> None:
    """Issuer and audience change places, iat lies a little back, and absent data stays absent."""
    claims = returned(world, pick(world, {"choice": "record"}))
    assert (claims["iss"], claims["aud"]) == ("client-1", ["https://lms.example"])
    assert claims["iat"] == world.clock.seconds - 5
    assert claims["exp"] > world.clock.seconds
    assert claims[CLAIM + "message_type"] == "LtiDeepLinkingResponse"
    assert claims[CLAIM + "version"] == "1.3.0"
    assert claims[CLAIM + "deployment_id"] == "1"
    assert DL_CLAIM + "data" not in claims


def test_data_goes_back_verbatim(world: World) -> None:
    """The platform's own data is returned exactly as it came."""
    data = 'csrf:"<&\u2028' * 3
    claims = returned(world, pick(world, {"choice": "record"}, {**SETTINGS, "data": data}))
    assert claims[DL_CLAIM + "data"] == data


def test_a_graded_goal_brings_its_line_item(world: World) -> None:
    """A goal of so many JP has a gradebook column that is recognised again by its resource id."""
    claims = returned(world, pick(world, {"choice": "goal", "goal_form": FORM, "goal_jp": "2,5"}))
    (item,) = claims[DL_CLAIM + "content_items"]
    assert item["custom"]["jejak_jp"] == "2.5"
    assert item["lineItem"]["scoreMaximum"] == 100
    assert item["lineItem"]["resourceId"] == item["custom"]["jejak_goal"]
    assert item["lineItem"]["tag"] == "goal"


def test_a_platform_that_takes_no_line_items_gets_none(world: World) -> None:
    """`accept_lineitem: false` is honoured."""
    settings = {**SETTINGS, "accept_lineitem": False}
    claims = returned(world, pick(world, {"choice": "goal", "goal_form": FORM, "goal_jp": "4"}, settings))
    assert "lineItem" not in claims[DL_CLAIM + "content_items"][0]


def test_several_choices_when_the_platform_takes_them(world: World) -> None:
    """Several items go back in one message; where only one is taken, two are refused beside the form."""
    both = {"choice": ["record", "cohort"]}
    assert len(returned(world, pick(world, both))[DL_CLAIM + "content_items"]) == 2
    response = pick(world, both, {**SETTINGS, "accept_multiple": False})
    assert response.status_code == 422
    assert 'type="radio"' in response.get_data(as_text=True)


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"choice": "everything"},
        {"choice": "log"},
        {"choice": "log", "log_form": "no-such-form"},
        {"choice": "goal", "goal_form": FORM},
        {"choice": "goal", "goal_form": FORM, "goal_jp": "0"},
        {"choice": "goal", "goal_form": FORM, "goal_jp": "-4"},
        {"choice": "goal", "goal_form": FORM, "goal_jp": "1e9"},
        {"choice": "goal", "goal_form": FORM, "goal_jp": "NaN"},
        {"choice": "goal", "goal_form": FORM, "goal_jp": "0.05"},
    ],
)
def test_a_bad_choice_keeps_what_was_typed(world: World, choice: dict[str, Any]) -> None:
    """The form comes back with what is wrong and with what was typed."""
    response = pick(world, choice)
    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert 'role="alert"' in page
    assert choice.get("goal_jp", "") in page


def test_a_hostile_platform_cannot_inject_markup(world: World) -> None:
    """A return address and texts full of markup are escaped in both pages."""
    evil = 'https://lms.example/"><script>alert(1)</script>'
    hostile = {**SETTINGS, "deep_link_return_url": evil, "title": "<script>alert(2)</script>"}
    context = {CLAIM + "context": {"id": "3", "title": "</title><script>alert(3)</script>"}}
    _visit, _path, page = open_picker(world, hostile, **context)
    sent = pick(world, {"choice": "record"}, hostile, **context)
    assert "<script>alert" not in page.get_data(as_text=True) + sent.get_data(as_text=True)
    assert Forms(sent.get_data(as_text=True)).action == evil


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://elsewhere.example/",
        "",
        None,
        5,
        "/relative",
        "https://lms.example;script-src 'unsafe-inline' *;/return",
        "https://lms.example,https://b.example/return",
        "https://a *.example/return",
    ],
)
def test_an_unusable_return_address_is_refused(world: World, url: Any) -> None:
    """A choice is only ever sent to a proper https address, or to the platform's own origin."""
    _visit, _path, page = open_picker(world, {**SETTINGS, "deep_link_return_url": url})
    assert "LTI-60" in page.get_data(as_text=True)
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]


def test_the_form_may_go_to_the_platform_alone(world: World) -> None:
    """The content security policy of the returning page names the return address's origin."""
    response = pick(world, {"choice": "record"})
    assert "form-action 'self' https://lms.example;" in response.headers["Content-Security-Policy"]


def test_learners_cannot_choose(world: World) -> None:
    """Deep linking is for those who teach or administer."""
    roles: dict[str, Any] = {CLAIM + "roles": [ROLE + "Learner"]}
    _visit, _path, page = open_picker(world, **roles)
    assert "LTI-51" in page.get_data(as_text=True)


def test_an_ordinary_launch_cannot_choose(world: World) -> None:
    """A session of an ordinary launch has no deep-linking page."""
    visit = world.visit()
    path = visit.go(**{CLAIM + "roles": [ROLE + "Instructor"]}).headers["Location"]
    assert "LTI-60" in visit.client.get(path + "deeplink", base_url=TOOL).get_data(as_text=True)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {**SETTINGS, "accept_types": ["link"]},
        {**SETTINGS, "accept_types": "ltiResourceLink"},
        {k: v for k, v in SETTINGS.items() if k != "accept_presentation_document_targets"},
    ],
)
def test_unfit_settings_are_refused(world: World, settings: dict[str, Any]) -> None:
    """A deep-linking request that could take nothing of ours is refused at the launch."""
    _visit, _path, page = open_picker(world, settings)
    assert "LTI-42" in page.get_data(as_text=True)


@pytest.mark.parametrize(
    ("custom", "view"),
    [
        ({"jejak_view": "record"}, "record"),
        ({"jejak_view": "log", "jejak_form": "x"}, "log"),
        ({"jejak_view": "log"}, ""),
        ({"jejak_view": "goal", "jejak_form": "x", "jejak_jp": "x"}, ""),
        ({"jejak_view": "admin"}, ""),
        ({}, ""),
    ],
)
def test_a_launched_link_opens_what_was_embedded(world: World, custom: dict[str, str], view: str) -> None:
    """Custom parameters say what opens; what makes no sense opens the home page."""
    world.visit().go(**{CLAIM + "custom": custom})
    found = embedded(world.seen[0][0])
    assert found.view == view
    assert (found == Embedded()) == (view == "")

"""The valid launches of the 1EdTech certification list, and what a session then knows."""

from __future__ import annotations

from typing import Any

import pytest

from lrs.store.documents import DocumentQuery
from tests.lti_tool.conftest import World
from tests.lti_tool.platform import CLAIM, ROLE, TOOL

SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person#"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"

VALID: list[tuple[str, dict[str, Any], list[str]]] = [
    ("instructor", {CLAIM + "roles": [ROLE + "Instructor"]}, ["instructor"]),
    ("student", {CLAIM + "roles": [ROLE + "Learner"]}, ["learner"]),
    ("several roles", {CLAIM + "roles": [ROLE + "Instructor", ROLE + "Learner"]}, ["instructor", "learner"]),
    ("short role", {CLAIM + "roles": ["Instructor"]}, ["instructor"]),
    ("unknown role", {CLAIM + "roles": ["http://example.org/roles#Wizard"]}, ["learner"]),
    ("empty roles", {CLAIM + "roles": []}, ["learner"]),
    (
        "administrator who teaches",
        {CLAIM + "roles": [SYSTEM + "Administrator", INSTITUTION + "Administrator", ROLE + "Instructor"]},
        ["administrator", "instructor"],
    ),
    (
        "assistant",
        {CLAIM + "roles": ["http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant"]},
        ["instructor"],
    ),
    ("teaches elsewhere", {CLAIM + "roles": [INSTITUTION + "Instructor", ROLE + "Learner"]}, ["learner"]),
    ("email only", {"name": None, "given_name": None, "family_name": None}, ["learner"]),
    ("names only", {"email": None}, ["learner"]),
    ("no personal data", {"name": None, "given_name": None, "family_name": None, "email": None}, ["learner"]),
    (
        "email without context",
        {"name": None, "given_name": None, "family_name": None, CLAIM + "context": None},
        ["learner"],
    ),
    ("audience as a list", {"aud": ["client-1"]}, ["learner"]),
    ("several audiences, authorised for us", {"aud": ["other", "client-1"], "azp": "client-1"}, ["learner"]),
    ("clock of the platform 10 s ahead", {"iat": 1_763_900_010}, ["learner"]),
    ("no optional claims", {CLAIM + "lis": None, CLAIM + "launch_presentation": None}, ["learner"]),
]


@pytest.mark.parametrize(("changes", "roles"), [row[1:] for row in VALID], ids=[row[0] for row in VALID])
def test_a_valid_launch_opens_a_session(world: World, changes: dict[str, Any], roles: list[str]) -> None:
    """A launch of the certification list's valid kinds leads to a page that knows the roles."""
    visit = world.visit()
    response = visit.go(**changes)
    assert response.status_code == 303
    page = visit.client.get(response.headers["Location"], base_url=TOOL)
    assert page.status_code == 200
    assert page.json is not None
    assert page.json["roles"] == roles


def test_a_launch_tells_who_and_where(world: World) -> None:
    """The session holds the course and the name; the employee number goes to the alias table alone."""
    world.visit().go()
    session, identity = world.seen[0]
    assert (session.tenant, session.issuer, session.subject) == ("agency", "https://lms.example", "42")
    assert (session.name, session.context_title) == ("Budi Santoso", "Latsar")
    assert (session.resource_link_id, session.locale) == ("7", "id")
    assert identity.employee_number == "199001012015031001"
    assert identity.email == "budi@example.go.id"
    with world.store.reading() as reader:
        kept = reader.find_documents(DocumentQuery("launch-session", "", limit=9))
    assert b"199001012015031001" not in kept[0].body
    assert b"budi@example.go.id" not in kept[0].body


@pytest.mark.parametrize(
    ("source", "claims", "number"),
    [
        ("sourcedid", {CLAIM + "lis": {"person_sourcedid": "199001012015031001"}}, "199001012015031001"),
        ("sourcedid", {CLAIM + "lis": {"person_sourcedid": "19900101 201503 1 001"}}, "199001012015031001"),
        ("sourcedid", {CLAIM + "lis": {"person_sourcedid": ""}}, ""),
        ("sourcedid", {CLAIM + "lis": {"person_sourcedid": "$Person.sourcedId"}}, ""),
        ("sourcedid", {CLAIM + "lis": {"person_sourcedid": 199001012015031001}}, ""),
        ("none", {CLAIM + "lis": {"person_sourcedid": "199001012015031001"}}, ""),
        ("custom:nip", {CLAIM + "custom": {"nip": "199001012015031001"}}, "199001012015031001"),
        ("custom:nip", {CLAIM + "custom": {"nip": "$User.nip"}}, ""),
        ("custom:nip", {CLAIM + "custom": {"nip": "١٩٩٠٠١٠١٢٠١٥٠٣١٠٠١"}}, ""),
    ],
)
def test_the_employee_number_comes_from_where_the_platform_says(
    world: World, source: str, claims: dict[str, Any], number: str
) -> None:
    """Only eighteen digits from the configured source count as an employee number."""
    world.tool.platforms.change(world.platform_id, number_source=source)
    assert world.visit().go(**claims).status_code == 303
    assert world.seen[0][1].employee_number == number


def test_an_unsubstituted_variable_is_no_custom_value(world: World) -> None:
    """A custom parameter that still begins with a dollar sign was not substituted and is dropped."""
    world.visit().go(**{CLAIM + "custom": {"goal": "mentoring", "nip": "$User.nip", "number": 4}})
    assert world.seen[0][0].custom == {"goal": "mentoring"}


def test_login_works_by_get_as_by_post(world: World) -> None:
    """Some platforms begin a login with GET; the answer is the same."""
    response = world.app.test_client().get(
        "/lti/login", query_string=world.platform.login_fields(), base_url=TOOL
    )
    assert response.status_code == 200
    assert "response_mode=form_post" in response.get_data(as_text=True)


def test_the_authentication_request_echoes_the_hints(world: World) -> None:
    """The request to the platform carries its hints verbatim and the exact redirect address."""
    from urllib.parse import parse_qs, urlsplit

    from tests.lti_tool.platform import auth_url_of

    url = auth_url_of(world.visit().login())
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert url.startswith(world.platform.auth_url + "?")
    assert query["lti_message_hint"] == '{"cmid":5,"launchid":"ltilaunch5_1"}'
    assert query["login_hint"] == "42"
    assert query["redirect_uri"] == TOOL + "/lti/launch"
    assert (query["scope"], query["prompt"], query["response_type"]) == ("openid", "none", "id_token")


def test_client_id_is_optional_when_the_issuer_has_one_client(world: World) -> None:
    """A login without client_id finds the only registration of its issuer."""
    visit = world.visit()
    visit.login(client_id=None)
    assert visit.launch().status_code == 303


def test_the_deployment_chooses_among_clients_of_one_issuer(world: World, clock: Any) -> None:
    """Without client_id, the deployment named in the login decides between two registrations."""
    from tests.lti_tool.platform import TestPlatform

    second = TestPlatform(clock, client_id="client-2", deployment="2")
    second.register(world.tool.platforms, world.wire, tenant="other")
    visit = world.visit(second)
    visit.login(client_id=None)
    assert visit.launch().status_code == 303
    assert world.seen[0][0].tenant == "other"


def test_a_member_is_remembered_by_course(world: World) -> None:
    """Who launched is known to the course's instructor even where the platform has no roster."""
    from lti_tool.launch.course_members import Members

    world.visit().go()
    world.visit().go(sub="43", name="Ani", **{CLAIM + "roles": [ROLE + "Instructor"]})
    world.visit().go(sub="44", name="Citra", **{CLAIM + "context": {"id": "other"}})
    session = world.seen[1][0]
    found = Members(world.store, world.clock).some(session, limit=10)
    assert [(one.name, sorted(one.roles)) for one in found] == [
        ("Ani", ["instructor"]),
        ("Budi Santoso", ["learner"]),
    ]


@pytest.mark.parametrize(
    ("extensions", "username"),
    [
        ({"user_username": "budi", "lms": "moodle-2"}, "budi"),
        ({"user_username": "198701012010011001"}, "198701012010011001"),
        ({"user_username": "$User.username"}, ""),
        ({"user_username": "budi "}, ""),
        ({"user_username": "b" * 256}, ""),
        ({"user_username": 7}, ""),
        ({"user_username": None}, ""),
        ({}, ""),
        ([], ""),
        ("budi", ""),
    ],
)
def test_the_user_name_comes_from_the_extensions_as_it_is(
    world: World, extensions: object, username: str
) -> None:
    """Moodle sends it in the claim `ext`; what is no whole user name is left out, never cut to one."""
    world.visit().go(**{CLAIM + "ext": extensions})
    assert world.seen[0][1].username == username

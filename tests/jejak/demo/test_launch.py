"""Launches of the demo LMS."""

from __future__ import annotations

import json

import jwt
import pytest

from jejak.demo.lms.people import LEARNERS, PEOPLE
from tests.jejak.demo.conftest import CLIENT, TOOL_URL, URL, Lms

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"


def test_login_request_has_moodles_fields(lms: Lms) -> None:
    """The launch page posts exactly the fields that Moodle posts, and no storage target."""
    form = lms.login()
    assert set(form) == {
        "iss", "target_link_uri", "login_hint", "lti_message_hint", "client_id", "lti_deployment_id",
    }  # fmt: skip
    assert (form["iss"], form["client_id"], form["login_hint"]) == (URL, CLIENT, "11")
    assert set(json.loads(form["lti_message_hint"])) == {"cmid", "launchid"}


def test_token_is_verifiable_and_lives_sixty_seconds(lms: Lms) -> None:
    """The id_token verifies against the published key set and expires one minute after its issue."""
    answer = lms.answer(lms.login())
    facts = lms.verify(answer["id_token"])
    assert answer["state"] == "the-state"
    assert facts["nonce"] == "the-nonce"
    assert facts["exp"] - facts["iat"] == 60
    assert facts["aud"] == CLIENT
    assert "azp" not in facts


def test_claims_have_moodles_shapes(lms: Lms) -> None:
    """Context type is short, the deployment id is text, the employee number is the sourcedid."""
    facts = lms.launch("11", lang="en")
    assert facts["sub"] == "11"
    assert facts[CLAIM + "context"]["type"] == ["CourseSection"]
    assert facts[CLAIM + "deployment_id"] == "1"
    assert facts[CLAIM + "lis"]["person_sourcedid"] == "190001051925031002"
    assert facts[CLAIM + "roles"] == ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"]
    assert facts[CLAIM + "tool_platform"]["product_family_code"] == "moodle"
    assert facts[CLAIM + "launch_presentation"]["locale"] == "en"
    assert facts["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"]["lineitems"].endswith("?type_id=1")


def test_missing_employee_number_is_sent_empty(lms: Lms) -> None:
    """A person without an idnumber gets an empty sourcedid, not a missing one."""
    assert lms.launch("20")[CLAIM + "lis"]["person_sourcedid"] == ""


def test_launch_id_is_used_once(lms: Lms) -> None:
    """The same message hint a second time is answered with an error and no token."""
    login = lms.login()
    assert "id_token" in lms.answer(login)
    again = lms.answer(login)
    assert again["error"] == "access_denied"
    assert "id_token" not in again


def test_launch_id_expires(lms: Lms) -> None:
    """A launch that is answered eleven minutes later is refused."""
    login = lms.login()
    lms.clock.now += 660
    assert "id_token" not in lms.answer(login)


def test_unregistered_redirect_is_never_followed(lms: Lms) -> None:
    """An unregistered redirect_uri gets an error page of the LMS, not a form that leads there."""
    login = lms.login()
    page = lms.client.get(
        "/mod/lti/auth.php",
        query_string={"client_id": CLIENT, "redirect_uri": "https://evil.example/", **login},
    )
    assert page.status_code == 400
    assert "evil.example" not in page.text


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"scope": "openid profile"}, "invalid_scope"),
        ({"response_mode": "query"}, "unsupported_response_type"),
        ({"response_type": "code"}, "unsupported_response_type"),
        ({"prompt": "login"}, "invalid_request"),
        ({"nonce": ""}, "invalid_request"),
        ({"lti_message_hint": "[]"}, "access_denied"),
        ({"lti_message_hint": "nonsense"}, "access_denied"),
        ({"login_hint": "12"}, "access_denied"),
    ],
)
def test_bad_authentication_request_gets_an_error(lms: Lms, change: dict[str, str], error: str) -> None:
    """A wrong authentication request is answered with its error and the state, without a token."""
    answer = lms.answer(lms.login(), **change)
    assert answer["error"] == error
    assert answer["state"] == "the-state"
    assert "id_token" not in answer


def test_discovery_names_the_endpoints_that_answer(lms: Lms) -> None:
    """Every endpoint of the discovery document lies below the issuer."""
    found = lms.client.get("/mod/lti/openid-configuration.php").json
    assert found is not None
    assert found["issuer"] == URL
    names = ("token_endpoint", "jwks_uri", "authorization_endpoint", "registration_endpoint")
    assert all(found[name].startswith(URL + "/mod/lti/") for name in names)


def test_key_set_holds_no_private_parts(lms: Lms) -> None:
    """The published key has only its public numbers."""
    keys = lms.client.get("/mod/lti/certs.php").json
    assert keys is not None
    assert set(keys["keys"][0]) == {"kty", "n", "e", "kid", "alg", "use"}


def test_people_are_plainly_fictional() -> None:
    """Employee numbers are unique, have 18 digits, and belong to people born in 1900."""
    numbers = [person.idnumber for person in PEOPLE if person.idnumber]
    assert len(set(numbers)) == len(numbers) == 12
    assert all(len(number) == 18 and number.isdigit() and number.startswith("1900") for number in numbers)
    assert len(LEARNERS) == 12


@pytest.mark.parametrize("person", [one.id for one in PEOPLE])
def test_course_page_frames_the_tool(lms: Lms, person: str) -> None:
    """The course page of every person embeds the launch in a frame."""
    page = lms.client.get(f"/course/view.php?id=2&as={person}").text
    assert f'src="/mod/lti/launch.php?id={lms.link}&amp;as={person}&amp;lang=id"' in page


@pytest.mark.parametrize(
    "path", ["/", "/bench", "/admin/tools", "/grade/report.php?as=3", "/grade/report.php?as=11"]
)
def test_pages_answer(lms: Lms, path: str) -> None:
    """Every page answers with a title and without inline script."""
    answer = lms.client.get(path)
    assert answer.status_code == 200
    assert "<h1>" in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize("query", ["id=999&as=11", "type=9&as=3"])
def test_unknown_subject_is_not_found(lms: Lms, query: str) -> None:
    """A launch of an unknown activity or tool is 404."""
    assert lms.client.get(f"/mod/lti/launch.php?{query}").status_code == 404


@pytest.mark.parametrize("query", ["as=99", "as=11&variant=nonsense", ""])
def test_unknown_person_or_variant_is_refused(lms: Lms, query: str) -> None:
    """A launch as nobody, or by an unknown variant, is 400."""
    assert lms.client.get(f"/mod/lti/launch.php?id={lms.link}&{query}").status_code == 400


def test_tokens_go_to_the_registered_address(lms: Lms) -> None:
    """The auth endpoint's page posts to the tool's registered redirect address."""
    login = lms.login()
    page = lms.client.post(
        "/mod/lti/auth.php",
        data={
            "scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none",
            "client_id": CLIENT, "redirect_uri": f"{TOOL_URL}/lti/launch", "nonce": "n", **login,
        },
    ).text  # fmt: skip
    assert f'action="{TOOL_URL}/lti/launch"' in page
    with pytest.raises(KeyError):
        _ = lms.memory.launches[json.loads(login["lti_message_hint"])["launchid"]]
    assert jwt.get_unverified_header(page.split('name="id_token" value="')[1].split('"')[0])["alg"] == "RS256"

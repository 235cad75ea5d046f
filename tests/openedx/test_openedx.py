"""Login, launch, deep linking and roster against an independent platform: Open edX's own LTI 1.3 code."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest
import requests

from tests.openedx.browsing import Form, Page, Visitor
from tests.openedx.conftest import Place

EVERYTHING: dict[str, object] = {
    "choice": ["record", "cohort", "log", "goal"],
    "log_form": "coaching",
    "goal_form": "mentoring",
    "goal_jp": "4",
}


def choose(place: Place, unit: str, picked: dict[str, object]) -> Form:
    """An author picks what a unit shows; the form that carries the tool's signed answer to Open edX."""
    author = Visitor()
    picker = author.launch(place.unit(unit, "author/ratna"))
    assert picker.status_code == 200, picker.text
    form = Page(picker).forms[0]
    answer = author.send(
        Form(urljoin(picker.url, form.action), {"csrf_token": form.fields["csrf_token"]}),
        origin=place.tool,
        more=picked,
    )
    assert answer.status_code == 200, answer.text
    return Page(answer).forms[0]


def chosen(place: Place, unit: str) -> list[dict[str, object]]:
    """What Open edX keeps for a unit."""
    found: list[dict[str, object]] = requests.get(place.unit(unit, "chosen"), timeout=20).json()
    return found


def path_of(response: requests.Response) -> str:
    """The page of the launch, without the launch's own part of the address."""
    return re.sub(r"^/l/[^/]+/", "", urlsplit(response.url).path)


@pytest.mark.parametrize(("person", "page"), [("budi", "record"), ("ratna", "cohort")])
def test_a_launch_opens_the_page_of_the_role(place: Place, person: str, page: str) -> None:
    """A student of Open edX lands on their own record, an instructor on the course's participants."""
    landed = Visitor().launch(place.unit("first", f"open/{person}"))
    assert landed.status_code == 200
    assert path_of(landed) == page
    assert "Latsar 2026" in landed.text


def test_a_student_may_not_see_the_cohort(place: Place) -> None:
    """The roles that Open edX sends beside Learner open nothing more."""
    student = Visitor()
    landed = student.launch(place.unit("first", "open/budi"))
    refused = student.open(urljoin(landed.url, "cohort"))
    assert refused.status_code == 403
    assert "LTI-51" in refused.text


def test_the_login_asks_as_the_standard_says(place: Place) -> None:
    """The authentication request goes to Open edX's own address, with its hints and the registered return."""
    address = urlsplit(Visitor().login(place.unit("first", "open/budi")))
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert f"{address.scheme}://{address.netloc}" == place.lms
    assert asked["login_hint"] == "budi"
    assert asked["lti_message_hint"]
    assert asked["redirect_uri"] == f"{place.tool}/lti/launch"
    expected = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
    }
    assert expected.items() <= asked.items()


def test_another_nonce_is_refused(place: Place) -> None:
    """A message that Open edX signed for a nonce of someone else's making opens nothing."""
    visitor = Visitor()
    address = urlsplit(visitor.login(place.unit("first", "open/budi")))
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    changed = address._replace(query=urlencode({**asked, "nonce": "of-my-own-making"})).geturl()
    refused = visitor.send(visitor.authenticate(changed))
    assert refused.status_code == 400
    assert "LTI-34" in refused.text


def test_a_message_opens_one_session_only(place: Place) -> None:
    """Open edX's messages are valid for an hour; here each is good once."""
    visitor = Visitor()
    message = visitor.authenticate(visitor.login(place.unit("first", "open/budi")))
    assert visitor.send(message).status_code == 200
    again = visitor.send(message)
    assert again.status_code == 400
    assert "LTI-10" in again.text


def test_another_browser_cannot_use_the_message(place: Place) -> None:
    """A message that was stolen on its way is of no use in the thief's browser."""
    victim = Visitor()
    message = victim.authenticate(victim.login(place.unit("first", "open/budi")))
    stolen = Visitor().send(message)
    assert stolen.status_code == 400
    assert "LTI-11" in stolen.text


def test_deep_linking_is_saved_by_open_edx(place: Place) -> None:
    """Open edX verifies the signed answer, finds every item well formed, and keeps all four."""
    saved = Visitor().send(choose(place, "everything", EVERYTHING))
    assert saved.status_code == 200, saved.text
    assert "successfully saved" in saved.text
    items = chosen(place, "everything")
    assert [item["custom"]["jejak_view"] for item in items] == EVERYTHING["choice"]  # type: ignore[index]
    assert {item["type"] for item in items} == {"ltiResourceLink"}
    assert {item["url"] for item in items} == {f"{place.tool}/lti/launch"}
    goal = items[-1]
    assert goal["lineItem"]["scoreMaximum"] == 100  # type: ignore[index]
    assert goal["lineItem"]["resourceId"] == goal["custom"]["jejak_goal"]  # type: ignore[index]


def test_what_was_chosen_is_what_opens(place: Place) -> None:
    """A unit made by deep linking to log one form opens that form: Open edX sends back what we gave it."""
    assert Visitor().send(choose(place, "log", {"choice": "log", "log_form": "coaching"})).status_code == 200
    landed = Visitor().launch(place.unit("log", "open/budi"))
    assert landed.status_code == 200
    assert path_of(landed) == "log/coaching"


def test_open_edx_refuses_a_changed_answer(place: Place) -> None:
    """The signature is really looked at: one letter of the answer changed, and nothing is saved."""
    form = choose(place, "changed", {"choice": "record"})
    head, body, signature = form.fields["JWT"].split(".")
    swapped = ("B" if signature[9] == "A" else "A").join((signature[:9], signature[10:]))
    refused = Visitor().send(Form(form.action, {"JWT": f"{head}.{body}.{swapped}"}))
    assert refused.status_code == 403
    assert chosen(place, "changed") == []


def test_the_roster_comes_from_open_edx(place: Place) -> None:
    """With a token that Open edX grants us, the cohort lists a student who never launched."""
    cohort = Visitor().launch(place.unit("roster", "open/ratna"))
    assert "Siti Rahma" in cohort.text
    assert "Budi Santoso" in cohort.text
    assert "Ratna Dewi" not in cohort.text

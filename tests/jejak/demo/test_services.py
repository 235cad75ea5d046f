"""The services of the demo LMS: access tokens, roster, line items, scores and results."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from jejak.demo.lms.ags import CONTAINER_TYPE, ITEM_TYPE, RESULTS_TYPE, SCORE_TYPE
from jejak.demo.lms.config import LINEITEM, ROSTER, SCORE
from jejak.demo.lms.keys import Key
from jejak.demo.lms.nrps import CONTAINER
from tests.jejak.demo.conftest import Lms

ITEMS = "/mod/lti/services.php/2/lineitems"
MEMBERS = "/mod/lti/services.php/CourseSection/2/bindings/1/memberships"


def path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def items(lms: Lms) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lms.client.get(f"{ITEMS}?type_id=1", headers=lms.bearer()).json or []
    return found


def score(lms: Lms, item: str, *, kind: str = SCORE_TYPE, **changes: Any) -> Any:
    """Post a score of 10 of 20 at the clock's time; a change of None leaves the field out."""
    value = {
        "userId": "11",
        "timestamp": datetime.fromtimestamp(lms.clock.now, UTC).isoformat(),
        "activityProgress": "InProgress",
        "gradingProgress": "FullyGraded",
        "scoreGiven": 10,
        "scoreMaximum": 20,
        **changes,
    }
    body = json.dumps({name: one for name, one in value.items() if one is not None})
    address = path(item).replace("/lineitem?", "/lineitem/scores?")
    return lms.client.post(address, data=body, content_type=kind, headers=lms.bearer())


def result(lms: Lms, item: str, person: str = "11") -> dict[str, Any]:
    address = path(item).replace("/lineitem?", "/lineitem/results?") + f"&user_id={person}"
    found = lms.client.get(address, headers={**lms.bearer(), "Accept": RESULTS_TYPE}).json or []
    value: dict[str, Any] = found[0]
    return value


def test_token_is_json_under_text_html(lms: Lms) -> None:
    """The token endpoint answers JSON under text/html, good for an hour, with the granted scopes only."""
    answer = lms.ask_token(lms.assertion(), f"{SCORE} something/else")
    assert answer.mimetype == "text/html"
    value = json.loads(answer.text)
    assert (value["expires_in"], value["scope"]) == (3600, SCORE)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody"},
        {"aud": "https://another.example/token"},
        {"exp": 1_794_999_999},
        {"iat": 1_795_000_010},
        {"iat": "now"},
        {"jti": ""},
    ],
    ids=lambda one: next(iter(one)),
)
def test_bad_assertion_gets_no_token(lms: Lms, changes: dict[str, Any]) -> None:
    """An assertion with a wrong issuer, audience, time or no id is refused, without any leeway."""
    answer = lms.ask_token(lms.assertion(**changes))
    assert (answer.status_code, json.loads(answer.text)) == (400, {"error": "invalid_client"})


def test_assertion_by_an_unknown_key_gets_no_token(lms: Lms) -> None:
    """An assertion signed by a key that is not in the tool's key set is refused."""
    assert lms.ask_token(lms.assertion(Key())).status_code == 400


def test_assertion_is_used_once(lms: Lms) -> None:
    """The same assertion a second time is refused."""
    once = lms.assertion()
    assert [lms.ask_token(once).status_code for _ in range(2)] == [200, 400]


def test_unknown_scopes_get_no_token(lms: Lms) -> None:
    """A request without a single known scope is an invalid_scope."""
    assert json.loads(lms.ask_token(lms.assertion(), "x y").text) == {"error": "invalid_scope"}


@pytest.mark.parametrize("url", [MEMBERS, f"{ITEMS}?type_id=1"])
def test_services_want_a_living_token(lms: Lms, url: str) -> None:
    """Without a token, or an hour later, a service answers 401."""
    headers = lms.bearer()
    assert lms.client.get(url).status_code == 401
    assert lms.client.get(url, headers=headers).status_code == 200
    lms.clock.now += 3601
    assert lms.client.get(url, headers=headers).status_code == 401


def test_token_of_another_scope_is_refused(lms: Lms) -> None:
    """A roster token opens no line items, and the other way round."""
    assert lms.client.get(f"{ITEMS}?type_id=1", headers=lms.bearer(ROSTER)).status_code == 401
    assert lms.client.get(MEMBERS, headers=lms.bearer(LINEITEM)).status_code == 401


@pytest.mark.parametrize(("accept", "status"), [("application/json", 400), (CONTAINER, 200), ("*/*", 200)])
def test_roster_serves_its_own_media_type_only(lms: Lms, accept: str, status: int) -> None:
    """application/json is refused with 400, as Moodle does."""
    assert lms.client.get(MEMBERS, headers={**lms.bearer(), "Accept": accept}).status_code == status


def test_roster_without_limit_has_everybody(lms: Lms) -> None:
    """Thirteen people with short roles, employee numbers, and entities in names."""
    answer = lms.client.get(MEMBERS, headers=lms.bearer())
    members = {one["user_id"]: one for one in answer.json["members"]}  # type: ignore[index]
    assert len(members) == 13
    assert "Link" not in answer.headers
    assert members["3"]["roles"] == ["Instructor"]
    assert members["13"]["name"] == "Ni&#039;mah Zahra"
    assert members["20"]["lis_person_sourcedid"] == ""


def test_roster_pages_and_drops_the_role(lms: Lms) -> None:
    """With a limit, the next link leads on but has lost the role."""
    answer = lms.client.get(f"{MEMBERS}?role=Learner&limit=5", headers=lms.bearer())
    assert len(answer.json["members"]) == 5  # type: ignore[index]
    assert answer.headers["Link"].endswith('/memberships?limit=5&from=5>; rel="next"')
    seen, onward = 0, f"{MEMBERS}?limit=5"
    while onward:
        page = lms.client.get(onward, headers=lms.bearer())
        seen += len(page.json["members"])  # type: ignore[index]
        link = page.headers.get("Link", "")
        onward = path(link[1 : link.index(">")]) if link else ""
    assert seen == 13


@pytest.mark.parametrize(
    ("switch", "status", "count"), [("paged", 200, 5), ("down", 503, 0), ("normal", 200, 13)]
)
def test_roster_switch(lms: Lms, switch: str, status: int, count: int) -> None:
    """The test bench can force pages on the roster, or take it down."""
    lms.client.post("/bench/switches", data={"roster": switch})
    answer = lms.client.get(MEMBERS, headers=lms.bearer())
    assert answer.status_code == status
    assert status != 200 or len(answer.json["members"]) == count  # type: ignore[index]


def test_tool_sees_its_own_line_items_only(lms: Lms) -> None:
    """The LMS's own grade column is neither listed nor readable."""
    assert [one["label"] for one in items(lms)] == ["Rekam belajar 2026"]
    own = next(item.id for item in lms.memory.items.values() if item.type_id is None)
    assert lms.client.get(f"{ITEMS}/{own}/lineitem?type_id=1", headers=lms.bearer()).status_code == 403


def test_line_items_links_have_curly_quotes(lms: Lms) -> None:
    """With a limit, the Link header has Moodle's curly quotes, in UTF-8."""
    add_item(lms)
    header = lms.client.get(f"{ITEMS}?type_id=1&limit=1", headers=lms.bearer()).headers["Link"]
    assert "rel=“next”" in header.encode("latin-1").decode()


def add_item(lms: Lms, **changes: Any) -> Any:
    value = {"label": "Mentoring", "scoreMaximum": 4, "tag": "mentoring", "resourceId": "m1", **changes}
    return lms.client.post(
        f"{ITEMS}?type_id=1", data=json.dumps(value), content_type=ITEM_TYPE, headers=lms.bearer()
    )


def test_line_item_is_added_found_changed_and_removed(lms: Lms) -> None:
    """A line item goes through its life; its address carries type_id."""
    made = add_item(lms)
    assert made.status_code == 201
    where = path(made.json["id"])
    assert where.endswith("/lineitem?type_id=1")
    found = lms.client.get(f"{ITEMS}?type_id=1&tag=mentoring&resource_id=m1", headers=lms.bearer())
    assert found.mimetype == CONTAINER_TYPE
    assert [one["label"] for one in found.json] == ["Mentoring"]  # type: ignore[union-attr]
    changed = {"label": "Mentoring 2", "scoreMaximum": 8}
    answer = lms.client.put(where, data=json.dumps(changed), content_type=ITEM_TYPE, headers=lms.bearer())
    assert (answer.json or {})["label"] == "Mentoring 2"
    assert lms.client.delete(where, headers=lms.bearer()).status_code == 200
    assert lms.client.get(where, headers=lms.bearer()).status_code == 404


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"label": ""}, 400),
        ({"scoreMaximum": "4"}, 400),
        ({"scoreMaximum": 0}, 400),
        ({"resourceLinkId": "999"}, 403),
    ],
)
def test_bad_line_item_is_refused(lms: Lms, changes: dict[str, Any], status: int) -> None:
    """A line item without a label or a real maximum is 400; for another's activity 403."""
    assert add_item(lms, **changes).status_code == status


def test_line_item_of_an_activity_cannot_be_removed(lms: Lms) -> None:
    """The column that came with an activity stays."""
    assert lms.client.delete(path(items(lms)[0]["id"]), headers=lms.bearer()).status_code == 403


def test_score_arrives_in_results_and_gradebook(lms: Lms) -> None:
    """A score is rescaled to the column's maximum and shown to the instructor."""
    item = items(lms)[0]["id"]
    assert score(lms, item, scoreGiven=5, scoreMaximum=10).status_code == 200
    found = result(lms, item)
    assert (found["resultScore"], found["resultMaximum"], found["scoreOf"]) == (10.0, 20.0, item)
    assert ">10.00</td>" in lms.client.get("/grade/report.php?as=3").text


def test_too_high_a_score_is_cut(lms: Lms) -> None:
    """A score over the maximum becomes the maximum."""
    item = items(lms)[0]["id"]
    score(lms, item, scoreGiven=25)
    assert result(lms, item)["resultScore"] == 20.0


def test_zero_is_left_out_of_results(lms: Lms) -> None:
    """A grade of 0 has a result without resultScore."""
    item = items(lms)[0]["id"]
    score(lms, item, scoreGiven=0)
    assert "resultScore" not in result(lms, item)


@pytest.mark.parametrize(("later", "status"), [(0, 409), (-60, 409), (0.4, 409), (1, 200)])
def test_score_must_be_newer_by_a_second(lms: Lms, later: float, status: int) -> None:
    """A timestamp that is not newer in whole seconds is 409 with the body []."""
    item = items(lms)[0]["id"]
    score(lms, item)
    lms.clock.now += later
    answer = score(lms, item, scoreGiven=11)
    assert answer.status_code == status
    assert status == 200 or answer.text == "[]"


def test_ungraded_score_empties_the_grade(lms: Lms) -> None:
    """A gradingProgress other than FullyGraded takes the grade away, and the next score may have any time."""
    item = items(lms)[0]["id"]
    score(lms, item)
    lms.clock.now += 10
    assert score(lms, item, gradingProgress="Pending").status_code == 200
    assert "resultScore" not in result(lms, item)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "application/json"},
        {"userId": "3"},
        {"userId": "999"},
        {"userId": None},
        {"timestamp": None},
        {"timestamp": "2026-11-23"},
        {"activityProgress": None},
        {"gradingProgress": "Done"},
        {"scoreMaximum": None},
        {"scoreGiven": "10"},
    ],
    ids=str,
)
def test_bad_score_is_refused(lms: Lms, changes: dict[str, Any]) -> None:
    """A teacher, an unknown user, a missing field or a wrong media type is 400; nothing is stored."""
    answer = score(lms, items(lms)[0]["id"], **changes)
    assert answer.status_code == 400
    assert answer.text == ("" if "kind" in changes else "[]")
    assert lms.memory.grades == {}


@pytest.mark.parametrize(("switch", "status"), [("conflict", 409), ("down", 503)])
def test_scores_switch(lms: Lms, switch: str, status: int) -> None:
    """The test bench can make every score conflict, or take the service down."""
    item = items(lms)[0]["id"]
    lms.client.post("/bench/switches", data={"scores": switch})
    assert score(lms, item).status_code == status


def test_storage_switch(lms: Lms) -> None:
    """With storage offered, the login request names its frame and the course page answers; else neither."""
    course = f"/course/view.php?id=2&as=11&activity={lms.link}"
    assert "lti_storage_target" not in lms.login()
    assert "storage.js" not in lms.client.get(course).text
    lms.client.post("/bench/switches", data={"storage": "offered"})
    assert lms.login()["lti_storage_target"] == "_parent"
    page = lms.client.get(course).text
    assert page.index("storage.js") < page.index("<iframe")
    with lms.client.get("/static/storage.js") as script:
        assert b"lti.put_data" in script.data


def test_token_switch(lms: Lms) -> None:
    """The test bench can take the token endpoint down."""
    lms.client.post("/bench/switches", data={"token": "down"})
    assert lms.ask_token(lms.assertion()).status_code == 503

"""Platform services: tokens, roster, line items, scores; shaped like a Moodle's answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from lrs.outbound.http_client import Answer, OutboundError
from lrs.store.documents import DocumentQuery
from lti_tool.platforms.platforms import Platform
from lti_tool.services.ags import LINE_ITEM, RESULT_READ, SCORE, Grades, LineItem, Result, Score
from lti_tool.services.client import ServiceError, finite, next_page, with_path_end
from tests.lti_tool.conftest import World
from tests.lti_tool.platform import CLAIM, NRPS_CLAIM, ROLE, Clock, Sent, TestPlatform, answer

MEMBERS = "https://lms.example/mod/lti/services.php/CourseSection/3/bindings/1/memberships"
ITEMS = "https://lms.example/mod/lti/services.php/3/lineitems"
ITEM = ITEMS + "/9/lineitem"
AGS = {"scope": [LINE_ITEM, RESULT_READ, SCORE], "lineitems": ITEMS + "?type_id=1"}


@pytest.fixture
def platform(world: World) -> Platform:
    """The registered platform, with a token endpoint that counts tokens."""
    serve_tokens(world, world.platform)
    found = world.tool.platforms.get(world.platform_id)
    assert found is not None
    return found


def serve_tokens(world: World, platform: TestPlatform, seconds: Any = 3600) -> None:
    def token(sent: Sent) -> Answer:
        number = len(world.wire.to(platform.token_url))
        value = {
            "access_token": f"{platform.client_id}-{number}",
            "token_type": "Bearer",
            "expires_in": seconds,
        }
        # Moodle calls its JSON text/html.
        return answer(value, content_type="text/html")

    world.wire.handlers[platform.token_url] = token


def bearer(sent: Sent) -> str:
    return sent.headers["Authorization"].removeprefix("Bearer ")


def call(world: World, platform: Platform, *scopes: str) -> str:
    world.wire.handlers["https://lms.example/x"] = lambda sent: answer(bearer(sent))
    found = world.tool.services.call(platform, scopes, "GET", "https://lms.example/x", accept="*/*").json()
    return str(found)


def test_a_token_request_proves_who_asks(world: World, platform: Platform) -> None:
    """The tool asks with a fresh assertion, signed by its published key, for the token address."""
    call(world, platform, "a", "b")
    (sent,) = world.wire.to(world.platform.token_url)
    assert sent.form["grant_type"] == "client_credentials"
    assert sent.form["scope"] == "a b"
    token = sent.form["client_assertion"]
    header = jwt.get_unverified_header(token)
    keys = jwt.PyJWKSet.from_dict(world.tool.tool_keys.public_set())
    claims = jwt.decode(
        token,
        keys[header["kid"]],
        algorithms=["RS256"],
        audience=world.platform.token_url,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert (claims["iss"], claims["sub"]) == ("client-1", "client-1")
    assert claims["iat"] < claims["exp"] <= world.clock.seconds + 60


def test_a_token_is_kept_until_a_minute_before_its_end(world: World, platform: Platform) -> None:
    """One token serves until sixty seconds before it expires."""
    assert call(world, platform, "a") == "client-1-1"
    world.clock.forward(3539)
    assert call(world, platform, "a") == "client-1-1"
    world.clock.forward(1)
    assert call(world, platform, "a") == "client-1-2"


def test_tokens_belong_to_one_registration(world: World, platform: Platform, clock: Clock) -> None:
    """Client 2 of the same issuer never gets client 1's token."""
    second = TestPlatform(clock, client_id="client-2")
    registered = second.register(world.tool.platforms, world.wire)
    assert call(world, platform, "a") == "client-1-1"
    serve_tokens(world, second)
    assert call(world, registered, "a").startswith("client-2-")


def test_tokens_belong_to_their_scopes(world: World, platform: Platform) -> None:
    """Other scopes mean another token; their order means nothing."""
    assert call(world, platform, "a", "b") == "client-1-1"
    assert call(world, platform, "b", "a", "a") == "client-1-1"
    assert call(world, platform, "a") == "client-1-2"


def test_a_refused_token_is_replaced_once(world: World, platform: Platform) -> None:
    """When the platform no longer knows a token, a new one is fetched and the call repeated once."""
    call(world, platform, "a")

    def picky(sent: Sent) -> Answer:
        return answer("ok") if bearer(sent) == "client-1-2" else answer("no", 401)

    world.wire.handlers["https://lms.example/y"] = picky
    found = world.tool.services.call(platform, ["a"], "GET", "https://lms.example/y", accept="*/*")
    assert found.json() == "ok"
    world.wire.handlers["https://lms.example/y"] = lambda _sent: answer("no", 401)
    with pytest.raises(ServiceError) as error:
        world.tool.services.call(platform, ["a"], "GET", "https://lms.example/y", accept="*/*")
    assert error.value.status == 401
    assert len(world.wire.to("https://lms.example/y")) == 4


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"access_token": 5},
        {"access_token": "a\r\nX-Evil: 1"},
        {"access_token": "x" * 20_000},
        "text",
        None,
    ],
)
def test_an_unusable_token_answer_is_an_error(world: World, platform: Platform, value: Any) -> None:
    """A token endpoint that answers nonsense gives a service error, not a header of its choice."""
    world.wire.handlers[world.platform.token_url] = lambda _sent: answer(value)
    with pytest.raises(ServiceError):
        call(world, platform, "a")


@pytest.mark.parametrize("seconds", [None, "3600", 0, float("nan")])
def test_a_token_without_a_usable_lifetime_is_used_once(
    world: World, platform: Platform, seconds: Any
) -> None:
    """Without a number of seconds a token is not kept."""
    serve_tokens(world, world.platform, seconds)
    assert call(world, platform, "a") == "client-1-1"
    assert call(world, platform, "a") == "client-1-2"


def test_a_disabled_platform_gets_no_calls(world: World, platform: Platform) -> None:
    """Nothing is asked of a platform that was switched off."""
    disabled = world.tool.platforms.disable(platform.id)
    with pytest.raises(ServiceError):
        call(world, disabled, "a")
    assert world.wire.sent == []


LINKS: list[tuple[str, str | None]] = [
    ('<https://lms.example/m?p=2>; rel="next"', "https://lms.example/m?p=2"),
    ("<https://lms.example/m?p=2>; rel=next", "https://lms.example/m?p=2"),
    ("<https://lms.example/m?p=2>; rel=“next”", "https://lms.example/m?p=2"),
    ("<https://lms.example/m?p=2>; rel=“next”".encode().decode("latin-1"), "https://lms.example/m?p=2"),
    ('<https://lms.example/CamelCase?P=Two>; REL="NEXT"', "https://lms.example/CamelCase?P=Two"),
    ('<https://lms.example/a>; rel="prev", <https://lms.example/b,c>; rel="next"', "https://lms.example/b,c"),
    ('<https://lms.example/a>; title="x"; rel="last next"', "https://lms.example/a"),
    ('</relative?p=2>; rel="next"', "https://lms.example/relative?p=2"),
    ('<https://lms.example/a>; rel="differences"', None),
    ('<https://evil.example/a>; rel="next"', None),
    ('<http://lms.example/a>; rel="next"', None),
    ('<javascript:alert(1)>; rel="next"', None),
    ("nonsense", None),
    ("", None),
]


@pytest.mark.parametrize(("header", "expected"), LINKS)
def test_link_headers_are_read_leniently(header: str, expected: str | None) -> None:
    """Any quotes will do, letters keep their case, and a token never travels to another host."""
    assert next_page(Answer(200, {"link": header}, b""), "https://lms.example/m?p=1") == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://l/i/9/lineitem?type_id=1", "https://l/i/9/lineitem/scores?type_id=1"),
        ("https://l/i/9/lineitem", "https://l/i/9/lineitem/scores"),
        ("https://l/i/9/?a=b?c", "https://l/i/9/scores?a=b?c"),
    ],
)
def test_scores_go_before_the_query(url: str, expected: str) -> None:
    """The path is continued, the query string stays behind it."""
    assert with_path_end(url, "scores") == expected


def member(number: int, **more: Any) -> dict[str, Any]:
    return {
        "user_id": str(number),
        "name": f"Person {number}",
        "roles": ["Learner"],
        "status": "Active",
        "lis_person_sourcedid": f"{number:018d}",
        **more,
    }


def serve_roster(world: World, *pages: list[Any]) -> None:
    def page(sent: Sent) -> Answer:
        assert sent.headers["Accept"] == "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
        assert "limit" not in sent.url
        number = int(sent.url.partition("p=")[2] or 0)
        links: dict[str, Any] = (
            {"link": f"<{MEMBERS}?p={number + 1}>; rel=“next”"} if number + 1 < len(pages) else {}
        )
        return answer({"id": MEMBERS, "members": pages[number]}, **links)

    world.wire.handlers[MEMBERS] = page


def launch(world: World, **claims: Any) -> Any:
    roles = {CLAIM + "roles": [ROLE + "Instructor"], NRPS_CLAIM: {"context_memberships_url": MEMBERS}}
    world.visit().go(**{"sub": "900", "name": "Ibu Guru", **roles, **claims})
    return world.seen[-1][0]


@pytest.mark.usefixtures("platform")
def test_a_roster_is_read_over_all_its_pages(world: World) -> None:
    """Every page is read, entities in names are resolved, short roles are understood."""
    serve_roster(
        world,
        [member(2, name="O&#039;Neil &amp; Co"), member(1, roles=["Instructor"])],
        [member(3, status="Inactive"), member(2, name="twice")],
    )
    view = world.tool.roster.view(launch(world))
    assert [(one.name, sorted(one.roles), one.active) for one in view.members] == [
        ("Ibu Guru", ["instructor"], False),
        ("O'Neil & Co", ["learner"], True),
        ("Person 1", ["instructor"], True),
        ("Person 3", ["learner"], False),
    ]
    assert [one.subject for one in view.learners] == ["2"]
    assert view.complete
    assert not view.stale


@pytest.mark.usefixtures("platform")
def test_a_roster_is_fetched_once_in_a_while(world: World) -> None:
    """A roster is kept for some minutes, for everyone in the course."""
    serve_roster(world, [member(1)])
    session = launch(world)
    for _ in range(3):
        world.tool.roster.members(session)
    assert len(world.wire.to(MEMBERS)) == 1
    world.clock.forward(301)
    world.tool.roster.members(session)
    assert len(world.wire.to(MEMBERS)) == 2


@pytest.mark.usefixtures("platform")
def test_an_outage_shows_the_last_roster(world: World) -> None:
    """While the platform is down the last roster is shown, marked as such, and it is not hammered."""
    serve_roster(world, [member(1)])
    session = launch(world)
    world.tool.roster.members(session)
    world.clock.forward(301)
    world.wire.handlers[MEMBERS] = lambda _sent: answer("down", 503)
    views = [world.tool.roster.view(session) for _ in range(3)]
    assert all(view.stale and "Person 1" in [one.name for one in view.members] for view in views)
    assert len(world.wire.to(MEMBERS)) == 2


def test_without_a_roster_launches_are_the_roster(world: World) -> None:
    """Where the platform offers no roster, everyone who launched in this course is listed."""
    world.visit().go()
    session = launch(world, **{NRPS_CLAIM: None})
    view = world.tool.roster.view(session)
    assert [one.name for one in view.members] == ["Budi Santoso", "Ibu Guru"]
    assert all(one.active for one in view.members)


def test_a_launch_without_a_course_has_no_roster(world: World) -> None:
    """Outside any course nobody is listed."""
    world.visit().go(**{CLAIM + "context": None})
    assert world.tool.roster.members(world.seen[0][0]) == []


@pytest.mark.usefixtures("platform")
def test_who_launched_as_an_instructor_is_no_participant(world: World) -> None:
    """Moodle lists teachers who may not edit as learners: what their own launch said here holds."""
    serve_roster(world, [member(900, name="", roles=["Learner"]), member(1)])
    session = launch(world)
    view = world.tool.roster.view(session)
    assert [(one.name, sorted(one.roles)) for one in view.members] == [
        ("Ibu Guru", ["instructor"]),
        ("Person 1", ["learner"]),
    ]
    assert [one.name for one in view.learners] == ["Person 1"]
    assert view.members[0].seen == world.clock()
    page = world.tool.roster.learners(session, after="", before="", limit=9)
    assert [one.subject for one in page.members] == ["1"]


@pytest.mark.usefixtures("platform")
def test_the_roster_decides_about_learners(world: World) -> None:
    """Who launched as a learner teaches if the roster says so, or a later launch does."""
    serve_roster(world, [member(900, roles=["Instructor"]), member(901, roles=["Learner"])])
    launch(world, **{CLAIM + "roles": [ROLE + "Learner"]})
    session = launch(world, sub="901", **{CLAIM + "roles": [ROLE + "Learner"]})
    assert [one.subject for one in world.tool.roster.view(session).learners] == ["901"]
    launch(world, sub="901")
    assert world.tool.roster.view(session).learners == ()


@pytest.mark.usefixtures("platform")
def test_a_roster_keeps_no_employee_numbers(world: World) -> None:
    """Numbers from the roster go to the alias table alone, never into the kept roster."""
    serve_roster(world, [member(1, email="a@example.go.id")])
    world.tool.roster.members(launch(world))
    assert [(one.subject, one.employee_number) for one in world.listed] == [("1", "000000000000000001")]
    with world.store.reading() as reader:
        (kept,) = reader.find_documents(DocumentQuery("roster", None, limit=9))
    assert b"000000000000000001" not in kept.body
    assert b"a@example.go.id" not in kept.body


@pytest.mark.usefixtures("platform")
def test_a_roster_that_never_ends_is_cut(world: World) -> None:
    """Pages that lead in a circle or on for ever end, and the roster says that it is incomplete."""
    endless: Callable[[Sent], Answer] = lambda sent: answer(  # noqa: E731
        {"members": [member(len(world.wire.sent))]},
        link=f"<{MEMBERS}?p={len(world.wire.sent)}>; rel=next",
    )
    world.wire.handlers[MEMBERS] = endless
    view = world.tool.roster.view(launch(world))
    assert not view.complete
    assert len(world.wire.to(MEMBERS)) == 200
    world.clock.forward(301)
    world.wire.handlers[MEMBERS] = lambda _sent: answer({"members": []}, link=f"<{MEMBERS}>; rel=next")
    assert world.tool.roster.view(world.seen[-1][0]).complete


@pytest.mark.usefixtures("platform")
@pytest.mark.parametrize("value", [[], "x", {}, {"members": {}}, None])
def test_a_strange_roster_answer_is_an_outage(world: World, value: Any) -> None:
    """What is no membership container leaves the launches as the roster."""
    world.wire.handlers[MEMBERS] = lambda _sent: answer(value)
    view = world.tool.roster.view(launch(world))
    assert view.stale
    assert [one.name for one in view.members] == ["Ibu Guru"]


@pytest.mark.usefixtures("platform")
def test_strange_members_are_passed_over(world: World) -> None:
    """Members without a usable id, and fields of wrong types, do not spoil the rest."""
    serve_roster(
        world,
        [
            None,
            {},
            {"user_id": ""},
            {"user_id": "\ud800"},
            {"user_id": True},
            {"user_id": 10**3000},
            {"user_id": "x" * 2049},
            member(5, name=7, roles="Learner", lis_person_sourcedid=1),
            member(6, name="\ud800", email="\udfff", given_name="A\ud800", roles=["\ud800"], status="\ud800"),
        ],
    )
    assert {one.subject for one in world.tool.roster.members(launch(world))} == {"900", "5", "6"}


@pytest.mark.usefixtures("platform")
@pytest.mark.parametrize("link", ["<http://[>; rel=next", "<https://a:99999/>; rel=next"])
def test_a_next_page_that_is_no_address_ends_the_roster(world: World, link: str) -> None:
    """A link that cannot be read is no further page; what was read is shown."""
    world.wire.handlers[MEMBERS] = lambda _sent: answer({"members": [member(6)]}, link=link)
    assert {one.subject for one in world.tool.roster.members(launch(world))} == {"900", "6"}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (10**310, 0.0),
        (-(10**310), 0.0),
        (float("inf"), 0.0),
        (float("nan"), 0.0),
        (True, 0.0),
        ("5", 0.0),
        (None, 0.0),
        ([], 0.0),
        (10**25, 1e25),
        (2.5, 2.5),
    ],
)
def test_numbers_of_a_platform_are_finite(value: Any, number: float) -> None:
    """What is no number, or beyond all use, counts as 0; nothing fails on the way."""
    assert finite(value) == number


@pytest.mark.parametrize("seconds", [10**310, -5, "3600", None, True, float("inf")])
def test_a_token_with_a_strange_life_is_used_once(world: World, seconds: Any) -> None:
    """A token answer whose `expires_in` means nothing still works, and is not kept."""
    serve_tokens(world, world.platform, seconds=seconds)
    serve_roster(world, [member(6)])
    assert {one.subject for one in world.tool.roster.members(launch(world))} == {"900", "6"}


def grades(world: World, platform: Platform, **claim: Any) -> Grades:
    return Grades(world.tool.services, platform, {**AGS, **claim})


def test_line_items_are_listed_without_limit_over_all_pages(world: World, platform: Platform) -> None:
    """All line items are read with the right media type; strange ones are passed over."""

    def page(sent: Sent) -> Answer:
        assert sent.headers["Accept"] == "application/vnd.ims.lis.v2.lineitemcontainer+json"
        if "page=2" in sent.url:
            return answer([{"id": ITEM, "label": "B", "scoreMaximum": 10, "resourceId": 5}])
        first = [{"id": ITEMS + "/1/lineitem", "label": "A", "scoreMaximum": "x"}, None, {"label": "no id"}]
        return answer(first, link=f"<{ITEMS}?type_id=1&page=2>; rel=“next”")

    world.wire.handlers[ITEMS] = page
    found = list(grades(world, platform).line_items())
    assert [(one.label, one.maximum, one.resource_id) for one in found] == [("A", 0.0, ""), ("B", 10.0, "5")]


def test_a_line_item_is_found_or_created_without_touching_others(world: World, platform: Platform) -> None:
    """Ours is recognised by resource id and tag; the platform's own column of that label stays as it is."""
    own = {"id": ITEM, "label": "JP", "scoreMaximum": 100, "resourceId": "g1", "tag": "goal"}
    listed = [{"id": ITEMS + "/1/lineitem", "label": "JP", "scoreMaximum": 10}]

    def serve(sent: Sent) -> Answer:
        if sent.method == "POST":
            assert sent.headers["Content-Type"] == "application/vnd.ims.lis.v2.lineitem+json"
            listed.append({**json.loads(sent.body), "id": ITEM})
            return answer(listed[-1], 201)
        return answer(listed)

    world.wire.handlers[ITEMS] = serve
    wanted = LineItem("JP", 100.0, resource_id="g1", tag="goal")
    made = grades(world, platform).find_or_create(wanted)
    again = grades(world, platform).find_or_create(wanted)
    assert made == again == LineItem("JP", 100.0, ITEM, "g1", "goal")
    assert [sent.method for sent in world.wire.to(ITEMS)] == ["GET", "POST", "GET"]
    assert listed[1].items() >= own.items()


def test_the_launched_links_own_line_item_comes_first(world: World, platform: Platform) -> None:
    """A line item coupled to the link is used as it is."""
    world.wire.handlers[ITEM] = lambda _sent: answer({"id": ITEM, "label": "L", "scoreMaximum": 5})
    found = grades(world, platform, lineitem=ITEM).find_or_create(LineItem("x", 100, resource_id="g"))
    assert found == LineItem("L", 5.0, ITEM)
    assert world.wire.to(ITEMS) == []


def test_line_items_can_be_changed_and_removed(world: World, platform: Platform) -> None:
    """PUT and DELETE reach the item's own address."""
    world.wire.handlers[ITEM] = lambda sent: (
        answer({**json.loads(sent.body), "id": ITEM}) if sent.method == "PUT" else Answer(204, {}, b"")
    )
    item = LineItem("New", 50.0, ITEM, "g1", "goal")
    assert grades(world, platform).update(item) == item
    grades(world, platform).delete(item)
    assert [sent.method for sent in world.wire.to(ITEM)] == ["PUT", "DELETE"]


def test_a_score_is_sent_as_moodle_wants_it(world: World, platform: Platform) -> None:
    """Media type, path, all four required members, and a timestamp in milliseconds."""
    world.wire.handlers[ITEM + "/scores"] = lambda _sent: answer(None)
    grades(world, platform).post(ITEM + "?type_id=1", Score("42", 40.0, 100.0, 1_763_900_000_123_456))
    (sent,) = world.wire.to(ITEM + "/scores")
    assert sent.url == ITEM + "/scores?type_id=1"
    assert sent.headers["Content-Type"] == "application/vnd.ims.lis.v1.score+json"
    assert json.loads(sent.body) == {
        "userId": "42",
        "scoreGiven": 40.0,
        "scoreMaximum": 100.0,
        "timestamp": "2025-11-23T12:13:20.123Z",
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
    }


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0])
def test_a_score_that_is_no_number_is_not_sent(world: World, platform: Platform, number: float) -> None:
    """Only finite numbers that are not negative are scores."""
    with pytest.raises(ValueError, match="score"):
        grades(world, platform).post(ITEM, Score("42", number, 100.0, 0))
    assert world.wire.to(ITEM + "/scores") == []


def test_results_read_a_missing_score_as_zero(world: World, platform: Platform) -> None:
    """Moodle leaves a score of nought out; strange entries are passed over."""
    world.wire.handlers[ITEM + "/results"] = lambda _sent: answer(
        [{"userId": "1", "resultScore": 80, "resultMaximum": 100}, {"userId": "2"}, {}, None]
    )
    found = list(grades(world, platform).results(ITEM + "?type_id=1"))
    assert found == [Result("1", 80.0, 100.0), Result("2", 0.0, 0.0)]


@pytest.mark.parametrize(
    ("status", "may_pass"), [(400, False), (403, False), (404, False), (409, False), (429, True), (503, True)]
)
def test_errors_say_whether_they_may_pass(
    world: World, platform: Platform, status: int, may_pass: bool
) -> None:
    """Refusals are final, overload and outages are not."""
    world.wire.handlers[ITEM + "/scores"] = lambda _sent: answer([], status)
    with pytest.raises(ServiceError) as error:
        grades(world, platform).post(ITEM, Score("42", 1, 1, 0))
    assert (error.value.status, error.value.may_pass) == (status, may_pass)


def test_no_answer_may_pass(world: World, platform: Platform) -> None:
    """A platform that is down is worth another try."""

    def down(_sent: Sent) -> Answer:
        raise OutboundError("down")

    world.wire.handlers[ITEM + "/scores"] = down
    with pytest.raises(ServiceError) as error:
        grades(world, platform).post(ITEM, Score("42", 1, 1, 0))
    assert error.value.may_pass


def test_what_the_claim_allows(world: World, platform: Platform) -> None:
    """The scopes of the claim say what may be done in this course."""
    everything, nothing = grades(world, platform), grades(world, platform, scope=[])
    assert (everything.may_score, everything.may_create) == (True, True)
    assert (nothing.may_score, nothing.may_create) == (False, False)

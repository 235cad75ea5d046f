"""One session per launch: cookie and path together, tabs apart, forms from their own page."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import TestResponse

from lrs.store.documents import DocumentQuery
from lti_tool.web.cookies import PROBE, WORKS, login_name, session_name
from tests.lti_tool.conftest import World
from tests.lti_tool.platform import CLAIM, ROLE, TOOL, Clock, TestPlatform, Visit

CONTEXT = CLAIM + "context"


def set_cookies(response: TestResponse) -> dict[str, str]:
    """The Set-Cookie headers of a response, by cookie name."""
    return {line.partition("=")[0]: line for line in response.headers.getlist("Set-Cookie")}


def get(visit: Visit, path: str) -> TestResponse:
    return visit.client.get(path, base_url=TOOL)


def test_every_cookie_works_in_a_frame_and_nowhere_else(world: World) -> None:
    """All cookies are host-only, secure, partitioned and cross-site; only the probe can be read."""
    visit = world.visit()
    login = set_cookies(visit.login())
    launch = set_cookies(visit.launch())
    assert set(login) == {PROBE, login_name(visit.state)}
    for name, line in {**login, **launch}.items():
        assert name.startswith("__Host-")
        for attribute in ("Secure", "SameSite=None", "Partitioned", "Path=/"):
            assert attribute in line, line
        assert "Domain" not in line
        assert ("HttpOnly" in line) == (name != PROBE)


def test_the_session_cookie_belongs_to_one_launch(world: World) -> None:
    """A launch leaves its session's cookie and drops that of the login."""
    visit = world.visit()
    visit.login()
    response = visit.launch()
    launch_id = response.headers["Location"].split("/")[2]
    lines = set_cookies(response)
    assert session_name(launch_id) in lines
    assert "Max-Age=0" in lines[login_name(visit.state)]
    assert lines[WORKS].startswith(WORKS + "=1;")


def test_a_leaked_path_opens_nothing(world: World) -> None:
    """The address of a session without its cookie is refused, and so is a wrong cookie."""
    path = world.visit().home()
    other = world.visit()
    assert get(other, path).status_code == 401
    other.client.set_cookie(session_name(path.split("/")[2]), "1.guess", domain="tool.example", secure=True)
    response = get(other, path)
    assert response.status_code == 401
    assert "LTI-50" in response.get_data(as_text=True)


def test_two_tabs_never_mix(world: World) -> None:
    """Two courses open in one browser answer each for itself, whichever was opened last."""
    visit = world.visit()
    first = visit.go(**{CONTEXT: {"id": "A"}, CLAIM + "roles": [ROLE + "Instructor"]}).headers["Location"]
    second = visit.go(**{CONTEXT: {"id": "B"}}).headers["Location"]
    for path, context, roles in ((first, "A", ["instructor"]), (second, "B", ["learner"])):
        page = get(visit, path).json
        assert page is not None
        assert (page["context"], page["roles"]) == (context, roles)
    assert get(visit, first + "cohort").status_code == 200
    assert get(visit, second + "cohort").status_code == 403


def test_two_agencies_in_one_browser_never_mix(world: World, clock: Clock) -> None:
    """The session of one agency's platform shows nothing of the other's."""
    other = TestPlatform(clock, issuer="https://other.example", key="other")
    other.register(world.tool.platforms, world.wire, tenant="other")
    visit = world.visit()
    first = visit.home()
    visit.platform = other
    second = visit.go(name="Other").headers["Location"]
    assert {get(visit, path).json["name"] for path in (first, second)} == {"Budi Santoso", "Other"}  # type: ignore[index]
    assert [session.tenant for session, _ in world.seen] == ["agency", "other"]


def test_the_same_course_id_on_two_platforms_is_two_courses(world: World, clock: Clock) -> None:
    """Course 3 of one platform and course 3 of another have different keys."""
    other = TestPlatform(clock, issuer="https://other.example", key="other")
    other.register(world.tool.platforms, world.wire, tenant="agency")
    world.visit().go()
    world.visit(other).go()
    assert world.seen[0][0].context_key != world.seen[1][0].context_key


def test_a_session_ends(world_with: Callable[..., World]) -> None:
    """After its time a session is refused."""
    world = world_with(session_seconds=3600)
    visit = world.visit()
    path = visit.home()
    world.clock.forward(3599)
    assert get(visit, path).status_code == 200
    world.clock.forward(1)
    assert get(visit, path).status_code == 401


def test_a_disabled_platform_closes_its_sessions(world: World) -> None:
    """Disabling a platform shuts open pages too."""
    visit = world.visit()
    path = visit.home()
    world.tool.platforms.disable(world.platform_id)
    assert "LTI-05" in get(visit, path).get_data(as_text=True)


def test_at_most_eight_sessions_and_the_oldest_goes(world: World) -> None:
    """The ninth launch in one browser closes the first, in the browser and in the store."""
    visit = world.visit()
    paths = []
    for _ in range(9):
        paths.append(visit.home())
        world.clock.forward(1)
    assert [get(visit, path).status_code for path in paths] == [401] + [200] * 8
    assert sum(name.startswith("__Host-launch_") for name in visit.cookies()) == 8
    with world.store.reading() as reader:
        assert len(reader.find_documents(DocumentQuery("launch-session", "", limit=20))) == 8


def test_many_unfinished_logins_do_not_fill_the_cookie_jar(world: World) -> None:
    """A page with many frames leaves a bounded number of login cookies."""
    visit = world.visit()
    for _ in range(20):
        visit.login()
    logins = [n for n in visit.cookies() if n.startswith("__Host-lti_") and n not in (PROBE, WORKS)]
    assert len(logins) <= 9
    assert login_name(visit.state) in logins


def test_a_browser_that_is_known_to_keep_cookies_skips_the_page(world: World) -> None:
    """After one successful launch the next login is a plain redirect."""
    visit = world.visit()
    assert visit.login().status_code == 200
    visit.launch()
    response = visit.login()
    assert response.status_code == 302
    assert response.headers["Location"].startswith(world.platform.auth_url)
    assert visit.launch().status_code == 303


ORIGINS = [
    (TOOL, True, 200),
    (TOOL, False, 403),
    ("https://evil.example", True, 403),
    ("https://lms.example", True, 403),
    ("null", True, 403),
    (None, True, 403),
    (TOOL + ".evil.example", True, 403),
]


@pytest.mark.parametrize(("origin", "with_token", "status"), ORIGINS)
def test_a_form_comes_from_its_own_page(
    world: World, origin: str | None, with_token: bool, status: int
) -> None:
    """An unsafe request needs the launch's token and the tool's own origin, both."""
    visit = world.visit()
    path = visit.home()
    page = get(visit, path).json
    assert page is not None
    headers = {} if origin is None else {"Origin": origin}
    data = {"csrf_token": page["csrf"]} if with_token else {"csrf_token": "x"}
    response = visit.client.post(path, base_url=TOOL, headers=headers, data=data)
    assert response.status_code == status


def test_the_form_token_of_one_tab_is_no_good_in_another(world: World) -> None:
    """Form tokens belong to one launch."""
    visit = world.visit()
    first, second = visit.home(), visit.home()
    page = get(visit, first).json
    assert page is not None
    response = visit.client.post(
        second, base_url=TOOL, headers={"Origin": TOOL}, data={"csrf_token": page["csrf"]}
    )
    assert "LTI-52" in response.get_data(as_text=True)


def test_pages_may_be_framed_by_their_platform_alone(world: World) -> None:
    """The content security policy names the launching platform, and what an administrator added."""
    world.tool.platforms.change(world.platform_id, frame_origins=("https://portal.example",))
    visit = world.visit()
    response = get(visit, visit.home())
    policy = response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://lms.example https://portal.example" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "X-Frame-Options" not in response.headers
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cache-Control"] == "no-store"


def test_scripts_of_the_login_page_carry_a_fresh_nonce(world: World) -> None:
    """Each response names its own nonce, in the header and in the page."""
    nonces = set()
    for _ in range(3):
        response = world.visit().login()
        nonce = response.headers["Content-Security-Policy"].split("'nonce-")[1].split("'")[0]
        assert f'<script nonce="{nonce}">' in response.get_data(as_text=True)
        nonces.add(nonce)
    assert len(nonces) == 3


def test_no_secret_is_in_an_address(world: World) -> None:
    """The address after a launch holds the launch's id and nothing that opens it."""
    visit = world.visit()
    response = visit.go()
    launch_id = response.headers["Location"].split("/")[2]
    assert response.headers["Location"] == f"/l/{launch_id}/"
    assert visit.cookies()[session_name(launch_id)] not in response.headers["Location"]


def test_a_page_without_cookies_shows_the_secret_in_a_header(world: World) -> None:
    """Where no cookie survives, our own page shows the right secret in a header."""
    begun = world.tool.launches.begin(world.platform.login_fields())
    nonce = parse_qs(urlsplit(begun.url).query)["nonce"][0]
    session, secret = world.tool.launches.finish(
        state=begun.state,
        id_token=world.platform.sign(world.platform.claims(nonce)),
        storage_secret=begun.storage_secret,
    )
    client = world.app.test_client()
    for shown, status in ((secret, 200), (begun.storage_secret, 401), ("", 401)):
        response = client.get(f"/l/{session.id}/", base_url=TOOL, headers={"X-Launch-Secret": shown})
        assert response.status_code == status


def test_the_platforms_storage_binds_a_launch_to_its_page(world: World) -> None:
    """The secret from the platform's storage finishes a launch once, from the tool's own page alone."""
    visit = world.visit()
    page = visit.login().get_data(as_text=True)
    secret = page.split('data-secret="')[1].split('"')[0]
    token = world.platform.sign(world.platform.claims(visit.nonce))
    fields = {"state": visit.state, "id_token": token, "storage_secret": secret}
    other = world.app.test_client()

    def send(origin: str, **changes: str) -> TestResponse:
        return other.post(
            "/lti/launch", data={**fields, **changes}, base_url=TOOL, headers={"Origin": origin}
        )

    assert "LTI-52" in send("https://evil.example").get_data(as_text=True)
    assert "LTI-11" in send(TOOL, storage_secret="guess").get_data(as_text=True)
    assert "X-Launch-Secret" in send(TOOL).get_data(as_text=True)
    assert "LTI-10" in send(TOOL).get_data(as_text=True)


def test_the_two_secrets_of_a_login_do_not_stand_in_for_each_other(world: World) -> None:
    """The secret of the page is no cookie: a script that reads the page cannot plant the browser's own."""
    visit = world.visit()
    page = visit.login().get_data(as_text=True)
    secret = page.split('data-secret="')[1].split('"')[0]
    other = world.visit()
    other.client.set_cookie(login_name(visit.state), secret, domain="tool.example", secure=True)
    token = world.platform.sign(world.platform.claims(visit.nonce))
    assert "LTI-11" in other.launch(token, state=visit.state).get_data(as_text=True)


def opened(world: World, visit: Visit, path: str) -> bool:
    return visit.client.get(path, base_url=TOOL).status_code == 200


def test_another_person_in_the_same_browser_ends_the_sessions_of_the_one_before(world: World) -> None:
    """On a shared computer the earlier person's pages close when somebody else launches."""
    visit = world.visit()
    first, second = visit.home(), visit.home()
    third = visit.go(sub="43", name="Ani").headers["Location"]
    assert [opened(world, visit, path) for path in (first, second, third)] == [False, False, True]
    cookies = visit.cookies()
    assert [name for name in cookies if name.startswith("__Host-launch_")] == [
        session_name(third.split("/")[2])
    ]
    with world.store.reading() as reader:
        kept = reader.find_documents(DocumentQuery("launch-session", "", limit=9))
    assert [one.name for one in kept] == [third.split("/")[2]]


def test_the_same_person_keeps_the_sessions_of_other_courses(world: World, clock: Clock) -> None:
    """Tabs of one person, and another platform's person in the same browser, do not end each other."""
    visit = world.visit()
    first, second = visit.home(), visit.home()
    other = TestPlatform(clock, issuer="https://other.example", client_id="client-9", key="other")
    other.register(world.tool.platforms, world.wire)
    elsewhere = Visit(visit.client, other)
    third = elsewhere.go(sub="43").headers["Location"]
    assert [opened(world, visit, path) for path in (first, second, third)] == [True, True, True]

"""Launches in a real Chromium, in a frame of another site: third-party cookies blocked, or none at all."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string, request
from flask_babel import Babel
from playwright.sync_api import Browser, BrowserContext, Page, Playwright
from werkzeug.serving import BaseWSGIServer, make_server

from lrs.store.memory import MemoryData, MemoryStore
from lrs.store.port import Store
from lti_tool.pages.lti.routes import create_lti_blueprint
from lti_tool.settings import LtiSettings
from lti_tool.web.flask_setup import install_pages
from lti_tool.web.guard import current_session, launch_session_required
from lti_tool.web.lti_services import LtiTool, build_tool
from tests.lti_tool.conftest import World
from tests.lti_tool.launch.test_deep_linking import open_picker
from tests.lti_tool.platform import CLAIM, DL_CLAIM, ROLE, TOOL, Clock, TestPlatform

CHROMIUM = os.environ.get("JEJAK_TEST_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--test-third-party-cookie-phaseout",
    # A frame that changes its process several times a second is lost on the test driver.
    "--disable-site-isolation-trials",
    "--disable-features=IsolateOrigins,site-per-process",
)

COURSE = """<!doctype html><title>Course</title><h1>Course</h1>
<iframe name="tool" width="800" height="600"></iframe>
<form id="start" method="post" action="{{ tool }}/lti/login" target="tool">
{% for name, value in fields.items() %}<input type="hidden" name="{{ name }}" value="{{ value }}">{% endfor %}
</form>
<script>
var kept = {}, storage = {{ storage|tojson }}, told = [];
window.addEventListener("message", function (event) {
  var data = event.data;
  told.push(data.subject);
  if (!storage || event.origin !== {{ tool|tojson }}) { return; }
  var answer = {subject: data.subject + ".response", message_id: data.message_id};
  if (data.subject === "lti.capabilities") {
    answer.supported_messages = [{subject: "lti.put_data"}, {subject: "lti.get_data"}];
  } else if (data.subject === "lti.put_data") {
    kept[data.key] = answer.value = data.value; answer.key = data.key;
  } else if (data.subject === "lti.get_data") {
    answer.value = storage === "forgets" ? null : kept[data.key]; answer.key = data.key;
  }
  event.source.postMessage(answer, event.origin);
});
document.getElementById("start").submit();
</script>"""

POST = """<!doctype html><form method="post" action="{{ url }}">
{% for name, value in fields.items() %}<input type="hidden" name="{{ name }}" value="{{ value }}">{% endfor %}
</form><script>document.forms[0].submit()</script>"""

HOME = """<!doctype html><html lang="id"><title>Home</title><main>
<h1>Home of {{ session.name }}</h1><p id="course">{{ session.context_title }}</p>
<p id="sent">{{ sent }}</p><a href="{{ launch_url('more') }}">More</a>
<form method="post" action="{{ launch_url('') }}">
<input type="hidden" name="csrf_token" value="{{ csrf_token() }}">
<label>Title <input name="title"></label><button name="do" value="save">Save</button></form></main></html>"""


@dataclass
class Place:
    """A tool on http://localhost and a platform on http://127.0.0.1: two sites."""

    tool: LtiTool
    platform: TestPlatform
    changes: dict[str, object] = field(default_factory=dict)
    returned: list[str] = field(default_factory=list)
    no_cookies: bool = False
    """Whether the tool's cookies are lost both ways, as in browsers that keep none in frames."""

    @property
    def tool_url(self) -> str:
        return self.tool.settings.origin

    def course(self, storage: str = "") -> str:
        return f"{self.platform.issuer}/course?storage={storage}"


class RealClock(Clock):
    def __call__(self) -> int:
        return time.time_ns() // 1000

    @property
    def seconds(self) -> int:
        return int(time.time())


def serve(app: Flask, host: str) -> tuple[BaseWSGIServer, int]:
    server = make_server(host, 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server, server.server_port


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    clock = RealClock()
    tool_app, platform_app = Flask("tool"), Flask("platform")
    tool_server, tool_port = serve(tool_app, "127.0.0.1")
    platform_server, platform_port = serve(platform_app, "127.0.0.1")
    settings = LtiSettings(public_url=f"http://localhost:{tool_port}", allow_loopback=True)
    store: Store = MemoryStore(MemoryData(clock))
    tool = build_tool(store, clock=clock, settings=settings)
    platform = TestPlatform(clock, issuer=f"http://127.0.0.1:{platform_port}")
    place = Place(tool, platform)
    build_tool_app(tool_app, tool)
    lose_cookies(tool_app, place)
    build_platform_app(platform_app, place)
    tool.platforms.add(
        tenant="agency",
        name="LMS",
        issuer=platform.issuer,
        client_id=platform.client_id,
        auth_login_url=platform.auth_url,
        auth_token_url=platform.token_url,
        jwks_url=platform.jwks_url,
        deployments=[platform.deployment],
    )
    yield place
    for server in (tool_server, platform_server):
        server.shutdown()
        server.server_close()


def build_tool_app(app: Flask, tool: LtiTool) -> None:
    Babel(app, default_locale="en")
    app.register_blueprint(create_lti_blueprint(tool))

    @app.route("/l/<launch_id>/", methods=["GET", "POST"])
    @launch_session_required()
    def home(launch_id: str) -> str:
        sent = f"{request.form.get('title')}/{request.form.get('do')}" if request.form else ""
        return render_template_string(HOME, session=current_session(), sent=sent)

    @app.get("/l/<launch_id>/more")
    @launch_session_required()
    def more(launch_id: str) -> str:
        return (
            f"<!doctype html><title>More</title><main><h1>More for {current_session().given_name}</h1></main>"
        )


def lose_cookies(app: Flask, place: Place) -> None:
    inner = app.wsgi_app

    def losing(environ: Any, start_response: Any) -> Any:
        if not place.no_cookies:
            return inner(environ, start_response)
        environ.pop("HTTP_COOKIE", None)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [one for one in headers if one[0] != "Set-Cookie"], *rest)

        return inner(environ, start)

    app.wsgi_app = losing  # type: ignore[method-assign]


def build_platform_app(app: Flask, place: Place) -> None:
    platform = place.platform

    @app.get("/course")
    def course() -> str:
        fields = platform.login_fields(target_link_uri=place.tool_url + "/lti/launch")
        return render_template_string(
            COURSE, tool=place.tool_url, fields=fields, storage=request.args.get("storage", "")
        )

    @app.get("/mod/lti/auth.php")
    def auth() -> str:
        claims = platform.claims(
            request.args["nonce"],
            **{CLAIM + "target_link_uri": place.tool_url + "/lti/launch", **place.changes},
        )
        fields = {"state": request.args["state"], "id_token": platform.sign(claims)}
        return render_template_string(POST, url=request.args["redirect_uri"], fields=fields)

    @app.get("/mod/lti/certs.php")
    def certs() -> dict[str, object]:
        return {"keys": platform.jwks}

    @app.post("/return")
    def returned() -> str:
        place.returned.append(request.form["JWT"])
        return "<!doctype html><title>Back</title><h1>Back in the course</h1>"


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
    yield chromium
    chromium.close()


@pytest.fixture
def context(browser: Browser, place: Place) -> Iterator[BrowserContext]:
    place.changes.clear()
    place.returned.clear()
    place.no_cookies = False
    opened = browser.new_context(locale="en-US")
    opened.set_default_timeout(10_000)
    yield opened
    opened.close()


def frame_says(page: Page, text: str) -> None:
    page.frame_locator("iframe[name=tool]").get_by_text(text).first.wait_for()


def test_a_launch_in_a_frame_of_another_site_with_third_party_cookies_blocked(
    context: BrowserContext, place: Place
) -> None:
    """Partitioned cookies carry the launch: the page opens, its form is saved, no new window is needed."""
    page = context.new_page()
    page.goto(place.course())
    frame_says(page, "Home of Budi Santoso")
    frame = page.frame_locator("iframe[name=tool]")
    frame.get_by_label("Title").fill("Coaching")
    frame.get_by_role("button", name="Save").click()
    frame_says(page, "Coaching/save")
    (kept,) = [cookie for cookie in context.cookies() if cookie["name"].startswith("__Host-launch_")]
    assert (kept["partitionKey"] or "").startswith("http://127.0.0.1")


def test_a_second_launch_skips_the_probe(context: BrowserContext, place: Place) -> None:
    """Once a frame is known to keep cookies, the next launch goes straight to the platform."""
    page = context.new_page()
    page.goto(place.course())
    frame_says(page, "Home of Budi Santoso")
    statuses = []
    page.on(
        "response",
        lambda answer: statuses.append(answer.status) if answer.url.endswith("/lti/login") else None,
    )
    page.goto(place.course())
    frame_says(page, "Home of Budi Santoso")
    assert statuses == [302]


def test_without_cookies_the_platforms_storage_carries_the_launch(
    context: BrowserContext, place: Place
) -> None:
    """Where no cookie survives, the platform's storage binds the launch and the pages work in one window."""
    page = context.new_page()
    place.no_cookies = True
    page.goto(place.course("offers"))
    frame_says(page, "Home of Budi Santoso")
    frame = page.frame_locator("iframe[name=tool]")
    frame.get_by_label("Title").fill("Mentoring & more")
    frame.get_by_role("button", name="Save").click()
    frame_says(page, "Mentoring & more/save")
    frame.get_by_role("link", name="More").click()
    frame_says(page, "More for Budi")
    told = page.evaluate("told")
    assert told == ["lti.capabilities", "lti.put_data", "lti.capabilities", "lti.get_data"]
    assert "/l/" not in page.evaluate("document.querySelector('iframe').src")


def test_without_cookies_or_storage_a_new_window_is_offered(context: BrowserContext, place: Place) -> None:
    """The new window begins its own launch, as its own first party; nothing is handed over."""
    page = context.new_page()
    place.no_cookies = True
    page.goto(place.course())
    frame_says(page, "Your browser does not let this activity")
    place.no_cookies = False
    with context.expect_page() as opening:
        page.frame_locator("iframe[name=tool]").get_by_role("button", name="Open in a new window").click()
    window = opening.value
    window.get_by_text("Home of Budi Santoso").wait_for()
    assert window.url.startswith(place.tool_url + "/l/")


def test_a_storage_that_forgets_refuses_the_launch(context: BrowserContext, place: Place) -> None:
    """When the secret does not come back from the storage, the person reads why and what to do."""
    page = context.new_page()
    place.no_cookies = True
    page.goto(place.course("forgets"))
    frame_says(page, "LTI-11")


def test_deep_linking_in_a_frame(context: BrowserContext, place: Place) -> None:
    """An instructor picks in the frame, and the choice posts itself back to the platform."""
    place.changes.update(deep_linking(place))
    page = context.new_page()
    page.goto(place.course())
    frame = page.frame_locator("iframe[name=tool]")
    frame.get_by_role("button", name="Add", exact=True).click()
    frame_says(page, "Back in the course")
    assert len(place.returned) == 1


def test_deep_linking_without_cookies(context: BrowserContext, place: Place) -> None:
    """Deep linking works by the platform's storage too; the last step is a click."""
    place.changes.update(deep_linking(place))
    page = context.new_page()
    place.no_cookies = True
    page.goto(place.course("offers"))
    frame = page.frame_locator("iframe[name=tool]")
    frame.get_by_role("button", name="Add", exact=True).click()
    frame.get_by_role("button", name="Continue").click()
    frame_says(page, "Back in the course")
    assert len(place.returned) == 1


def deep_linking(place: Place) -> dict[str, object]:
    return {
        CLAIM + "message_type": "LtiDeepLinkingRequest",
        CLAIM + "resource_link": None,
        CLAIM + "roles": [ROLE + "Instructor"],
        DL_CLAIM + "deep_linking_settings": {
            "deep_link_return_url": place.platform.issuer + "/return",
            "accept_types": ["ltiResourceLink"],
            "accept_presentation_document_targets": ["iframe"],
            "accept_multiple": True,
        },
    }


def test_two_frames_on_one_page_launch_side_by_side(context: BrowserContext, place: Place) -> None:
    """Two launches under way at once in one browser do not disturb each other."""
    first, second = context.new_page(), context.new_page()
    first.goto(place.course())
    second.goto(place.course())
    frame_says(first, "Home of Budi Santoso")
    frame_says(second, "Home of Budi Santoso")


def test_another_site_cannot_frame_the_pages(context: BrowserContext, place: Place) -> None:
    """A site that is not the platform is not allowed to show the tool in a frame."""
    page = context.new_page()
    blocked: list[str] = []
    report: Callable[[object], None] = lambda message: blocked.append(str(getattr(message, "text", "")))  # noqa: E731
    page.on("console", report)
    page.goto(place.platform.issuer.replace("127.0.0.1", "localhost") + "/course")
    page.wait_for_timeout(700)
    assert any("frame-ancestors" in text for text in blocked)


@pytest.mark.parametrize(("width", "height"), [(1000, 575), (360, 233)])
@pytest.mark.parametrize("language", ["id", "en"])
def test_the_button_of_the_selection_is_in_view_in_a_small_window(
    world: World, browser: Browser, width: int, height: int, language: str
) -> None:
    """Moodle shows the selection in a low window: whatever is scrolled or chosen, the button stays in it."""
    install_pages(world.app, default_language=language)
    visit, _path, page = open_picker(world)
    text = visit.client.get(page.request.path + f"?lang={language}", base_url=TOOL).text
    style = (Path(__file__).parents[4] / "lti_tool/static/jejak.css").read_text()
    opened = browser.new_page(viewport={"width": width, "height": height})
    opened.set_content(text.replace("</head>", f"<style>{style}</style></head>"))
    button = opened.get_by_role("button")

    def in_view() -> bool:
        box = button.bounding_box()
        return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= height

    assert in_view()
    assert opened.locator("#goal_jp").is_hidden()
    opened.locator("input[value=goal]").check()
    assert opened.locator("#goal_jp").is_visible()
    opened.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    assert in_view()
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    if folder := os.environ.get("JEJAK_TEST_PICTURES"):
        opened.evaluate("window.scrollTo(0, 0)")
        opened.screenshot(path=f"{folder}/select-{width}-{language}.png")
    opened.close()

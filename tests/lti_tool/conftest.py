"""A tool over the in-memory store, a platform that it knows, and a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask, request
from flask_babel import Babel

from lrs.store.memory import MemoryData, MemoryStore
from lrs.store.port import Store
from lti_tool.launch.launch import Identity
from lti_tool.launch.sessions import LaunchSession
from lti_tool.pages.lti.routes import create_lti_blueprint
from lti_tool.services import jobs
from lti_tool.settings import LtiSettings
from lti_tool.web.guard import csrf_token, current_session, launch_session_required
from lti_tool.web.lti_services import LtiTool, build_tool
from tests.keys import shared_keys
from tests.lti_tool.platform import TOOL, Clock, TestPlatform, Visit, Wire


@dataclass
class World:
    """Everything a test touches."""

    clock: Clock
    store: Store
    tool: LtiTool
    wire: Wire
    app: Flask
    platform: TestPlatform
    platform_id: str
    seen: list[tuple[LaunchSession, Identity]]
    """What each launch reported."""
    listed: list[Identity]
    """What each roster reported."""

    def visit(self, platform: TestPlatform | None = None) -> Visit:
        """A new browser."""
        return Visit(self.app.test_client(), platform or self.platform)


def make_world(clock: Clock, **settings: object) -> World:
    store: Store = MemoryStore(MemoryData(clock))
    chosen = LtiSettings(public_url=TOOL, **settings)  # type: ignore[arg-type]
    wire = Wire(chosen)
    seen: list[tuple[LaunchSession, Identity]] = []
    listed: list[Identity] = []
    tool = build_tool(
        store,
        clock=clock,
        settings=chosen,
        http=wire,
        on_launch=lambda *both: seen.append(both),
        on_roster=listed.extend,
    )
    app = Flask("test")
    Babel(app, default_locale="en", locale_selector=lambda: request.accept_languages.best_match(["en", "id"]))
    app.register_blueprint(create_lti_blueprint(tool))

    @app.route("/l/<launch_id>/", methods=["GET", "POST"])
    @launch_session_required()
    def home(launch_id: str) -> dict[str, object]:
        session = current_session()
        return {
            "name": session.name,
            "roles": sorted(session.roles),
            "context": session.context_id,
            "csrf": csrf_token(),
        }

    @app.get("/l/<launch_id>/cohort")
    @launch_session_required(roles={"instructor"})
    def cohort(launch_id: str) -> str:
        return "cohort"

    platform = TestPlatform(clock)
    registered = platform.register(tool.platforms, wire)
    return World(clock, store, tool, wire, app, platform, registered.id, seen, listed)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages wait for jobs however slow the machine is; what they show when they do not has its own tests."""
    monkeypatch.setattr(jobs, "PATIENCE_SECONDS", 30.0)


@pytest.fixture(autouse=True)
def keys() -> Iterator[None]:
    """The tool's keys come from a stock that all tests share."""
    with shared_keys():
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return make_world(clock)


@pytest.fixture
def world_with(clock: Clock) -> Callable[..., World]:
    """A world with other settings."""
    return lambda **settings: make_world(clock, **settings)

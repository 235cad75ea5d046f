"""The parts of the LTI tool, wired together once per application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app

from lrs.store.port import Store
from lti_tool.config import LtiSettings
from lti_tool.jwks import PlatformKeys
from lti_tool.keys import ToolKeys
from lti_tool.launch import Launches, OnLaunch
from lti_tool.outbound import Outbound
from lti_tool.platforms import Platforms

EXTENSION = "lti_tool"


@dataclass(frozen=True, slots=True)
class LtiTool:
    """Everything that routes need; `current_tool()` finds it inside a request."""

    store: Store
    clock: Callable[[], int]
    settings: LtiSettings
    http: Outbound
    platforms: Platforms
    tool_keys: ToolKeys
    launches: Launches


def build_tool(
    store: Store,
    *,
    clock: Callable[[], int],
    settings: LtiSettings,
    on_launch: OnLaunch | None = None,
    http: Outbound | None = None,
) -> LtiTool:
    """Wire the parts. `on_launch` receives each new session and the person's linking identifiers."""
    http = http or Outbound(settings)
    platforms = Platforms(store, clock)
    return LtiTool(
        store=store,
        clock=clock,
        settings=settings,
        http=http,
        platforms=platforms,
        tool_keys=ToolKeys(store, clock, settings),
        launches=Launches(
            store=store,
            clock=clock,
            settings=settings,
            platforms=platforms,
            keys=PlatformKeys(http, clock, settings),
            on_launch=on_launch,
        ),
    )


def current_tool() -> LtiTool:
    """The tool of the application that handles this request."""
    tool: LtiTool = current_app.extensions[EXTENSION]
    return tool

"""The parts of the LTI tool, wired together once per application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app

from lrs.outbound.calls import Calls
from lrs.outbound.http_client import Outbound
from lrs.outbox.deliveries import Deliveries
from lrs.outbox.outbox import Outbox
from lrs.store.port import Store
from lti_tool.launch.launch import Identity, Launches, OnLaunch
from lti_tool.launch.sessions import LaunchSession
from lti_tool.platforms.platform_keys import PlatformKeys
from lti_tool.platforms.platforms import Platforms
from lti_tool.platforms.tool_keys import ToolKeys
from lti_tool.services.client import Services
from lti_tool.services.goals import Goals
from lti_tool.services.grade_outbox import GradeQueue
from lti_tool.services.jobs import Jobs
from lti_tool.services.registration import Registrations
from lti_tool.services.roster import OnRoster, Roster
from lti_tool.settings import LtiSettings
from statements.profile.shipped import shipped
from statements.profile.table import Table

EXTENSION = "lti_tool"
TableFor = Callable[[str], Table]
"""The table of forms that holds for a tenant."""


@dataclass(frozen=True, slots=True)
class LtiTool:
    """Everything that routes need; `current_tool()` finds it inside a request."""

    store: Store
    clock: Callable[[], int]
    settings: LtiSettings
    calls: Calls
    platforms: Platforms
    tool_keys: ToolKeys
    launches: Launches
    services: Services
    jobs: Jobs
    roster: Roster
    outbox: Outbox
    deliveries: Deliveries
    grades: GradeQueue
    goals: Goals
    registrations: Registrations
    table_for: TableFor


def build_tool(
    store: Store,
    *,
    clock: Callable[[], int],
    settings: LtiSettings,
    on_launch: OnLaunch | None = None,
    on_roster: OnRoster | None = None,
    table_for: TableFor | None = None,
    http: Outbound | None = None,
    outbox: Outbox | None = None,
) -> LtiTool:
    """Wire the parts.

    `on_launch` receives each new session with the person's linking identifiers, `on_roster` those
    of a course's members whenever its roster was fetched; both are for the alias table. `outbox` is where
    scores are queued, beside whatever else is.
    """
    calls = Calls(http or Outbound(settings), clock, settings)
    platforms = Platforms(store, clock)
    jobs = Jobs()
    tool_keys = ToolKeys(store, clock, settings)
    services = Services(calls, tool_keys, clock, settings)
    outbox = outbox or Outbox(store, clock)
    grades = GradeQueue(outbox, clock, platforms, services)
    goals = Goals(store, clock, grades)

    def launched(session: LaunchSession, identity: Identity) -> None:
        goals.remember(session)
        if on_launch is not None:
            on_launch(session, identity)

    return LtiTool(
        store=store,
        clock=clock,
        settings=settings,
        calls=calls,
        platforms=platforms,
        tool_keys=tool_keys,
        launches=Launches(
            store=store,
            clock=clock,
            settings=settings,
            platforms=platforms,
            keys=PlatformKeys(calls, clock, settings),
            on_launch=launched,
        ),
        services=services,
        jobs=jobs,
        roster=Roster(
            store=store,
            clock=clock,
            settings=settings,
            services=services,
            platforms=platforms,
            jobs=jobs,
            on_roster=on_roster,
        ),
        outbox=outbox,
        deliveries=Deliveries(outbox),
        grades=grades,
        goals=goals,
        registrations=Registrations(
            store=store, clock=clock, settings=settings, calls=calls, platforms=platforms
        ),
        table_for=table_for or (lambda _tenant: shipped()),
    )


def current_tool() -> LtiTool:
    """The tool of the application that handles this request."""
    tool: LtiTool = current_app.extensions[EXTENSION]
    return tool

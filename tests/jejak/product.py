"""The whole product in one process: every route that `jejak serve` answers, with a platform that it knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client as Browser

from jejak.app import Application, create_app
from jejak.clock import now
from jejak.settings import load
from tests.lrs.client import Client
from tests.lti_tool.platform import TOOL, Clock, TestPlatform, Visit, Wire


@dataclass
class Product:
    """A running product over a SQLite file. Nothing runs in the background."""

    app: Application
    wire: Wire
    platform: TestPlatform
    platform_id: str

    def browser(self) -> Browser:
        """A browser that reaches every route, those outside Flask included."""
        return Browser(self.app)

    def visit(self) -> Visit:
        """A browser on its way to a launch."""
        return Visit(self.browser(), self.platform)  # type: ignore[arg-type]

    def follow(self) -> None:
        """Work out the learning record of everything that is stored."""
        while self.app.wired.record.follower.run_once():
            pass

    def key(self, *scopes: str, tenant: str = "agency") -> tuple[str, str]:
        """Key and secret of a new credential."""
        return self.app.wired.credentials.create(tenant, "program", scopes or ["all"])

    def xapi(self, *scopes: str) -> Client:
        """A client of the xAPI with a new credential."""
        return Client(self.app.wired.xapi, self.key(*scopes))


@contextmanager
def product(monkeypatch: pytest.MonkeyPatch, folder: Path, **settings: str) -> Iterator[Product]:
    """The product, made from settings as the environment would give them; it calls nobody outside."""
    wires: list[Wire] = []

    def wired(chosen: Any) -> Wire:
        wires.append(Wire(chosen))
        return wires[-1]

    monkeypatch.setattr("lti_tool.web.lti_services.Outbound", wired)
    environment = {"JEJAK_STORE": f"sqlite:///{folder}/jejak.db", "JEJAK_PUBLIC_URL": TOOL, **settings}
    app = create_app(load(environment))
    try:
        platform = TestPlatform(Clock(now()))
        made = platform.register(app.wired.tool.platforms, wires[0])
        yield Product(app, wires[0], platform, made.id)
    finally:
        app.close()

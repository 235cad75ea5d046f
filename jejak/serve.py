"""Starts the server processes and prepares the store once before they start."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from jejak.clock import now
from jejak.follow import following
from jejak.logs import configure
from jejak.secrets import secret_key
from jejak.settings import Settings, load
from jejak.wiring import lti_settings
from lrs.store.open import open_store
from lti_tool.keys import ToolKeys


def serve(host: str, port: int, workers: int, environment: Mapping[str, str]) -> None:
    """Serve until told to stop (SIGINT or SIGTERM). SettingsError or StoreError when it cannot start."""
    settings = load(environment)
    configure(settings.log_level)
    if settings.store.startswith("sqlite:///"):
        Path(settings.store.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    # Migrations and the shared secrets are settled before any worker can race for them.
    prepare_store(settings)
    server = Granian(
        "jejak.wsgi:worker",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=settings.threads,
        backlog=2048,
        factory=True,
        websockets=False,
        respawn_failed_workers=True,
        log_level=LogLevels(settings.log_level),
    )
    with following(environment):
        server.serve()


def prepare_store(settings: Settings) -> None:
    """Open the store once, bring it up to date, and make what all workers share."""
    store = open_store(settings.store)
    try:
        secret_key(store, settings.secret_key)
        ToolKeys(store, now, lti_settings(settings)).ensure()
    finally:
        store.close()

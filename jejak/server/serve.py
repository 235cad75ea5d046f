"""Starts the server processes and prepares the store once before they start."""

from __future__ import annotations

import resource
import socket
from collections.abc import Mapping
from contextlib import nullcontext

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels

from jejak.clock import now
from jejak.follow import following
from jejak.logs import SERVER_LOGS, configure
from jejak.secrets import secret_key
from jejak.server.environ import MOST_HEADER_BYTES
from jejak.settings import Settings, SettingsError, load
from jejak.upgrades import settle, tell_imitations
from jejak.wiring import lti_settings
from lrs.store.open import MEMORY, open_store
from lrs.xapi.statement_keys import STATEMENT_KEYS
from lti_tool.platforms.tool_keys import ToolKeys

CONNECTIONS = 16_384
"""Connections that one worker holds at most; idle ones are closed after 30 seconds."""
OTHER_FILES = 512
"""Files that a worker has open beside its connections, at most."""
LAST_SECONDS = 7
"""A worker that is told to end has so long to finish its requests; containers are given 10 seconds."""


def serve(host: str, port: int, workers: int, environment: Mapping[str, str]) -> None:
    """Serve until told to stop (SIGINT or SIGTERM). SettingsError or StoreError when it cannot start."""
    settings = load(environment)
    in_memory = settings.store == MEMORY
    if in_memory and workers > 1:
        raise SettingsError(f"JEJAK_STORE: {MEMORY} is for one worker, each would have a store of its own")
    configure(settings.log_level)
    # Migrations and the shared secrets are settled before any worker can race for them.
    if not in_memory:
        prepare_store(settings)
    server = Granian(
        "jejak.server.asgi:worker",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=workers,
        backlog=2048,
        backpressure=most_connections(),
        factory=True,
        http=HTTPModes.auto if settings.http2 else HTTPModes.http1,
        http1_settings=HTTP1Settings(max_buffer_size=MOST_HEADER_BYTES),
        http2_settings=HTTP2Settings(max_headers_size=MOST_HEADER_BYTES),
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=LAST_SECONDS,
        log_level=LogLevels(settings.log_level),
        log_dictconfig=SERVER_LOGS,
    )
    # Another process would follow a store of its own, so the worker does it itself.
    with nullcontext() if in_memory else following(environment):
        server.serve()


def listening_address(host: str, port: int) -> str:
    """The number of a host to listen on; OSError when it has none, or when its port is taken or forbidden."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
    return str(address[0])


def most_connections() -> int:
    """Connections that one worker may hold; it is allowed as many open files as this machine permits.

    A connection counts from the moment it is accepted, idle or not. Where no more are accepted, nobody
    new is served.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + OTHER_FILES
    allowed = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    files = wanted if soft == resource.RLIM_INFINITY else min(soft, wanted)
    return max(256, files - OTHER_FILES)


def prepare_store(settings: Settings) -> None:
    """Open the store once, bring it up to date, and make what all workers share."""
    store = open_store(settings.store, STATEMENT_KEYS)
    try:
        settle(store)
        tell_imitations(store)
        secret_key(store, settings.secret_key)
        ToolKeys(store, now, lti_settings(settings)).ensure()
    finally:
        store.close()

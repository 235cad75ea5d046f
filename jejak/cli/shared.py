"""What the commands share: the opened store and the two ways to print a result."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click

from jejak.clock import now
from jejak.settings import SettingsError, load
from jejak.upgrades import settle
from lrs.access import Credentials
from lrs.admin_log import AdminLog
from lrs.store.open import MEMORY, open_store
from lrs.store.port import Store
from lrs.xapi.statement_keys import STATEMENT_KEYS
from lti_tool.platforms.platforms import Platforms


@contextmanager
def opened_store() -> Iterator[Store]:
    """The store that the settings name, closed again afterwards; its address is told on standard error."""
    address = load(os.environ).store
    if address == MEMORY:
        raise SettingsError(f"JEJAK_STORE: {MEMORY} is in the process that serves; no command can open it")
    store = open_store(address, STATEMENT_KEYS)
    click.echo(f"store: {store_address()}", err=True)
    try:
        # Before anything else: a key that is made now must not be taken for one of an earlier version.
        settle(store)
        yield store
    finally:
        store.close()


def note(store: Store, act: str, *, tenant: str = "", target: str = "", **details: Any) -> None:
    """Keep in the log of administrators' acts what a command has just done, in its user's name."""
    AdminLog(store, now).note(act, by="operator", name=_user(), tenant=tenant, target=target, **details)


def _user() -> str:
    """The user of the operating system, and who became that user by sudo."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        user = f"uid {os.getuid()}"
    sudo = os.environ.get("SUDO_USER", "")
    return f"{user} (sudo: {sudo})" if sudo else user


def check_tenant(store: Store, tenant: str) -> None:
    """Warn of an agency that nothing here belongs to, while others are known: mostly a slip of the pen.

    On a terminal it is asked whether to go on; click.Abort when not.
    """
    known = {*Platforms(store, now).tenants(), *Credentials(store, now).tenants()}
    if not known or tenant in known:
        return
    names = ", ".join(sorted(known)[:TENANTS_SHOWN]) + (" ..." if len(known) > TENANTS_SHOWN else "")
    click.echo(f"Warning: {tenant!r} is a new agency here. Known are: {names}", err=True)
    if sys.stdin.isatty() and sys.stderr.isatty():
        click.confirm("Go on with the new agency?", abort=True, err=True)


def store_address() -> str:
    """The store that the settings name, without user name, password and options."""
    scheme, separator, rest = load(os.environ).store.partition("://")
    # The last @ counts: a password that was not percent-encoded may hold anything.
    shown = rest if scheme == "sqlite" else rest.rpartition("@")[2].partition("?")[0]
    return scheme + separator + shown


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON value, for scripts.")
tenant_option = click.option("--tenant", required=True, help="The agency, for example `bkn`.")


TENANTS_SHOWN = 20
"""Known agencies that a warning names."""
_TIMES = frozenset({"at", "created", "expires", "active_from", "paused_until", "delivered", "problem_at"})


def show(value: Mapping[str, Any] | list[dict[str, Any]], as_json: bool) -> None:
    """Print a result: JSON on one line (times in microseconds), or `name: value` lines for people."""
    if as_json:
        click.echo(json.dumps(value, ensure_ascii=False))
        return
    for row in value if isinstance(value, list) else [value]:
        for name, part in row.items():
            click.echo(f"{name}: {_readable(name, part)}")
        if isinstance(value, list):
            click.echo()


def _readable(name: str, value: Any) -> str:
    if name in _TIMES:
        return datetime.fromtimestamp(value // 1_000_000, UTC).isoformat()
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

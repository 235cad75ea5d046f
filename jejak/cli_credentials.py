"""`jejak credentials`: keys by which other systems reach the xAPI and the record API."""

from __future__ import annotations

import click

from jejak.cli_shared import json_option, opened_store, show, tenant_option
from lrs.access import Credentials, Scope

SCOPES = [scope.value for scope in Scope]


@click.group()
def credentials() -> None:
    """Create, list and disable the keys of integrators."""


@credentials.command()
@tenant_option
@click.option("--name", required=True, help="Who uses it; becomes the name of the authority.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(SCOPES),
    help="What it may do; repeat for several.",
)
@json_option
def create(tenant: str, name: str, scopes: tuple[str, ...], as_json: bool) -> None:
    """Make a key and its secret. The secret is shown once and kept only as a hash."""
    with opened_store() as store:
        key, secret = Credentials(store).create(tenant, name, frozenset(map(Scope, scopes)))
    show({"key": key, "secret": secret}, as_json)


@credentials.command("list")
@tenant_option
@json_option
def list_(tenant: str, as_json: bool) -> None:
    """List an agency's keys, without secrets."""
    with opened_store() as store:
        show(Credentials(store).list(tenant), as_json)


@credentials.command()
@tenant_option
@click.option("--key", required=True, help="The key to disable.")
@json_option
def disable(tenant: str, key: str, as_json: bool) -> None:
    """Disable a key; it stops working within seconds. What it wrote stays."""
    with opened_store() as store:
        if not Credentials(store).disable(tenant, key):
            raise click.ClickException(f"tenant {tenant} has no key {key}")
    show({"key": key, "disabled": True}, as_json)

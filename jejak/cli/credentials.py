"""`jejak credentials`: keys by which other systems reach the xAPI and the record API."""

from __future__ import annotations

from dataclasses import asdict

import click

from jejak.cli.shared import check_tenant, json_option, note, opened_store, show, tenant_option
from jejak.clock import now
from lrs.access import Credentials, Scope
from lrs.records.account_names import AccountName, AccountNames

SCOPES = [scope.value for scope in Scope]
ABOUT_SCOPES = """
\b
Scopes:
  statements/write      store statements
  decisions/write       what it decides about entries, and voids, counts in the learning record
  statements/read/mine  read the statements that it stored
  statements/read       read all statements of the agency, and its learning record
  state, profile        read and write these documents
  define                what it says about activities and agents is taken over
  all/read              read everything
  all                   everything
"""


@click.group()
def credentials() -> None:
    """Create, list, change and disable the keys of integrators."""


@credentials.command(epilog=ABOUT_SCOPES)
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
        check_tenant(store, tenant)
        try:
            key, secret = Credentials(store, now).create(tenant, name, frozenset(map(Scope, scopes)))
        except ValueError as error:
            raise click.ClickException(str(error)) from error
        note(store, "credential.created", tenant=tenant, target=key, named=name, scopes=scopes)
    show({"key": key, "secret": secret}, as_json)


@credentials.command("list")
@tenant_option
@json_option
def list_(tenant: str, as_json: bool) -> None:
    """List an agency's keys, without secrets."""
    with opened_store() as store:
        show([asdict(one) for one in Credentials(store, now).list(tenant)], as_json)


@credentials.command("account-names")
@click.argument("key")
@click.argument("names", type=click.Choice([each.value for each in AccountName]), required=False)
@json_option
def account_names(key: str, names: str | None, as_json: bool) -> None:
    """Say what the account names of a KEY's statements are: `user-id` (default) or `username`.

    Launches name people by the platform's number of the user. A source that sends user names instead
    (logstore_xapi with "Identify users by username") matches nobody until this says so. It holds for every
    key of the agency with the same name, and for what they sent before. Without NAMES the setting is shown.
    """
    with opened_store() as store:
        found = Credentials(store, now).find(key)
        if found is None:
            raise click.ClickException(f"there is no key {key}")
        settings = AccountNames(store, now)
        if names is not None:
            settings.set(found.tenant, found.name, AccountName(names))
            note(store, "credential.account-names", tenant=found.tenant, target=key, names=names)
        held = settings.of(found.tenant, found.name)
    show({"key": key, "source": found.name, "account_names": held.value}, as_json)


@credentials.command(epilog=ABOUT_SCOPES)
@click.argument("key")
@click.option("--add", multiple=True, type=click.Choice(SCOPES), help="Allow this; repeat for several.")
@click.option("--remove", multiple=True, type=click.Choice(SCOPES), help="No longer allow this.")
@json_option
def scopes(key: str, add: tuple[str, ...], remove: tuple[str, ...], as_json: bool) -> None:
    r"""Show what a KEY may do, or change it. It is in force everywhere within seconds.

    Nothing that the key stored before changes: a decision that counted goes on counting.

    \b
    The sign-offs of this key are to count:
      jejak credentials scopes KEY --add decisions/write
    They are no longer to count:
      jejak credentials scopes KEY --remove decisions/write
    """
    with opened_store() as store:
        try:
            changed = Credentials(store, now).rescope(
                key, add=frozenset(map(Scope, add)), remove=frozenset(map(Scope, remove))
            )
        except ValueError as error:
            raise click.ClickException(str(error)) from error
        if changed is not None and (add or remove):
            note(store, "credential.scopes", tenant=changed.tenant, target=key, added=add, removed=remove)
    if changed is None:
        raise click.ClickException(f"there is no key {key}")
    show({"key": key, "scopes": [scope.value for scope in changed.scopes]}, as_json)


@credentials.command()
@click.option("--key", required=True, help="The key to disable.")
@json_option
def disable(key: str, as_json: bool) -> None:
    """Disable a key; it stops working within seconds. What it wrote stays."""
    with opened_store() as store:
        found = Credentials(store, now).find(key)
        if found is None or not Credentials(store, now).disable(key):
            raise click.ClickException(f"there is no key {key}")
        note(store, "credential.disabled", tenant=found.tenant, target=key, named=found.name)
    show({"key": key, "disabled": True}, as_json)

"""`jejak platforms`: the learning platforms that may launch the tool."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from jejak.cli.shared import check_tenant, json_option, note, opened_store, show, tenant_option
from jejak.clock import now
from jejak.settings import load
from jejak.wiring import lti_settings
from lrs.store.port import Store
from lti_tool.platforms.platforms import AlreadyRegisteredError, Platform, Platforms
from lti_tool.platforms.tool_keys import ToolKeys
from lti_tool.services.registration import Invites

platform_option = click.option("--platform", "platform_id", required=True, help="The platform's id here.")


@click.group()
def platforms() -> None:
    """Register, list and disable learning platforms (LTI 1.3)."""


@contextmanager
def _registry() -> Iterator[tuple[Store, Platforms]]:
    with opened_store() as store:
        try:
            yield store, Platforms(store, now)
        except AlreadyRegisteredError as error:
            raise click.ClickException(f"{error}; `jejak platforms list` shows it") from error
        except KeyError as error:
            raise click.ClickException(
                "there is no such platform; `jejak platforms list` shows them"
            ) from error
        except ValueError as error:
            raise click.ClickException(str(error)) from error


@platforms.command()
@tenant_option
@click.option("--name", required=True, help="What people call it.")
@click.option("--issuer", required=True, help="`iss` of its tokens: for Moodle its address (wwwroot).")
@click.option("--client-id", required=True, help="The client id that the platform gave the tool.")
@click.option("--deployment-id", "deployments", multiple=True, required=True, help="Repeat for several.")
@click.option("--auth-login-url", required=True, help="Moodle: .../mod/lti/auth.php")
@click.option("--auth-token-url", required=True, help="Moodle: .../mod/lti/token.php")
@click.option("--jwks-url", required=True, help="Moodle: .../mod/lti/certs.php")
@click.option("--audience", default="", help="Audience of token requests, when it is not the token URL.")
@click.option(
    "--number-source",
    default="sourcedid",
    show_default=True,
    help="Where the employee number comes from: sourcedid, none or custom:<name>.",
)
@click.option(
    "--trust-numbers/--no-trust-numbers",
    "numbers_trusted",
    default=True,
    show_default=True,
    help="Whether those numbers join accounts to one person. Only where users cannot change their own.",
)
@click.option(
    "--emails-locked/--no-emails-locked",
    default=False,
    show_default=True,
    help="Whether users cannot change their own e-mail: statements about a mailbox then join its owner.",
)
@click.option(
    "--frame-origin", "frame_origins", multiple=True, help="Further origins that may frame the tool."
)
@json_option
def add(as_json: bool, deployments: tuple[str, ...], frame_origins: tuple[str, ...], **values: Any) -> None:
    """Register a platform by hand, with the values its administrator page shows."""
    with _registry() as (store, registry):
        made = registry.add(deployments=deployments, frame_origins=frame_origins, **values)
        _note(store, "platform.added", made, issuer=made.issuer, numbers_trusted=made.numbers_trusted)
        show(made.as_dict(), as_json)


@platforms.command("list")
@click.option("--tenant", help="Only this agency's.")
@json_option
def list_(tenant: str | None, as_json: bool) -> None:
    """List platforms."""
    with _registry() as (_, registry):
        show([one.as_dict() for one in registry.list(tenant)], as_json)


@platforms.command("show")
@platform_option
@json_option
def show_(platform_id: str, as_json: bool) -> None:
    """Show one platform with its deployments."""
    with _registry() as (_, registry):
        found = registry.show(platform_id)
        if found is None:
            raise KeyError(platform_id)
        show(found.as_dict(), as_json)


@platforms.command()
@platform_option
@json_option
def disable(platform_id: str, as_json: bool) -> None:
    """Refuse launches, services and open sessions of a platform from now on."""
    with _registry() as (store, registry):
        disabled = registry.disable(platform_id)
        _note(store, "platform.disabled", disabled)
        show(_brief(disabled), as_json)


@platforms.command()
@platform_option
@click.option(
    "--trust-numbers/--no-trust-numbers",
    "numbers_trusted",
    default=None,
    help="Whether its employee numbers join accounts to one person. Left out, it stays as it was; "
    "one that registered itself is not trusted.",
)
@click.option(
    "--emails-locked/--no-emails-locked",
    default=None,
    help="Whether users cannot change their own e-mail: statements about a mailbox then join its owner.",
)
@json_option
def activate(
    platform_id: str, numbers_trusted: bool | None, emails_locked: bool | None, as_json: bool
) -> None:
    """Accept launches of a platform that registered itself or was disabled, and change what is trusted.

    Trust its employee numbers only where users cannot change their own: whoever sends a colleague's number
    sees that colleague's record.
    """
    with _registry() as (store, registry):
        activated = registry.activate(
            platform_id, numbers_trusted=numbers_trusted, emails_locked=emails_locked
        )
        said = {"numbers_trusted": numbers_trusted, "emails_locked": emails_locked}
        changed = {name: value for name, value in said.items() if value is not None}
        _note(store, "platform.activated", activated, **changed)
        show(_brief(activated), as_json)


@platforms.command("add-deployment")
@platform_option
@click.option("--deployment-id", required=True, help="The further deployment to accept.")
@json_option
def add_deployment(platform_id: str, deployment_id: str, as_json: bool) -> None:
    """Accept launches of one more deployment of a platform."""
    with _registry() as (store, registry):
        registry.add_deployment(platform_id, deployment_id)
        if (platform := registry.get(platform_id)) is not None:
            _note(store, "platform.deployment-added", platform, deployment=deployment_id)
        show({"id": platform_id, "deployment_id": deployment_id}, as_json)


@platforms.command()
@tenant_option
@json_option
def invite(tenant: str, as_json: bool) -> None:
    """Make a one-time address for dynamic registration; paste it into the platform.

    What registers itself waits until `jejak platforms activate`.
    """
    settings = load(os.environ)
    with opened_store() as store:
        check_tenant(store, tenant)
        try:
            url, expires = Invites(store, now, lti_settings(settings)).create(tenant)
        except ValueError as error:
            raise click.ClickException(str(error)) from error
        note(store, "platform.invited", tenant=tenant)
    show({"url": url, "expires": expires}, as_json)


@platforms.command("rotate-keys")
@click.option("--at-once", is_flag=True, help="A key was stolen: withdraw all earlier keys now.")
@json_option
def rotate_keys(at_once: bool, as_json: bool) -> None:
    """Publish a new signing key; it signs once platforms have had time to fetch it."""
    settings = load(os.environ)
    with opened_store() as store:
        keys = ToolKeys(store, now, lti_settings(settings))
        keys.ensure()
        kid, active_from = keys.rotate(at_once=at_once)
        note(store, "keys.rotated", target=kid, at_once=at_once)
    show({"kid": kid, "active_from": active_from}, as_json)


def _note(store: Store, act: str, platform: Platform, **details: Any) -> None:
    note(store, act, tenant=platform.tenant, target=platform.id, named=platform.name, **details)


def _brief(platform: Platform) -> dict[str, Any]:
    return {
        "id": platform.id,
        "name": platform.name,
        "status": platform.status,
        "numbers_trusted": platform.numbers_trusted,
        "emails_locked": platform.emails_locked,
    }

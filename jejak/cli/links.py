"""`jejak links`: what a decision by one-time link is worth in an agency."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import click

from jejak.cli.shared import check_tenant, json_option, note, opened_store, show, tenant_option
from jejak.clock import now
from lrs.records.link_policy import LinkPolicies, LinkPolicy
from statements.profile.jp import jp_text


class _Jp(click.ParamType[Decimal]):
    name = "jp"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            amount = Decimal(str(value).replace(",", "."))
        except InvalidOperation:
            amount = Decimal(-1)
        if not 0 < amount <= 10_000:
            self.fail("give an amount of JP, for example 4 or 2.5", param, ctx)
        return amount


@click.group()
def links() -> None:
    """Say what a decision by one-time link is worth: people without an account give it.

    A learner can open their own link in a private window, and nobody can tell: so a link confirms, and an
    instructor completes it, unless the agency lets it verify.
    """


@links.command()
@tenant_option
@json_option
def policy(tenant: str, as_json: bool) -> None:
    """Show what a link is worth in an agency."""
    with opened_store() as store:
        show(_told(LinkPolicies(store, now).of(tenant)), as_json)


@links.command()
@tenant_option
@json_option
def confirm(tenant: str, as_json: bool) -> None:
    """Let links only confirm entries; an instructor completes them. This is how it is by default."""
    _set(tenant, LinkPolicy(), as_json)


@links.command()
@tenant_option
@click.option("--most-jp", type=_Jp(), help="Entries of more JP are only confirmed. Without it: no bound.")
@json_option
def verify(tenant: str, most_jp: Decimal | None, as_json: bool) -> None:
    """Let links verify entries, up to so many JP. What was decided before stays as it is."""
    _set(tenant, LinkPolicy(True, most_jp), as_json)


def _set(tenant: str, chosen: LinkPolicy, as_json: bool) -> None:
    told = _told(chosen)
    with opened_store() as store:
        check_tenant(store, tenant)
        LinkPolicies(store, now).set(tenant, chosen)
        note(store, "links.policy", tenant=tenant, **told)
    show(told, as_json)


def _told(chosen: LinkPolicy) -> dict[str, Any]:
    most = None if chosen.most_jp is None else jp_text(chosen.most_jp)
    return {"a_link": "verifies" if chosen.verifies else "confirms", "most_jp": most}

"""`jejak admin-log`: who made, changed or switched off what."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from jejak.cli.shared import json_option, opened_store, show
from jejak.clock import now
from lrs.admin_log import AdminLog


@click.command("admin-log")
@click.option("--tenant", help="Only this agency's.")
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="At most so many."
)
@json_option
def admin_log(tenant: str | None, limit: int, as_json: bool) -> None:
    """List what administrators did, the latest first: on the command line, on pages and by keys.

    Kept for two years. It holds neither secrets nor employee numbers.
    """
    with opened_store() as store:
        acts = [asdict(one) for one in AdminLog(store, now).acts(tenant, limit=limit)]
    show(acts if as_json else [_told(act) for act in acts], as_json)


def _told(act: dict[str, Any]) -> dict[str, Any]:
    """The act with its details beside the rest, without what is empty."""
    return {name: value for name, value in (act | act.pop("details")).items() if value not in ("", [], None)}

"""`jejak outbox`: what waits to be sent to other servers, and what they did not take."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from jejak.cli.shared import json_option, opened_store, show
from lrs.outbox.outbox import every_state


@click.command()
@click.option("--tenant", help="Only this agency's.")
@click.option("--all", "everything", is_flag=True, help="Also where nothing waits and nothing has failed.")
@json_option
def outbox(tenant: str | None, everything: bool, as_json: bool) -> None:
    """Show for each target how many messages wait or have failed, and why the last one failed.

    Messages are grades, for instance; a target is the platform that they go to. What waits is sent again by
    itself; grades that failed can be sent again on the page of the platform's administrators.
    """
    with opened_store() as store:
        states = [one for one in every_state(store, tenant) if everything or one.waiting or one.failed]
    show([_told(asdict(one), as_json) for one in states], as_json)


def _told(state: dict[str, Any], as_json: bool) -> dict[str, Any]:
    """The state as it is for scripts; for people without what is empty or never was."""
    if as_json:
        return state
    counts = ("waiting", "failed")
    return {name: value for name, value in state.items() if name in counts or value not in ("", 0, None)}

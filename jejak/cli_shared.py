"""What the commands share: the opened store and the two ways to print a result."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from jejak.settings import load
from lrs.store.open import open_store
from lrs.store.port import Store


@contextmanager
def opened_store() -> Iterator[Store]:
    """The store that the settings name, closed again afterwards."""
    store = open_store(load(os.environ).store)
    try:
        yield store
    finally:
        store.close()


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON value, for scripts.")
tenant_option = click.option("--tenant", required=True, help="The agency, for example `bkn`.")


def show(value: Mapping[str, Any] | list[dict[str, Any]], as_json: bool) -> None:
    """Print a result: JSON on one line, or `name: value` lines for people."""
    if as_json:
        click.echo(json.dumps(value, ensure_ascii=False))
        return
    for row in value if isinstance(value, list) else [value]:
        for name, part in row.items():
            click.echo(f"{name}: {', '.join(map(str, part)) if isinstance(part, list | tuple) else part}")
        if isinstance(value, list):
            click.echo()

"""The tables that this program ships, by version, and an agency's changes laid over them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from statements.profile.schema import check_changes, read
from statements.profile.table import LATEST, SHIPPED, Table


@cache
def shipped(version: str = LATEST) -> Table:
    """The table of this version of the program, or an earlier one. KeyError when it was never shipped."""
    return read(shipped_data(version))


def shipped_data(version: str = LATEST) -> dict[str, Any]:
    """The same as plain data, a fresh copy: the base that overrides are laid over."""
    if version not in SHIPPED:
        raise KeyError(version)
    place = files(__package__).joinpath("tables", f"{version}.json")
    data: dict[str, Any] = json.loads(place.read_text("utf-8"))
    return data


def overridden(changes: Mapping[str, Any], base: str = LATEST) -> Table:
    """A shipped table with an agency's changes. Raises `InvalidError` with every problem in them.

    `changes` looks like the shipped table with anything left out; it must name a `version` of its own. A form
    that is not in the shipped table needs every member of a form. Limits that an agency names are its
    decision, and no longer a proposal, unless it says so.
    """
    check_changes(changes)
    data = shipped_data(base)
    data["version"] = f"{data['version']}+{changes['version']}"
    for name in ("note", "utc_offset", "minutes_per_jp", "step"):
        if name in changes:
            data[name] = changes[name]
    for name in ("targets", "lms", "courses"):
        data[name] |= changes.get(name, {})
    if "limits" in changes:
        data["limits"] = data.get("limits", {}) | {"status": "decided"} | changes["limits"]
    for code, change in changes.get("forms", {}).items():
        data["forms"][code] = data["forms"].get(code, {}) | change
        if isinstance(limits := change.get("limits"), dict):
            data["forms"][code]["limits"] = {"status": "decided"} | limits
    return read(data)

"""The table of budgets in docs/explanation/limits.md is true."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from jejak.settings import TABLE

PAGE = Path(__file__).parents[2] / "docs/explanation/limits.md"
UNITS = {"KiB": 1024, "MiB": 1024 * 1024}
BOUNDS = re.compile(r"(max_|page_size_max|.*_bytes$|.*_per_minute$|threads$)")
"""Names of settings that bound something."""


def rows() -> list[list[str]]:
    """The rows of the table: what, number, beyond it, set by."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def amount(text: str) -> float:
    """The number that a cell begins with: "64 KiB" is 65536, "30 a minute" is 30."""
    number, _, rest = text.partition(" ")
    return float(number.replace(",", "")) * UNITS.get(rest.partition(" ")[0], 1)


def actual(name: str) -> float:
    """The default of a setting, or the value of a constant named by its module."""
    for setting in TABLE:
        if setting.variable == name:
            return float(setting.default)
    module, _, constant = name.rpartition(".")
    return float(getattr(importlib.import_module(module), constant))


def test_every_number_is_the_one_in_force() -> None:
    """Each row names a setting or a constant, and tells its number."""
    told = {row[3].strip("`"): amount(row[1]) for row in rows()}
    assert told == {name: actual(name) for name in told}


def test_every_bound_among_the_settings_is_told() -> None:
    """A setting that bounds something has a row."""
    bounds = {setting.variable for setting in TABLE if BOUNDS.match(setting.name)}
    assert bounds <= {row[3].strip("`") for row in rows()}


def test_every_refusal_that_may_pass_says_so() -> None:
    """No row leaves the last column or what a client is told empty."""
    assert all(len(row) == 4 and all(row) for row in rows())

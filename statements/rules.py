"""The rules of xAPI statements: the face of the checker.

`RULES` is the table that the checks are made from and that the documentation shows. Every function here
returns ALL problems found, an empty list when the value is valid, and raises nothing whatever it is given.
"""

from __future__ import annotations

from collections.abc import Sequence

from statements.errors import Problem
from statements.versions import Version


def check_statement(value: object, version: Version, *, index: int | None = None) -> list[Problem]:
    """Everything wrong with one statement, in the order of its members."""
    raise NotImplementedError


def check_batch(values: Sequence[object], version: Version) -> list[Problem]:
    """Everything wrong with a batch: each statement's own problems, and ids that occur twice."""
    raise NotImplementedError


def check_actor(value: object, version: Version, *, pointer: str = "") -> list[Problem]:
    """Everything wrong with an agent or a group."""
    raise NotImplementedError


def check_agent(value: object, version: Version, *, pointer: str = "") -> list[Problem]:
    """Everything wrong with an agent or identified group, as query parameters and document scopes name it."""
    raise NotImplementedError

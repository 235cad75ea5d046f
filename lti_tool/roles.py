"""LIS role names, long and short, to the three roles that this tool knows."""

from __future__ import annotations

from collections.abc import Iterable

LEARNER = "learner"
INSTRUCTOR = "instructor"
ADMINISTRATOR = "administrator"

_VOCABULARY = "http://purl.imsglobal.org/vocab/lis/v2/"
_MEMBERSHIP = _VOCABULARY + "membership"
_TEACHING = frozenset({"Instructor", "Administrator"})
_ADMINISTERING = frozenset({"Administrator", "SysAdmin"})


def tool_roles(roles: Iterable[str]) -> frozenset[str]:
    """The tool's roles for a list of LTI roles.

    Only roles *in the course* make an instructor: someone who teaches elsewhere in the institution
    is a learner here. A sub-role counts as its principal role (a teaching assistant is an
    instructor). Roles of the system or institution give `administrator`. Unknown roles give
    nothing, and whoever is left with nothing is a learner, who sees only their own record.
    """
    found: set[str] = set()
    for role in roles:
        found.update(_one(role.strip()))
    return frozenset(found or {LEARNER})


def _one(role: str) -> Iterable[str]:
    if role.startswith((_VOCABULARY + "system/person#", _VOCABULARY + "institution/person#")):
        if role.rpartition("#")[2] in _ADMINISTERING:
            yield ADMINISTRATOR
        return
    principal = _principal(role)
    if principal in _TEACHING:
        yield INSTRUCTOR
    elif principal == "Learner":
        yield LEARNER


def _principal(role: str) -> str:
    """The principal course role that a name means: `membership/Instructor#Grader` is `Instructor`."""
    if role.startswith(_MEMBERSHIP + "/"):
        return role[len(_MEMBERSHIP) + 1 :].partition("#")[0]
    if role.startswith(_MEMBERSHIP + "#"):
        return role.rpartition("#")[2]
    # A short name stands for the course role of that name (LTI 1.3 core, section A.2.3).
    return role if "/" not in role and "#" not in role else ""

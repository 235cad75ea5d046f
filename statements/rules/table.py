"""The table of rules: the one source of the checker and of the page that documents it.

The rows stand in two files by subject; this one adds the rules that hold everywhere, and says which rows
make up which shape of object.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from statements.rules.model import Rule, across
from statements.rules.table_parts import ACTIVITIES, ACTORS
from statements.rules.table_statement import CONTEXT, RESULT, STATEMENT

EVERYWHERE: Final = (
    across(
        "json.no-null",
        "No value is null, except inside extensions.",
        "2.2",
        "XAPI-00001",
    ),
    across(
        "json.known-members",
        "An object has only the members that the specification gives it, in exactly that spelling and case.",
        "2.2",
        "XAPI-00008",
        "XAPI-00010",
    ),
    across(
        "json.value",
        "Every value is JSON: text is well-formed Unicode and numbers are finite.",
        "4.1",
        "XAPI-00014",
    ),
    across(
        "json.depth",
        "Extensions are nested at most 64 levels deep (a limit of this store).",
        "",
    ),
    across(
        "language-map.tag",
        "The keys of a language map are RFC 5646 language tags.",
        "4.2",
        "XAPI-00121",
        "XAPI-00013",
    ),
    across(
        "language-map.text",
        "The values of a language map are strings.",
        "4.2",
        "XAPI-00121",
    ),
    across(
        "extensions.key",
        "The keys of extensions are IRIs with a scheme.",
        "4.1",
        "XAPI-00118",
    ),
    across(
        "batch.distinct-ids",
        "No two statements of one batch have the same id.",
        "2.4.1",
    ),
)

SHAPES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "statement": ("statement",),
        "substatement": ("statement", "substatement"),
        "agent": ("actor", "agent"),
        "group": ("actor", "group"),
        "authority": ("actor", "group"),
        "named-group": ("actor", "group"),
        "account": ("account",),
        "verb": ("verb",),
        "activity": ("activity",),
        "definition": ("definition",),
        "component": ("component",),
        "reference": ("reference",),
        "result": ("result",),
        "score": ("score",),
        "context": ("context",),
        "contextActivities": ("contextActivities",),
        "contextAgent": ("contextAgent",),
        "contextGroup": ("contextGroup",),
        "attachment": ("attachment",),
    }
)
"""The shapes of object, and the slug prefixes whose rules make up each; later ones replace earlier ones."""

UNKNOWN: Final[Mapping[str, str]] = MappingProxyType({"contextActivities": "contextActivities.known-kinds"})
"""The rule that an unknown member of a shape breaks, where it is not `json.known-members`."""

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {row.slug: row for row in (*STATEMENT, *ACTORS, *ACTIVITIES, *RESULT, *CONTEXT, *EVERYWHERE)}
)
"""Every rule by its slug, in the order of the specification."""

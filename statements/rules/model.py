"""What a rule is, and the kinds of value that rules speak of.

The table (`table`) is written in these words; `compiler` turns it into checks and the
documentation prints it. A rule with a `kind` is about one member of one shape of object, named by its slug
("verb.id"); a rule without one is about several members together, and `across` checks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from statements.data_types.versions import Version

BOTH: Final = (Version.V1, Version.V2)
ONLY_V2: Final = (Version.V2,)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value without parts, checked by the test of that name in `values`."""

    name: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few words, exactly as written here."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """An object whose members are the rules of that shape."""

    name: str


@dataclass(frozen=True, slots=True)
class ByType:
    """An object whose shape its "objectType" chooses; `default` is meant when it has none."""

    shapes: Mapping[str, str]
    default: str


@dataclass(frozen=True, slots=True)
class ListOf:
    """An array of at least `least` items."""

    item: Kind
    least: int = 0


@dataclass(frozen=True, slots=True)
class OneOrMany:
    """One value, or an array of such values."""

    item: Kind


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object whose keys are free within the rule `key_rule`, a scalar's name of `key`."""

    key: str
    key_rule: str
    value: Kind
    value_rule: str


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The member must not be there at all."""


Kind = Scalar | OneOf | Shape | ByType | ListOf | OneOrMany | MapOf | Forbidden


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the xAPI data model."""

    slug: str
    """Its stable name; "shape.member" when it is about one member."""
    text: str
    """The rule in one sentence."""
    section: str
    """Section of Part 2 of xAPI 1.0.3; of IEEE 9274.1.1 (named in full) where the rule is 2.0's alone."""
    requirements: tuple[str, ...] = ()
    """Requirement ids of the ADL conformance suite; empty where the suite names none."""
    versions: tuple[Version, ...] = BOTH
    kind: Kind | None = None
    """What the member's value must be; None for a rule across members."""
    required: bool = False

    @property
    def reference(self) -> str:
        """The first requirement id, or the section of the specification where there is no id."""
        if self.requirements:
            return self.requirements[0]
        if not self.section:
            return ""
        return f"xAPI 1.0.3 Part 2, {self.section}" if Version.V1 in self.versions else self.section


def member(
    slug: str,
    kind: Kind,
    text: str,
    section: str,
    *requirements: str,
    need: bool = False,
    versions: tuple[Version, ...] = BOTH,
) -> Rule:
    """A rule about one member: `slug` is "shape.member"; `need` when it must be there."""
    return Rule(slug, text, section, requirements, versions, kind, need)


def across(
    slug: str, text: str, section: str, *requirements: str, versions: tuple[Version, ...] = BOTH
) -> Rule:
    """A rule about several members together, or about every place."""
    return Rule(slug, text, section, requirements, versions)


TEXT: Final = Scalar("text")
BOOLEAN: Final = Scalar("boolean")
NUMBER: Final = Scalar("number")
IRI: Final = Scalar("iri")
UUID: Final = Scalar("uuid")
TIMESTAMP: Final = Scalar("timestamp")
LANGUAGE_MAP: Final = MapOf("language", "language-map.tag", TEXT, "language-map.text")
EXTENSIONS: Final = MapOf("iri", "extensions.key", Scalar("json"), "json.value")
ACTOR: Final = ByType({"Agent": "agent", "Group": "group"}, "agent")

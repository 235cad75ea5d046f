"""What an engine may rely on about index keys. Who opens a store says it, for only the caller knows the keys.

An index key belongs to a group, which is its first character.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class IndexKeys:
    """Which groups of keys imply another, and which two are asked for together.

    What was stored under one of these has to be read under the same one: engines leave implied keys out of
    what they keep, and keep compound keys beside the others.
    """

    implied: Mapping[str, str]
    """Group of keys that find less -> group of keys that find more of the same. A view that holds a key of
    the first group holds the key with the same rest of the second group, too."""
    lead: str
    """Group of keys that are asked for together with a facet more than others are: an engine may keep a lead
    and a facet of one view as one more, compound, key of the view."""
    facet: str
    """Group of keys of which a view has one as a rule, which many records share and which are asked for
    together with another key. An engine may keep the facet beside the other keys of the view."""
    _implying: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_implying", {wider: narrower for narrower, wider in self.implied.items()})

    def drop_implied(self, view: Collection[str]) -> list[str]:
        """The keys of a view without those that others of its keys imply."""
        implied = self.implied
        wider = {implied[key[0]] + key[1:] for key in view if key[:1] in implied}
        return [key for key in view if key not in wider] if wider else list(view)

    def add_implied(self, view: Collection[str]) -> frozenset[str]:
        """The view of which `drop_implied` leaves these keys."""
        implied = self.implied
        return frozenset(view).union(implied[key[0]] + key[1:] for key in view if key[:1] in implied)

    def alternatives(self, key: str) -> tuple[str, ...]:
        """The key and what implies it: `drop_implied` leaves one of these of any view that holds the key."""
        narrower = self._implying.get(key[:1])
        return (key,) if narrower is None else (key, narrower + key[1:])

    def is_lead(self, key: str) -> bool:
        """Whether the key is of the group `lead`."""
        return key[:1] == self.lead

    def is_facet(self, key: str) -> bool:
        """Whether the key is of the group `facet`."""
        return key[:1] == self.facet

    def compound_keys(self, keys: Iterable[str]) -> list[tuple[str, str]]:
        """The pairs of a lead and a facet among the keys of one view, or of one query."""
        facets = []
        leads = []
        for key in keys:
            first = key[:1]
            if first == self.facet:
                facets.append(key)
            elif first == self.lead:
                leads.append(key)
        return [(lead, facet) for lead in leads for facet in facets]

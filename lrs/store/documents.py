"""Documents: named values, found by their names or by index keys."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """A named value with compare-and-set semantics, found by its name or by its index keys."""

    kind: str
    scope: str
    name: str
    body: bytes
    content_type: str = "application/json"
    etag: str = ""
    """Chosen by the writer of the document; opaque to the engine."""
    updated: int = 0
    """Microseconds."""
    keys: frozenset[str] = frozenset()
    """Index keys; `find_documents` returns the documents that hold ALL keys asked for."""
    order: str = ""
    """Sort key of `find_documents`, compared as text by code point; ties break on `name`."""


@dataclass(frozen=True, slots=True)
class DocumentQuery:
    """Which documents of a kind are asked for: those that hold ALL `keys`, in the order of (order, name)."""

    kind: str
    scope: str | None
    """None: the documents of every scope, in the order of (scope, order, name); then there is no `after`
    (ValueError)."""
    keys: Collection[str] = ()
    _: KW_ONLY
    limit: int
    """Documents at most."""
    since: int | None = None
    """Microseconds; documents updated later than this."""
    after: tuple[str, str] | None = None
    """Documents strictly beyond this (order, name), in the direction of the walk."""
    descending: bool = False
    bodies: bool = True
    """Whether bodies are read; without them, what stands in their place means nothing."""

    def __post_init__(self) -> None:
        if self.scope is None and self.after is not None:
            raise ValueError("a walk over all scopes cannot be resumed")

    def matches(self, document: Document) -> bool:
        """Whether this is one of the documents that are asked for, whatever the limit."""
        place = (document.order, document.name)
        return (
            document.kind == self.kind
            and (self.scope is None or document.scope == self.scope)
            and document.keys.issuperset(self.keys)
            and (self.since is None or document.updated > self.since)
            and (self.after is None or (place < self.after if self.descending else place > self.after))
        )

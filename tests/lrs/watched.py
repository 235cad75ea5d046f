"""A store that fails a test when something large is read or parsed inside a write.

    with watched(store, monkeypatch) as checked: use `checked` in place of the store

All requests of all tenants wait for the thread that runs the works of writes, so what it does must not depend
on the size of what a client sent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from lrs.store.port import Store, Writer
from lrs.store.writes import NO_HINTS, Done, Submitted, WriteHints
from lrs.xapi import activities, repeated_statements
from statements import documents
from statements.data_types import exact_json

LARGEST = 65_536
"""Bytes that a work may read or parse in one piece."""
_inside = threading.local()


class TooLargeInsideError(AssertionError):
    """Something large was read or parsed inside a write."""


class WatchedWriter:
    """A writer that gives no large body away."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    def get(self, tenant: str, ids: Collection[str], *, bodies: bool = True) -> Mapping[str, Any]:
        found = self._writer.get(tenant, ids, bodies=bodies)
        return self._checked(found) if bodies else found

    def document(self, kind: str, scope: str, name: str) -> Any:
        return self.documents(kind, scope, (name,)).get(name)

    def documents(
        self, kind: str, scope: str, names: Collection[str], *, bodies: bool = True
    ) -> Mapping[str, Any]:
        found = self._writer.documents(kind, scope, names, bodies=bodies)
        return self._checked(found) if bodies else found

    def _checked(self, found: Mapping[str, Any]) -> Mapping[str, Any]:
        if sum(len(each.body) for each in found.values()) > LARGEST:
            raise TooLargeInsideError("a large body was read inside a write")
        return found


class WatchedStore:
    """The store with all its writes watched."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.works = 0
        """How often a work was run."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def writing(self, work: Callable[[Any], Any], hints: WriteHints = NO_HINTS) -> Any:
        return self._store.writing(self._watched(work), hints)

    def submit(self, work: Callable[[Any], Any], done: Done, hints: WriteHints = NO_HINTS) -> Submitted:
        return self._store.submit(self._watched(work), done, hints)

    def _watched(self, work: Callable[[Any], Any]) -> Callable[[Writer], Any]:
        def watched(writer: Writer) -> Any:
            self.works += 1
            _inside.yes = True
            try:
                return work(WatchedWriter(writer))
            finally:
                _inside.yes = False

        return watched


@contextmanager
def watched(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[WatchedStore]:
    """The store, watched."""
    for module in (activities, documents, repeated_statements):
        for name in ("loads", "dumps", "canonical"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, _checking(getattr(exact_json, name)))
    yield WatchedStore(store)


def _checking(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def checking(value: Any) -> Any:
        made = call(value)
        size = max(len(each) for each in (value, made) if isinstance(each, (bytes, str)))
        if getattr(_inside, "yes", False) and size > LARGEST:
            raise TooLargeInsideError("something large was parsed or written as JSON inside a write")
        return made

    return checking

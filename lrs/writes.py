"""Writes that are asked for here and carried out by somebody else.

What needs a write of the store in its middle is written once, as a generator that yields a `Write` and is
sent what came of it. `perform` carries such steps out in the calling thread; a server with an event loop
awaits its writes instead, so that no thread waits for a disk.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from lrs.store.port import Store, Writer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Write:
    """The arguments of one `Store.writing`."""

    work: Callable[[Writer], Any]
    prefetch: Sequence[tuple[str, str]] = ()
    documents: Sequence[tuple[str, str, str]] = ()


Steps = Generator[Write, Any, T]
"""Yields writes, is sent what their `work` returned (or has thrown at it what they raised), and returns."""


def perform(store: Store, steps: Steps[T]) -> T:
    """Carry the steps out to their end, waiting for each write."""
    try:
        write = next(steps)
        while True:
            try:
                result = store.writing(write.work, prefetch=write.prefetch, documents=write.documents)
            except Exception as error:
                write = steps.throw(error)
            else:
                write = steps.send(result)
    except StopIteration as end:
        value: T = end.value
        return value

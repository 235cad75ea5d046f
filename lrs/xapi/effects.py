"""What is asked of the store here and carried out by somebody else.

What needs the store in its middle is written once, as a generator that yields what it needs and is sent what
came of it. `perform` carries such steps out in the calling thread; a server with an event loop awaits them
instead, so that no thread waits for a disk or a network.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from lrs.store.port import Find, Store, Views, Writer, read_page
from lrs.store.read_bounds import quick

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Write:
    """The arguments of one `Store.writing`."""

    work: Callable[[Writer], Any]
    prefetch: Sequence[tuple[str, str]] = ()
    documents: Sequence[tuple[str, str, str]] = ()
    heads: Sequence[tuple[str, str, str]] = ()
    views: Sequence[tuple[str, Views]] = ()
    tenant: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """Something that may read from the store and wait for it; what it returns is sent back."""

    call: Callable[[], Any]
    long: bool = False
    """Whether it may take long, so that an event loop must leave it to a thread."""


Step = Write | Find | Call
"""A `Find` asks for what `Store.page` answers; TooLongError when that is not as quick as most pages are."""

Steps = Generator[Step, Any, T]
"""Yields steps, is sent what came of each (or has thrown at it what that raised), and returns."""


def perform(store: Store, steps: Steps[T]) -> T:
    """Carry the steps out to their end, waiting for each."""
    try:
        step = next(steps)
        while True:
            try:
                result = _carried_out(store, step)
            except Exception as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as end:
        value: T = end.value
        return value


def _carried_out(store: Store, step: Step) -> Any:
    if isinstance(step, Write):
        return store.writing(
            step.work,
            prefetch=step.prefetch,
            documents=step.documents,
            heads=step.heads,
            views=step.views,
            tenant=step.tenant,
            size=step.size,
        )
    if isinstance(step, Find):
        with quick():
            return read_page(store, step)
    return step.call()

"""What is asked of the store here and carried out by somebody else.

What needs the store in its middle is written once, as a generator that yields what it needs and is sent what
came of it. `run_sync` carries such effects out in the calling thread; a server with an event loop awaits them
instead, so that no thread waits for a disk or a network.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from lrs.store.generator_runner import run_generator
from lrs.store.log import LogQuery
from lrs.store.port import Store, Writer, read_page
from lrs.store.read_bounds import quick
from lrs.store.writes import NO_HINTS, WriteHints

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Write:
    """The arguments of one `Store.writing`."""

    work: Callable[[Writer], Any]
    hints: WriteHints = NO_HINTS


@dataclass(frozen=True, slots=True)
class Call:
    """Something that may read from the store and wait for it; what it returns is sent back."""

    call: Callable[[], Any]
    long: bool = False
    """Whether it may take long, so that an event loop must leave it to a thread."""


Effect = Write | LogQuery | Call
"""A `LogQuery` asks for what `Store.page` answers; TooLongError when that is not as quick as most pages."""

Effects = Generator[Effect, Any, T]
"""Yields effects, is sent what came of each (or has thrown at it what that raised), and returns."""


def run_sync(store: Store, effects: Effects[T]) -> T:
    """Carry the effects out to their end, waiting for each."""
    return run_generator(effects, partial(_run, store))


def _run(store: Store, effect: Effect) -> Any:
    if isinstance(effect, Write):
        return store.writing(effect.work, effect.hints)
    if isinstance(effect, LogQuery):
        with quick():
            return read_page(store, effect)
    return effect.call()

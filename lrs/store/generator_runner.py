"""Runs generators that yield what they need and are sent what came of it: in a thread, or on an event loop.

What needs a slow thing in its middle is written once, as such a generator, and run either way. The queries of
the MongoDB engine yield commands to the server; `lrs.xapi.effects` yields writes and queries to the store.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

Y = TypeVar("Y")
T = TypeVar("T")


def run_generator(generator: Generator[Y, Any, T], carry_out: Callable[[Y], Any]) -> T:
    """Carry out what the generator yields, one after another, and return what it returns.

    An Exception of `carry_out` is raised inside the generator, at its `yield`; it may go on from there.
    Anything else that ends this (a BaseException) closes the generator and is raised.
    """
    try:
        needed = next(generator)
        while True:
            try:
                result = carry_out(needed)
            except Exception as error:
                needed = generator.throw(error)
            except BaseException:
                generator.close()
                raise
            else:
                needed = generator.send(result)
    except StopIteration as end:
        value: T = end.value
        return value


async def run_generator_async(generator: Generator[Y, Any, T], carry_out: Callable[[Y], Awaitable[Any]]) -> T:
    """As `run_generator`, awaiting what is carried out; a cancelled one closes the generator."""
    try:
        needed = next(generator)
        while True:
            try:
                result = await carry_out(needed)
            except Exception as error:
                needed = generator.throw(error)
            except BaseException:
                generator.close()
                raise
            else:
                needed = generator.send(result)
    except StopIteration as end:
        value: T = end.value
        return value

"""Generators that yield what they need are run alike in a thread and on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any

import pytest

from lrs.store.generator_runner import run_generator, run_generator_async

Run = Callable[[Generator[Any, Any, Any], Callable[[Any], Any]], Any]


def on_loop(generator: Generator[Any, Any, Any], carry_out: Callable[[Any], Any]) -> Any:
    """Run on an event loop, where what is carried out lets others go first."""

    async def later(needed: Any) -> Any:
        await asyncio.sleep(0)
        return carry_out(needed)

    return asyncio.run(run_generator_async(generator, later))


both = pytest.mark.parametrize("run", [run_generator, on_loop])


class GoneError(BaseException):
    """No Exception: nobody is to go on after it."""


def failing(error: BaseException) -> Callable[[Any], Any]:
    """Carries nothing out."""

    def carry_out(needed: Any) -> Any:
        raise error

    return carry_out


@both
def test_what_came_of_each_is_sent_back(run: Run) -> None:
    """In order; what the generator returns is returned, also where it needs nothing."""

    def needs(*values: int) -> Generator[int, int, list[int]]:
        found = []
        for value in values:
            found.append((yield value))
        return found

    assert run(needs(1, 2, 3), lambda value: 10 * value) == [10, 20, 30]
    assert run(needs(), failing(AssertionError("nothing is needed"))) == []


@both
def test_an_error_is_raised_where_it_was_needed_and_may_be_caught(run: Run) -> None:
    """The generator goes on with something else, or ends with its own answer, or lets it through."""

    def needs(tries: int) -> Generator[int, int, str]:
        for left in reversed(range(tries)):
            try:
                yield left
            except ValueError:
                if not left:
                    return "gave up"
        yield -1
        return "never"

    assert run(needs(2), failing(ValueError("no"))) == "gave up"
    with pytest.raises(KeyError):
        run(needs(1), failing(KeyError("other")))
    with pytest.raises(RuntimeError):
        run(needs(1), failing(StopIteration("of somebody else")))


@both
def test_what_is_no_exception_closes_the_generator(run: Run) -> None:
    """It hears of its end at once, so that it lets go of what it holds, and cannot go on."""
    heard: list[str] = []

    def needs() -> Generator[int, int, str]:
        try:
            yield 1
        except Exception:
            heard.append("an exception")
        finally:
            heard.append("closed")
        return "never"

    with pytest.raises(GoneError):
        run(needs(), failing(GoneError()))
    assert heard == ["closed"]

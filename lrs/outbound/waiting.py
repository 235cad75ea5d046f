"""Waiting for a platform without holding what other requests need.

The server that runs the application puts a context manager into the request's environment: inside it, the
request holds no place among those that are worked on. Outside of a request, and in tests, there is none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from typing import Generic, TypeVar

from flask import has_request_context, request

from lrs.outbound.exchange import OutboundError

ENVIRON = "jejak.waiting"
"""Name in the WSGI environment of what makes the context manager."""
MOST_WAITING = 32
"""How many may wait for one fetch of somebody else's; others are told at once to come again."""
T = TypeVar("T")


def elsewhere() -> AbstractContextManager[None]:
    """Inside this, the current request, if there is one, only waits: others are worked on meanwhile."""
    make: Callable[[], AbstractContextManager[None]] = nullcontext
    if has_request_context():
        make = request.environ.get(ENVIRON, nullcontext)
    return make()


class SingleFlight(Generic[T]):
    """However many ask for the same at once, it is fetched once; the others wait for that and get it, too."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._flying: dict[Hashable, tuple[Future[T], list[None]]] = {}
        """What is being fetched, and one item for each that waits for it."""

    def do(self, key: Hashable, fetch: Callable[[], T], *, seconds: float) -> T:
        """What `fetch` gives or raises.

        OutboundError when somebody else's fetch takes longer than `seconds`, or too many wait for it.
        """
        own: Future[T] = Future()
        with self._guard:
            flying, waiting = self._flying.setdefault(key, (own, []))
            if flying is not own:
                if len(waiting) >= MOST_WAITING:
                    raise OutboundError("too many wait for it already")
                waiting.append(None)
        if flying is not own:
            try:
                with elsewhere():
                    return flying.result(seconds)
            except TimeoutError:
                raise OutboundError("the answer takes too long") from None
            finally:
                with self._guard:
                    waiting.pop()
        try:
            result = fetch()
        except BaseException as error:
            self._land(key)
            own.set_exception(error)
            raise
        self._land(key)
        own.set_result(result)
        return result

    def _land(self, key: Hashable) -> None:
        with self._guard:
            del self._flying[key]

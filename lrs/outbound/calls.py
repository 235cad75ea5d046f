"""Calls to platforms, so bounded that one of them can neither stop the others nor this service.

- Every call has one deadline for all of it: looking up the name, connecting, sending, headers and body. A
  name that is being looked up cannot be interrupted, so each call runs in a thread of its own, and whoever
  asked goes on at the deadline whatever that thread does.
- So many calls at once to one platform, for one agency, and in all. Their places are held until the thread
  has really ended. Beyond that a call fails at once.
- A request that waits for a call holds no place among those that are worked on (`waiting.elsewhere`).
- A platform that does not answer is left alone for a while (`circuit`).
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from lrs.outbound.circuit_breaker import Circuits
from lrs.outbound.http_client import Answer, ForbiddenAddressError, Outbound, OutboundError
from lrs.outbound.settings import OutboundSettings
from lrs.outbound.waiting import elsewhere

PER_PLATFORM, PER_TENANT, PER_PROCESS = 4, 8, 64
"""Calls under way at once."""
OVERLOADED = frozenset({429, 502, 503, 504})
"""Answers that say as much as no answer."""
GRACE_SECONDS = 0.25
"""How long after its own deadline an exchange may still hand over why it failed."""
SERVICES, KEYS, REGISTRATION = "services", "keys", "registration"


class PausedError(OutboundError):
    """The platform did not answer lately, so it is not asked just now; or too much is asked of it already."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who is called, and for which agency."""

    tenant: str
    platform: str
    purpose: str = SERVICES
    """Breakers and places are kept apart by it: a roster that hangs must not keep people from launching."""


class Calls:
    """Makes bounded calls; safe for many threads."""

    def __init__(self, http: Outbound, clock: Callable[[], int], settings: OutboundSettings) -> None:
        self._http = http
        self._settings = settings
        self._circuits = Circuits(clock)
        self._guard = threading.Lock()
        self._under_way: Counter[str | Party] = Counter()

    def open_until(self, party: Party) -> int:
        """Until when (microseconds) the platform is left alone; 0 when it may be asked."""
        return self._circuits.open_until(party)

    def request(
        self,
        party: Party,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        seconds: float | None = None,
        max_bytes: int | None = None,
    ) -> Answer:
        """As `Outbound.request`, within all bounds. OutboundError; PausedError when nothing was sent."""
        done: Future[Answer] = Future()

        def run() -> None:
            try:
                answer = self._http.request(
                    method, url, headers=headers, body=body, seconds=seconds, max_bytes=max_bytes
                )
            except BaseException as error:
                self._leave(party)
                done.set_exception(error)
            else:
                self._leave(party)
                done.set_result(answer)

        self._enter(party)
        try:
            threading.Thread(target=run, name="outbound", daemon=True).start()
        except RuntimeError as error:
            # The system has no thread to give: nobody would ever leave the places again.
            self._leave(party)
            self._circuits.left(party)
            raise PausedError("no call can be begun just now") from error
        total = self._settings.http_total_seconds if seconds is None else seconds
        try:
            with elsewhere():
                answer = done.result(total + GRACE_SECONDS)
        except TimeoutError:
            self._circuits.failed(party)
            raise OutboundError("the answer takes too long") from None
        except ForbiddenAddressError:
            self._circuits.left(party)
            raise
        except OutboundError:
            self._circuits.failed(party)
            raise
        except BaseException:
            self._circuits.left(party)
            raise
        if answer.status in OVERLOADED:
            self._circuits.failed(party)
        else:
            self._circuits.succeeded(party)
        return answer

    def _enter(self, party: Party) -> None:
        """Take a place of each kind, or none. PausedError."""
        if not self._circuits.enter(party):
            raise PausedError("the platform did not answer lately and is left alone for a while")
        places: tuple[tuple[str | Party, int], ...] = (
            (party, PER_PLATFORM),
            (party.tenant, PER_TENANT),
            ("", PER_PROCESS),
        )
        with self._guard:
            free = all(self._under_way[place] < most for place, most in places)
            if free:
                self._under_way.update(place for place, _ in places)
        if not free:
            self._circuits.left(party)
            raise PausedError("too many calls to it are under way")

    def _leave(self, party: Party) -> None:
        with self._guard:
            for place in (party, party.tenant, ""):
                self._under_way[place] -= 1
                if not self._under_way[place]:
                    del self._under_way[place]

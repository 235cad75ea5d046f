"""What is said of a write beside its work: what it is going to read, whose it is, how long it may wait."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final, Protocol

from lrs.store.log import Views

WRITE_WAIT_SECONDS: Final = 20.0
"""How long a write may wait for its turn, in a thread or on an event loop, on every engine.

Longer than an engine takes to give up the writes before it: after a change of primary, MongoDB's are tried
for four seconds and committed for another four."""

STRANGERS: Final = "\x1fstrangers"
"""Whose writes are those of callers that have not shown whose they are; no tenant can have this name."""

Done = Callable[[Any, BaseException | None], None]
"""Told the result of a submitted write, or the error that ended it."""


class Submitted(Protocol):
    """A write that was handed over by `Store.submit`."""

    def withdraw(self) -> bool:
        """Take the write back; False when it is too late: it is being done, or is over."""


@dataclass(frozen=True, slots=True)
class WriteHints:
    """What the store may know of a write before its turn comes. Nothing here changes what the write does.

    By the names of what it reads and adds, one query serves all writes that wait together; whose it is and
    how large decides when it has its turn.
    """

    prefetch: Collection[tuple[str, str]] = ()
    """(tenant, id) of records that it is going to `get` without their bodies, or to `append`."""
    documents: Collection[tuple[str, str, str]] = ()
    """(kind, scope, name) of documents that it is going to read."""
    heads: Collection[tuple[str, str, str]] = ()
    """The same of documents that it reads without their bodies."""
    views: Collection[tuple[str, Views]] = ()
    """Views of records that it is going to append, with their tenant: an engine may make them ready."""
    tenant: str = ""
    """Whose write it is; `STRANGERS`: of nobody known; "": the program's own, which is not bounded."""
    size: int = 0
    """Roughly the bytes that it writes."""


NO_HINTS: Final = WriteHints()
"""Those of a small write of the program itself."""

"""How a store fails."""

from __future__ import annotations

from collections.abc import Collection


class StoreError(Exception):
    """An engine failed; the message is for the log, never for a client."""


class UnavailableError(StoreError):
    """The store cannot answer now (no primary, locked, shutting down); the caller may retry later."""


class TooLongError(UnavailableError):
    """A read was given up because it cost more than it may; see `lrs.store.read_bounds`."""


class QueueFullError(UnavailableError):
    """Too many writes of one tenant wait for their turn; nothing of this one was kept. Others are served."""


class FullError(StoreError):
    """No space is left for the write; nothing of it was kept."""


class TooNewError(StoreError):
    """The data was written by a newer version of this program."""


class ConflictError(StoreError):
    """A record with this (tenant, id) is already in the log; raised by `Writer.append`."""

    def __init__(self, ids: Collection[str]) -> None:
        super().__init__(f"{len(ids)} record id(s) already stored")
        self.ids = tuple(ids)

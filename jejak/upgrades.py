"""What is settled once in the life of a store, when a build that needs it opens the store first."""

from __future__ import annotations

import logging

from jejak.clock import now
from lrs.access import Credentials
from lrs.store.port import Store

_log = logging.getLogger(__name__)


def settle(store: Store) -> None:
    """Carry over rights that an earlier version did not know by name, and say who holds them."""
    for one in Credentials(store, now).carry_over() or ():
        _log.warning(
            "the decisions of this credential count, as before: tenant %s, name %s, key %s;"
            " see `jejak credentials scopes --help`",
            one.tenant,
            one.name,
            one.key,
        )

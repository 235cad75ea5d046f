"""What is settled once in the life of a store, when a build that needs it opens the store first."""

from __future__ import annotations

import logging

from jejak.clock import now
from lrs.access import Credentials
from lrs.store.port import Store
from lti_tool.platforms.platforms import Platforms

_log = logging.getLogger(__name__)


def settle(store: Store) -> None:
    """Carry over what earlier versions did not know by name, and say who has it.

    Cheap where it is done already: every program that opens the store calls this before anything else.
    """
    for one in Credentials(store, now).carry_over() or ():
        _log.warning(
            "the decisions of this credential count, as before: tenant %s, name %s, key %s;"
            " see `jejak credentials scopes --help`",
            one.tenant,
            one.name,
            one.key,
        )
    for platform in Platforms(store, now).keep_earlier_trust():
        _log.warning(
            "the employee numbers of this platform are %s, as before: tenant %s, name %s;"
            " change it with `jejak platforms activate --platform %s --[no-]trust-numbers`",
            "trusted" if platform.numbers_trusted else "not trusted",
            platform.tenant,
            platform.name,
            platform.id,
        )

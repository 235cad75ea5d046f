"""What a build settles when it opens a store, and what it tells the operator then."""

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


def tell_imitations(store: Store) -> None:
    """Name the credentials that are refused because they have the name of this service."""
    for one in Credentials(store, now).imitations():
        _log.warning(
            "this credential has the name of this service and is refused: tenant %s, name %s, key %s;"
            " make one with another name (`jejak credentials create`) and disable it",
            one.tenant,
            one.name,
            one.key,
        )

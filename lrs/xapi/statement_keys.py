"""What the store may rely on about the index keys of statements (`statements.keys`)."""

from __future__ import annotations

from typing import Final

from lrs.store.index_keys import IndexKeys
from statements.keys import ACTIVITY, AGENT, RELATED_ACTIVITY, RELATED_AGENT, VERB

STATEMENT_KEYS: Final = IndexKeys(
    # What is found by an agent or an activity is found by it as a related one, too.
    implied={AGENT[0]: RELATED_AGENT[0], ACTIVITY[0]: RELATED_ACTIVITY[0]},
    # Agent and verb are what people ask for together; a statement has one verb.
    lead=AGENT[0],
    facet=VERB[0],
)
"""Stores hold what was written under these groups: to change one takes a migration of either engine."""

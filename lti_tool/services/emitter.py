"""How the tool writes statements: made with tincan, handed to the record store in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson
import tincan

from lrs.access import AUTHORITY_HOME, Access
from lrs.names import RESERVED
from lrs.records.evidence.files import EvidenceFiles
from lrs.xapi.ingest import Ingest, Receipt
from statements.data_types.versions import Version

NAME = RESERVED


class Emitter:
    """Sends statements under the tool's own authority, one authority per tenant."""

    def __init__(self, ingest: Ingest, evidence: EvidenceFiles | None = None) -> None:
        """`evidence`: the files that statements may name."""
        self._ingest = ingest
        self._evidence = evidence

    def emit(self, tenant: str, statement: Mapping[str, Any]) -> Receipt:
        """Store one statement, durably; `DiffersError` when another one has its id.

        What `Ingest.submit` raises for bad statements is a defect here.
        """
        return self.emit_all(tenant, [statement])

    def emit_all(self, tenant: str, statements: Sequence[Mapping[str, Any]]) -> Receipt:
        """Store several statements, all or none."""
        if self._evidence is not None:
            # Before they are stored: a file must not be taken for one that no statement names.
            self._evidence.attach(tenant, statements)
        return self._ingest.submit(access_of(tenant), [as_sent(one) for one in statements], Version.V1)


def as_sent(statement: Mapping[str, Any]) -> dict[str, Any]:
    """A statement as it is handed to the store."""
    # tincan is the model that other emitters use too: what it cannot carry, they could not send.
    sent: dict[str, Any] = orjson.loads(tincan.Statement(dict(statement)).to_json())
    return sent


def access_of(tenant: str) -> Access:
    """The tool's own access to a tenant."""
    home = AUTHORITY_HOME + quote(tenant, safe="")
    return Access.internal(
        tenant, NAME, {"objectType": "Agent", "name": NAME, "account": {"homePage": home, "name": NAME}}
    )

"""What administrators did: who made, changed or switched off which key, platform or table, and when.

Kept as documents for two years. Neither secrets nor employee numbers are among what is kept: a secret is
never given to this module, and numbers and addresses in names are hidden.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import orjson

from lrs import document_kinds
from lrs.store.documents import Document, DocumentQuery
from lrs.store.errors import StoreError
from lrs.store.port import Store, Writer
from statements.masking import masked

KIND: Final = document_kinds.ADMIN_ACT
KEPT_DAYS = 730
LONGEST = 200
CLEARED = 50
"""Acts that one write clears away when their time is over; more than it adds, so none pile up."""
_DAY = 86_400_000_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Act:
    """One act."""

    at: int
    """Microseconds since the epoch."""
    tenant: str
    """The agency that it concerns; "" for the whole service."""
    by: str
    """"operator" (command line), "administrator" (a page), "program" (a key), "platform" (itself)."""
    name: str
    """Who that was: a user of the operating system, a person's initials, a key's name, a host."""
    act: str
    """What was done, for example `credential.created`."""
    target: str = ""
    """The id of what it was done to."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What was changed, by field; never a secret."""


class AdminLog:
    """Writes and reads the acts. Safe to use from many threads."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        """`clock` gives microseconds since the epoch."""
        self._store = store
        self._clock = clock

    def note(
        self, act: str, *, by: str, name: str, tenant: str = "", target: str = "", **details: Any
    ) -> Act:
        """Keep one act that has just been done. One that cannot be kept is in the program's log alone.

        What was done is done: whoever did it must not hear that it failed.
        """
        told = self._act(act, by=by, name=name, tenant=tenant, target=target, **details)
        try:
            self._store.writing(lambda writer: self._keep(writer, told))
        except StoreError as error:
            log.error("admin_act_not_kept problem=%s %s", type(error).__name__, asdict(told))
        return told

    def noting(
        self, act: str, *, by: str, name: str, tenant: str = "", target: str = "", **details: Any
    ) -> Callable[[Writer], None]:
        """The same as part of a larger write: of the one that does the act."""
        told = self._act(act, by=by, name=name, tenant=tenant, target=target, **details)
        return lambda writer: self._keep(writer, told)

    def _act(self, act: str, *, by: str, name: str, tenant: str, target: str, **details: Any) -> Act:
        values = {field: _value(value) for field, value in details.items()}
        return Act(self._clock(), tenant, by, _safe(name), act, _safe(target), values)

    @staticmethod
    def _keep(writer: Writer, told: Act) -> None:
        document = Document(
            KIND,
            "",
            f"{told.at:020d}-{secrets.token_hex(8)}",
            orjson.dumps(asdict(told)),
            updated=told.at,
            keys=frozenset({f"tenant\x1f{told.tenant}"}),
            order=_order(told.at),
        )
        writer.put(document)
        first = writer.find_documents(DocumentQuery(KIND, "", limit=CLEARED))
        old = [one.name for one in first if one.order < _order(told.at - KEPT_DAYS * _DAY)]
        if old:
            writer.delete(KIND, "", old)

    def acts(self, tenant: str | None = None, *, limit: int = 100) -> list[Act]:
        """The latest acts, of one agency or of all, the latest first."""
        keys = () if tenant is None else (f"tenant\x1f{tenant}",)
        with self._store.reading() as reader:
            found = reader.find_documents(DocumentQuery(KIND, "", keys, descending=True, limit=limit))
        return [Act(**orjson.loads(document.body)) for document in found]


def _order(at: int) -> str:
    return f"{at:020d}"


def _value(value: Any) -> Any:
    if isinstance(value, bool | int) or value is None:
        return value
    return [_safe(str(one)) for one in value] if isinstance(value, list | tuple) else _safe(str(value))


def _safe(text: str) -> str:
    return masked("".join(one for one in text if one.isprintable()))[:LONGEST]

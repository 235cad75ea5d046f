"""Forms that are not sent yet, kept as they are typed.

One draft for each person, form and entry that the form is to change. A draft holds what was typed and nothing
else, belongs to the account that typed it, and goes when the form is sent, when it is thrown away, or
`KEPT_DAYS` after the last change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from lrs import document_kinds
from lrs.store import json_documents
from lrs.store.documents import DocumentQuery
from lrs.store.port import Store, Writer
from lrs.store.writes import WriteHints
from lti_tool.settings import SECOND

KIND: Final = document_kinds.FORM_DRAFT
"""Kind of the documents; the scope is the tenant, the name a hash of whose draft of which form it is."""
KEPT_DAYS: Final = 30
"""Days after the last change for which a draft is kept."""
MOST_DRAFTS: Final = 10
"""Drafts of one person; beyond that the oldest goes."""
MOST_FIELDS: Final = 60
MOST_BYTES: Final = 32 * 1024
"""Bytes of all that one form's draft holds."""
_CLEARED: Final = 50
"""Expired drafts that one write clears away; more than it adds, so none pile up."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A form that was begun."""

    page: str
    """Which form: its code, and the statement that it changes."""
    typed: Mapping[str, str]
    at: int
    """Microseconds: when it was last kept."""


class Drafts:
    """Keeps and finds drafts. `owner` is whoever types, known by a name that tells nobody who they are."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        """`clock` gives microseconds since the epoch."""
        self._store = store
        self._clock = clock

    def keep(self, tenant: str, owner: str, page: str, typed: Mapping[str, str]) -> Draft | None:
        """Keep what is typed, in the place of what was kept before; None when it is too much."""
        now = self._clock()
        kept = {name: text for name, text in typed.items() if text}
        value = {"page": page, "typed": kept, "at": now}
        if len(kept) > MOST_FIELDS or len(orjson.dumps(value)) > MOST_BYTES:
            return None
        name, key = _name(owner, page), _key(owner)
        order = json_documents.expiry_order(now + KEPT_DAYS * 86_400 * SECOND)

        def work(writer: Writer) -> None:
            oldest = writer.find_documents(DocumentQuery(KIND, tenant, limit=_CLEARED, bodies=False))
            past = [one.name for one in oldest if one.order <= json_documents.expiry_order(now)]
            mine = writer.find_documents(
                DocumentQuery(
                    KIND, tenant, {key}, descending=True, limit=MOST_DRAFTS + _CLEARED, bodies=False
                )
            )
            others = [one.name for one in mine if one.name != name]
            if gone := {*past, *others[MOST_DRAFTS - 1 :]}:
                writer.delete(KIND, tenant, gone)
            json_documents.put(writer, KIND, name, value, now=now, scope=tenant, keys={key}, order=order)

        self._store.writing(work, WriteHints(tenant=tenant))
        return Draft(page, kept, now)

    def of(self, tenant: str, owner: str, page: str) -> Draft | None:
        """The draft of one form, unless it is too old."""
        with self._store.reading() as reader:
            value = json_documents.get(reader, KIND, _name(owner, page), scope=tenant)
        draft = None if value is None else Draft(value["page"], value["typed"], value["at"])
        return draft if draft is not None and self._is_young(draft) else None

    def all(self, tenant: str, owner: str) -> list[Draft]:
        """All drafts of a person, the latest first."""
        with self._store.reading() as reader:
            query = DocumentQuery(KIND, tenant, {_key(owner)}, descending=True, limit=MOST_DRAFTS)
            values = [json_documents.value_of(one) for one in reader.find_documents(query)]
        drafts = [Draft(value["page"], value["typed"], value["at"]) for value in values]
        return [draft for draft in drafts if self._is_young(draft)]

    def drop(self, tenant: str, owner: str, page: str) -> None:
        """Forget the draft of a form, if there is one."""
        name = _name(owner, page)
        with self._store.reading() as reader:
            if not reader.documents(KIND, tenant, {name}, bodies=False):
                return
        self._store.writing(lambda writer: writer.delete(KIND, tenant, [name]), WriteHints(tenant=tenant))

    def _is_young(self, draft: Draft) -> bool:
        return draft.at + KEPT_DAYS * 86_400 * SECOND > self._clock()


def _name(owner: str, page: str) -> str:
    return hashlib.sha256(f"{owner}\x1f{page}".encode("utf-8", "replace")).hexdigest()[:32]


def _key(owner: str) -> str:
    return f"o\x1f{owner}"

"""Which statements about other statements change the learning record: decisions and voidings that count.

Whoever may write statements may store a sign-off or a voiding; it counts only from this program itself and
from credentials that may decide (`Access.may_decide`). That is settled once, when the statement is stored,
and kept beside it as a document: what a credential is allowed later changes nothing, and a rebuild gives the
same. The document of one that counts is found by what it is about; that of another is found by its name
alone. So no number of statements that do not count stands between an entry and the decision about it.

A decision without a document was stored by a build that knew no difference: it counts, see `older`.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from lrs import document_kinds
from lrs.store.documents import Document, DocumentQuery
from lrs.store.log import LogQuery, Position, Record
from lrs.store.port import Reader, Store, Writer
from lrs.tenants import TENANT
from statements.data_types.exact_json import loads
from statements.data_types.timestamps import parse
from statements.keys import verb_filter_key
from statements.prepare import Prepared
from statements.profile.vocabulary import DECISION_VERBS, DECISIONS, VOIDED, Decision

DECISION: Final = document_kinds.DECISION
"""Kind of these documents: scope is the tenant, name the id of the statement that decides or voids."""
PROGRESS: Final = document_kinds.DECISIONS_COUNTED
"""Kind of the one document that says how far `count_older` has come."""
_EARLIER: Final = (Decision.VERIFIED, Decision.RETURNED, Decision.REJECTED)
_VERBS: Final = (*sorted(DECISION_VERBS[one] for one in _EARLIER), VOIDED)
"""Verbs of the decisions that earlier builds knew. To these a confirmation was a statement like any other."""
_KEYS: Final = frozenset(map(verb_filter_key, _VERBS))
_LAST: Final = 253_402_300_799_999_999
"""Microseconds: the end of the year 9999, the latest that a timestamp may name."""
_PAGE: Final = 200

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """What a statement decides or voids."""

    key: str
    """Index key by which its document is found, if it counts."""
    at: int | None
    """Microseconds: its timestamp; None when that is the time at which it is stored."""


def decided_key(statement_id: str) -> str:
    """Index key of the decisions that count about a statement, in the order of `order_of`."""
    return f"d\x1f{statement_id}"


def voided_key(statement_id: str) -> str:
    """Index key of the voidings of a statement that change the record."""
    return f"v\x1f{statement_id}"


def counts(document: Document) -> bool:
    """Whether the statement that the document is kept for counts."""
    return bool(document.keys)


def lapsed(document: Document) -> Document:
    """The document of a decision that was voided by who may: nothing brings it back, nobody looks for it."""
    return replace(document, keys=frozenset())


def decided_at(at: int, stored: int) -> int:
    """When a decision was made: not after it was stored, or one dated ahead would stand for good."""
    return min(at, stored)


def said(batch: Iterable[Prepared]) -> dict[str, Said]:
    """What those of the statements say that decide or void, by their ids."""
    found: dict[str, Said] = {}
    for prepared in batch:
        target = prepared.refers_to
        if target is None:
            continue
        key = _key(prepared.statement["verb"]["id"], target)
        if key is not None:
            at = prepared.statement.get("timestamp")
            found[prepared.id] = Said(key, None if at is None else parse(at))
    return found


def keep(writer: Writer, tenant: str, statement_id: str, what: Said, stored: int, *, counts: bool) -> None:
    """Inside the write that stores a statement: keep whether it counts."""
    writer.put(_document(tenant, statement_id, what, stored, counts=counts))


def older(reader: Reader, records: Iterable[Record]) -> list[Document]:
    """The documents that are missing for these records: they count, as all did when they were stored."""
    by_tenant: dict[str, dict[str, Record]] = defaultdict(dict)
    for record in records:
        if not _KEYS.isdisjoint(record.views[0]):
            by_tenant[record.tenant][record.id] = record
    made: list[Document] = []
    for tenant, deciding in by_tenant.items():
        known = reader.documents(DECISION, tenant, deciding)
        for id, record in deciding.items():
            if id not in known and (what := _read(loads(record.body))) is not None:
                made.append(_document(tenant, id, what, record.stored, counts=True))
    return made


def adopt(store: Store, documents: Sequence[Document]) -> None:
    """Keep what `older` found, unless it was kept meanwhile."""

    def work(writer: Writer) -> None:
        for document in documents:
            if writer.document(DECISION, document.scope, document.name) is None:
                writer.put(document)

    store.writing(work)


def count_older(store: Store) -> bool:
    """Have a slice of those decisions counted that an earlier version stored; False when all of them are.

    May be cut short and begun again at any time, and done by several at once. Tenants that nobody followed
    yet need no slice: their statements pass `older` when they are followed.
    """
    with store.reading() as reader:
        held = reader.document(PROGRESS, "", "")
        place = {} if held is None else orjson.loads(held.body)
        if place.get("done"):
            return False
        found, then = _slice(reader, place)
        documents = older(reader, found)
    if documents:
        adopt(store, documents)
        _log.warning("%d decisions and voidings of an earlier version go on counting", len(documents))
    made = Document(PROGRESS, "", "", orjson.dumps(then))
    store.writing(lambda writer: writer.put(made))
    return not then.get("done", False)


def _slice(reader: Reader, place: dict[str, Any]) -> tuple[list[Record], dict[str, Any]]:
    """Some statements with one of the verbs, of one tenant, and where to go on."""
    if "tenant" not in place:
        after = ("", place["last"]) if "last" in place else None
        tenants = reader.find_documents(DocumentQuery(TENANT, "", after=after, limit=1))
        if not tenants:
            return [], {"done": True}
        place = {"tenant": tenants[0].name, "verb": 0, "after": None}
    begin = None if place["after"] is None else Position(*place["after"])
    key = verb_filter_key(_VERBS[place["verb"]])
    page = reader.find(LogQuery(place["tenant"], (key,), after=begin, limit=_PAGE, include_hidden=True))
    if len(page) == _PAGE:
        return page, place | {"after": [page[-1].stored, page[-1].id]}
    if place["verb"] + 1 < len(_VERBS):
        return page, place | {"verb": place["verb"] + 1, "after": None}
    return page, {"last": place["tenant"]}


def _document(tenant: str, statement_id: str, what: Said, stored: int, *, counts: bool) -> Document:
    """The order puts first what was decided last, and of decisions of one moment what was stored last."""
    made = stored if what.at is None else decided_at(what.at, stored)
    return Document(
        DECISION,
        tenant,
        statement_id,
        b'{"counts":true}' if counts else b'{"counts":false}',
        updated=stored,
        keys=frozenset((what.key,)) if counts else frozenset(),
        order=f"{_LAST - made:020d}\x1f{_LAST - stored:020d}",
    )


def _key(verb: str, target: str) -> str | None:
    if verb in DECISIONS:
        return decided_key(target)
    return voided_key(target) if verb == VOIDED else None


def _read(statement: dict[str, Any]) -> Said | None:
    """What a stored statement decides or voids; None when its object is no statement."""
    target = statement["object"]
    if target.get("objectType") != "StatementRef":
        return None
    key = _key(statement["verb"]["id"], target["id"].lower())
    return None if key is None else Said(key, parse(statement["timestamp"]))

"""Many small questions, asked as one: most of them find nothing, and the way to the server costs the most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from lrs.store.documents import Document
from lrs.store.index_keys import IndexKeys
from lrs.store.log import Record
from lrs.store.mongo.codec import Raw, decode_document, decode_record
from lrs.store.mongo.index_scan import Wanted
from lrs.store.mongo.schema import DOCS, DOCS_INDEX, LOG, LOG_INDEX
from lrs.store.mongo.snapshots import Asking, rows, sizes
from lrs.store.pages import enough

T = TypeVar("T")

RECORD_FIELDS = dict.fromkeys("sbdvh", 1)
RECORD_HEAD_FIELDS = dict.fromkeys("sdvh", 1)
DOCUMENT_FIELDS = dict.fromkeys("kcnbteuoy", 1)
DOCUMENT_HEAD_FIELDS = dict.fromkeys("kcnteuoy", 1)
"""Everything but the hashes; naming what is wanted costs the server less than naming what is not."""

TOGETHER = 100
"""At most so many questions are asked as one."""
MOST_RECORDS, MOST_DOCUMENTS = 250, 4_000
"""When so many come in answer to these, each is asked alone: some then find much, and `limit` is for each."""
MOST_BYTES = 1 << 24
"""As many bytes of records' bodies mean the same."""

Queries = Mapping[tuple[str, ...], Wanted]


def records_of_many(
    index_keys: IndexKeys,
    questions: Queries,
    where: Raw,
    limit: int,
    alone: Callable[[tuple[str, ...]], Asking[list[Record]]],
) -> Asking[dict[tuple[str, ...], list[Record]]]:
    """See `Reader.find_many`; `where` is what else the log is asked for, `alone` asks a single question."""
    found: dict[tuple[str, ...], list[Record]] = {}
    small = [keys for keys, wanted in questions.items() if wanted.few]
    for some in _parts(small):
        hashes = {hash for keys in some for hash in questions[keys].few or ()}
        query = {"k": {"$in": list(hashes)}, "h": {"$exists": False}, **where}
        held = yield from rows(
            LOG, query, fields=RECORD_FIELDS, index=LOG_INDEX, limit=MOST_RECORDS, most_bytes=MOST_BYTES
        )
        if len(held) < MOST_RECORDS and enough(sizes(held), MOST_BYTES) is None:
            records = [(raw, decode_record(index_keys, raw)) for raw in held]
            records.sort(key=lambda each: (each[1].stored, each[1].id), reverse=True)
            for keys in some:
                matching = (record for raw, record in records if questions[keys].matches(raw))
                found[keys] = list(islice(matching, max(limit, 0)))
    for keys in questions.keys() - found.keys():
        found[keys] = yield from alone(keys)
    return found


def documents_of_many(
    hashes: Mapping[str, int],
    where: Raw,
    limit: int,
    alone: Callable[[str], Asking[list[Document]]],
) -> Asking[dict[str, list[Document]]]:
    """See `Reader.find_many_documents`; `hashes` of each key, `where` names kind and scope."""
    found: dict[str, list[Document]] = {}
    for some in _parts(list(hashes)):
        query = {"x": {"$in": [hashes[key] for key in some]}, **where}
        held = yield from rows(DOCS, query, fields=DOCUMENT_FIELDS, index=DOCS_INDEX, limit=MOST_DOCUMENTS)
        if len(held) < MOST_DOCUMENTS:
            asked = frozenset(some)
            found.update((key, []) for key in asked)
            for document in sorted(map(decode_document, held), key=lambda each: (each.order, each.name)):
                for key in document.keys & asked:
                    if len(found[key]) < limit:
                        found[key].append(document)
    for key in hashes.keys() - found.keys():
        found[key] = yield from alone(key)
    return found


def _parts(whole: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(whole), TOGETHER):
        yield whole[start : start + TOGETHER]

"""How records and documents lie in MongoDB.

A record is one document of `log`:

    _id  tenant, a separator and the 16 bytes of the id in reverse order
    s    stored, microseconds
    k    64-bit hashes of (tenant, key) for what `IndexKeys.drop_implied` leaves of every view, of (tenant,
         lead, facet) for every `IndexKeys.compound_keys` of a view, of the tenant, and of the whole log
    b    body          d  digest
    v    what `IndexKeys.drop_implied` leaves of the views, as JSON text (before schema 3: the views)
    h    True when hidden, else absent

The reversed id begins with its random bits, whichever UUID version made it, so that inserts spread
and a tenant's records split evenly over shards. Hashes keep an index entry near 20 bytes; since a
hash may collide, and since `k` mixes the views of a record, a find checks the real views of what it
read.

A document is one document of `docs`: `_id` is a 160-bit hash of (kind, scope, name); the letters are
`k`, `c`, `n` for those three, `b` body, `t` content type, `e` etag, `u` updated, `o` order, `y` keys;
`x` holds hashes of (kind, scope) and (kind, scope, key), `z` those of (kind) and (kind, key).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson

from lrs.store.documents import Document
from lrs.store.index_keys import IndexKeys
from lrs.store.log import Record, Views

Raw = dict[str, Any]
SEPARATOR = b"\x1f"
UUID_BYTES = 16
Hashes = tuple[int, ...]
"""Values of an index, of which any one will do."""
Ready = Mapping[tuple[str, Views], Raw]
"""What `encode_views` made, by what it was given."""


def _packed(parts: tuple[str, ...]) -> bytes:
    """Unambiguous bytes for a tuple of texts: each with its length before it."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


@lru_cache(maxsize=65_536)
def key_hash(*parts: str) -> int:
    """A signed 64-bit hash of the parts, stable for ever: it is stored."""
    return int.from_bytes(blake2b(_packed(parts), digest_size=8).digest(), "big", signed=True)


WHOLE_LOG = key_hash()


def uuid_bytes(id: str) -> bytes:
    """The 16 bytes of a canonical UUID; ValueError for any other text."""
    raw = bytes.fromhex(id.replace("-", ""))
    if len(raw) != UUID_BYTES or uuid_text(raw) != id:
        raise ValueError("a record id must be a canonical UUID")
    return raw


def uuid_text(raw: bytes) -> str:
    """The canonical text of 16 bytes."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def record_key(tenant: str, id: str) -> bytes:
    """The `_id` of a record; ValueError when the id is no canonical UUID."""
    return tenant.encode() + SEPARATOR + uuid_bytes(id)[::-1]


def tenant_range(tenant: str) -> Raw:
    """The range of `_id` that holds a tenant's records: what tells a router which shards to ask."""
    prefix = tenant.encode() + SEPARATOR
    return {"$gte": prefix + bytes(UUID_BYTES), "$lte": prefix + b"\xff" * UUID_BYTES}


def record_keys(tenant: str, ids: Iterable[str]) -> list[bytes]:
    """The `_id` of each record that can exist: ids that are no canonical UUIDs name none."""
    found = []
    for id in ids:
        try:
            found.append(record_key(tenant, id))
        except ValueError:
            continue
    return found


def pair_hashes(index_keys: IndexKeys, tenant: str, views: Iterable[Collection[str]]) -> list[int]:
    """The values of `k` that stand for a lead and a facet in one view."""
    return [key_hash(tenant, *pair) for view in views for pair in index_keys.compound_keys(view)]


def encode_views(index_keys: IndexKeys, tenant: str, views: Views) -> Raw:
    """The fields of a record that depend on its views."""
    leaned = [index_keys.drop_implied(view) for view in views]
    hashes = {key_hash(tenant, key) for view in leaned for key in view}
    hashes.update(pair_hashes(index_keys, tenant, leaned))
    hashes.add(key_hash(tenant))
    hashes.add(WHOLE_LOG)
    # In an order, so that a block of records is compressed to less.
    return {"k": list(hashes), "v": orjson.dumps([sorted(view) for view in leaned]).decode()}


def decode_views(index_keys: IndexKeys, text: str) -> Views:
    """The views from what is kept of them."""
    return tuple(map(index_keys.add_implied, orjson.loads(text)))


def encode_record(index_keys: IndexKeys, record: Record, ready: Ready) -> Raw:
    """A record as it is kept; its views may be among those that are encoded already."""
    views = ready.get((record.tenant, record.views))
    if views is None:
        views = encode_views(index_keys, record.tenant, record.views)
    raw = {
        "_id": record_key(record.tenant, record.id),
        "s": record.stored,
        "b": record.body,
        "d": record.digest,
        **views,
    }
    if record.hidden:
        raw["h"] = True
    return raw


def record_id(raw: Raw) -> str:
    """The id of a record that is kept."""
    key: bytes = raw["_id"]
    return uuid_text(key[: -UUID_BYTES - 1 : -1])


def decode_record(index_keys: IndexKeys, raw: Raw) -> Record:
    """A record from what is kept of it, or from all of that but its body."""
    key: bytes = raw["_id"]
    return Record(
        key[: -UUID_BYTES - 1].decode(),
        record_id(raw),
        raw["s"],
        raw.get("b", b""),
        raw["d"],
        decode_views(index_keys, raw["v"]),
        "h" in raw,
    )


def document_key(kind: str, scope: str, name: str) -> bytes:
    """The `_id` of a document."""
    return blake2b(_packed((kind, scope, name)), digest_size=20).digest()


def encode_document(document: Document) -> Raw:
    """A document as it is kept."""
    kind, scope = document.kind, document.scope
    raw = {
        "_id": document_key(kind, scope, document.name),
        "k": kind,
        "c": scope,
        "n": document.name,
        "b": document.body,
        "t": document.content_type,
        "e": document.etag,
        "u": document.updated,
        "o": document.order,
        "x": [key_hash(kind, scope), *(key_hash(kind, scope, key) for key in document.keys)],
        "z": [key_hash(kind), *(key_hash(kind, key) for key in document.keys)],
    }
    if document.keys:
        raw["y"] = list(document.keys)
    return raw


def decode_document(raw: Raw) -> Document:
    """A document from what is kept of it, or from all of that but its body."""
    return Document(
        raw["k"],
        raw["c"],
        raw["n"],
        raw.get("b", b""),
        raw["t"],
        raw["e"],
        raw["u"],
        frozenset(raw.get("y", ())),
        raw["o"],
    )

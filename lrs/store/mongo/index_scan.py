"""Walks along the log's index: the records of which one view holds all of some keys, in order.

What the index brings is checked against the real views, as text where that is proof enough: reading
JSON would cost more than everything else that is done here for a page.
"""

from __future__ import annotations

from collections.abc import Collection

import orjson

from lrs.store.index_keys import IndexKeys
from lrs.store.log import LogQuery, is_beyond
from lrs.store.mongo.codec import (
    SEPARATOR,
    UUID_BYTES,
    WHOLE_LOG,
    Hashes,
    Raw,
    decode_views,
    key_hash,
    record_id,
)
from lrs.store.mongo.schema import LOG, LOG_INDEX
from lrs.store.mongo.snapshots import MANY, Asking, rows, sizes
from lrs.store.pages import enough


class Wanted:
    """What a walk looks for: the records of a tenant, or of all, with one view that holds all keys.

    `hashes` is what they are found by: one hash at least out of each of these.
    """

    def __init__(
        self, index_keys: IndexKeys, tenant: str | None, keys: Collection[str], *, has_pairs: bool = False
    ) -> None:
        """`has_pairs`: every record that holds a lead and a facet in one view is found by the pair."""
        self.tenant = tenant
        self._index_keys = index_keys
        alternatives = index_keys.alternatives
        self._owner = None if tenant is None else tenant.encode() + SEPARATOR
        self._keys = frozenset(keys)
        together = index_keys.compound_keys(self._keys) if has_pairs else []
        if tenant is None:
            self.hashes: list[Hashes] = [(WHOLE_LOG,)]
        else:
            alone = self._keys.difference(*together)
            self.hashes = [(key_hash(tenant, *pair),) for pair in together]
            self.hashes += [tuple(key_hash(tenant, each) for each in alternatives(key)) for key in alone]
            self.hashes = self.hashes or [(key_hash(tenant),)]
        self.few = self.hashes[0] if together or len(self.hashes) == 1 else None
        """What finds few records as a rule; None when that takes knowing how many there are."""
        self._texts = [
            tuple(before + orjson.dumps(each).decode() for each in alternatives(key) for before in (",", "["))
            for key in self._keys
        ]
        """For each key, what is in the text of a view that holds it: any one of these."""
        self._has_proof = all(key[:1].isalnum() for key in self._keys)
        """No text between two strings of a list begins like that."""

    def matches(self, raw: Raw) -> bool:
        """Whether a hash did not lie: the record is the tenant's, and one view holds the keys."""
        if self._owner is not None and raw["_id"][:-UUID_BYTES] != self._owner:
            return False
        if not self._keys:
            return True
        text: str = raw["v"]
        if self._has_proof and (len(self._texts) == 1 or "],[" not in text):
            for texts in self._texts:
                for each in texts:
                    if each in text:
                        break
                else:
                    break
            else:
                return True
        return any(self._keys <= view for view in decode_views(self._index_keys, text))


def matching(
    wanted: Wanted, where: Raw, fields: Raw, query: LogQuery, limit: int, *, batch_size: int = MANY
) -> Asking[list[Raw]]:
    """What is kept of up to `limit` records, `fields` of it, ordered by (stored, id); see `Reader.find`.

    The query's own limit is not looked at: a page asks for one record more.
    `where` is a filter on one key that leaves out nothing that is wanted.
    The index orders by `stored` alone. Records of one microsecond (written by different processes) are
    put in order here: a page that ends between such records fetches them all.

    What has come for `most_bytes` may be more than was asked for, as an answer of the server is one piece.

    Hidden records are few: the server is told to leave them out only after some came.
    """
    after, ascending, most_bytes = query.after, query.ascending, query.most_bytes
    bounds: dict[str, int] = {}
    if query.since is not None:
        bounds["$gt"] = query.since
    if query.until is not None:
        bounds["$lte"] = query.until
    onward = "$gte" if ascending else "$lte"
    if after is not None:
        bounds[onward] = _tighter(bounds.get(onward), after.stored, ascending)
    where = dict(where)
    sort = [("s", 1 if ascending else -1)]

    def fetch(bounds: dict[str, int], limit: int, most_bytes: int | None = None) -> Asking[list[Raw]]:
        query = {**where, "s": bounds} if bounds else where
        return rows(
            LOG,
            query,
            fields=fields,
            sort=sort,
            index=LOG_INDEX,
            limit=limit,
            most_bytes=most_bytes,
            batch=batch_size,
        )

    found: list[Raw] = []
    while len(found) < limit:
        size = limit - len(found) + 1 + (after is not None)
        batch = yield from fetch(bounds, size, most_bytes)
        more = len(batch) == size or enough(sizes(batch), most_bytes) is not None
        if more:
            edge = batch[-1]["s"]
            whole = [raw for raw in batch if raw["s"] != edge]
            if whole:
                bounds[onward] = edge
            else:
                whole = yield from fetch({"$gte": edge, "$lte": edge}, MANY)
                bounds[onward] = edge + 1 if ascending else edge - 1
            batch = whole
        page = [raw for raw in batch if wanted.matches(raw)]
        if not query.include_hidden:
            shown = [raw for raw in page if "h" not in raw]
            if len(shown) < len(page):
                where["h"] = {"$exists": False}
                page = shown
        if after is not None:
            border = (after.stored, after.id)
            at = after.stored  # what is beyond that in time is beyond the border
            page = [raw for raw in page if raw["s"] != at or is_beyond(_place(raw), border, ascending)]
        if len({raw["s"] for raw in page}) < len(page):
            page.sort(key=_place, reverse=not ascending)
        found += page
        if (end := enough(sizes(found), most_bytes)) is not None:
            del found[end:]
            break
        if not more:
            break
    return found[: max(limit, 0)]


def _place(raw: Raw) -> tuple[int, str]:
    """Where a record stands."""
    return raw["s"], record_id(raw)


def _tighter(bound: int | None, place: int, ascending: bool) -> int:
    if bound is None:
        return place
    return max(bound, place) if ascending else min(bound, place)

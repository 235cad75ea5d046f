"""Statements whose id is stored already: the same once more, or another one.

Inside a write the two are told apart by their digests alone. Where these differ, the stored statement is read
and compared afterwards, outside: it never changes, so what was found stays true.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from lrs.access import Access
from lrs.store.log import Record
from lrs.store.port import Store
from lrs.tenant_turns import TenantTurns
from statements.data_types.exact_json import loads
from statements.data_types.versions import Version
from statements.equality import differences
from statements.prepare import Prepared

LARGE = 65_536
"""Statements of more bytes, both together, are compared in turns."""


class DiffersError(Exception):
    """A statement with this id is stored and is not the same."""

    def __init__(self, index: int, statement_id: str, pointers: Sequence[str]) -> None:
        super().__init__("another statement with this id is stored")
        self.index = index
        self.id = statement_id
        self.pointers = tuple(pointers)
        """JSON pointers of what differs, that of the whole when no more may be told; values never are."""


class UncertainError(Exception):
    """Raised inside a write, which is undone: statements that are there already have other digests."""

    def __init__(self, indexes: Collection[int]) -> None:
        super().__init__("stored statements have to be compared")
        self.indexes = tuple(indexes)
        """Which of the batch."""


def latest_repeated(batch: Sequence[Prepared], known: Mapping[str, Record], same: Collection[str]) -> int:
    """Inside a write: the latest `stored` among the statements that are there already; 0 when none is.

    UncertainError when some have another digest and are not among the `same`: ids that were compared.
    """
    repeated = [
        (index, prepared, record)
        for index, prepared in enumerate(batch)
        if (record := known.get(prepared.id)) is not None
    ]
    uncertain = [
        index
        for index, prepared, record in repeated
        if record.digest != prepared.digest and prepared.id not in same
    ]
    if uncertain:
        raise UncertainError(uncertain)
    return max((record.stored for _, _, record in repeated), default=0)


def compare(
    store: Store,
    turns: TenantTurns,
    access: Access,
    batch: Sequence[Prepared],
    indexes: Collection[int],
    version: Version,
) -> None:
    """Outside a write: DiffersError when one of these statements is another than the stored one of its id.

    Where it differs is told to those alone who may read the stored one or wrote it: places have names, too.
    """
    for index in indexes:
        prepared = batch[index]
        with store.reading() as reader:
            record = reader.get(access.tenant, (prepared.id,)).get(prepared.id)
        if record is None:
            continue
        if len(record.body) + len(prepared.head) > LARGE:
            with turns.turn(access.tenant):
                places = differences(loads(record.body), prepared.statement, version)
        else:
            places = differences(loads(record.body), prepared.statement, version)
        if places:
            told = not access.only_mine or access.mine in record.views[0]
            raise DiffersError(index, prepared.id, places if told else [""])

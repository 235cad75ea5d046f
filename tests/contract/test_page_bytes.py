"""Pages that end because of their bytes: nothing is lost between them, and one record is always there."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lrs.store.log import LogQuery, Position, Record
from lrs.store.pages import fitting, raw_page
from lrs.store.port import Store, Writer, read_page
from tests.contract.make import add, draft, stamped

KIB = 1024
SIZES = [
    [10] * 30,
    [40 * KIB] * 30,
    [300 * KIB, 10, 10, 300 * KIB, 300 * KIB, 10],
    [10, 200 * KIB, 10] * 10,
    [500 * KIB, 500 * KIB],
    [500 * KIB],
]
BOUNDS = [0, 100, 64 * KIB, 250 * KIB]


def stored(store: Store, sizes: Sequence[int]) -> list[Record]:
    """Records with bodies of these sizes, of which every other one shares a stretch with many others."""
    drafts = []
    for n, size in enumerate(sizes):
        text = b'{"n":%d,"t":"' % n + (b"Badan Kepegawaian Negara " if n % 2 else b"%d" % n) * size
        drafts.append(draft("a", f"{n % 2}", body=text[: max(size - 2, 0)] + b'"}'))
    return add(store, *drafts)


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("most", BOUNDS)
@pytest.mark.parametrize("sizes", SIZES, ids=range(len(SIZES)))
def test_pages_end_at_a_number_of_bytes(store: Store, sizes: list[int], most: int, ascending: bool) -> None:
    """Each page has what fits and one record at least; together they have every record once, in order."""
    kept = stored(store, sizes)
    wanted = kept if ascending else kept[::-1]
    for limit in (7, 1000):
        seen: list[bytes] = []
        after: Position | None = None
        more = True
        while more:
            find = LogQuery("bkn", ["a"], limit=limit, after=after, ascending=ascending, most_bytes=most)
            page, _ = read_page(store, find)
            rest = [record.body for record in wanted[len(seen) :]]
            count = fitting(map(len, rest), limit, most)
            assert page.body == b",".join(rest[:count])
            seen += rest[:count]
            after, more = page.last, page.more
            assert more == (len(seen) < len(wanted))
        assert seen == [record.body for record in wanted]


@pytest.mark.parametrize("most", BOUNDS)
@pytest.mark.parametrize("sizes", SIZES, ids=range(len(SIZES)))
def test_find_stops_with_the_first_record_too_many(store: Store, sizes: list[int], most: int) -> None:
    """A list ends with the record by which it passes the bound, and begins with two if there are two."""
    kept = stored(store, sizes)
    with store.reading() as reader:
        for tenant, keys in (("bkn", ["a"]), ("bkn", []), (None, [])):
            found = reader.find(LogQuery(tenant, keys, ascending=True, limit=1000, most_bytes=most))
            assert found == kept[: len(found)]
            sums = [sum(len(record.body) for record in kept[: n + 1]) for n in range(len(kept))]
            first = next((n + 1 for n, total in enumerate(sums) if total > most and n), len(kept))
            assert len(found) == first
            count = fitting((len(record.body) for record in found), 5, most)
            assert raw_page(found, 5, most).more == (len(found) > count)


def test_a_write_finds_its_own_records_up_to_a_number_of_bytes(store: Store) -> None:
    """Inside a write the bound holds for what is stored and for what the write has added, in order."""
    kept = stored(store, [30 * KIB] * 4)

    def work(writer: Writer) -> tuple[list[Record], list[Record]]:
        fresh = stamped(writer, [draft("a", body=b"x" * 30 * KIB) for _ in range(4)])
        writer.append(fresh)
        return fresh, writer.find(LogQuery("bkn", ["a"], ascending=True, limit=100, most_bytes=150 * KIB))

    fresh, found = store.writing(work)
    assert found == [*kept, *fresh][:6]

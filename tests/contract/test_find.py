"""Finding in the log: keys and views, bounds, direction and paging."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from lrs.store.documents import DocumentQuery
from lrs.store.log import LogQuery, Position, Record
from lrs.store.pages import raw_page
from lrs.store.port import Reader, Store
from tests.contract.make import FACET, add, closed, draft


def walk(
    store: Store, keys: Sequence[str], *, ascending: bool, limit: int, tenant: str | None = "bkn"
) -> list[Record]:
    """Every record of a query, page by page, each page in a snapshot of its own."""
    out: list[Record] = []
    after: Position | None = None
    while True:
        with store.reading() as reader:
            page = reader.find(LogQuery(tenant, keys, after=after, ascending=ascending, limit=limit))
        out += page
        if len(page) < limit:
            return out
        after = Position(page[-1].stored, page[-1].id)


def test_all_keys_must_meet_in_one_view(store: Store) -> None:
    """A query matches when one view holds all its keys, not when they are spread over views."""
    own, spread, far = add(
        store,
        draft("a", "b"),
        draft("a", views=(frozenset({"b"}),)),
        draft("x", views=(frozenset({"a", "b", "c"}),)),
    )
    with store.reading() as reader:
        assert reader.find(LogQuery("bkn", ["a", "b"], limit=9)) == [far, own]
        assert reader.find(LogQuery("bkn", ["b"], limit=9)) == [far, spread, own]
        assert reader.find(LogQuery("bkn", ["a", "b", "c"], limit=9)) == [far]
        assert reader.find(LogQuery("bkn", ["a", "x"], limit=9)) == []
        assert reader.find(LogQuery("bkn", ["a", "nowhere"], limit=9)) == []


def test_a_key_and_a_facet_meet_in_one_view(store: Store) -> None:
    """A facet is a key like any other: missing, one of several, in another view, alone or the rarest."""
    one, two = f"{FACET}one", f"{FACET}two"
    plain, first, second, both, spread, far = add(
        store,
        draft("a"),
        draft("a", "b", one),
        draft("a", two),
        draft("a", "a2", one, two),
        draft("a", views=(frozenset({one}),)),
        draft("x", views=(frozenset({"a", "b", one}), frozenset({"a", two}))),
    )
    other, far_other = add(
        store, draft("b", two), draft("x", views=(frozenset({"b", two}), frozenset({"b", one, "c"})))
    )
    expected = {
        ("a",): [far, spread, both, second, first, plain],
        (one,): [far_other, far, spread, both, first],
        ("a", one): [far, both, first],
        ("a", two): [far, both, second],
        ("a", one, two): [both],
        ("a", "a2", one): [both],
        ("a2", two): [both],
        ("a", "b", one): [far, first],
        ("a", "b", two): [],
        ("b", one): [far_other, far, first],
        ("b", two): [far_other, other],
        ("b", "c", one): [far_other],
        ("b", "c", two): [],
        ("x", one): [],
        (FACET, "a"): [],
    }

    def check(reader: Reader) -> None:
        for keys, records in expected.items():
            for order in (keys, keys[::-1]):
                assert reader.find(LogQuery("bkn", order, limit=9)) == records
                assert reader.find(LogQuery("bkn", order, limit=9, ascending=True)) == records[::-1]
                assert reader.find_raw_page(LogQuery("bkn", order, limit=2)) == raw_page(records, 2)

    with store.reading() as reader:
        check(reader)
    changed = {plain.id: (closed({"a", two}),), first.id: (closed({"a", "b"}),)}
    store.writing(lambda writer: writer.reindex("bkn", changed))
    plain, first = replace(plain, views=changed[plain.id]), replace(first, views=changed[first.id])
    expected = {
        ("a",): [far, spread, both, second, first, plain],
        (one,): [far_other, far, spread, both],
        ("a", one): [far, both],
        ("a", two): [far, both, second, plain],
        ("a", "b", one): [far],
        ("b", one): [far_other, far],
    }
    with store.reading() as reader:
        check(reader)


def test_what_has_the_narrower_key_is_found_by_the_wider_one(store: Store) -> None:
    """Of two keys of which one says more, the other finds all: alone or beside others, in any view."""
    verb = f"{FACET}erb"
    wide, both, more, spread, twice, neither = add(
        store,
        draft("A1", "b"),
        draft(*closed({"a1", "b", verb})),
        draft(*closed({"a1", "A2", "o1", verb})),
        draft("A1", views=(closed({"a1", "o1"}), frozenset({"b", "O1"}))),
        draft(*closed({"a1"}), views=(frozenset({"A1", verb}), closed({"a1", verb}))),
        draft(*closed({"a2", "b", verb})),
    )
    expected = {
        ("a1",): [twice, spread, more, both],
        ("A1",): [twice, spread, more, both, wide],
        ("A1", "b"): [both, wide],
        ("b", "O1"): [spread],
        ("A1", "O1"): [spread, more],
        ("A1", "a1"): [twice, spread, more, both],
        ("A1", "A2"): [more],
        ("A1", "A2", "O1", verb): [more],
        ("A1", verb): [twice, more, both],
        ("A2", verb): [neither, more],
        ("A2",): [neither, more],
        ("O1",): [spread, more],
        ("A3",): [],
    }

    def check() -> None:
        with store.reading() as reader:
            for keys, records in expected.items():
                for order in (keys, keys[::-1]):
                    assert reader.find(LogQuery("bkn", order, limit=9)) == records
                    assert reader.find_raw_page(LogQuery("bkn", order, limit=2)) == raw_page(records, 2)
        for keys, records in expected.items():
            for limit in (1, 2, 3):
                assert walk(store, keys, ascending=True, limit=limit) == records[::-1]
                assert walk(store, keys, ascending=False, limit=limit) == records

    check()
    changed = {both.id: (frozenset({"A1", "b", verb}),), wide.id: (closed({"a1", "b"}),)}
    store.writing(lambda writer: writer.reindex("bkn", changed))
    both, wide = replace(both, views=changed[both.id]), replace(wide, views=changed[wide.id])
    expected = {
        ("a1",): [twice, spread, more, wide],
        ("A1",): [twice, spread, more, both, wide],
        ("A1", "b"): [both, wide],
        ("A1", verb): [twice, more, both],
    }
    check()


def test_a_record_matching_by_several_views_is_found_once(store: Store) -> None:
    """Views that match twice give the record once, and pages stay full."""
    same = frozenset({"a", "b"})
    kept = add(store, *(draft("a", "b", views=(same, same | {"c"})) for _ in range(7)))
    for limit in (1, 2, 3, 7, 8):
        with store.reading() as reader:
            assert len(reader.find(LogQuery("bkn", ["a", "b"], limit=limit))) == min(limit, 7)
        assert walk(store, ["a", "b"], ascending=True, limit=limit) == kept


def test_repeated_keys_ask_for_the_same(store: Store) -> None:
    """A key named twice is one condition."""
    (kept,) = add(store, draft("a"))
    with store.reading() as reader:
        assert reader.find(LogQuery("bkn", ["a", "a"], limit=9)) == [kept]


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("keys", [[], ["all"], ["all", "even"], ["even", "third", "all"]])
@pytest.mark.parametrize("tenant", ["bkn", None])
def test_pages_join_to_the_whole(store: Store, keys: list[str], ascending: bool, tenant: str | None) -> None:
    """Walking page by page gives every match once, in order, in both directions."""
    if tenant is None:
        keys = []
    kept = [
        add(store, draft("all", *(["even"] if n % 2 == 0 else []), *(["third"] if n % 3 == 0 else [])))[0]
        for n in range(40)
    ]
    add(store, draft("noise"), draft("noise"))
    wanted = [each for each in kept if set(keys) <= each.views[0]]
    if not keys:
        with store.reading() as reader:
            wanted += reader.find(LogQuery("bkn", ["noise"], ascending=True, limit=9))
    if not ascending:
        wanted.reverse()
    for limit in (1, 7, 100):
        assert walk(store, keys, ascending=ascending, limit=limit, tenant=tenant) == wanted


def test_since_is_exclusive_and_until_inclusive(store: Store) -> None:
    """The bounds of a query are those of the specification: later than since, up to until."""
    a, b, c = add(store, draft("k"), draft("k"), draft("k"))
    with store.reading() as reader:
        for keys in ([], ["k"]):
            assert reader.find(LogQuery("bkn", keys, since=a.stored, limit=9)) == [c, b]
            assert reader.find(LogQuery("bkn", keys, until=b.stored, limit=9)) == [b, a]
            assert reader.find(LogQuery("bkn", keys, since=a.stored, until=b.stored, limit=9)) == [b]
            assert reader.find(LogQuery("bkn", keys, since=c.stored, limit=9)) == []
            assert reader.find(LogQuery("bkn", keys, until=a.stored - 1, limit=9)) == []
            assert reader.find(LogQuery("bkn", keys, since=b.stored, until=a.stored, limit=9)) == []
            assert reader.find(LogQuery("bkn", keys, since=0, until=2**62, limit=9)) == [c, b, a]
        assert reader.find(LogQuery(None, since=a.stored, until=b.stored, limit=9)) == [b]


def test_a_page_may_begin_beside_a_record(store: Store) -> None:
    """A position between two records, or outside them all, is as good as one on a record."""
    a, b, c = add(store, draft("k"), draft("k"), draft("k"))
    low, high = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
    with store.reading() as reader:
        assert reader.find(
            LogQuery("bkn", ["k"], after=Position(b.stored, low), ascending=True, limit=9)
        ) == [b, c]
        assert reader.find(
            LogQuery("bkn", ["k"], after=Position(b.stored, high), ascending=True, limit=9)
        ) == [c]
        assert reader.find(LogQuery("bkn", ["k"], after=Position(b.stored, high), limit=9)) == [b, a]
        assert reader.find(LogQuery("bkn", ["k"], after=Position(b.stored, low), limit=9)) == [a]
        assert reader.find(LogQuery("bkn", ["k"], after=Position(0, low), ascending=True, limit=9)) == [
            a,
            b,
            c,
        ]
        assert reader.find(LogQuery("bkn", ["k"], after=Position(2**62, low), limit=9)) == [c, b, a]
        assert reader.find(LogQuery(None, after=Position(b.stored, b.id), limit=9)) == [a]


def test_a_limit_of_nothing_finds_nothing(store: Store) -> None:
    """`limit=0` is an empty page."""
    add(store, draft("k"))
    with store.reading() as reader:
        assert reader.find(LogQuery("bkn", ["k"], limit=0)) == []
        assert reader.find_documents(DocumentQuery("kind", "scope", limit=0)) == []


def test_all_tenants_are_walked_in_one_order(store: Store) -> None:
    """`tenant=None` walks every tenant's records by time, and refuses keys."""
    kept = [add(store, draft("k", tenant=f"t{n % 3}"))[0] for n in range(9)]
    assert walk(store, [], ascending=True, limit=4, tenant=None) == kept
    with store.reading() as reader, pytest.raises(ValueError, match="keys"):
        reader.find(LogQuery(None, ["k"], limit=1))


def test_a_rare_key_is_found_among_very_common_ones(store: Store) -> None:
    """The combination of a common key with a rare one finds just the rare records."""
    kept = []
    for n in range(30):
        batch = [draft("common", f"unique{n}-{m}") for m in range(50)]
        if n % 10 == 0:
            batch[7] = draft("common", "rare")
        records = add(store, *batch)
        kept += [records[7]] if n % 10 == 0 else []
    with store.reading() as reader:
        for keys in (["common", "rare"], ["rare", "common"]):
            assert reader.find(LogQuery("bkn", keys, ascending=True, limit=9)) == kept
            assert reader.find(LogQuery("bkn", keys, limit=2)) == kept[:0:-1]
        assert reader.find(LogQuery("bkn", ["common", "rare", "unique1-1"], limit=9)) == []


@pytest.mark.parametrize("key", ["", "\x1f", "a\x00b", "%_*", "'\"", "é\u0301\U0001f600", "k" * 5000])
def test_keys_are_compared_as_exact_text(store: Store, key: str) -> None:
    """A key may be any text and matches itself alone."""
    (kept,) = add(store, draft(key))
    add(store, draft(key + "x"), draft("x" + key))
    with store.reading() as reader:
        assert reader.find(LogQuery("bkn", [key], limit=9)) == [kept]


def test_a_joined_page_is_the_found_records_as_one_piece(store: Store) -> None:
    """The same records, in the same order, with a comma between them, and where the page ends."""
    same = frozenset({"a", "b"})
    kept = add(store, *(draft("a", "b", views=(same,) if n % 5 == 0 else ()) for n in range(12)))
    add(store, draft("a"))
    hidden = kept[3]
    store.writing(lambda writer: writer.hide("bkn", [hidden.id]))

    def check(reader: Reader) -> None:
        for keys in ([], ["a"], ["a", "b"], ["b", "nowhere"], ["nowhere"]):
            for ascending in (True, False):
                for limit in (1, 3, 11, 12, 200):
                    for after in (None, Position(kept[6].stored, kept[6].id)):
                        for since, until in (
                            (None, None),
                            (kept[1].stored, kept[9].stored),
                            (kept[9].stored, 1),
                        ):
                            bounds = {"since": since, "until": until, "after": after, "ascending": ascending}
                            found = reader.find(LogQuery("bkn", keys, **bounds, limit=limit + 1))  # type: ignore[arg-type]
                            page = reader.find_raw_page(LogQuery("bkn", keys, **bounds, limit=limit))  # type: ignore[arg-type]
                            assert page == raw_page(found, limit)

    with store.reading() as reader:
        check(reader)
        assert reader.find_raw_page(LogQuery("lan", ["a"], limit=5)) == raw_page([], 5)
    store.writing(check)


def test_a_raw_page_may_be_of_all_tenants_and_of_hidden_records(store: Store) -> None:
    """It is what `find` finds, whatever the query says."""
    one, hidden, other = add(store, draft("a"), draft("a"), draft("a", tenant="lan"))
    store.writing(lambda writer: writer.hide("bkn", [hidden.id]))

    def check(reader: Reader) -> None:
        for query in (
            LogQuery(None, limit=2),
            LogQuery(None, limit=2, ascending=True, include_hidden=True),
            LogQuery("bkn", ["a"], limit=1, include_hidden=True),
            LogQuery("bkn", limit=9, include_hidden=True, ascending=True),
        ):
            found = reader.find(replace(query, limit=query.limit + 1))
            assert reader.find_raw_page(query) == raw_page(found, query.limit)
        assert [record.id for record in reader.find(LogQuery(None, limit=9))] == [other.id, one.id]

    with store.reading() as reader:
        check(reader)
    store.writing(check)


def test_a_query_that_cannot_be_answered_is_refused_where_it_is_made() -> None:
    """Keys are a tenant's own, and a walk over every scope has no place to go on from."""
    with pytest.raises(ValueError, match="takes no keys"):
        LogQuery(None, ["k"], limit=1)
    with pytest.raises(ValueError, match="cannot be resumed"):
        DocumentQuery("note", None, after=("", "a"), limit=1)

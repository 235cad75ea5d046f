"""The log: appending, reading by id, hiding and replacing views."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lrs.store.errors import ConflictError
from lrs.store.log import LogQuery, Record
from lrs.store.port import CONSISTENCY_BOUND, Store, Writer
from tests.contract.make import add, adding, draft, new_id, now, stamped


def test_a_record_comes_back_as_it_was_appended(store: Store) -> None:
    """Every field of a record, views included, survives the way in and out."""
    wanted = draft("a\x1fx", "v\x1f✓", body=b'{"n":1}\n\x00\xff', views=(frozenset({"v\x1fy"}), frozenset()))
    (kept,) = add(store, wanted)
    with store.reading() as reader:
        assert reader.get("bkn", [kept.id]) == {kept.id: kept}
        assert reader.find(LogQuery("bkn", limit=1)) == [kept]


def test_a_record_without_views_is_kept(store: Store) -> None:
    """A record that nothing indexes is still read by id and by a walk over its tenant."""
    (kept,) = add(store, replace(draft(), views=()))
    with store.reading() as reader:
        assert reader.get("bkn", [kept.id])[kept.id].views == ()
        assert reader.find(LogQuery("bkn", limit=5)) == [kept]


def test_absent_ids_are_missing(store: Store) -> None:
    """`get` answers with what is there and says nothing of the rest."""
    (kept,) = add(store, draft())
    with store.reading() as reader:
        assert set(reader.get("bkn", [new_id(), kept.id, new_id()])) == {kept.id}
        assert reader.get("bkn", []) == {}


def test_many_ids_are_read_at_once(store: Store) -> None:
    """`get` takes as many ids as a large batch holds."""
    kept = add(store, *(draft() for _ in range(1200)))
    with store.reading() as reader:
        assert reader.get("bkn", [each.id for each in kept]) == {each.id: each for each in kept}


def test_a_tenant_sees_only_its_own_records(store: Store) -> None:
    """The same id may live in two tenants, and neither reads the other's."""
    id = new_id()
    (ours,) = add(store, draft("k", id=id, body=b"ours"))
    (theirs,) = add(store, draft("k", id=id, body=b"theirs", tenant="lan"))
    with store.reading() as reader:
        assert reader.get("bkn", [id]) == {id: ours}
        assert reader.get("lan", [id]) == {id: theirs}
        assert reader.find(LogQuery("bkn", ["k"], limit=9)) == [ours]
        assert reader.find(LogQuery("lan", ["k"], limit=9)) == [theirs]


def test_tenant_and_key_cannot_be_confused(store: Store) -> None:
    """Tenants and keys that run together to the same text stay apart."""
    add(store, draft("bc", tenant="a"))
    with store.reading() as reader:
        assert reader.find(LogQuery("ab", ["c"], limit=9)) == []
        assert reader.find(LogQuery("abc", limit=9)) == []


def test_an_id_that_is_there_is_a_conflict(store: Store) -> None:
    """Appending an id again raises ConflictError naming it, and nothing of the write is kept."""
    (kept,) = add(store, draft(body=b"first"))
    fresh = draft()
    with pytest.raises(ConflictError) as caught:
        add(store, fresh, draft(id=kept.id, body=b"second"))
    assert caught.value.ids == (kept.id,)
    with store.reading() as reader:
        assert reader.get("bkn", [kept.id, fresh.id]) == {kept.id: kept}


def test_an_id_twice_in_one_append_is_a_conflict(store: Store) -> None:
    """Two records of one batch may not share an id."""
    id = new_id()
    with pytest.raises(ConflictError) as caught:
        add(store, draft(id=id), draft(id=id))
    assert caught.value.ids == (id,)


def test_an_id_appended_earlier_in_the_write_is_a_conflict(store: Store) -> None:
    """The second `append` of a write knows what the first one added."""
    one = draft()

    def work(writer: Writer) -> None:
        adding([one])(writer)
        adding([one])(writer)

    with pytest.raises(ConflictError):
        store.writing(work)
    with store.reading() as reader:
        assert reader.get("bkn", [one.id]) == {}


def test_stamps_are_near_the_present_and_rise(store: Store) -> None:
    """Each write is stamped later than all before it, close to the clock."""
    before = now()
    kept = [add(store, draft(), draft()) for _ in range(5)]
    flat = [record.stored for pair in kept for record in pair]
    assert flat == sorted(set(flat))
    assert before - CONSISTENCY_BOUND <= flat[0]
    assert flat[-1] <= now() + CONSISTENCY_BOUND


def test_stamps_within_one_write_do_not_overlap(store: Store) -> None:
    """Two reservations in one write are disjoint, and reserved stamps may stay unused."""

    def work(writer: Writer) -> tuple[int, int]:
        first = writer.stamp(10)
        return first, writer.stamp(10)

    first, second = store.writing(work)
    assert second >= first + 10


def test_hidden_records_are_read_but_not_found(store: Store) -> None:
    """Hiding takes a record out of `find`, unless asked for, and leaves it to `get`."""
    one, two = add(store, draft("k"), draft("k"))
    store.writing(lambda writer: writer.hide("bkn", [one.id, new_id()]))
    hidden = replace(one, hidden=True)
    with store.reading() as reader:
        assert reader.find(LogQuery("bkn", ["k"], limit=9)) == [two]
        assert reader.find(LogQuery("bkn", limit=9, include_hidden=True)) == [two, hidden]
        assert reader.find(LogQuery(None, limit=9, include_hidden=True)) == [two, hidden]
        assert reader.find(LogQuery(None, limit=9)) == [two]
        assert reader.get("bkn", [one.id]) == {one.id: hidden}


def test_a_record_may_arrive_hidden(store: Store) -> None:
    """A record appended as hidden is hidden from the start."""
    (kept,) = add(store, draft("k", hidden=True))
    with store.reading() as reader:
        assert reader.find(LogQuery("bkn", ["k"], limit=9)) == []
        assert reader.get("bkn", [kept.id]) == {kept.id: kept}


def test_reindex_replaces_the_views(store: Store) -> None:
    """After a reindex the old keys no longer find the record and the new ones do."""
    one, other = add(store, draft("old", "both"), draft("old"))
    views = (frozenset({"both", "new"}), frozenset({"far"}))
    store.writing(lambda writer: writer.reindex("bkn", {one.id: views, new_id(): views}))
    with store.reading() as reader:
        assert reader.find(LogQuery("bkn", ["old"], limit=9)) == [other]
        for keys in (["both"], ["new"], ["far"], ["both", "new"]):
            assert reader.find(LogQuery("bkn", keys, limit=9)) == [replace(one, views=views)]
        assert reader.find(LogQuery("bkn", ["both", "far"], limit=9)) == []


def test_a_record_can_be_changed_in_the_write_that_appends_it(store: Store) -> None:
    """Hide and reindex reach records of the same write."""

    def work(writer: Writer) -> Record:
        (record,) = stamped(writer, [draft("old")])
        writer.append([record])
        writer.reindex("bkn", {record.id: (frozenset({"new"}),)})
        writer.hide("bkn", [record.id])
        return record

    record = store.writing(work)
    wanted = replace(record, views=(frozenset({"new"}),), hidden=True)
    with store.reading() as reader:
        assert reader.get("bkn", [record.id]) == {record.id: wanted}
        assert reader.find(LogQuery("bkn", ["new"], limit=9, include_hidden=True)) == [wanted]
        assert reader.find(LogQuery("bkn", ["old"], limit=9, include_hidden=True)) == []

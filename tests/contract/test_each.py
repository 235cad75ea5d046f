"""Many small questions asked as one: each gets what it would get alone."""

from __future__ import annotations

from lrs.store.documents import Document
from lrs.store.log import LogQuery
from lrs.store.port import Reader, Store, Writer
from tests.contract.make import FACET, LEAD, add, draft, stamped

ONE, TWO, LEADER = f"{FACET}one", f"{FACET}two", f"{LEAD}leader"
QUESTIONS = (
    ("b",), ("A",), ("a",), ("nowhere",), (ONE,), (LEADER, ONE), (LEADER, TWO), ("a", TWO, "b"),
    (LEADER, ONE, "b"), ("b", "nowhere"), ("b", "c"),
)  # fmt: skip


def note(name: str, *keys: str, scope: str = "bkn", order: str = "") -> Document:
    """A document of the kind that these tests use."""
    return Document("note", scope, name, b"{}", keys=frozenset(keys), order=order)


def check_records(reader: Reader, tenant: str, questions: tuple[tuple[str, ...], ...], limit: int) -> None:
    """Each question has the answer that `find` gives it."""
    expected = {keys: reader.find(LogQuery(tenant, keys, limit=limit)) for keys in questions}
    assert reader.find_many(tenant, questions, limit=limit) == expected


def fill(store: Store) -> None:
    """Records that match in one view, in several, in none, or are hidden or another tenant's."""
    add(
        store,
        draft("a", ONE),
        draft(LEADER, ONE, "b"),
        draft(LEADER, TWO, views=(frozenset({LEADER, ONE}), frozenset({"b", "c"}))),
        draft("A", "b"),
        draft("c", "b"),
        draft("a", "b", TWO, tenant="lan"),
        draft("b", hidden=True),
        draft("b", LEADER, TWO, views=(frozenset({"a", "b", TWO}),)),
    )


def test_each_question_gets_what_it_would_get_alone(store: Store) -> None:
    """Records by one key, by several in one view, by none; newest first, and no more than asked for."""
    fill(store)
    with store.reading() as reader:
        for limit in (0, 1, 2, 9):
            check_records(reader, "bkn", QUESTIONS, limit)
        check_records(reader, "lan", QUESTIONS, 9)
        check_records(reader, "nobody", QUESTIONS, 9)
        assert reader.find_many("bkn", [], limit=9) == {}
        assert len(reader.find_many("bkn", [("b",)], limit=9)["b",]) == 5


def test_a_write_sees_its_own_changes_in_each_answer(store: Store) -> None:
    """Inside a write the answers hold what it has just added and changed."""
    fill(store)

    def work(writer: Writer) -> None:
        writer.append(stamped(writer, [draft(LEADER, ONE, "b")]))
        check_records(writer, "bkn", QUESTIONS, 9)
        assert len(writer.find_many("bkn", [(LEADER, ONE)], limit=9)[LEADER, ONE]) == 3
        writer.put(note("new", "k"))
        assert writer.find_many_documents("note", "bkn", ["k", "l"], limit=9) == {
            "k": [note("new", "k")],
            "l": [],
        }

    store.writing(work)


def test_each_key_gets_its_documents(store: Store) -> None:
    """Documents by each of several keys, by order and name, and no more than asked for."""
    first, second, third = note("z", "k", "l"), note("a", "k", order="2"), note("b", "k", "m", order="2")

    def work(writer: Writer) -> None:
        for document in (third, note("x", "k", scope="lan"), first, note("y"), second):
            writer.put(document)
        writer.put(Document("other", "bkn", "z", b"{}", keys=frozenset({"k"})))

    store.writing(work)
    with store.reading() as reader:
        for limit in (0, 1, 2, 9):
            assert reader.find_many_documents("note", "bkn", ["k", "l", "m", "n"], limit=limit) == {
                "k": [first, second, third][:limit],
                "l": [first][:limit],
                "m": [third][:limit],
                "n": [],
            }
        assert reader.find_many_documents("note", "nobody", ["k"], limit=9) == {"k": []}
        assert reader.find_many_documents("note", "bkn", [], limit=9) == {}


def test_hundreds_of_keys_are_asked_for_at_once(store: Store) -> None:
    """However many keys there are, each has its documents once and in order, also those of two keys."""
    keys = [f"k{n}" for n in range(230)]
    pairs = list(zip(keys, keys[115:] + keys[:115], strict=True))
    notes = [note(f"{n:03}", *pair) for n, pair in enumerate(pairs)]

    def work(writer: Writer) -> None:
        for document in reversed(notes):
            writer.put(document)

    store.writing(work)
    with store.reading() as reader:
        found = reader.find_many_documents("note", "bkn", keys, limit=9)
    assert found == {key: [each for each in notes if key in each.keys] for key in keys}


def test_hundreds_of_questions_are_asked_at_once(store: Store) -> None:
    """However many questions there are, each has its records once and in order, also those of two keys."""
    keys = [f"k{n}" for n in range(230)]
    records = add(store, *map(draft, keys, keys[115:] + keys[:115]))
    with store.reading() as reader:
        found = reader.find_many("bkn", [(key,) for key in keys], limit=9)
    assert found == {(key,): [each for each in reversed(records) if key in each.views[0]] for key in keys}

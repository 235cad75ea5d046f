"""Documents: names, replacement, keys, order and paging."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Store, Writer


def doc(
    name: str, *keys: str, scope: str = "bkn", order: str = "", updated: int = 0, body: bytes = b"{}"
) -> Document:
    """A document of the kind that these tests use."""
    return Document(
        "note", scope, name, body, etag=f'"{name}"', updated=updated, keys=frozenset(keys), order=order
    )


def put(store: Store, *documents: Document) -> None:
    """Write the documents in one write."""

    def work(writer: Writer) -> None:
        for document in documents:
            writer.put(document)

    store.writing(work)


def names(documents: list[Document]) -> str:
    """The names in the order found."""
    return " ".join(document.name for document in documents)


def test_a_document_comes_back_as_it_was_put(store: Store) -> None:
    """Every field of a document survives the way in and out."""
    wanted = Document(
        "state", "bkn\x1fhttps://x/é\x00", "n ☃", b"\x00\xff{", "image/png", '"e"', 1_700_000_000_000_001,
        frozenset({"k\x1f1", ""}), "2026-11-23",
    )  # fmt: skip
    put(store, wanted)
    with store.reading() as reader:
        assert reader.document(wanted.kind, wanted.scope, wanted.name) == wanted
        assert reader.documents(wanted.kind, wanted.scope, [wanted.name, "absent"]) == {wanted.name: wanted}
        assert reader.find_documents(DocumentQuery(wanted.kind, wanted.scope, wanted.keys, limit=2)) == [
            wanted
        ]


def test_an_absent_document_is_none(store: Store) -> None:
    """Kind, scope and name must all be right."""
    put(store, doc("one"))
    with store.reading() as reader:
        for place in (("other", "bkn", "one"), ("note", "lan", "one"), ("note", "bkn", "two")):
            assert reader.document(*place) is None
        assert reader.documents("note", "lan", ["one"]) == {}
        assert reader.documents("note", "bkn", []) == {}


def test_put_replaces_the_whole_document(store: Store) -> None:
    """After a put nothing of the old document is left: not its body, keys, order nor time."""
    put(store, doc("one", "old", "both", order="b", updated=5, body=b"old"), doc("two", "both", order="c"))
    wanted = replace(doc("one", "new", "both", order="d", updated=9, body=b"new"), content_type="text/plain")
    put(store, wanted)
    with store.reading() as reader:
        assert reader.document("note", "bkn", "one") == wanted
        assert reader.find_documents(DocumentQuery("note", "bkn", ["old"], limit=9)) == []
        assert reader.find_documents(DocumentQuery("note", "bkn", ["new"], limit=9)) == [wanted]
        assert names(reader.find_documents(DocumentQuery("note", "bkn", ["both"], limit=9))) == "two one"
        assert names(reader.find_documents(DocumentQuery("note", "bkn", limit=9))) == "two one"


def test_delete_counts_what_was_there(store: Store) -> None:
    """Deleted documents are gone from every way of reading, and only they."""
    put(store, doc("one", "k"), doc("two", "k"), doc("one", "k", scope="lan"))
    assert store.writing(lambda writer: writer.delete("note", "bkn", ["one", "none"])) == 1
    with store.reading() as reader:
        assert reader.document("note", "bkn", "one") is None
        assert names(reader.find_documents(DocumentQuery("note", "bkn", ["k"], limit=9))) == "two"
        assert names(reader.find_documents(DocumentQuery("note", None, ["k"], limit=9))) == "two one"
    assert store.writing(lambda writer: writer.delete("note", "bkn", ["one"])) == 0
    put(store, doc("one", "k"))
    with store.reading() as reader:
        assert names(reader.find_documents(DocumentQuery("note", "bkn", ["k"], limit=9))) == "one two"


def test_all_keys_must_be_held(store: Store) -> None:
    """`find_documents` gives those that hold every key asked for, within kind and scope."""
    put(
        store,
        doc("ab", "a", "b"), doc("a", "a"), doc("b", "b"), doc("none"),
        doc("far", "a", "b", scope="lan"), replace(doc("kin", "a", "b"), kind="other"),
    )  # fmt: skip
    with store.reading() as reader:
        assert names(reader.find_documents(DocumentQuery("note", "bkn", ["a", "b"], limit=9))) == "ab"
        assert names(reader.find_documents(DocumentQuery("note", "bkn", ["a", "a"], limit=9))) == "a ab"
        assert names(reader.find_documents(DocumentQuery("note", "bkn", limit=9))) == "a ab b none"
        assert names(reader.find_documents(DocumentQuery("note", "bkn", ["a", "c"], limit=9))) == ""


def test_order_is_by_code_point_then_name(store: Store) -> None:
    """The sort key is compared as text by code point, beyond the basic plane too; ties go by name."""
    orders = ["", "A", "Z", "a", "a\x00", "b", "é", "\uffee", "\U0001f600"]
    put(store, *(doc(f"n{9 - n}{x}", "k", order=order) for n, order in enumerate(orders) for x in "yx"))
    wanted = [(order, f"n{9 - n}{x}") for n, order in enumerate(orders) for x in "xy"]
    with store.reading() as reader:
        for keys in ([], ["k"]):
            found = reader.find_documents(DocumentQuery("note", "bkn", keys, limit=99))
            assert [(each.order, each.name) for each in found] == wanted
            found = reader.find_documents(DocumentQuery("note", "bkn", keys, descending=True, limit=99))
            assert [(each.order, each.name) for each in found] == wanted[::-1]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("keys", [[], ["k"], ["k", "even"]])
def test_document_pages_join_to_the_whole(store: Store, keys: list[str], descending: bool) -> None:
    """Resuming after (order, name) gives every match once, in both directions."""
    put(store, *(doc(f"n{n:02}", "k", "even" if n % 2 else "odd", order=f"{n % 5}") for n in range(30)))
    with store.reading() as reader:
        whole = reader.find_documents(DocumentQuery("note", "bkn", keys, descending=descending, limit=99))
        for limit in (1, 4, 30):
            out: list[Document] = []
            after = None
            while page := reader.find_documents(
                DocumentQuery("note", "bkn", keys, after=after, descending=descending, limit=limit)
            ):
                out += page
                after = (page[-1].order, page[-1].name)
            assert out == whole
    assert len(whole) == (15 if "even" in keys else 30)


def test_since_keeps_later_documents(store: Store) -> None:
    """`since` is exclusive on `updated`, with and without keys."""
    put(store, *(doc(f"n{n}", "k", updated=n) for n in range(5)))
    with store.reading() as reader:
        for keys in ([], ["k"]):
            assert (
                names(reader.find_documents(DocumentQuery("note", "bkn", keys, since=2, limit=9))) == "n3 n4"
            )
            assert names(reader.find_documents(DocumentQuery("note", None, keys, since=3, limit=9))) == "n4"
            assert names(reader.find_documents(DocumentQuery("note", "bkn", keys, since=2, limit=1))) == "n3"


@pytest.mark.parametrize("keys", [[], ["k"], ["k", "l"]])
def test_every_scope_is_walked_in_order(store: Store, keys: list[str]) -> None:
    """`scope=None` orders by (scope, order, name) both ways, and cannot be resumed."""
    put(
        store,
        *(
            doc(name, "k", "l", scope=s, order=o)
            for s in ("b", "a")
            for o in ("2", "1")
            for name in (o + "y", o + "x")
        ),
    )
    wanted = [(s, o, o + x) for s in "ab" for o in "12" for x in "xy"]
    with store.reading() as reader:
        found = reader.find_documents(DocumentQuery("note", None, keys, limit=99))
        assert [(each.scope, each.order, each.name) for each in found] == wanted
        found = reader.find_documents(DocumentQuery("note", None, keys, descending=True, limit=3))
        assert [(each.scope, each.order, each.name) for each in found] == wanted[:-4:-1]
        with pytest.raises(ValueError, match="resumed"):
            reader.find_documents(DocumentQuery("note", None, keys, after=("1", "1x"), limit=1))


def test_an_empty_scope_is_a_scope(store: Store) -> None:
    """The empty scope is not "every scope"."""
    put(store, doc("one", "k", scope=""), doc("two", "k", scope="x"))
    with store.reading() as reader:
        assert names(reader.find_documents(DocumentQuery("note", "", ["k"], limit=9))) == "one"
        assert names(reader.find_documents(DocumentQuery("note", "", limit=9))) == "one"

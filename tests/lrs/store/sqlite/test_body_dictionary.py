"""What bodies have in common is kept once, and every byte comes back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrs.store.errors import StoreError
from lrs.store.log import LogQuery, Record
from lrs.store.sqlite import body_dictionary
from lrs.store.sqlite.body_dictionary import BodyDictionaries
from lrs.store.sqlite.dictionary_training import CODES, train_dictionary
from lrs.store.sqlite.schema import upgrade
from lrs.store.sqlite.sql import FORMS
from lrs.store.sqlite.store import SqliteStore
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests.contract.make import add, draft

PLATFORM = (
    ',"context":{"platform":"Moodle","language":"id","extensions":{"https://lms.example.go.id/x":true}}}'
)
ALL = 10_000


def statement(n: int) -> bytes:
    """One of many alike."""
    return f'{{"id":"{n * 7919:08x}","verb":{{"id":"http://adlnet.gov/expapi/v{n % 5}"}}{PLATFORM}'.encode()


def many(store: SqliteStore, count: int, tenant: str = "bkn") -> list[Record]:
    """Statements, 16 in a write."""
    return [
        record
        for start in range(0, count, 16)
        for record in add(
            store, *(draft("k", body=statement(n), tenant=tenant) for n in range(start, start + 16))
        )
    ]


def column(path: Path, sql: str) -> list[object]:
    """The first column of what is in the file."""
    connection = sqlite3.connect(path)
    rows = [row[0] for row in connection.execute(sql)]
    connection.close()
    return rows


def assert_reads(store: SqliteStore, kept: list[Record]) -> None:
    """Every way of reading gives the bodies as they came; `kept` is all there is, in order."""
    with store.reading() as reader:
        assert reader.find(LogQuery("bkn", ["k"], ascending=True, limit=ALL)) == kept
        assert reader.find(LogQuery(None, ascending=True, limit=ALL)) == kept
        assert list(reader.get("bkn", [kept[0].id]).values()) == kept[:1]
        for size in (1, 7, 50):
            pages = []
            after = None
            while (
                page := reader.find_raw_page(LogQuery("bkn", ["k"], after=after, ascending=True, limit=size))
            ).last:
                pages.append(page.body)
                after = page.last
            assert b",".join(pages) == b",".join(record.body for record in kept)
            assert (after.stored, after.id) == (kept[-1].stored, kept[-1].id) if after else not kept


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file goes."""
    return tmp_path / "a.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """An opened, empty store."""
    opened = SqliteStore(str(path), STATEMENT_KEYS)
    yield opened
    opened.close()


def test_what_statements_share_is_kept_once(store: SqliteStore, path: Path) -> None:
    """After some hundred statements alike, the next take less than half of their bytes, and read the same."""
    kept = many(store, 400)
    sizes = column(path, "SELECT length(body) FROM log ORDER BY stored")
    assert sizes[0] == len(kept[0].body)
    assert int(str(sizes[-1])) < len(kept[-1].body) / 2
    assert_reads(store, kept)


def test_another_process_reads_and_goes_on(store: SqliteStore, path: Path) -> None:
    """Who opened the file before phrases were found, and who does later, read what was written with them."""
    early = SqliteStore(str(path), STATEMENT_KEYS)
    kept = many(early, 16) + many(store, 400)
    assert_reads(early, kept)
    kept += many(early, 32)
    late = SqliteStore(str(path), STATEMENT_KEYS)
    kept += many(late, 16)
    assert int(str(column(path, "SELECT length(body) FROM log ORDER BY stored DESC LIMIT 1")[0])) < 100
    for each in (store, early, late):
        assert_reads(each, kept)
    early.close()
    late.close()


def test_rows_from_before_phrases_stay_as_they_are(path: Path) -> None:
    """A file of the first schema is opened; its rows, codes in them or not, are read beside new ones."""
    first = SqliteStore(str(path), STATEMENT_KEYS)
    kept = add(first, *(draft("k", body=body) for body in (statement(1), b"\x01\x02\0\xff", b"", CODES)))
    first.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT CAST(body AS BLOB) FROM log ORDER BY stored").fetchone() == (
        statement(1),
    )
    connection.execute("ALTER TABLE log_index RENAME TO log_key")
    connection.execute("ALTER TABLE log_key DROP COLUMN facet")
    connection.execute("ALTER TABLE log DROP COLUMN form")
    connection.execute("DROP TABLE phrase")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    store = SqliteStore(str(path), STATEMENT_KEYS)
    assert_reads(store, kept)
    kept += many(store, 320)
    assert column(path, "SELECT max(form) > 1 FROM log") == [1]
    assert_reads(store, kept)
    store.close()


def test_bytes_of_any_kind_come_back(store: SqliteStore, path: Path) -> None:
    """Bodies with the bytes of codes, between others in one write or alone, are kept as they came."""
    kept = many(store, 320)
    hostile = [
        CODES,
        b"\0",
        b"\0\0",
        b"",
        statement(3) + b"\x01",
        b"\xff" + statement(4),
        b"," * 9,
        b"\n\t\r",
    ]
    kept += add(store, *(draft("k", body=body) for body in [statement(5), *hostile, statement(6)]))
    kept += [record for body in hostile for record in add(store, draft("k", body=body))]
    assert set(column(path, "SELECT form = 0 FROM log ORDER BY stored DESC LIMIT 8")) == {0, 1}
    assert_reads(store, kept)


def test_very_large_bodies_are_left_alone(store: SqliteStore, path: Path) -> None:
    """A body beyond the limit does not keep the others waiting: it is stored as it came."""
    kept = many(store, 320)
    kept += add(store, draft("k", body=statement(1) * 2_000), draft("k", body=statement(2)))
    assert column(path, "SELECT form = 0 FROM log ORDER BY stored DESC LIMIT 2") == [0, 1]
    assert_reads(store, kept)


def test_tenants_share_no_phrases(store: SqliteStore, path: Path) -> None:
    """What one tenant's statements say is not looked up for another's."""
    many(store, 320)
    add(store, *(draft("k", body=statement(n), tenant="lan") for n in range(50)))
    assert set(column(path, "SELECT tenant FROM phrase")) == {"bkn"}
    assert column(path, "SELECT min(length(body)) FROM log WHERE form = 1")[0] == len(statement(0))


@pytest.mark.parametrize("remembered", [1, 1_000])
def test_a_phrase_of_a_write_that_failed_is_not_used(
    remembered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found in a transaction that is undone is found again, and nothing was written with it.

    Not even when so many tenants come between that what is used for this one is read again.
    """
    monkeypatch.setattr(body_dictionary, "TENANTS", remembered)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    upgrade(connection)
    phrases = BodyDictionaries()
    phrases.shorten(connection, "t", [statement(n) for n in range(200)])
    for _ in range(2):
        connection.execute("BEGIN")
        phrases.begin(connection)
        assert connection.execute("SELECT count(*) FROM phrase").fetchone() == (1,)
        phrases.shorten(connection, "u", [statement(1)])
        assert phrases.shorten(connection, "t", [statement(1)]) == [(1, statement(1))]
        connection.execute("ROLLBACK")
    phrases.begin(connection)
    phrases.begin(connection)
    ((form, body),) = phrases.shorten(connection, "t", [statement(1)])
    assert form > 1
    assert phrases.restore(connection, "t", form, body) == statement(1)


def test_missing_phrases_are_an_error_of_the_store() -> None:
    """A damaged file is told, instead of giving bytes that were never sent."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    upgrade(connection)
    with pytest.raises(StoreError, match="missing"):
        BodyDictionaries().restore(connection, "t", 3, b"\x02")


@pytest.mark.slow
def test_codes_are_not_spent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look finds a bounded number of phrases, all looks together no more than there are codes."""
    monkeypatch.setattr(body_dictionary, "LOOKS", (128, 256, 512, 1_024))
    connection = sqlite3.connect(":memory:", isolation_level=None)
    upgrade(connection)
    phrases = BodyDictionaries()
    numbers = []
    for time in range(8):
        shared = [f"part {n} of time {time} is like this everywhere " * 2 for n in range(30)]
        for start in range(128 << max(0, time - 1)):
            text = "".join(f'"{(start * 31 + n * 7) ** 3}":"{part}",' for n, part in enumerate(shared))
            ((form, body),) = phrases.shorten(connection, "t", [text.encode()])
            assert phrases.restore(connection, "t", form, body) == text.encode()
            phrases.begin(connection)
        numbers.append(connection.execute("SELECT count(*) FROM phrase").fetchone()[0])
    assert numbers[0] <= body_dictionary.MOST_OF_A_LOOK
    assert numbers[-1] == len(CODES)
    assert len(CODES) + 1 < FORMS


def test_samples_are_small_and_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of any size leaves a small sample, and a tenant whose sample was dropped begins another."""
    monkeypatch.setattr(body_dictionary, "SAMPLES", 1)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    upgrade(connection)
    phrases = BodyDictionaries()
    looked: list[int] = []
    monkeypatch.setattr(body_dictionary, "train_dictionary", lambda bodies: looked.append(len(bodies)))
    phrases.shorten(connection, "t", [statement(n) for n in range(5_000)])
    phrases.begin(connection)
    phrases.shorten(connection, "t", [statement(n) for n in range(5_000)])
    phrases.shorten(connection, "u", [statement(1)])
    phrases.begin(connection)
    assert len(looked) == 1
    assert 20 <= looked[0] <= body_dictionary.SAMPLE
    phrases.shorten(connection, "t", [statement(n) for n in range(130)])
    phrases.begin(connection)
    assert len(looked) == 2


def test_no_code_is_a_byte_of_json() -> None:
    """JSON of any text has none of the bytes that stand for phrases."""
    everything = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
    assert not set(json.dumps(everything, ensure_ascii=False).encode()) & set(CODES)
    assert not set(CODES) & set(b"\t\n\r\0")


def test_a_phrase_does_not_end_in_a_time() -> None:
    """The hour that all statements of a sample share is left out, as it will be another one soon."""
    bodies = [
        b'"name":"x%d","this was stored":"2026-11-24T10:%02d:07Z","version":"1.0.0"}' % (n, n % 60)
        for n in range(48)
    ]
    assert train_dictionary(bodies) == b'","this was stored":"'
    assert train_dictionary([body[-20:] for body in bodies]) == b'","version":"1.0.0"}'
    assert train_dictionary([]) is None
    assert train_dictionary([b"%d" % n for n in range(48)]) is None


@pytest.mark.parametrize("byte", [0, CODES[0], CODES[-1]])
def test_no_phrase_has_a_byte_with_a_meaning(byte: int) -> None:
    """Bodies that are no JSON may share such bytes; a phrase breaks off there."""
    shared = b"this is the same|in all of them, here too"
    bodies = [b'{"n":%d}%b%d' % (n, shared.replace(b"|", bytes([byte])), 7 * n) for n in range(40)]
    phrase = train_dictionary(bodies)
    assert phrase is not None
    assert byte not in phrase


words = st.sampled_from(
    [b'"platform":"Moodle"', b"http://", b"\x01", b"\xff", b"\0", b"a", b" ", b"2026-11-24T10:00", b"\n"]
)
bodies = st.lists(st.one_of(st.binary(max_size=40), st.lists(words, max_size=12).map(b"".join)), max_size=12)


@pytest.mark.slow
@settings(max_examples=200)
@given(learned=st.lists(st.lists(words, max_size=20).map(b"".join), min_size=1, max_size=60), later=bodies)
def test_every_body_comes_back(learned: list[bytes], later: list[bytes]) -> None:
    """Whatever phrases were found, and whatever bytes come: restored bodies are those that were shortened."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    upgrade(connection)
    phrases = BodyDictionaries()
    phrases.shorten(connection, "t", learned * 128)
    for _ in range(4):
        phrases.begin(connection)
    short = phrases.shorten(connection, "t", later)
    assert [phrases.restore(connection, "t", form, body) if form else body for form, body in short] == later
    clean = [(form, body) for form, body in short if form]
    if clean:
        together = BodyDictionaries().restore(
            connection, "t", max(clean)[0], b",".join(body for _, body in clean)
        )
        assert together == b",".join(body for body, (form, _) in zip(later, short, strict=True) if form)
    connection.close()

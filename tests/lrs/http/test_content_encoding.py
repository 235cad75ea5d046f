"""Compressed bodies: decoded within the bounds wherever a body is read, refused where they are not whole."""

from __future__ import annotations

import gzip
import hashlib
import json
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.http.content_encoding import AT_FIRST, MOST_TIMES, decoded
from lrs.http.problems import RefusalError
from tests.lrs.client import V1, Client, basic, multipart
from tests.lrs.conftest import LIMITS
from tests.lrs.samples import COURSE, agent, statement

Compress = Callable[[bytes], bytes]
STATE = {"activityId": COURSE, "agent": json.dumps(agent()), "stateId": "s"}
JSON = {"Content-Type": "application/json"}


def raw(data: bytes) -> bytes:
    """Deflate without the header of zlib, as some senders take the name."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def members(data: bytes) -> bytes:
    """Gzip of several files in a row."""
    half = len(data) // 2
    return gzip.compress(data[:half]) + gzip.compress(data[half:])


CODINGS = pytest.mark.parametrize(
    ("name", "compress"),
    [
        ("gzip", gzip.compress),
        ("GZip", members),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw),
        ("identity", bytes),
        ("identity, gzip", gzip.compress),
    ],
)


@CODINGS
def test_statements_and_documents_may_come_compressed(client: Client, name: str, compress: Compress) -> None:
    """In JSON and in multipart, by PUT and by POST; what is stored is what was meant."""
    headers = {**JSON, "Content-Encoding": name}
    many = [statement() for _ in range(3)]
    assert client.post("/statements", compress(json.dumps(many).encode()), headers=headers).status == 200
    one = statement()
    sent = compress(json.dumps(one).encode())
    assert client.put("/statements", {"statementId": one["id"]}, sent, headers=headers).status == 204
    body, kind = multipart((JSON, json.dumps(statement()).encode()))
    answer = client.post("/statements", compress(body), headers={**kind, "Content-Encoding": name})
    assert answer.status == 200, answer.body
    assert len(client.statements()) == 5
    for put in (b'{"a":1}', bytes(range(256))):
        kind = JSON if put.startswith(b"{") else {"Content-Type": "image/png"}
        answer = client.put(
            "/activities/state", STATE, compress(put), headers={**kind, "Content-Encoding": name}
        )
        assert answer.status == 204
        found = client.get("/activities/state", STATE)
        assert found.body == put
        assert found.headers["etag"] == f'"{hashlib.sha1(put).hexdigest()}"'


def test_the_form_of_the_alternate_syntax_may_come_compressed(client: Client) -> None:
    """The header is that of the form."""
    assert client.credential is not None
    sent = statement()
    fields = {
        "Authorization": basic(*client.credential),
        "X-Experience-API-Version": V1,
        "content": json.dumps(sent),
    }
    answer = replace(client, credential=None, version=None).post(
        "/statements",
        gzip.compress(urlencode(fields).encode()),
        {"method": "POST"},
        headers={"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "gzip"},
    )
    assert answer.json == [sent["id"]]


@pytest.mark.parametrize("name", ["br", "zstd", "compress", "gzip, gzip", "deflate,gzip", "nonsense"])
def test_another_coding_is_415_with_those_that_are_taken(client: Client, name: str) -> None:
    """One that is not known, or several; nothing is stored."""
    headers = {**JSON, "Content-Encoding": name}
    for answer in (
        client.post("/statements", gzip.compress(json.dumps(statement()).encode()), headers=headers),
        client.put("/activities/state", STATE, b"{}", headers=headers),
    ):
        assert answer.status == 415
        assert answer.headers["accept-encoding"] == "gzip, deflate"
    assert client.statements() == []
    assert client.get("/activities/state", STATE).status == 404


WHOLE = gzip.compress(b'{"a":"' + bytes(range(97, 123)) * 9 + b'"}', mtime=0)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("gzip", b'{"a":1}'),
        ("gzip", b"\x1f"),
        ("gzip", WHOLE[:-1]),
        ("gzip", WHOLE[:20]),
        ("gzip", WHOLE + b"more"),
        ("gzip", WHOLE[:-8] + b"\0" * 8),
        ("gzip", gzip.compress(b"") * 100),
        ("deflate", b"\x78"),
        ("deflate", zlib.compress(b"{}")[:-1]),
        ("deflate", zlib.compress(b"{}") + b"more"),
        ("deflate", b"\xff\xff\xff\xff"),
    ],
)
def test_what_is_not_whole_and_valid_is_400(client: Client, name: str, body: bytes) -> None:
    """Cut short, damaged, another form, with something after it: named, and nothing is stored."""
    answer = client.put("/activities/state", STATE, body, headers={**JSON, "Content-Encoding": name})
    assert (answer.status, answer.rules) == (400, {"request.content-encoding"})
    assert client.get("/activities/state", STATE).status == 404


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress, raw])
def test_a_bomb_is_refused_before_it_unfolds(client: Client, compress: Compress) -> None:
    """A few kilobytes that would become a hundred megabytes: 413, and no memory for them."""
    bomb = compress(b"[" + bytes(100_000_000) + b"]")
    assert len(bomb) < LIMITS.max_body_bytes
    name = "gzip" if compress is gzip.compress else "deflate"
    tracemalloc.start()
    try:
        answer = client.post("/statements", bomb, headers={**JSON, "Content-Encoding": name})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (answer.status, answer.rules) == (413, {"request.too-large"})
    assert peak < 5_000_000


def test_a_range_of_a_body_is_400(client: Client) -> None:
    """Content-Range says that the body is a part of something: it is not taken for the whole."""
    headers = {**JSON, "Content-Range": "bytes 0-1/100"}
    for answer in (
        client.put("/activities/state", STATE, b"{}", headers=headers),
        client.post("/statements", b"[]", headers=headers),
    ):
        assert (answer.status, answer.rules) == (400, {"request.content-range"})


def test_a_part_with_a_coding_of_its_own_is_400(client: Client) -> None:
    """Its hash is of one form and its meaning of another: the data is sent as it is."""
    data = gzip.compress(b"data")
    headers = {
        "Content-Transfer-Encoding": "binary",
        "X-Experience-API-Hash": hashlib.sha256(data).hexdigest(),
        "Content-Encoding": "gzip",
    }
    for parts in (
        [(JSON, json.dumps(statement()).encode()), (headers, data)],
        [({**JSON, "Content-Encoding": "gzip"}, gzip.compress(json.dumps(statement()).encode()))],
    ):
        body, kind = multipart(*parts)
        answer = client.post("/statements", body, headers=kind)
        assert (answer.status, answer.rules) == (400, {"request.multipart"})


@given(
    data=st.binary(max_size=300_000) | st.integers(0, 300_000).map(bytes),
    compress=st.sampled_from([gzip.compress, members, zlib.compress, raw]),
    size=st.integers(1, 70_000),
)
def test_any_bytes_come_back_however_they_are_cut(data: bytes, compress: Compress, size: int) -> None:
    """Round trip through each form, in pieces of any size; and one byte less than needed is refused."""
    packed = compress(data)
    name = "deflate" if compress in (zlib.compress, raw) else "gzip"

    def read_all(limit: int) -> bytes:
        pieces = iter([packed[at : at + size] for at in range(0, len(packed), size)])
        return b"".join(iter(decoded(lambda: next(pieces, b""), name, limit), b""))

    assert read_all(len(data)) == data
    if data:
        with pytest.raises(RefusalError):
            read_all(len(data) - 1)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize(("size", "whole"), [(AT_FIRST, True), (20 * AT_FIRST, False)])
def test_a_body_becomes_so_many_times_its_length_at_most(coding: str, size: int, whole: bool) -> None:
    """The first bytes are taken whatever they were; beyond, a few bytes do not fill the disk."""
    zeros = bytes(size)
    sent = gzip.compress(zeros) if coding == "gzip" else zlib.compress(zeros)
    pieces = iter([sent[start : start + 1_000] for start in range(0, len(sent), 1_000)])
    read = decoded(lambda: next(pieces, b""), coding, 100 * AT_FIRST)
    if whole:
        assert sum(map(len, iter(read, b""))) == size
        return
    taken: list[int] = []
    with pytest.raises(RefusalError) as refused:
        taken.extend(map(len, iter(read, b"")))
    assert refused.value.status == 413
    assert {each.rule for each in refused.value.problems} == {"request.content-encoding"}
    assert sum(taken) <= AT_FIRST + MOST_TIMES * len(sent)


def test_what_says_something_is_far_from_the_bound() -> None:
    """A large batch of statements that are nearly the same comes through."""
    batch = json.dumps([statement() for _ in range(10_000)]).encode()
    assert len(batch) > 2 * AT_FIRST
    pieces = iter([gzip.compress(batch, 9)])
    read = decoded(lambda: next(pieces, b""), "gzip", 100 * AT_FIRST)
    assert b"".join(iter(read, b"")) == batch

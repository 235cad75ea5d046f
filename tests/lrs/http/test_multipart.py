"""The multipart reader and writer by themselves: any content, cut into any chunks."""

from __future__ import annotations

import contextlib
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.http.multipart import MOST_CUTS, Part, read_parts, write_parts
from lrs.http.problems import RefusalError

CONTENT = st.one_of(
    st.binary(max_size=60),
    st.lists(st.sampled_from([b"\r\n", b"--", b"b", b"\r", b"\n", b"--b", b"-"]), max_size=12).map(b"".join),
)


def source(body: bytes, sizes: list[int]) -> list[bytes]:
    """The body in chunks of these sizes, over and over."""
    chunks, place, turn = [], 0, 0
    while place < len(body):
        size = sizes[turn % len(sizes)]
        chunks.append(body[place : place + size])
        place, turn = place + size, turn + 1
    return chunks


def read_all(body: bytes, boundary: bytes, sizes: list[int]) -> list[tuple[dict[str, str], bytes]]:
    chunks = iter(source(body, sizes))
    return [(part.headers, b"".join(part.chunks)) for part in read_parts(lambda: next(chunks, b""), boundary)]


@given(
    contents=st.lists(CONTENT.filter(lambda data: b"\r\n--boundary" not in data), max_size=4),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4),
)
def test_what_is_written_is_read_however_it_is_cut(contents: list[bytes], sizes: list[int]) -> None:
    """Round trip of any parts through the writer and the reader, in chunks of any size."""
    parts = [([("X-Place", str(place))], [data]) for place, data in enumerate(contents)]
    body = b"".join(write_parts("boundary", parts))
    assert read_all(body, b"boundary", sizes) == [
        ({"x-place": str(place)}, data) for place, data in enumerate(contents)
    ]


@given(body=st.binary(max_size=200), sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4))
def test_any_bytes_are_read_or_refused(body: bytes, sizes: list[int]) -> None:
    """Nothing but a refusal comes out of a body that is no multipart."""
    with contextlib.suppress(RefusalError):
        assert isinstance(read_all(b"--b\r\n" + body, b"b", sizes), list)


def test_a_body_may_have_only_so_many_parts() -> None:
    """A flood of empty parts ends in a refusal, 413, that says what to do."""
    body = b"--b\r\n\r\n\r\n" * 1100 + b"--b--"
    with pytest.raises(RefusalError, match="at most 100 attachments: send the statements in several"):
        read_all(body, b"b", [4096])


def test_memory_stays_flat_at_any_size() -> None:
    """A part of 64 MiB passes through without ever being held."""
    chunk = bytes(65_536)
    head = b"--b\r\nContent-Type: application/octet-stream\r\n\r\n"
    stream = iter([head, *[chunk] * 1024, b"\r\n--b--"])
    longest = total = 0
    for part in read_parts(lambda: next(stream, b""), b"b"):
        assert isinstance(part, Part)
        for piece in part.chunks:
            longest, total = max(longest, len(piece)), total + len(piece)
    assert total == 64 * 1024 * 1024
    assert longest <= 2 * 65_536


def hashed(body: bytes, boundary: bytes, sizes: list[int], contents: list[bytes]) -> list[bytes]:
    """What a reader that knows the hash of each part makes of a body."""
    chunks = iter(source(body, sizes))
    found: list[bytes] = []
    for part, content in zip(read_parts(lambda: next(chunks, b""), boundary), contents, strict=True):
        taken = bytearray()
        part.is_whole = partial(lambda taken, wanted: bytes(taken) == wanted, taken, content)
        for chunk in part.chunks:
            taken += chunk
        assert part.is_whole()
        found.append(bytes(taken))
    return found


@given(
    parts=st.lists(st.tuples(CONTENT.filter(lambda data: b"\r\n--b" not in data), st.booleans()), max_size=4),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4),
)
def test_the_hash_finds_the_end_where_the_line_break_is_missing(
    parts: list[tuple[bytes, bool]], sizes: list[int]
) -> None:
    """Any data, with boundaries in it and line breaks at its end, in chunks of any size."""
    body = b"".join(b"--b\r\nA: 1\r\n\r\n" + data + b"\r\n" * strict for data, strict in parts) + b"--b--\r\n"
    contents = [data for data, _ in parts]
    assert hashed(body, b"b", sizes, contents) == contents


def test_a_part_is_cut_so_often_and_no_more() -> None:
    """Beyond the bound only a boundary after a line break ends a part: the work stays linear."""
    asked = 0

    def never() -> bool:
        nonlocal asked
        asked += 1
        return False

    data = b"--b" * 5_000
    chunks = iter(source(b"--b\r\nA: 1\r\n\r\n" + data + b"\r\n--b--", [65_536]))
    for part in read_parts(lambda: next(chunks, b""), b"b"):
        part.is_whole = never
        # The line break is offered as data once more, since one may be missing after it.
        assert b"".join(part.chunks) == data + b"\r\n"
    assert asked == MOST_CUTS + 1

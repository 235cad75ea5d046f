"""Blobs: content-addressed bytes, streamed."""

from __future__ import annotations

import hashlib
import io

import pytest

from lrs.store.port import Store


def sha2(data: bytes) -> str:
    """SHA-256 in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 262_143, 262_144, 262_145, 3_000_000])
def test_a_blob_comes_back_byte_for_byte(store: Store, size: int) -> None:
    """The bytes that went in come out, whatever the size, in chunks no larger than asked."""
    data = bytes(n * n % 251 for n in range(1000)) * (size // 1000 + 1)
    data = data[:size]
    store.blobs.put(sha2(data), io.BytesIO(data), size)
    assert store.blobs.size(sha2(data)) == size
    assert b"".join(store.blobs.chunks(sha2(data))) == data
    chunks = list(store.blobs.chunks(sha2(data), chunk=100_000))
    assert b"".join(chunks) == data
    assert all(len(chunk) <= 100_000 for chunk in chunks)


def test_an_absent_blob_is_said_to_be_absent(store: Store) -> None:
    """Size is None, reading is a KeyError, deleting does nothing."""
    absent = sha2(b"absent")
    assert store.blobs.size(absent) is None
    chunks = store.blobs.chunks(absent)
    with pytest.raises(KeyError):
        next(chunks)
    store.blobs.delete(absent)


def test_a_known_hash_is_not_read_again(store: Store) -> None:
    """Putting a blob that is there leaves it as it is and does not touch the source."""
    data = b"evidence"
    store.blobs.put(sha2(data), io.BytesIO(data), len(data))
    source = io.BytesIO(data)
    store.blobs.put(sha2(data), source, len(data))
    assert source.tell() == 0
    assert b"".join(store.blobs.chunks(sha2(data))) == data


def test_a_deleted_blob_is_gone_and_may_come_back(store: Store) -> None:
    """Deletion removes the bytes; the same content can be put anew."""
    data = b"evidence"
    for _ in range(2):
        store.blobs.put(sha2(data), io.BytesIO(data), len(data))
        assert store.blobs.size(sha2(data)) == len(data)
        store.blobs.delete(sha2(data))
        assert store.blobs.size(sha2(data)) is None


def test_only_the_named_bytes_are_taken(store: Store) -> None:
    """No more than `size` bytes are read from the source."""
    data = b"abcdef"
    store.blobs.put(sha2(b"abc"), io.BytesIO(data), 3)
    assert b"".join(store.blobs.chunks(sha2(b"abc"))) == b"abc"


def test_a_source_that_ends_early_leaves_nothing(store: Store) -> None:
    """A blob is whole or absent."""
    wanted = sha2(b"abcdef")
    with pytest.raises(ValueError, match="early"):
        store.blobs.put(wanted, io.BytesIO(b"abc"), 6)
    assert store.blobs.size(wanted) is None
    store.blobs.put(wanted, io.BytesIO(b"abcdef"), 6)
    assert b"".join(store.blobs.chunks(wanted)) == b"abcdef"

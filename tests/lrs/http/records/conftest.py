"""The desk of the learning record, for tests that write statements and read what became of them."""

from __future__ import annotations

from tests.lrs.records.conftest import desk, store

__all__ = ["desk", "store"]

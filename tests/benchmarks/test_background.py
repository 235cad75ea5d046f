"""Background work counts as done when the learning record holds every statement."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from benchmarks import background
from lrs.records import checkpoint
from lrs.records.checkpoint import Checkpoint
from lrs.store.log import Position
from lrs.store.open import open_store
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests.contract.make import add, draft


def test_the_learning_record_is_waited_for(tmp_path: Path) -> None:
    """An idle server whose record is behind is waited for until the limit, and told to be incomplete."""
    address = f"sqlite:///{tmp_path / 'a.db'}"
    with closing(open_store(address, STATEMENT_KEYS)) as store:
        assert background.settle(address, os.getpid(), 5)["settle_complete"] is True
        early, late = add(store, draft("k"), draft("k"))
        to = Checkpoint(safe=Position(early.stored, early.id), moves=1)
        store.writing(lambda writer: checkpoint.move(writer, Checkpoint(), to))
        figures = background.settle(address, os.getpid(), 0.3)
        assert figures["settle_complete"] is False
        assert figures["settle_s"] >= 0.3
        done = Checkpoint(safe=Position(late.stored, late.id), moves=2)
        store.writing(lambda writer: checkpoint.move(writer, to, done))
        assert background.settle(address, os.getpid(), 20)["settle_complete"] is True

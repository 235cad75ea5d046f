"""Random histories: whatever is done to an engine and to the oracle, both tell the same story."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from lrs.store.errors import ConflictError
from lrs.store.log import Record
from lrs.store.memory import MemorySnapshot, State
from lrs.store.port import Store, Writer
from tests.contract.histories import Append, Effect, Read, Space, reads, steps
from tests.contract.make import now

_numbers = itertools.count(1)


class Refused(Exception):
    """Ends a write that is to be undone."""


Told = tuple[Effect, list[Record], Any]
"""A step, the records it appended, and what it answered."""


class History(RuleBasedStateMachine):
    """One history of writes and reads, on the engine and on the oracle."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        last = self.store.writing(lambda writer: writer.stamp())
        self.space = Space(next(_numbers), max(now(), last))
        self.state = State()

    @rule(plan=st.lists(steps, min_size=1, max_size=5), refuse=st.sampled_from([False, False, True]))
    def write(self, plan: list[Effect], refuse: bool) -> None:
        """One write; each of its answers, and how it ended, must be the oracle's."""
        told: list[Told] = []

        def work(writer: Writer) -> None:
            told.clear()
            for step in plan:
                if isinstance(step, Append):
                    records = step.records(self.space, writer)
                    told.append((step, records, None))
                    writer.append(records)
                else:
                    told.append((step, [], step.apply(self.space, writer)))
            if refuse:
                raise Refused

        outcome: object = None
        try:
            self.store.writing(work)
        except (ConflictError, Refused) as error:
            outcome = error

        draft = self.state.copy()
        model = MemorySnapshot(draft, now)
        expected: object = None
        try:
            for step, records, answer in told:
                if isinstance(step, Append):
                    model.append(records)
                else:
                    assert step.apply(self.space, model) == answer
            if refuse:
                expected = Refused()
        except ConflictError as error:
            expected = error
        assert type(outcome) is type(expected)
        if isinstance(outcome, ConflictError) and isinstance(expected, ConflictError):
            assert set(outcome.ids) == set(expected.ids)
        if expected is None:
            self.state = draft
            self.space.stamps += [record.stored for _, records, _ in told for record in records]

    @rule(questions=st.lists(reads, min_size=1, max_size=4))
    def read(self, questions: list[Read]) -> None:
        """One snapshot; each of its answers must be the oracle's."""
        model = MemorySnapshot(self.state, now)
        with self.store.reading() as reader:
            for question in questions:
                assert question.apply(self.space, reader) == question.apply(self.space, model)


@pytest.mark.slow
def test_engine_and_oracle_tell_the_same_story(store: Store) -> None:
    """Any history of writes (kept or undone) and reads gives the same answers on both."""

    class OnThisEngine(History):
        pass

    OnThisEngine.store = store
    run_state_machine_as_test(
        OnThisEngine,
        settings=settings(
            max_examples=60,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            derandomize=True,
        ),
    )

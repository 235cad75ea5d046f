"""How problems are carried and shown."""

from __future__ import annotations

import pytest

from statements.errors import InvalidError, Problem


def test_a_problem_shows_only_what_it_knows() -> None:
    """Index and requirement are left out where there are none."""
    shown = Problem(None, "/verb/id", "verb.id", "Expected an IRI.").as_dict()
    assert shown == {"pointer": "/verb/id", "rule": "verb.id", "hint": "Expected an IRI."}


def test_a_problem_of_the_first_statement_shows_index_0() -> None:
    """The index 0 is an index."""
    assert Problem(0, "", "statement.actor", "Add it.", "XAPI-00003").as_dict()["index"] == 0


def test_invalid_carries_all_problems() -> None:
    """The exception keeps every problem and speaks of their number and the first hint."""
    problems = [Problem(None, f"/{n}", "json.no-null", f"Hint {n}.") for n in range(3)]
    error = InvalidError(iter(problems))
    assert error.problems == tuple(problems)
    assert str(error) == "3 problem(s), the first: Hint 0."


def test_invalid_needs_a_problem() -> None:
    """Raising it with nothing wrong is a mistake of the program."""
    with pytest.raises(AssertionError):
        InvalidError([])

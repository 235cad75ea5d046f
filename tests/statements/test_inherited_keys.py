"""What a statement takes over from those that it refers to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statements.inherited_keys import (
    MOST_KEYS,
    MOST_KEYS_IN_ALL,
    MOST_LENGTH,
    MOST_LENGTH_IN_ALL,
    MOST_VIEWS,
    extended,
    inherited,
)

FEW = frozenset(
    {"v\x1fdid", "o\x1fcourse", "O\x1fcourse", "a\x1fsiti", "A\x1fsiti", "r\x1f1", "t\x1f2", "m\x1fme"}
)
AGENTS = {"a\x1fsiti", "A\x1fsiti"}


def keys(prefix: str, count: int) -> frozenset[str]:
    return frozenset(f"{prefix}\x1f{number}" for number in range(count))


@pytest.mark.parametrize(
    ("more", "left"),
    [
        (frozenset(), FEW),
        (keys("O", MOST_KEYS - len(FEW)), FEW | keys("O", MOST_KEYS - len(FEW))),
        (keys("O", MOST_KEYS), FEW),
        (keys("A", MOST_KEYS), FEW),
        (keys("A", MOST_KEYS // 2) | keys("a", MOST_KEYS // 2), FEW - AGENTS),
        (frozenset({"O\x1f" + "x" * MOST_LENGTH}), FEW),
        (frozenset({"a\x1f" + "x" * MOST_LENGTH}), FEW - AGENTS),
        (frozenset({"o\x1f" + "x" * MOST_LENGTH}), None),
        (keys("z", MOST_KEYS), None),
    ],
    ids=[
        "few", "just enough", "related activities", "related agents", "a large group",
        "a long related activity", "a long agent", "a long object", "of a kind that is not known",
    ],
)  # fmt: skip
def test_of_many_keys_those_that_relate_are_left_out_first(
    more: frozenset[str], left: frozenset[str] | None
) -> None:
    """Verb, object, registration and target are always taken over; agents and what is related if few."""
    assert inherited(FEW | more) == left


some_keys = st.frozensets(
    st.tuples(st.sampled_from("vortma"), st.integers(0, 40)).map(lambda pair: f"{pair[0]}\x1f{pair[1]}"),
    max_size=90,
).map(lambda held: held | {key.replace("a", "A").replace("o", "O") for key in held if key[0] in "ao"})


@given(some_keys)
def test_taking_over_twice_is_taking_over_once(held: frozenset[str]) -> None:
    """What was taken over may be taken over again as it was, and finds nothing that its source does not."""
    once = inherited(held)
    if once is not None:
        assert inherited(once) == once
        assert once <= held


@given(some_keys, st.lists(some_keys, max_size=40), st.integers(0, 40))
def test_views_that_end_early_are_extended_to_the_same(
    own: frozenset[str], chain: list[frozenset[str]], cut: int
) -> None:
    """In however many parts the chain comes, the views are the same, bounded, and each there once."""
    views = extended((own,), chain)
    assert extended(extended((own,), chain[:cut]), chain) == views
    assert extended(views, chain) == views
    assert views[0] == own
    assert len(views) == len(set(views)) <= MOST_VIEWS
    assert sum(map(len, views[1:])) <= MOST_KEYS_IN_ALL
    assert sum(len(key) for view in views[1:] for key in view) <= MOST_LENGTH_IN_ALL


def test_the_key_of_another_authority_is_not_taken_over() -> None:
    """Else who may read its own statements would find those of others that it refers to."""
    mine, other = frozenset({"m\x1fme", "v\x1fa"}), frozenset({"m\x1fyou", "v\x1fb"})
    assert extended((mine,), [other, mine | {"v\x1fc"}]) == (mine, frozenset({"v\x1fb"}), mine | {"v\x1fc"})

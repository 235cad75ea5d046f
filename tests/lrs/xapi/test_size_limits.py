"""How large one statement may be together with what it is found by."""

from __future__ import annotations

from uuid import UUID

import pytest

from benchmarks.corpus import Corpus
from lrs.xapi.size_limits import (
    KEY_BYTES,
    MOST_BYTES,
    MOST_KEYS,
    PAIR_BYTES,
    USUAL_KEYS,
    TooLargeError,
    check_all_keys,
    check_keys,
)
from statements.data_types.versions import Version
from statements.prepare import prepare
from tests.contract.make import FACET, LEAD

LEADS = [f"{LEAD}{number:07}" for number in range(50_000)]
VERB = f"{FACET}erb"
KEYS = [*LEADS, VERB]
LONGEST = MOST_BYTES - 50_000 * (8 + KEY_BYTES + PAIR_BYTES) - (len(VERB) + KEY_BYTES)


@pytest.mark.parametrize(
    ("size", "keys"),
    [(LONGEST, KEYS), (LONGEST + 50_000 * PAIR_BYTES, [*LEADS, "bre4"]), (MOST_BYTES // 20, KEYS * 50)],
)
def test_keys_and_their_pairs_count(size: int, keys: list[str]) -> None:
    """A statement fits up to the byte; pairs count where there is a facet, nothing counts in small ones."""
    check_keys(size, keys)


@pytest.mark.parametrize(
    ("size", "keys"),
    [(LONGEST + 1, KEYS), (LONGEST + 50_000 * PAIR_BYTES + 1, [*LEADS, "bre4"]), (MOST_BYTES, "a")],
)
def test_a_byte_more_is_too_large(size: int, keys: list[str]) -> None:
    """What an engine could not keep whole is refused before it gets there."""
    with pytest.raises(TooLargeError):
        check_keys(size, keys)


def test_an_ordinary_batch_fits() -> None:
    """A thousand statements of the benchmark, as many as one request may have, are within the bound."""
    corpus = Corpus(seed=1)
    who = {"objectType": "Agent", "account": {"homePage": "https://lms.example", "name": "lms"}}
    keys = [
        prepare(corpus.statement(), version=Version.V2, new_id=str(UUID(int=n)), authority=who).keys
        for n in range(1_000)
    ]
    check_all_keys(sum(map(len, keys)), len(keys))


@pytest.mark.parametrize(
    ("count", "statements", "taken"),
    [
        (MOST_KEYS, 1, True),
        (MOST_KEYS + 1, 1, False),
        (MOST_KEYS + 1, 1000, False),
        (10_000 * USUAL_KEYS, 10_000, True),
        (10_000 * USUAL_KEYS + 1, 10_000, False),
    ],
)
def test_the_keys_of_a_request_are_bounded(count: int, statements: int, taken: bool) -> None:
    """All its statements together; where larger batches are allowed, more than usual for each of them."""
    if taken:
        check_all_keys(count, statements)
    else:
        with pytest.raises(TooLargeError):
            check_all_keys(count, statements)

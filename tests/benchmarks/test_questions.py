"""The corpus and the questions to it fit together at every size."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest

from benchmarks.corpus import HOME, Corpus
from benchmarks.questions import KINDS, PAGE, Tally, questions
from benchmarks.writes import Supply

COUNTED = [kind for kind in KINDS if kind != "since_until"]
Asked = dict[str, str]
Statement = dict[str, Any]


def filled(count: int) -> Tally:
    """The tally of the first statements of the stream."""
    corpus, tally = Corpus(), Tally()
    for _ in range(count):
        tally.add(corpus.happening())
    tally.filled = (1_790_000_000.0, 1_790_000_010.0)
    return tally


@pytest.fixture(scope="module")
def store() -> tuple[Tally, list[Statement]]:
    """What a store holds at ten thousand, and its tally."""
    corpus, tally, statements = Corpus(), Tally(), []
    for _ in range(10_000):
        happening = corpus.happening()
        tally.add(happening)
        statements.append(corpus.about(happening))
    return tally, statements


def by(asked: Asked) -> tuple[str, str]:
    """Home page and name of the account asked for."""
    account = json.loads(asked["agent"])["account"]
    return account["homePage"], account["name"]


def account(agent: dict[str, Any]) -> tuple[str, str]:
    return agent["account"]["homePage"], agent["account"]["name"]


MATCHES: dict[str, Callable[[Asked, Statement], bool]] = {
    "agent": lambda asked, given: account(given["actor"]) == by(asked),
    "agent_verb": lambda asked, given: (
        account(given["actor"]) == by(asked) and given["verb"]["id"] == asked["verb"]
    ),
    "verb": lambda asked, given: given["verb"]["id"] == asked["verb"],
    "activity": lambda asked, given: given["object"]["id"] == asked["activity"],
    "registration": lambda asked, given: given["context"]["registration"] == asked["registration"],
    "related_agent": lambda asked, given: (
        asked["related_agents"] == "true"
        and by(asked) in (account(given["actor"]), account(given["context"]["instructor"]))
    ),
}


@pytest.mark.parametrize("kind", COUNTED)
def test_questions_match_what_the_corpus_writes(kind: str, store: tuple[Tally, list[Statement]]) -> None:
    """Every question that is asked of ten thousand statements has a full page of answers among them."""
    tally, statements = store
    for query in questions(tally, kind)[:8]:
        asked = {name: values[0] for name, values in parse_qs(query, strict_parsing=True).items()}
        assert asked["limit"] == str(PAGE)
        assert sum(MATCHES[kind](asked, statement) for statement in statements) >= PAGE


@pytest.mark.parametrize("size", [2_000, 10_000, 150_000])
def test_every_kind_of_question_can_be_asked_at_every_size(size: int) -> None:
    """From small to large, no kind of question runs out of things with a full page."""
    tally = filled(size)
    assert all(questions(tally, kind) for kind in KINDS)


def test_learners_grow_with_the_statements() -> None:
    """There are as many learners as statements divided by 25 to 50, however many statements there are."""
    for size in (20_000, 150_000):
        assert 25 <= size / len(filled(size).learners) <= 50


def test_since_and_until_lie_within_the_filling() -> None:
    """Windows of time never reach out of the time in which the store was filled."""
    tally = filled(2_000)
    for query in questions(tally, "since_until"):
        asked = parse_qs(query, strict_parsing=True)
        since, until = (datetime.fromisoformat(asked[name][0]).timestamp() for name in ("since", "until"))
        assert tally.filled[0] <= since < until <= tally.filled[1] + 0.001
        assert until - since == pytest.approx(2.5, abs=0.001)


@pytest.mark.parametrize("kind", [*KINDS, "colour"])
def test_a_store_without_answers_is_told(kind: str) -> None:
    """Asking an empty store, or for something unknown, is an error, never an empty list of questions."""
    with pytest.raises(ValueError, match=r"small|filled|called"):
        questions(Tally(), kind)


def test_the_stream_is_the_same_every_time() -> None:
    """A fixed seed gives the same statements, with ids of their own, of 1 to 1.3 KB."""
    first, second = Corpus(), Corpus()
    bodies = [orjson.dumps(first.statement()) for _ in range(500)]
    assert bodies == [orjson.dumps(second.statement()) for _ in range(500)]
    assert len({orjson.loads(body)["id"] for body in bodies}) == 500
    assert all(1000 <= len(body) <= 1300 for body in bodies)
    assert HOME.encode() in bodies[0]


def test_only_what_is_sent_is_counted() -> None:
    """Statements that were made ready and not sent are sent by the next figure, and counted then."""
    supply = Supply()
    supply.prepare(120)
    assert len(orjson.loads(next(supply.batches()))) == 50
    assert supply.tally.statements == 50
    next(supply.singles())
    assert supply.tally.statements == 51
    assert [len(orjson.loads(body)) for body in supply.batches()] == [50, 19]
    assert supply.tally.statements == 120
    assert sum(supply.tally.verbs.values()) == 120

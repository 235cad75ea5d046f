"""What readers ask: for each kind of filter, questions that have a full page of answers in the store."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote

from benchmarks.corpus import HOME, Corpus, Happening

PAGE = 25
DIFFERENT = 400
"""At most so many different questions of a kind."""
ENOUGH = 30
"""A question is asked when it has at least so many answers."""
KINDS = ("agent", "agent_verb", "verb", "activity", "registration", "related_agent", "since_until")

Thing = TypeVar("Thing")


class Tally:
    """What the statements in a store are about, counted as they are sent."""

    def __init__(self) -> None:
        self.statements = 0
        self.learners: Counter[int] = Counter()
        self.learners_and_verbs: Counter[tuple[int, str]] = Counter()
        self.verbs: Counter[str] = Counter()
        self.courses: Counter[int] = Counter()
        self.teachers: Counter[int] = Counter()
        self.enrolments: Counter[tuple[int, int]] = Counter()
        self.filled: tuple[float, float] = (0.0, 0.0)
        """When the last filling began and ended, in seconds since the epoch."""

    def add(self, happening: Happening) -> None:
        """Count one statement."""
        self.statements += 1
        self.learners[happening.learner] += 1
        self.learners_and_verbs[happening.learner, happening.verb] += 1
        self.verbs[happening.verb] += 1
        self.courses[happening.course] += 1
        self.teachers[happening.teacher] += 1
        self.enrolments[happening.learner, happening.nth] += 1


def questions(tally: Tally, kind: str, seed: int = 11) -> list[str]:
    """Query strings of one kind, each with at least a full page of answers; the same for the same store.

    ValueError when the store has no such thing, which happens below some 2,000 statements.
    """
    dice = random.Random(seed)
    corpus = Corpus()
    if kind == "agent":
        found = [f"agent={_agent(f'u{n}')}" for n in _choose(tally.learners, dice)]
    elif kind == "agent_verb":
        chosen = _choose(tally.learners_and_verbs, dice)
        found = [f"agent={_agent(f'u{n}')}&verb={_quoted(corpus.verb(verb))}" for n, verb in chosen]
    elif kind == "verb":
        found = [f"verb={_quoted(corpus.verb(verb))}" for verb in _choose(tally.verbs, dice)]
    elif kind == "activity":
        found = [f"activity={_quoted(corpus.activity(n))}" for n in _choose(tally.courses, dice)]
    elif kind == "registration":
        chosen_enrolments = _choose(tally.enrolments, dice)
        found = [f"registration={corpus.registration(*enrolment)}" for enrolment in chosen_enrolments]
    elif kind == "related_agent":
        chosen_teachers = _choose(tally.teachers, dice)
        found = [f"agent={_agent(f'teacher{n}')}&related_agents=true" for n in chosen_teachers]
    elif kind == "since_until":
        found = list(_windows(*tally.filled, dice))
    else:
        raise ValueError(f"no kind of question is called {kind}")
    return [f"{query}&limit={PAGE}" for query in found]


def _choose(counted: Counter[Thing], dice: random.Random) -> Sequence[Thing]:
    enough = [thing for thing, count in counted.items() if count >= ENOUGH]
    if not enough:
        raise ValueError(f"nothing has {ENOUGH} statements in so small a store")
    return dice.sample(enough, min(DIFFERENT, len(enough)))


def _windows(begun: float, ended: float, dice: random.Random) -> Iterable[str]:
    """Quarters of the time in which the store was last filled, beginning anywhere in it."""
    if ended <= begun:
        raise ValueError("the store was never filled")
    length = ended - begun
    for _ in range(DIFFERENT):
        since = begun + length * 0.75 * dice.random()
        yield f"since={_time(since)}&until={_time(since + length / 4)}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _agent(name: str) -> str:
    return quote(json.dumps({"account": {"homePage": HOME, "name": name}}), safe="")


def _quoted(iri: str) -> str:
    return quote(iri, safe="")

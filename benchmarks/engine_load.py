"""The load that engines are measured with: records of about 1 KB with 9 keys each, from many threads.

Records are made before the clock starts; what is measured is the engine, with the work that ingest
does inside a write (look for the ids, stamp, append).
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from itertools import count

import orjson

from benchmarks.corpus import HOME, Corpus
from lrs.store.log import LogQuery, Position, Record
from lrs.store.port import Store, Writer
from lrs.store.writes import WriteHints

TENANT = "bkn"
PEOPLE, ACTIVITIES, VERBS, REGISTRATIONS = 2_000, 500, 10, 40_000

Effect = Callable[[], int]
"""Does one piece of work and says how many things it did."""


class Source:
    """An endless stream of different records; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        corpus = Corpus(seed=seed)
        self._bodies = [orjson.dumps(corpus.statement()) for _ in range(200)]

    def record(self) -> Record:
        """A record without its stamp."""
        dice = self._dice
        agent = f"account\x1f{HOME}\x1fu{dice.randrange(PEOPLE)}"
        activity = f"{HOME}/course/view.php?id={dice.randrange(ACTIVITIES)}"
        keys = {
            f"a\x1f{agent}",
            f"A\x1f{agent}",
            f"A\x1faccount\x1f{HOME}\x1fteacher{dice.randrange(200)}",
            f"v\x1fhttp://adlnet.gov/expapi/verbs/verb{dice.randrange(VERBS)}",
            f"o\x1f{activity}",
            f"O\x1f{activity}",
            f"O\x1f{HOME}",
            "O\x1fhttp://moodle.org",
            f"r\x1f{uuid.UUID(int=dice.randrange(REGISTRATIONS))}",
        }
        body = self._bodies[dice.randrange(len(self._bodies))]
        return Record(
            TENANT, str(uuid.UUID(int=dice.getrandbits(128))), 0, body, b"d" * 32, (frozenset(keys),)
        )

    def batches(self, size: int, number: int) -> list[list[Record]]:
        """Lists of records."""
        return [[self.record() for _ in range(size)] for _ in range(number)]


def rate(steps: list[Effect], seconds: float) -> float:
    """What the steps, each repeated in a thread of its own, get done per second."""
    done = [0] * len(steps)
    start = threading.Barrier(len(steps) + 1)
    end = [0.0]

    def run(n: int) -> None:
        start.wait()
        while time.perf_counter() < end[0]:
            done[n] += steps[n]()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(steps))]
    for thread in threads:
        thread.start()
    begun = time.perf_counter()
    end[0] = begun + seconds
    start.wait()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - begun)


def stamped(drafts: list[Record], first: int) -> list[Record]:
    """The drafts with consecutive stamps."""
    return [
        Record(draft.tenant, draft.id, first + n, draft.body, draft.digest, draft.views)
        for n, draft in enumerate(drafts)
    ]


def writing(store: Store, batches: Iterator[list[Record]]) -> Effect:
    """Durable writes through the engine, as ingest makes them."""

    def step() -> int:
        drafts = next(batches)
        ids = [draft.id for draft in drafts]

        def work(writer: Writer) -> int:
            if writer.get(TENANT, ids):
                return 0
            writer.append(stamped(drafts, writer.stamp(len(drafts))))
            return len(drafts)

        return store.writing(work, WriteHints(prefetch=[(TENANT, id) for id in ids]))

    return step


def reading(
    store: Store, choose: Callable[[int], list[str]], seed: int, after: Position | None = None
) -> Effect:
    """Pages of 25 by the keys that `choose` names for a random number."""
    dice = random.Random(seed)

    def step() -> int:
        with store.reading() as reader:
            page = reader.find(LogQuery(TENANT, choose(dice.randrange(1_000_000)), after=after, limit=25))
            b",".join([record.body for record in page])
            reader.consistent_through()
        return 1

    return step


def agent(n: int) -> list[str]:
    """The key of one learner."""
    return [f"a\x1faccount\x1f{HOME}\x1fu{n % PEOPLE}"]


def agent_and_verb(n: int) -> list[str]:
    """The keys of one learner and one verb."""
    return [*agent(n), f"v\x1fhttp://adlnet.gov/expapi/verbs/verb{n % VERBS}"]


def activity(n: int) -> list[str]:
    """The key of one activity."""
    return [f"o\x1f{HOME}/course/view.php?id={n % ACTIVITIES}"]


def activity_and_verb(n: int) -> list[str]:
    """The keys of one activity and one verb."""
    return [*activity(n), f"v\x1fhttp://adlnet.gov/expapi/verbs/verb{n % VERBS}"]


def everything(_: int) -> list[str]:
    """No key: all of the tenant."""
    return []


seeds = count(1)
"""A new seed for every stream of a run."""

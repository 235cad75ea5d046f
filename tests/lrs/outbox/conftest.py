"""An outbox over each engine, with a clock that is moved by hand and a target that answers as told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lrs.outbox.deliveries import Deliveries
from lrs.outbox.messages import DELIVERED, Draft, Message, MessageKind, Outcome
from lrs.outbox.outbox import Outbox
from lrs.store.port import Store
from tests.contract.engines import ENGINES

KIND = "parcel"


class Post:
    """An outbox of parcels: what was delivered, and what each target answers (DELIVERED unless told)."""

    def __init__(self, store: Store, **rules: Any) -> None:
        self.now = 1_800_000_000_000_000
        self.arrived: list[str] = []
        self.answers: dict[str, Outcome] = {}
        self.rules = rules
        self.store = store
        self.outbox, self.deliveries = self.process()

    def process(self) -> tuple[Outbox, Deliveries]:
        """The outbox as one more process has it."""
        outbox = Outbox(self.store, lambda: self.now)
        outbox.add_kind(MessageKind(KIND, self.deliver, **self.rules))
        return outbox, Deliveries(outbox, jitter=lambda: 1.0)

    def deliver(self, message: Message) -> Outcome:
        """What happens to a parcel."""
        outcome = self.answers.get(message.target, Outcome(DELIVERED))
        self.tried(message)
        if outcome.status == DELIVERED:
            self.arrived.append(message.name)
        return outcome

    def tried(self, message: Message) -> None:
        """Called in each attempt; tests replace it."""

    def put(self, *names: str, tenant: str = "bkd", target: str = "one") -> int:
        """Queue parcels."""
        return self.outbox.put(KIND, *(Draft(tenant, target, name, {"to": name}) for name in names))

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += int(seconds * 1_000_000)

    def names(self, status: str, tenant: str = "bkd") -> list[str]:
        """The parcels of one state."""
        return [one.name for one in self.outbox.listed(KIND, tenant, status)]


@pytest.fixture(params=list(ENGINES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An opened, empty store of each engine."""
    place = ENGINES[request.param](tmp_path)
    opened = place.open()
    yield opened
    opened.close()
    place.remove()


@pytest.fixture
def post(store: Store) -> Post:
    return Post(store)

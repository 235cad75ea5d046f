"""A process that delivers messages: `python -m tests.faults.outbox_load ADDRESS`.

It writes a line when it has a message in hand and, a moment later, one when that has arrived.
"""

from __future__ import annotations

import os
import sys
import threading
import time

from jejak.clock import now
from lrs.outbox.deliveries import Deliveries
from lrs.outbox.messages import DELIVERED, Handler, Message, MessageKind, Outcome
from lrs.outbox.outbox import Outbox
from lrs.store.open import open_store
from lrs.xapi.statement_keys import STATEMENT_KEYS

KIND = "parcel"
LEASE_SECONDS = 2.0
DELIVERY_SECONDS = 0.02


def kind(deliver: Handler) -> MessageKind:
    """Parcels that are taken up soon after whoever had claimed them has ended."""
    return MessageKind(KIND, deliver, lease_seconds=LEASE_SECONDS)


def say(what: str, message: Message) -> None:
    """Write a line of its own to standard error; standard output is the log's."""
    os.write(2, f"{what} {message.name}\n".encode())


def deliver(message: Message) -> Outcome:
    """Say that it is in hand, then that it has arrived."""
    say("begun", message)
    time.sleep(DELIVERY_SECONDS)
    say("arrived", message)
    return Outcome(DELIVERED)


def main() -> None:
    """Deliver until killed."""
    outbox = Outbox(open_store(sys.argv[1], STATEMENT_KEYS), now)
    outbox.add_kind(kind(deliver))
    Deliveries(outbox).run_forever(threading.Event())


if __name__ == "__main__":
    main()

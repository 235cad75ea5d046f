"""The record page of somebody with many entries, beside a no-op and one round trip to the store.

    python -m benchmarks.record_page [--entries 2000] [--requests 200]

prints one JSON object: medians in milliseconds over one connection, taken in turns, and how many times the
no-op and one round trip together the page took. The page is served by the product itself, on SQLite, with the
session of a launch; the no-op is a Flask endpoint on the same kind of server.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks import servers
from benchmarks.writes import SINGLES
from lrs.records.learning_record import LearningRecord
from lrs.store.open import open_store
from lrs.xapi.ingest import Ingest
from lrs.xapi.statement_keys import STATEMENT_KEYS
from lti_tool.accounts import account_key
from lti_tool.launch.sessions import Sessions
from lti_tool.platforms.platforms import Platforms
from lti_tool.services.emitter import Emitter
from lti_tool.settings import LtiSettings
from statements.profile.build import activity_statement
from statements.profile.shipped import shipped

ISSUER = "https://lms.example"
BATCH = 500


def clock() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


def prepared(address: str, entries: int) -> tuple[str, str, float]:
    """Fill a store; the id and the secret of a session, and milliseconds of one round trip to the store."""
    store = open_store(address, STATEMENT_KEYS)
    try:
        record = LearningRecord.over(store, clock, lambda: str(uuid4()))
        emitter = Emitter(Ingest(store, clock, lambda: str(uuid4())))
        platform = Platforms(store, clock).add(
            tenant="bench",
            name="LMS",
            issuer=ISSUER,
            client_id="bench",
            auth_login_url=ISSUER + "/auth",
            auth_token_url=ISSUER + "/token",
            jwks_url=ISSUER + "/jwks",
            deployments=["1"],
        )
        record.people.ensure("bench", [account_key(ISSUER, "42")], "Siti")
        today = shipped().day(clock())
        made = [_statement(number, today) for number in range(entries)]
        for first in range(0, entries, BATCH):
            emitter.emit_all("bench", made[first : first + BATCH])
            while record.follower.run_once():
                pass
        session, secret = Sessions(store, clock, LtiSettings(public_url="http://127.0.0.1")).open(
            _described(platform.id)
        )
        return session.id, secret, statistics.median(_round_trip(store, session.id) for _ in range(200))
    finally:
        store.close()


def _statement(number: int, today: date) -> dict[str, Any]:
    return activity_statement(
        shipped(),
        id=str(uuid4()),
        form="self-study",
        actor={"account": {"homePage": ISSUER, "name": "42"}, "name": "Siti"},
        title=f"Membaca modul {number}",
        end=max(today - timedelta(days=number % 300), today.replace(month=1, day=1)),
        minutes=45,
    )


def _described(platform: str) -> dict[str, Any]:
    texts = ("resource_link_id", "resource_link_title", "message_type", "nrps_url", "return_url")
    return dict.fromkeys(texts, "") | {
        "tenant": "bench",
        "platform_id": platform,
        "issuer": ISSUER,
        "client_id": "bench",
        "deployment_id": "1",
        "subject": "42",
        "name": "Siti",
        "given_name": "Siti",
        "roles": frozenset({"learner"}),
        "context_id": "7",
        "context_title": "Pelatihan",
        "locale": "id",
        "custom": {},
        "ags": {},
        "deep_linking": {},
    }


def _round_trip(store: Any, name: str) -> float:
    begin = time.perf_counter()
    with store.reading() as reader:
        reader.document("launch-session", "", name)
    return (time.perf_counter() - begin) * 1000


def _get(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> float:
    begin = time.perf_counter()
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {body[:200]!r}")
    return (time.perf_counter() - begin) * 1000


def measure(entries: int, requests: int) -> dict[str, float]:
    """The figures of one run."""
    with tempfile.TemporaryDirectory(prefix="jejak-bench-") as folder:
        address = f"sqlite:///{Path(folder) / 'jejak.db'}"
        session, secret, trip = prepared(address, entries)
        with servers.noop(SINGLES) as noop, servers.jejak(address) as server:
            there = http.client.HTTPConnection("127.0.0.1", noop.port)
            here = http.client.HTTPConnection("127.0.0.1", server.port)
            headers, path = {"X-Launch-Secret": secret}, f"/l/{session}/record"
            taken: tuple[list[float], list[float]] = ([], [])
            for _ in range(requests):
                taken[0].append(_get(there, "/xapi/statements", {}))
                taken[1].append(_get(here, path, headers))
    nothing, page = (statistics.median(one) for one in taken)
    return {
        "entries": entries,
        "noop_ms": round(nothing, 3),
        "store_round_trip_ms": round(trip, 3),
        "page_ms": round(page, 3),
        "times": round(page / (5 * nothing + trip), 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.record_page", description=__doc__)
    parser.add_argument("--entries", type=int, default=2000)
    parser.add_argument("--requests", type=int, default=200)
    given = parser.parse_args()
    print(json.dumps(measure(given.entries, given.requests)))


if __name__ == "__main__":
    main()

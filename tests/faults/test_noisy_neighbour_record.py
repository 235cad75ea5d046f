"""While one tenant does its worst to the learning record, another tenant's new entry is on its page soon."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from statements.profile.build import activity_statement, voiding_statement
from statements.profile.shipped import shipped
from tests.faults.neighbour import Tenants, two_tenants, undisturbed
from tests.faults.server import Caller
from tests.statements.profile_samples import COMPLETED, UNCOMPLETED, moodle

BATCH = 250
WITHIN = 30.0
"""Seconds for a shared, busy machine; what the product reaches there is measured in `benchmarks/`."""


def person(number: int) -> dict[str, Any]:
    """Somebody of the tenant that attacks."""
    return {"objectType": "Agent", "account": {"homePage": "https://lms.example", "name": str(number)}}


def own(who: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A statement of our own profile, stored as it is built."""
    given: dict[str, Any] = {
        "id": str(uuid4()),
        "actor": who,
        "title": "Pendampingan",
        "end": date(2026, 11, 12),
    }
    given |= more
    return activity_statement(shipped(), form="coaching", **given)


def hostile_durations() -> list[dict[str, Any]]:
    """Valid durations that no number can hold."""
    result = {"completion": True, "duration": "P" + "9" * 400 + "Y"}
    return [moodle(actor=person(number), result=result) for number in range(BATCH)]


def one_year_of_one_person() -> list[dict[str, Any]]:
    """More entries of one person in one year than are counted at once."""
    return [own(person(1)) for _ in range(BATCH)]


def completions_and_reversals() -> list[dict[str, Any]]:
    """Completions of one course by one person, and their reversals: each touches many of the others."""
    return [moodle(actor=person(1), verb=(COMPLETED, UNCOMPLETED)[number % 2]) for number in range(BATCH)]


ATTACKS = [hostile_durations, one_year_of_one_person, completions_and_reversals]


def wait_for_entry(served: Tenants) -> float:
    """Store an entry of the other tenant; the seconds until its record has it."""
    actor = {"objectType": "Agent", "account": {"homePage": "https://lms.other", "name": str(uuid4())}}
    with Caller(served.server.port, served.victim, patience=60) as caller:
        begun = time.monotonic()
        assert caller.post("/statements", own(actor)).status == 200
        while True:
            answer = caller.call("POST", "/api/v1/people/lookup", body={"agent": actor})
            if answer.status == 200 and answer.json["years"]:
                return time.monotonic() - begun
            assert time.monotonic() - begun < 60, "the entry is not in the record"
            time.sleep(0.05)


@pytest.mark.timeout(600)
def test_voidings_of_large_statements_keep_nobody_waiting(address: str) -> None:
    """Small statements about large ones: another tenant's entry is soon there, whatever has to be read."""
    with two_tenants(address) as served, undisturbed(served):
        with Caller(served.server.port, served.attacker, patience=60) as caller:
            ids = []
            for number in range(40):
                result = {"completion": True, "extensions": {"https://attack.example/x": [10.0] * 190_000}}
                told = moodle(actor=person(number), result=result) | {"id": str(uuid4())}
                # The most values that a megabyte holds, and the slowest to read.
                body = json.dumps(told).replace("10.0", "1e1").encode()
                assert caller.post("/statements", body).status == 200
                ids.append(told["id"])
            for _ in range(10):
                voidings = [
                    voiding_statement(id=str(uuid4()), actor=person(1), target=id, at=0) for id in ids
                ]
                assert caller.post("/statements", voidings).status == 200
        took = [wait_for_entry(served) for _ in range(3)]
    print(f"voidings: entries of the other tenant after {took}")
    assert max(took) < WITHIN, took


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda each: each.__name__)
def test_another_tenants_entry_is_in_its_record_soon(
    address: str, attack: Callable[[], list[dict[str, Any]]]
) -> None:
    """Behind 2,500 statements made to hold the follower up, a new entry of another tenant is not late."""
    with two_tenants(address) as served, undisturbed(served):
        with Caller(served.server.port, served.attacker, patience=60) as caller:
            for _ in range(10):
                assert caller.post("/statements", attack()).status == 200
        took = [wait_for_entry(served) for _ in range(3)]
    print(f"{attack.__name__}: entries of the other tenant after {took}")
    assert max(took) < WITHIN, took

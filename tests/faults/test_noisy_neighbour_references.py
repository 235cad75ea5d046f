"""One tenant has thousands of statements refer to one; another tenant does not notice."""

from __future__ import annotations

import pytest

from tests.faults.neighbour import two_tenants, undisturbed
from tests.faults.references import fat, found, owing, refer, until_nothing_is_owed, watched
from tests.faults.server import Caller

REFERRERS = 5_000


@pytest.mark.timeout(300)
@pytest.mark.parametrize("activities", [0, 900])
def test_a_statement_that_thousands_wait_for_stops_nobody(address: str, activities: int) -> None:
    """It is stored at once; those that refer to it are found through it soon, and meanwhile others go on."""
    target = fat(activities)
    with two_tenants(address) as served, watched(address) as store, undisturbed(served) as victim:
        with Caller(served.server.port, served.attacker, patience=60) as caller:
            early = refer(caller, target, REFERRERS)
            answer = caller.post("/statements", target)
            assert answer.status == 200
            assert owing(store, "attacker") is not None
            assert target["id"] in found(caller)
            until_nothing_is_owed(store, "attacker")
            assert found(caller) == early | {target["id"]}
        assert victim.rounds > 0


@pytest.mark.timeout(300)
def test_thousands_that_refer_to_a_statement_with_many_keys_stop_nobody(address: str) -> None:
    """Batches that each refer a thousand times to one stored statement take over few of its keys at once."""
    target = fat(50)
    with (
        two_tenants(address) as served,
        watched(address) as store,
        undisturbed(served),
        Caller(served.server.port, served.attacker, patience=60) as caller,
    ):
        assert caller.post("/statements", target).status == 200
        late = refer(caller, target, REFERRERS)
        until_nothing_is_owed(store, "attacker")
        assert found(caller) == late | {target["id"]}

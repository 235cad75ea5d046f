"""One tenant, or a stranger, does its worst to the front of a worker; another tenant does not notice."""

from __future__ import annotations

import threading

from tests.faults.neighbour import two_tenants, undisturbed
from tests.faults.server import Caller
from tests.lrs.samples import statement

WRITERS = 16
BATCHES = 5


def test_a_tenant_that_writes_with_all_its_might_does_not_stop_another(address: str) -> None:
    """Sixteen clients of one tenant send batches without a pause; another tenant goes on."""
    with two_tenants(address) as served, undisturbed(served):

        def write() -> None:
            with Caller(served.server.port, served.attacker) as caller:
                for _ in range(BATCHES):
                    caller.post("/statements", [statement() for _ in range(200)])

        threads = [threading.Thread(target=write) for _ in range(WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

"""A trial: a server whose store is in memory. No command can open that, so the server makes a credential."""

from __future__ import annotations

from lrs.access import Credentials, Scope

TENANT = "trial"
"""The agency of the credential, and its name."""


def show_credential(credentials: Credentials) -> None:
    """Make a credential that may do everything, and show it on standard output, which is no log."""
    key, secret = credentials.create(TENANT, TENANT, [Scope.ALL])
    print(f"credential: {key}:{secret} (lost with everything else when this server ends)", flush=True)

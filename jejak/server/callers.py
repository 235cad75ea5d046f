"""Who sends a request, as far as that is known without asking the store."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from typing import Any

from jejak.server.shares import STRANGERS, Party
from lrs.access import Credentials
from lrs.http.xapi.guard import client_address, remembered
from lti_tool.web.guard import TENANT

KNOWN_SECONDS = 5.0
"""How long a tenant is taken to be that of a credential, and of the session of a launch, that was seen."""
SESSION_SECONDS = 300.0
MOST_KNOWN = 20_000


class Callers:
    """The parties of one worker's requests: a tenant whose credential or session was proved, or an address.

    Only for fairness: access is checked for each request anew, by whoever answers it.
    """

    def __init__(self, credentials: Credentials, proxy_hops: int) -> None:
        self._credentials = credentials
        self._hops = proxy_hops
        self._known: dict[Hashable, tuple[Party, float]] = {}

    def of(self, environ: Mapping[str, Any]) -> Party:
        """Whose request this is."""
        proof = _proof(environ)
        if proof is None:
            return STRANGERS, client_address(environ, self._hops)
        known = self._known.get(proof)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        if isinstance(proof, str):
            access = remembered(proof, self._credentials)
            if access is not None:
                return self._remember(proof, access.tenant, KNOWN_SECONDS)
        return STRANGERS, client_address(environ, self._hops)

    def learn(self, environ: Mapping[str, Any]) -> None:
        """Note whose the session was, once the request was answered."""
        tenant = environ.get(TENANT)
        proof = _proof(environ) if tenant else None
        if proof is not None and not isinstance(proof, str):
            self._remember(proof, tenant, SESSION_SECONDS)

    def _remember(self, proof: Hashable, tenant: Any, seconds: float) -> Party:
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        party = str(tenant), ""
        self._known[proof] = party, time.monotonic() + seconds
        return party


def _proof(environ: Mapping[str, Any]) -> str | tuple[str, str, str] | None:
    """What a tenant may be known by: a credential, or the launch and the secrets of its session."""
    header: str | None = environ.get("HTTP_AUTHORIZATION")
    if header:
        return header
    path: str = environ["PATH_INFO"]
    if not path.startswith("/l/"):
        return None
    return (
        path[3:].partition("/")[0],
        environ.get("HTTP_COOKIE", ""),
        environ.get("HTTP_X_LAUNCH_SECRET", ""),
    )

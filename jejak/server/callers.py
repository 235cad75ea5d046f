"""Who sends a request, as far as that is known without asking the store."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from jejak.server.shares import STRANGERS, Party
from lrs.access import Credentials
from lrs.http.guard import client_address, remembered
from lrs.rate_limit import network_of
from lti_tool.web.cookies import session_name
from lti_tool.web.guard import TENANT

KNOWN_SECONDS = 5.0
"""How long a tenant is taken to be that of a credential, and of the session of a launch, that was seen."""
SESSION_SECONDS = 300.0
MOST_KNOWN = 20_000
"""Proofs that are remembered, by 32 bytes each; a further one takes the place of the oldest."""
LONGEST_ID = 64
"""Characters of a launch's id; longer ones are nobody's."""


class Callers:
    """The parties of one worker's requests: a tenant whose credential or session was proved, or an address.

    Only for fairness: access is checked for each request anew, by whoever answers it.
    """

    def __init__(self, credentials: Credentials, proxy_hops: int) -> None:
        self._credentials = credentials
        self._hops = proxy_hops
        self._known: OrderedDict[bytes, tuple[Party, float]] = OrderedDict()

    def of(self, environ: Mapping[str, Any]) -> Party:
        """Whose request this is."""
        proof = _proof(environ)
        if proof is not None:
            known = self._known.get(proof)
            if known is not None and known[1] > time.monotonic():
                return known[0]
            header = environ.get("HTTP_AUTHORIZATION")
            access = remembered(header, self._credentials) if header else None
            if access is not None:
                return self._remember(proof, access.tenant, KNOWN_SECONDS)
        return STRANGERS, network_of(client_address(environ, self._hops))

    def learn(self, environ: Mapping[str, Any]) -> None:
        """Note whose the session was, once the request was answered."""
        tenant = environ.get(TENANT)
        proof = _proof(environ) if tenant and not environ.get("HTTP_AUTHORIZATION") else None
        if proof is not None:
            self._remember(proof, tenant, SESSION_SECONDS)

    def _remember(self, proof: bytes, tenant: Any, seconds: float) -> Party:
        self._known.pop(proof, None)
        if len(self._known) >= MOST_KNOWN:
            self._known.popitem(last=False)
        party = str(tenant), ""
        self._known[proof] = party, time.monotonic() + seconds
        return party


def _proof(environ: Mapping[str, Any]) -> bytes | None:
    """What a tenant may be known by: digest of a credential, or of a launch and the secret of its session."""
    header: str | None = environ.get("HTTP_AUTHORIZATION")
    if header:
        return _digest("credential", header)
    path: str = environ["PATH_INFO"]
    if not path.startswith("/l/"):
        return None
    launch_id = path[3:].partition("/")[0]
    if not launch_id or len(launch_id) > LONGEST_ID:
        return None
    # What else a browser sends beside this launch's own cookie must not make it somebody else.
    _, _, found = environ.get("HTTP_COOKIE", "").partition(f"{session_name(launch_id)}=")
    secret = found.partition(";")[0].strip() or environ.get("HTTP_X_LAUNCH_SECRET", "")
    return _digest("launch", launch_id, secret) if secret else None


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()

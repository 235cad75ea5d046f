"""Who is calling, and whether they may: 401 and 403."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lrs.access import Access, Credentials
from lrs.http.headers import basic_credentials
from lrs.http.problems import RefusalError
from lrs.http.request import Request

CHALLENGE = ("WWW-Authenticate", 'Basic realm="Jejak", charset="UTF-8"')
LONGEST = 2_000
TOO_MANY = "Too many wrong secrets came from your address for this key. The right one is taken at any time."

IMITATION = (
    "This credential has the name of this service itself, so what it writes could not be told from what the"
    " service writes. Ask the operator for one with another name (`jejak credentials create`)."
)


def caller(request: Request, credentials: Credentials) -> Access:
    """The access of the request's credential; RefusalError 401 without one that is in force."""
    header = request.header("Authorization")
    if header is None and "HTTP_AUTHORIZATION" in request.environ:
        hint = "In the alternate request syntax a page sends its credential in the form field Authorization."
        raise RefusalError(401, hint, headers=[CHALLENGE])
    if header is None:
        raise RefusalError(401, "This resource needs a credential (HTTP Basic).", headers=[CHALLENGE])
    return proved(header, request.environ, credentials)


def proved(header: str, environ: Mapping[str, Any], credentials: Credentials) -> Access:
    """The access of the credential in an `Authorization` header; RefusalError 401 when it is not in force."""
    pair = basic_credentials(header) if len(header) <= LONGEST else None
    access = credentials.authenticate(*pair) if pair is not None else None
    if access is None:
        if seconds := failed_login(environ, credentials, pair[0] if pair else ""):
            raise RefusalError(429, TOO_MANY, headers=[("Retry-After", str(seconds))])
        raise RefusalError(401, "The credential is not known here or was disabled.", headers=[CHALLENGE])
    if access.is_imitation:
        raise RefusalError(403, IMITATION)
    return access


def failed_login(environ: Mapping[str, Any], credentials: Credentials, key: str) -> int:
    """Log a wrong secret and count it; the seconds to wait when there were too many, else 0."""
    return credentials.failed.count(client_address(environ, credentials.proxy_hops), key)


def client_address(environ: Mapping[str, Any], proxy_hops: int) -> str:
    """The address of the client, as the trusted proxies in front tell it."""
    if proxy_hops and "werkzeug.proxy_fix.orig" not in environ:
        told = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(told) >= proxy_hops and (address := str(told[-proxy_hops]).strip()):
            return address
    return str(environ.get("REMOTE_ADDR", ""))


def is_remembered(header: str, credentials: Credentials) -> bool:
    """Whether this `Authorization` header names a credential that `caller` knows without asking the store."""
    pair = basic_credentials(header) if len(header) <= LONGEST else None
    return pair is not None and credentials.remembers(pair[0])


def remembered(header: str, credentials: Credentials) -> Access | None:
    """The access of an `Authorization` header, if it is known without asking the store."""
    pair = basic_credentials(header) if len(header) <= LONGEST else None
    return credentials.recalled(*pair) if pair is not None else None


def permit(allowed: bool, deed: str) -> None:
    """RefusalError 403 unless the credential's scopes allow the deed."""
    if not allowed:
        raise RefusalError(403, f"The scopes of this credential do not allow it to {deed} here.")

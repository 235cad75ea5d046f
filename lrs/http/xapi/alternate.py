"""Alternate request syntax (xAPI 1.0.3 Part 3, 1.3): a POST whose form describes another request.

Made for browsers that could send no headers; xAPI 2.0 dropped it. Form fields named like one of six
headers stand for that header and win over the real one, credentials and version included.

Any page can make a browser send such a form, with the key and secret that the browser remembers for this
host. So what a browser sends takes its credentials from the form alone, where only a page that knows them can
put them; other programs may send the header, too.

A long form is received only from who has shown a credential: in the header, or in a field near its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Final

from lrs.access import Credentials
from lrs.http.cross_site import by_a_browser
from lrs.http.guard import proved
from lrs.http.problems import broken
from lrs.http.request import Request, parameters
from lrs.xapi.spool import spool
from statements.data_types.versions import Version, negotiate

HEADERS = {
    "authorization",
    "x-experience-api-version",
    "content-type",
    "content-length",
    "if-match",
    "if-none-match",
}
METHODS = {"GET", "HEAD", "PUT", "POST", "DELETE"}
RULE = "request.alternate"


UNPROVED: Final = 65_536
"""Bytes of a form that are read before a credential is seen."""
_ENCODED_SEPARATOR = re.compile(rb"%(?:2c|5b|7b)", re.IGNORECASE)


def unfold(request: Request, limit: int, credentials: Credentials) -> None:
    """Turn the request into the one its form describes; RefusalError when it may not be.

    The caller has seen the query parameter `method`. `limit` bounds the form, in bytes.
    """
    if request.method != "POST":
        raise broken(RULE, "the parameter `method` is for POST requests alone")
    if negotiate(request.header("X-Experience-API-Version")) is Version.V2:
        raise broken(RULE, "xAPI 2.0 has no alternate request syntax; send the request itself")
    asked = request.params.pop("method")
    if request.params:
        raise broken(RULE, "send every parameter but `method` in the form")
    if len(asked) != 1 or asked[0] not in METHODS:
        raise broken(RULE, "the parameter `method` is one of GET, HEAD, PUT, POST and DELETE")
    try:
        form = _form(request, limit, credentials).decode("ascii")
    except UnicodeDecodeError:
        raise broken(RULE, "the form must be URL-encoded") from None
    headers: dict[str, str | None] = {"Content-Type": "application/json"}
    if by_a_browser(request.environ):
        headers["Authorization"] = None
    params: dict[str, list[str]] = {}
    content = b""
    for name, values in parameters(form).items():
        if name.lower() in HEADERS:
            headers[name.title()] = _only(name, values)
        elif name == "content":
            content = _only(name, values).encode("utf-8")
        else:
            params[name] = values
    headers.pop("Content-Length", None)
    if negotiate(headers.get("X-Experience-Api-Version")) is Version.V2:
        raise broken(RULE, "xAPI 2.0 has no alternate request syntax; send the request itself")
    request.replace(asked[0], params, headers, content)


def _form(request: Request, limit: int, credentials: Credentials) -> bytes:
    """The bytes of the form; a long one once its sender is known, with a part of that tenant's budget."""
    chunks = iter(request.reader(limit), b"")
    beginning = bytearray()
    for chunk in chunks:
        beginning += chunk
        if len(beginning) > UNPROVED:
            break
    else:
        return bytes(beginning)
    header = _authorization(request, bytes(beginning[:UNPROVED]).rpartition(b"&")[0])
    if header is None:
        hint = f"in a form of more than {UNPROVED} bytes the field Authorization goes to the beginning"
        raise broken("request.too-large", hint, status=413)
    request.access = proved(header, request.environ, credentials)
    encoded = 0

    def counted() -> Iterator[bytes]:
        nonlocal encoded
        for piece in chain((bytes(beginning),), chunks):
            encoded += len(_ENCODED_SEPARATOR.findall(piece))
            yield piece

    with spool() as file:
        gathered = request.gather(counted(), file, limit)
        return replace(gathered, values=gathered.values + encoded).read()


def _authorization(request: Request, beginning: bytes) -> str | None:
    """The credential that the beginning of a form names, else that of the header where it may count."""
    for name, values in parameters(beginning.decode("latin-1")).items():
        if name.lower() == "authorization":
            return _only(name, values)
    return None if by_a_browser(request.environ) else request.header("Authorization")


def _only(name: str, values: list[str]) -> str:
    if len(values) != 1:
        raise broken(RULE, f"the form may name {name} only once")
    return values[0]

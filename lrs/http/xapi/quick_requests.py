"""Which requests an event loop may answer itself: those that wait for nothing but their own write or page.

Said here, beside the resources, because they know what each parameter costs. A server that answers from
threads
alone need not ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

STATEMENTS: Final = "/statements"
LONG: Final = ("&attachments=", "&format=")
"""Parameters of reads that stream, or work on each statement."""
NO_PAGES: Final = (*LONG, "&statementId=", "&voidedStatementId=")
"""Those with which a read is something else than a page of statements as they are kept."""


def is_quick(path: str, environ: Mapping[str, Any], *, store_is_local: bool) -> bool:
    """Whether a request (PEP 3333) for a resource, its `path` below the endpoint, is one of those.

    A read of a store on this machine takes no longer than handing it to a thread would; of a store behind a
    network, the loop can await pages of statements, and nothing else.
    """
    method: str = environ["REQUEST_METHOD"]
    query = "&" + environ["QUERY_STRING"]
    if "%" in query and any("%" in each.partition("=")[0] for each in query.split("&")):
        # A name that is spelt like that may be any of those above.
        return False
    if method == "GET":
        if store_is_local:
            return not any(name in query for name in LONG)
        is_short = not any(name in query for name in NO_PAGES)
    else:
        is_short = method == "PUT" or (method == "POST" and query == "&")
        is_short = is_short and environ.get("CONTENT_TYPE", "").startswith("application/json")
        # A few bytes may become megabytes.
        is_short = is_short and "HTTP_CONTENT_ENCODING" not in environ
    return path == STATEMENTS and is_short and "&method=" not in query

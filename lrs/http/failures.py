"""What a client is told when a request failed: the answer to every error that the parts below raise."""

from __future__ import annotations

import logging

from lrs.http.problems import RefusalError, broken, invalid, render
from lrs.http.response import Response
from lrs.store.errors import (
    ConflictError,
    FullError,
    QueueFullError,
    StoreError,
    TooLongError,
    UnavailableError,
)
from lrs.tenant_turns import BusyError
from lrs.xapi.size_limits import TooLargeError
from statements.errors import InvalidError

log = logging.getLogger(__name__)

RETRY_SECONDS = 2
TOO_LONG = (
    "Too many statements have to be looked at for this question; narrow it by `since` and `until`, or by a"
    " filter that fewer statements match."
)


def answer_to(error: Exception) -> Response:
    """The answer that tells an error, which is logged when it is not the client's doing."""
    return render(refusal_of(error))


def refusal_of(error: Exception) -> RefusalError:
    """The refusal that an error amounts to."""
    wait = [("Retry-After", str(RETRY_SECONDS))]
    match error:
        case RefusalError():
            return error
        case InvalidError():
            return invalid(error.problems)
        case TooLargeError():
            return broken("request.too-large", str(error), status=413)
        case QueueFullError():
            return RefusalError(503, "Too many writes of this tenant wait; try again soon.", headers=wait)
        case BusyError():
            return RefusalError(503, f"Try again soon: {error}.", headers=wait)
        case TooLongError():
            return RefusalError(503, TOO_LONG, headers=wait)
        case UnavailableError() | ConflictError():
            log.warning("the store is unavailable", exc_info=error)
            return RefusalError(503, "The store cannot answer now; try again soon.", headers=wait)
        case FullError():
            log.error("the store is full", exc_info=error)
            return RefusalError(507, "The store is full; nothing was kept.")
        case StoreError():
            log.error("the store failed", exc_info=error)
            return RefusalError(500, "The store failed; the log of the server says why.")
    log.error("a request failed", exc_info=error)
    return RefusalError(500, "An error of this server; its log says more.")

"""Statements in the format that a request asks for.

What an answer costs is bounded, whatever the statements, the definitions of their activities and the header
Accept-Language look like: the header is read once, a definition is prepared once, and a page ends when it has
become long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import orjson

from lrs.http.request import Request
from lrs.http.xapi.services import Services
from statements.data_types.exact_json import dumps, loads
from statements.filters import Format
from statements.formats import activities_in, canonical_definition, parse_languages, to_canonical, to_ids

MOST_DEFINITIONS: Final = 4 * 1024 * 1024
"""Bytes of stored definitions that go into one answer, and into one statement of it; where there would be
more, an activity keeps the definition of its own statement."""
LARGE: Final = 1024 * 1024
"""Bytes of statements, and of the definitions that go into them, from which on an answer takes a turn."""
READ_AT_ONCE: Final = 256 * 1024
"""Bytes of definitions that are held as they are kept, while one is prepared after the other."""


def formatted(services: Services, request: Request, form: Format, bodies: Sequence[bytes]) -> Sequence[bytes]:
    """As many of these statements as fit into an answer, one at least; as kept, they are not even read."""
    if form is Format.EXACT or not bodies:
        return bodies
    size = sum(map(len, bodies))
    if form is Format.IDS:
        with large_work(services, request, size):
            return [dumps(to_ids(loads(body))) for body in bodies]
    with large_work(services, request, size):
        ids = _activities(bodies)
    sizes = services.query.definition_sizes(request.access, ids, MOST_DEFINITIONS)
    with large_work(services, request, size + sum(sizes.values())):
        return _canonical(services, request, bodies, sizes)


def large_work(services: Services, request: Request, size: int) -> AbstractContextManager[None]:
    """Inside this, so many bytes are worked on: in a turn of the tenant when they are many."""
    return services.pages.turn(request.access.tenant) if size > LARGE else nullcontext()


def _activities(bodies: Sequence[bytes]) -> Sequence[str]:
    """The ids of the activities of these statements, each once; one statement is held at a time."""
    return list(dict.fromkeys(activity["id"] for body in bodies for activity in activities_in(loads(body))))


def _canonical(
    services: Services, request: Request, bodies: Sequence[bytes], sizes: Mapping[str, int]
) -> Sequence[bytes]:
    languages = parse_languages(request.header("Accept-Language"))
    known = services.query.definitions(request.access, sizes, READ_AT_ONCE, MOST_DEFINITIONS)
    ready = {name: dumps(canonical_definition(each, languages)) for name, each in known}
    room = services.query.page_bytes
    found: list[bytes] = []
    for body in bodies:
        shown = dumps(to_canonical(loads(body), languages, _Definitions(ready)))
        room -= len(shown)
        if room < 0 and found:
            break
        found.append(shown)
    return found


class _Definitions:
    """Prepared definitions, for one statement."""

    def __init__(self, ready: Mapping[str, bytes]) -> None:
        self._ready = ready
        self._room = MOST_DEFINITIONS

    def __call__(self, activity: str) -> Any:
        """The definition of an activity, to be written as it is; None when there is none, or no room."""
        text = self._ready.get(activity)
        if text is None or len(text) > self._room:
            return None
        self._room -= len(text)
        return orjson.Fragment(text)

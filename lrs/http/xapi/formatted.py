"""Statements in the format that a request asks for.

What an answer costs is bounded, whatever the statements, the definitions of their activities and the header
Accept-Language look like: the header is read once, a definition is prepared once, and a page ends when it has
become long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
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
"""Bytes of statements from which on a page takes a turn."""


def formatted(services: Services, request: Request, form: Format, bodies: Sequence[bytes]) -> Sequence[bytes]:
    """As many of these statements as fit into an answer, one at least; as kept, they are not even read."""
    if form is Format.EXACT or not bodies:
        return bodies
    is_large = sum(map(len, bodies)) > LARGE
    with services.pages.turn(request.access.tenant) if is_large else nullcontext():
        if form is Format.IDS:
            return [dumps(to_ids(loads(body))) for body in bodies]
        return _canonical(services, request, bodies)


def _canonical(services: Services, request: Request, bodies: Sequence[bytes]) -> Sequence[bytes]:
    values = [loads(body) for body in bodies]
    ids = dict.fromkeys(activity["id"] for value in values for activity in activities_in(value))
    known = services.query.definitions(request.access, list(ids), MOST_DEFINITIONS)
    languages = parse_languages(request.header("Accept-Language"))
    ready = {name: dumps(canonical_definition(each, languages)) for name, each in known.items()}
    room = services.query.page_bytes
    found: list[bytes] = []
    for value in values:
        shown = dumps(to_canonical(value, languages, _Definitions(ready)))
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

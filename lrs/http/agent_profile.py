"""/agents/profile: what is kept about an agent, whatever the activity (xAPI 1.0.3 Part 3, 2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lrs.access import Scope
from lrs.documents import Place
from lrs.http import params
from lrs.http.document_resource import DocumentResource
from statements.documents import Resource
from statements.identity import agent_key


def _place(asked: Mapping[str, Any]) -> Place:
    return Place(Resource.AGENT_PROFILE, (agent_key(asked["agent"]) or "",))


METHODS = DocumentResource(Scope.PROFILE, (params.AGENT,), params.PROFILE, _place).methods()

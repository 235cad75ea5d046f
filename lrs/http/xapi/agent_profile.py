"""/agents/profile: what is kept about an agent, whatever the activity (xAPI 1.0.3 Part 3, 2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lrs.access import Scope
from lrs.http.xapi import params
from lrs.http.xapi.document_resource import DocumentResource
from lrs.xapi.documents import Place
from statements.data_types.identity import agent_key
from statements.documents import Resource


def _place(asked: Mapping[str, Any]) -> Place:
    return Place(Resource.AGENT_PROFILE, (agent_key(asked["agent"]) or "",))


METHODS = DocumentResource(Scope.PROFILE, (params.AGENT,), params.PROFILE, _place).methods()

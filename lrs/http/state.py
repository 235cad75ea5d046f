"""/activities/state: what an activity keeps about an agent (xAPI 1.0.3 Part 3, 2.3)."""

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
    owner = (asked["activityId"], agent_key(asked["agent"]) or "")
    return Place(Resource.STATE, owner, asked.get("registration"))


METHODS = DocumentResource(
    Scope.STATE,
    (params.ACTIVITY, params.AGENT, params.REGISTRATION),
    params.STATE,
    _place,
    deletes_many=True,
).methods()

"""/activities/state: what an activity keeps about an agent (xAPI 1.0.3 Part 3, 2.3)."""

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
    owner = (asked["activityId"], agent_key(asked["agent"]) or "")
    return Place(Resource.STATE, owner, asked.get("registration"))


METHODS = DocumentResource(
    Scope.STATE,
    (params.ACTIVITY, params.AGENT, params.REGISTRATION),
    params.STATE,
    _place,
    deletes_many=True,
).methods()

"""/activities/profile: what is kept about an activity, for everyone (xAPI 1.0.3 Part 3, 2.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lrs.access import Scope
from lrs.http.xapi import params
from lrs.http.xapi.document_resource import DocumentResource
from lrs.xapi.documents import Place
from statements.documents import Resource


def _place(asked: Mapping[str, Any]) -> Place:
    return Place(Resource.ACTIVITY_PROFILE, (asked["activityId"],))


METHODS = DocumentResource(Scope.PROFILE, (params.ACTIVITY,), params.PROFILE, _place).methods()

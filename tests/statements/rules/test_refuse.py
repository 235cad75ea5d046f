"""One refused statement, at least, for every rule of the table."""

from __future__ import annotations

from typing import Any

import pytest

from statements.data_types.versions import Version
from statements.rules.check import RULES, check_statement
from tests.statements import examples as ex
from tests.statements.examples import ABSENT, edited

V1, V2 = Version.V1, Version.V2
ANY = (V1, V2)
NULLED = "json.no-null"
UNKNOWN = "json.known-members"
ITSELF = "/object/definition"
UNPAIRED = "\ud800"
NESTED: Any = []
for _ in range(64):
    NESTED = [NESTED]

REFUSED: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    # rule, pointer of the problem, a valid statement, the edits that break it
    (NULLED, "/actor", ex.SMALL, {"/actor": None}),
    (NULLED, "/timestamp", ex.FULL, {"/timestamp": None}),
    (NULLED, "/verb/display/id", ex.FULL, {"/verb/display/id": None}),
    (NULLED, "/result/success", ex.FULL, {"/result/success": None}),
    (NULLED, "/result/score/raw", ex.FULL, {"/result/score/raw": None}),
    (NULLED, "/context/contextActivities/parent/0", ex.FULL, {"/context/contextActivities/parent/0": None}),
    (NULLED, "/context/extensions", ex.FULL, {"/context/extensions": None}),
    (NULLED, "/attachments", ex.FULL, {"/attachments": None}),
    (UNKNOWN, "/foo", ex.SMALL, {"/foo": 1}),
    (UNKNOWN, "/Version", ex.SMALL, {"/Version": "1.0.3"}),
    (UNKNOWN, "/Timestamp", ex.SMALL, {"/Timestamp": "2026-11-23T10:00:00Z"}),
    (UNKNOWN, "/verb/Display", ex.SMALL, {"/verb/Display": {"id": "x"}}),
    (UNKNOWN, "/actor/member", ex.SMALL, {"/actor/member": []}),
    (
        UNKNOWN,
        "/actor/account/homepage",
        ex.SMALL | {"actor": ex.ACCOUNT},
        {"/actor/account/homepage": "x:y"},
    ),
    (UNKNOWN, "/object/definition/moreinfo", ex.FULL, {"/object/definition/moreinfo": "x:y"}),
    (UNKNOWN, "/object/definition/choices/0/name", ex.FULL, {"/object/definition/choices/0/name": "x"}),
    (UNKNOWN, "/result/score/Scaled", ex.FULL, {"/result/score/Scaled": 1}),
    (UNKNOWN, "/result/points", ex.FULL, {"/result/points": 1}),
    (UNKNOWN, "/context/course", ex.FULL, {"/context/course": 1}),
    (UNKNOWN, "/attachments/0/fileURL", ex.FULL, {"/attachments/0/fileURL": "x:y"}),
    (UNKNOWN, "/object/verb", ex.ABOUT_STATEMENT, {"/object/verb": ex.VERB}),
    (UNKNOWN, "/a~1b~0c", ex.SMALL, {"/a~1b~0c": 1}),
    ("json.value", "/object/definition/extensions/x:y", ex.FULL, {f"{ITSELF}/extensions/x:y": UNPAIRED}),
    ("json.value", "/result/extensions/x:y/0", ex.FULL, {"/result/extensions/x:y": [float("nan")]}),
    ("json.value", "/result/extensions/x:y/k", ex.FULL, {"/result/extensions/x:y": {"k": float("inf")}}),
    ("json.value", "/result/extensions/x:y/�", ex.FULL, {"/result/extensions/x:y": {UNPAIRED: 1}}),
    ("json.value", "/result/extensions/x:y", ex.FULL, {"/result/extensions/x:y": b"bytes"}),
    ("json.depth", f"/result/extensions/x:y{'/0' * 64}", ex.FULL, {"/result/extensions/x:y": NESTED}),
    ("language-map.tag", "/verb/display/english-us-x", ex.SMALL, {"/verb/display/english-us-x": "x"}),
    ("language-map.tag", "/verb/display/a12345678", ex.SMALL, {"/verb/display/a12345678": "x"}),
    ("language-map.tag", "/verb/display/", ex.SMALL, {"/verb/display/": "x"}),
    ("language-map.text", "/verb/display/id", ex.SMALL, {"/verb/display/id": 1}),
    ("language-map.text", "/verb/display/id", ex.SMALL, {"/verb/display/id": UNPAIRED}),
    ("extensions.key", "/result/extensions/no-scheme", ex.FULL, {"/result/extensions/no-scheme": 1}),
    ("statement.id", "/id", ex.FULL, {"/id": "AA97B177-9383-4934-8543-0F91A7A028368"}),
    ("statement.id", "/id", ex.FULL, {"/id": "{6690e6c9-3ef0-4ed3-8b37-7f3964730bee}"}),
    ("statement.id", "/id", ex.FULL, {"/id": "6690e6c93ef04ed38b377f3964730bee"}),
    ("statement.id", "/id", ex.FULL, {"/id": "6690e6c9-3ef0-4ed3-8b37-7f3964730bee\n"}),
    ("statement.id", "/id", ex.FULL, {"/id": 12345}),
    ("statement.actor", "", ex.SMALL, {"/actor": ABSENT}),
    ("statement.actor", "/actor", ex.SMALL, {"/actor": "mailto:siti@example.go.id"}),
    ("statement.actor", "/actor/objectType", ex.SMALL, {"/actor/objectType": "Person"}),
    ("statement.actor", "/actor/objectType", ex.SMALL, {"/actor/objectType": ["Agent"]}),
    ("statement.verb", "", ex.SMALL, {"/verb": ABSENT}),
    ("statement.verb", "/verb", ex.SMALL, {"/verb": []}),
    ("statement.object", "", ex.SMALL, {"/object": ABSENT}),
    ("statement.object", "/object", ex.SMALL, {"/object": [ex.ACTIVITY]}),
    ("statement.object", "/object/objectType", ex.SMALL, {"/object/objectType": "Course"}),
    ("object.type-needed", "/object", ex.ABOUT_AGENT, {"/object/objectType": ABSENT}),
    ("object.type-needed", "/object", ex.ABOUT_GROUP, {"/object/objectType": ABSENT}),
    ("object.type-needed", "/object", ex.SUB, {"/object/objectType": ABSENT}),
    ("statement.result", "/result", ex.FULL, {"/result": 1}),
    ("statement.context", "/context", ex.FULL, {"/context": "x"}),
    ("statement.timestamp", "/timestamp", ex.FULL, {"/timestamp": "23/11/2026"}),
    ("statement.timestamp", "/timestamp", ex.FULL, {"/timestamp": "2026-11-23T10:00:00-00:00"}),
    ("statement.timestamp", "/timestamp", ex.FULL, {"/timestamp": 1795428000}),
    ("statement.timestamp", "/object/timestamp", ex.SUB, {"/object/timestamp": "2026-02-30T10:00:00Z"}),
    ("statement.stored", "/stored", ex.FULL, {"/stored": "now"}),
    ("statement.authority", "/authority", ex.FULL, {"/authority": "me"}),
    ("statement.authority", "/authority/objectType", ex.FULL, {"/authority/objectType": "System"}),
    ("authority.two-members", "/authority", ex.FULL, {"/authority": ex.GROUP}),
    ("authority.two-members", "/authority", ex.FULL, {"/authority/member": [ex.ACCOUNT]}),
    ("authority.two-members", "/authority", ex.FULL, {"/authority/member": [ex.ACCOUNT] * 3}),
    ("authority.two-members", "/authority", ex.FULL, {"/authority/member": [ex.AGENT, ex.AGENT]}),
    ("authority.two-members", "/authority", ex.FULL, {"/authority": {"objectType": "Group"}}),
    ("statement.version", "/version", ex.FULL, {"/version": "1.1.0"}),
    ("statement.version", "/version", ex.FULL, {"/version": "0.9.9"}),
    ("statement.version", "/version", ex.FULL, {"/version": "1.0."}),
    ("statement.version", "/version", ex.FULL, {"/version": 1.0}),
    ("statement.attachments", "/attachments", ex.FULL, {"/attachments": ex.ATTACHMENT}),
    ("statement.attachments", "/attachments/0", ex.FULL, {"/attachments": ["x"]}),
    ("voiding.reference", "/object", ex.VOIDING, {"/object": ex.ACTIVITY}),
    ("voiding.reference", "/object", ex.VOIDING, {"/object": ex.AGENT}),
    ("substatement.object", "/object/object/objectType", ex.SUB, {"/object/object": ex.SUB["object"]}),
    ("substatement.object", "/object", ex.SUB, {"/object/object": ABSENT}),
    ("statement.actor", "/object", ex.SUB, {"/object/actor": ABSENT}),
    ("statement.verb", "/object", ex.SUB, {"/object/verb": ABSENT}),
    ("substatement.objectType", "/object/objectType", ex.SUB, {"/object/objectType": "substatement"}),
    ("substatement.id", "/object/id", ex.SUB, {"/object/id": ex.FULL["id"]}),
    ("substatement.stored", "/object/stored", ex.SUB, {"/object/stored": ex.FULL["stored"]}),
    ("substatement.version", "/object/version", ex.SUB, {"/object/version": "1.0.0"}),
    ("substatement.authority", "/object/authority", ex.SUB, {"/object/authority": ex.AGENT}),
    ("reference.objectType", "/context/statement", ex.FULL, {"/context/statement/objectType": ABSENT}),
    (
        "reference.objectType",
        "/object/objectType",
        ex.ABOUT_STATEMENT,
        {"/object/objectType": "statementRef"},
    ),
    ("reference.id", "/object", ex.ABOUT_STATEMENT, {"/object/id": ABSENT}),
    ("reference.id", "/object/id", ex.ABOUT_STATEMENT, {"/object/id": "https://example.org/1"}),
    ("verb.id", "/verb", ex.SMALL, {"/verb/id": ABSENT}),
    ("verb.id", "/verb/id", ex.SMALL, {"/verb/id": "completed"}),
    ("verb.id", "/verb/id", ex.SMALL, {"/verb/id": ""}),
    ("verb.display", "/verb/display", ex.SMALL, {"/verb/display": "menyelesaikan"}),
    ("attachment.usageType", "/attachments/0", ex.FULL, {"/attachments/0/usageType": ABSENT}),
    ("attachment.usageType", "/attachments/0/usageType", ex.FULL, {"/attachments/0/usageType": "x"}),
    ("attachment.display", "/attachments/0", ex.FULL, {"/attachments/0/display": ABSENT}),
    ("attachment.description", "/attachments/0/description", ex.FULL, {"/attachments/0/description": "x"}),
    ("attachment.contentType", "/attachments/0", ex.FULL, {"/attachments/0/contentType": ABSENT}),
    ("attachment.contentType", "/attachments/0/contentType", ex.FULL, {"/attachments/0/contentType": "pdf"}),
    ("attachment.length", "/attachments/0", ex.FULL, {"/attachments/0/length": ABSENT}),
    ("attachment.length", "/attachments/0/length", ex.FULL, {"/attachments/0/length": "27"}),
    ("attachment.length", "/attachments/0/length", ex.FULL, {"/attachments/0/length": True}),
    ("attachment.length", "/attachments/0/length", ex.FULL, {"/attachments/0/length": -1}),
    ("attachment.length", "/attachments/0/length", ex.FULL, {"/attachments/0/length": 27.5}),
    ("attachment.sha2", "/attachments/0", ex.FULL, {"/attachments/0/sha2": ABSENT}),
    ("attachment.sha2", "/attachments/0/sha2", ex.FULL, {"/attachments/0/sha2": "abc"}),
    ("attachment.fileUrl", "/attachments/0/fileUrl", ex.FULL, {"/attachments/0/fileUrl": "file.txt"}),
    ("result.score", "/result/score", ex.FULL, {"/result/score": 50}),
    ("result.success", "/result/success", ex.FULL, {"/result/success": "true"}),
    ("result.success", "/result/success", ex.FULL, {"/result/success": 1}),
    ("result.completion", "/result/completion", ex.FULL, {"/result/completion": 0}),
    ("result.response", "/result/response", ex.FULL, {"/result/response": 5}),
    ("result.duration", "/result/duration", ex.FULL, {"/result/duration": "P4W1D"}),
    ("result.duration", "/result/duration", ex.FULL, {"/result/duration": 90}),
    ("result.extensions", "/result/extensions", ex.FULL, {"/result/extensions": []}),
    ("score.scaled", "/result/score/scaled", ex.FULL, {"/result/score/scaled": 1.00001}),
    ("score.scaled", "/result/score/scaled", ex.FULL, {"/result/score/scaled": -2}),
    ("score.scaled", "/result/score/scaled", ex.FULL, {"/result/score/scaled": True}),
    ("score.raw", "/result/score/raw", ex.FULL, {"/result/score/raw": "50"}),
    ("score.min", "/result/score/min", ex.FULL, {"/result/score/min": False}),
    ("score.max", "/result/score/max", ex.FULL, {"/result/score/max": float("inf")}),
    ("score.order", "/result/score", ex.FULL, {"/result/score/min": 100.5}),
    ("score.within", "/result/score", ex.FULL, {"/result/score": {"raw": 1, "min": 0, "max": 0}}),
    ("score.within", "/result/score", ex.FULL, {"/result/score/raw": 101}),
    ("score.within", "/result/score", ex.FULL, {"/result/score/raw": -1}),
    ("context.registration", "/context/registration", ex.FULL, {"/context/registration": "1"}),
    ("context.instructor", "/context/instructor", ex.FULL, {"/context/instructor": []}),
    ("context.team", "/context/team", ex.FULL, {"/context/team": "tim"}),
    ("group.objectType", "/context/team/objectType", ex.FULL, {"/context/team": ex.AGENT}),
    ("group.objectType", "/context/team", ex.FULL, {"/context/team/objectType": ABSENT}),
    ("context.contextActivities", "/context/contextActivities", ex.FULL, {"/context/contextActivities": []}),
    (
        "contextActivities.parent",
        "/context/contextActivities/parent",
        ex.FULL,
        {"/context/contextActivities/parent": "x"},
    ),
    (
        "contextActivities.grouping",
        "/context/contextActivities/grouping/0",
        ex.FULL,
        {"/context/contextActivities/grouping": ["x"]},
    ),
    (
        "contextActivities.category",
        "/context/contextActivities/category",
        ex.FULL,
        {"/context/contextActivities/category": 1},
    ),
    (
        "contextActivities.other",
        "/context/contextActivities/other",
        ex.FULL,
        {"/context/contextActivities/other": True},
    ),
    (
        "contextActivities.known-kinds",
        "/context/contextActivities/sibling",
        ex.FULL,
        {"/context/contextActivities/sibling": []},
    ),
    ("context.revision", "/context/revision", ex.FULL, {"/context/revision": 2}),
    ("context.platform", "/context/platform", ex.FULL, {"/context/platform": {}}),
    ("context.revision-of-activity", "/context/revision", ex.FULL, {"/object": ex.AGENT}),
    ("context.platform-of-activity", "/context/platform", ex.FULL, {"/object": ex.REFERENCE}),
    (
        "context.platform-of-activity",
        "/object/context/platform",
        ex.SUB,
        {"/object/object": ex.AGENT, "/object/context/platform": "x"},
    ),
    ("context.language", "/context/language", ex.FULL, {"/context/language": "indonesian language"}),
    ("context.statement", "/context/statement", ex.FULL, {"/context/statement": ex.REFERENCE["id"]}),
    ("context.extensions", "/context/extensions", ex.FULL, {"/context/extensions": "x"}),
    ("actor.name", "/actor/name", ex.FULL, {"/actor/name": 1}),
    ("actor.mbox", "/actor/mbox", ex.SMALL, {"/actor/mbox": "siti@example.go.id"}),
    ("actor.mbox", "/actor/mbox", ex.SMALL, {"/actor/mbox": "mailto:example.go.id"}),
    ("actor.mbox", "/actor/mbox", ex.SMALL, {"/actor/mbox": "http://example.go.id"}),
    ("actor.mbox_sha1sum", "/actor/mbox_sha1sum", ex.SMALL, {"/actor": {"mbox_sha1sum": "abc"}}),
    ("actor.openid", "/actor/openid", ex.SMALL, {"/actor": {"openid": "siti"}}),
    ("actor.account", "/actor/account", ex.SMALL, {"/actor": {"account": "siti"}}),
    ("agent.objectType", "/actor/objectType", ex.SMALL, {"/actor/objectType": "agent"}),
    ("agent.objectType", "/actor/member/0/objectType", ex.BY_GROUP, {"/actor/member/0": ex.GROUP}),
    ("agent.one-identifier", "/actor", ex.SMALL, {"/actor": {"name": "Siti"}}),
    ("agent.one-identifier", "/actor", ex.SMALL, {"/actor/account": ex.ACCOUNT["account"]}),
    ("agent.one-identifier", "/context/instructor", ex.FULL, {"/context/instructor": {}}),
    ("group.member", "/actor/member", ex.BY_GROUP, {"/actor/member": ex.AGENT}),
    ("group.member", "/actor/member/1", ex.BY_GROUP, {"/actor/member/1": "x"}),
    ("group.one-identifier", "/context/team", ex.FULL, {"/context/team/openid": "https://example.org/x"}),
    ("group.member-needed", "/actor", ex.BY_GROUP, {"/actor/member": ABSENT}),
    ("account.homePage", "/actor/account", ex.SMALL, {"/actor": {"account": {"name": "x"}}}),
    (
        "account.homePage",
        "/context/instructor/account/homePage",
        ex.FULL,
        {"/context/instructor/account/homePage": "lms"},
    ),
    (
        "account.name",
        "/actor/account",
        ex.SMALL,
        {"/actor": {"account": {"homePage": "https://example.org"}}},
    ),
    ("account.name", "/context/instructor/account/name", ex.FULL, {"/context/instructor/account/name": 7}),
    ("activity.objectType", "/object/objectType", ex.FULL, {"/object/objectType": "activity"}),
    (
        "activity.objectType",
        "/context/contextActivities/parent/0/objectType",
        ex.FULL,
        {"/context/contextActivities/parent/0/objectType": "Agent"},
    ),
    ("activity.id", "/object", ex.SMALL, {"/object/id": ABSENT}),
    ("activity.id", "/object/id", ex.SMALL, {"/object/id": "/course/1"}),
    ("activity.definition", "/object/definition", ex.FULL, {"/object/definition": "course"}),
    ("definition.name", f"{ITSELF}/name", ex.FULL, {f"{ITSELF}/name": "course"}),
    ("definition.description", f"{ITSELF}/description", ex.FULL, {f"{ITSELF}/description": []}),
    ("definition.type", f"{ITSELF}/type", ex.FULL, {f"{ITSELF}/type": "course"}),
    ("definition.moreInfo", f"{ITSELF}/moreInfo", ex.FULL, {f"{ITSELF}/moreInfo": "more.html"}),
    (
        "definition.interactionType",
        f"{ITSELF}/interactionType",
        ex.FULL,
        {f"{ITSELF}/interactionType": "Choice"},
    ),
    (
        "definition.correctResponsesPattern",
        f"{ITSELF}/correctResponsesPattern",
        ex.FULL,
        {f"{ITSELF}/correctResponsesPattern": "a"},
    ),
    (
        "definition.correctResponsesPattern",
        f"{ITSELF}/correctResponsesPattern/0",
        ex.FULL,
        {f"{ITSELF}/correctResponsesPattern/0": 1},
    ),
    *(
        (f"definition.{name}", f"{ITSELF}/{name}", ex.FULL, {f"{ITSELF}/{name}": {"id": "a"}})
        for name in ("choices", "scale", "source", "target", "steps")
    ),
    ("definition.choices", f"{ITSELF}/choices/1", ex.FULL, {f"{ITSELF}/choices/1": "b"}),
    ("definition.extensions", f"{ITSELF}/extensions", ex.FULL, {f"{ITSELF}/extensions": 1}),
    ("definition.interaction-type-needed", ITSELF, ex.FULL, {f"{ITSELF}/interactionType": ABSENT}),
    ("component.id", f"{ITSELF}/choices/0", ex.FULL, {f"{ITSELF}/choices/0/id": ABSENT}),
    ("component.id", f"{ITSELF}/choices/0/id", ex.FULL, {f"{ITSELF}/choices/0/id": 1}),
    (
        "component.description",
        f"{ITSELF}/choices/0/description",
        ex.FULL,
        {f"{ITSELF}/choices/0/description": "x"},
    ),
    ("component.distinct-ids", f"{ITSELF}/choices/1/id", ex.FULL, {f"{ITSELF}/choices/1/id": "a"}),
]

REFUSED_IN_V2: list[tuple[str, str, dict[str, Any]]] = [
    ("context.contextAgents", "/context/contextAgents", {"/context/contextAgents": {}}),
    ("context.contextGroups", "/context/contextGroups/0", {"/context/contextGroups/0": 1}),
    (
        "contextAgent.objectType",
        "/context/contextAgents/0/objectType",
        {"/context/contextAgents/0/objectType": "Agent"},
    ),
    ("contextAgent.objectType", "/context/contextAgents/0", {"/context/contextAgents/0/objectType": ABSENT}),
    ("contextAgent.agent", "/context/contextAgents/0", {"/context/contextAgents/0/agent": ABSENT}),
    ("contextAgent.agent", "/context/contextAgents/0/agent", {"/context/contextAgents/0/agent": "x"}),
    (
        "agent.objectType",
        "/context/contextAgents/0/agent/objectType",
        {"/context/contextAgents/0/agent": ex.GROUP},
    ),
    (
        "contextAgent.relevantTypes",
        "/context/contextAgents/0/relevantTypes",
        {"/context/contextAgents/0/relevantTypes": []},
    ),
    (
        "contextAgent.relevantTypes",
        "/context/contextAgents/0/relevantTypes/0",
        {"/context/contextAgents/0/relevantTypes/0": "abc"},
    ),
    (
        "contextGroup.objectType",
        "/context/contextGroups/0/objectType",
        {"/context/contextGroups/0/objectType": "contextgroup"},
    ),
    ("contextGroup.group", "/context/contextGroups/0", {"/context/contextGroups/0/group": ABSENT}),
    (
        "group.objectType",
        "/context/contextGroups/0/group/objectType",
        {"/context/contextGroups/0/group": ex.AGENT},
    ),
    (
        "contextGroup.relevantTypes",
        "/context/contextGroups/0/relevantTypes",
        {"/context/contextGroups/0/relevantTypes": "https://example.org/team"},
    ),
    ("statement.version", "/version", {"/version": "2.1.0"}),
    (UNKNOWN, "/context/contextAgents/0/member", {"/context/contextAgents/0/member": []}),
]


def _broken(statement: Any, version: Version) -> set[tuple[str, str]]:
    return {(problem.rule, problem.pointer) for problem in check_statement(statement, version)}


@pytest.mark.parametrize(("rule", "pointer", "valid", "edits"), REFUSED)
def test_a_broken_rule_is_named_at_its_place(
    rule: str, pointer: str, valid: dict[str, Any], edits: dict[str, Any]
) -> None:
    """A statement that breaks a rule is refused in both versions, with that rule and the place."""
    for version in Version:
        assert check_statement(valid, version) == []
        assert (rule, pointer) in _broken(edited(valid, edits), version)


@pytest.mark.parametrize(("rule", "pointer", "edits"), REFUSED_IN_V2)
def test_a_broken_rule_of_version_2_is_named_at_its_place(
    rule: str, pointer: str, edits: dict[str, Any]
) -> None:
    """A statement that breaks a rule of 2.0 is refused with that rule and the pointer to the place."""
    assert check_statement(ex.FULL_V2, V2) == []
    assert (rule, pointer) in _broken(edited(ex.FULL_V2, edits), V2)


@pytest.mark.parametrize("member", ["contextAgents", "contextGroups"])
def test_version_1_knows_no_context_agents(member: str) -> None:
    """The members that 2.0 added to the context are unknown members in 1.0.3."""
    statement = ex.FULL_V2 | {"version": "1.0.3"}
    assert (UNKNOWN, f"/context/{member}") in _broken(statement, V1)


def test_version_1_refuses_the_version_member_of_version_2() -> None:
    """A statement that says it is of version 2.0.0 is refused in a request of 1.0.3."""
    assert ("statement.version", "/version") in _broken(ex.FULL | {"version": "2.0.0"}, V1)


def test_every_rule_has_a_refused_example() -> None:
    """No rule of the table is without an example here, but for those about batches and query parameters."""
    shown = {rule for rule, *_ in REFUSED} | {rule for rule, *_ in REFUSED_IN_V2}
    assert set(RULES) - shown == {"batch.distinct-ids", "group.identified"}

"""Rows of the table: agents and groups, activities and their definitions."""

from __future__ import annotations

from typing import Final

from statements.rules.model import (
    EXTENSIONS,
    IRI,
    LANGUAGE_MAP,
    TEXT,
    ListOf,
    OneOf,
    Scalar,
    Shape,
    across,
    member,
)

INTERACTION_TYPES: Final = (
    "true-false",
    "choice",
    "fill-in",
    "long-fill-in",
    "matching",
    "performance",
    "sequencing",
    "likert",
    "numeric",
    "other",
)
COMPONENT_LISTS: Final = ("choices", "scale", "source", "target", "steps")

ACTORS: Final = (
    member("actor.name", TEXT, "The name of an Agent or Group is a string.", "2.4.2.1", "XAPI-00033"),
    member(
        "actor.mbox",
        Scalar("mailto"),
        'An mbox is "mailto:" and one e-mail address.',
        "2.4.2.3",
        "XAPI-00038",
    ),
    member(
        "actor.mbox_sha1sum",
        Scalar("sha1"),
        "An mbox_sha1sum is a SHA-1 hash of 40 hexadecimal digits.",
        "2.4.2.3",
        "XAPI-00039",
    ),
    member("actor.openid", IRI, "An openid is a URI with a scheme.", "2.4.2.3", "XAPI-00040"),
    member("actor.account", Shape("account"), "An account is an object.", "2.4.2.4", "XAPI-00041"),
    member(
        "agent.objectType",
        OneOf(("Agent",)),
        'The objectType of an Agent, where there is one, is "Agent".',
        "2.4.2.1",
        "XAPI-00031",
        "XAPI-00032",
    ),
    across(
        "agent.one-identifier",
        "An Agent has exactly one of mbox, mbox_sha1sum, openid and account.",
        "2.4.2.1",
        "XAPI-00034",
    ),
    member(
        "group.objectType",
        OneOf(("Group",)),
        'The objectType of a Group is "Group".',
        "2.4.2.2",
        "XAPI-00031",
        need=True,
    ),
    member(
        "group.member",
        ListOf(Shape("agent")),
        "The members of a Group are an array of Agents, not of Groups.",
        "2.4.2.2",
        "XAPI-00036",
    ),
    across(
        "group.one-identifier",
        "A Group has at most one of mbox, mbox_sha1sum, openid and account.",
        "2.4.2.2",
        "XAPI-00037",
    ),
    across(
        "group.member-needed",
        "A Group without an identifier has a member array.",
        "2.4.2.2",
        "XAPI-00035",
    ),
    across(
        "group.identified",
        "A Group that is asked for by its identity has exactly one identifier.",
        "2.4.2.2",
        "XAPI-00037",
    ),
    member(
        "account.homePage",
        IRI,
        "An account has a homePage, which is an IRL.",
        "2.4.2.4",
        "XAPI-00042",
        need=True,
    ),
    member(
        "account.name",
        TEXT,
        "An account has a name, which is a string.",
        "2.4.2.4",
        "XAPI-00043",
        need=True,
    ),
)

ACTIVITIES: Final = (
    member(
        "activity.objectType",
        OneOf(("Activity",)),
        'The objectType of an Activity, where there is one, is "Activity".',
        "2.4.4.1",
        "XAPI-00046",
    ),
    member(
        "activity.id",
        IRI,
        "An Activity has an id, which is an IRI with a scheme.",
        "2.4.4.1",
        "XAPI-00047",
        need=True,
    ),
    member(
        "activity.definition",
        Shape("definition"),
        "The definition of an Activity is an object.",
        "2.4.4.1",
        "XAPI-00048",
    ),
    member("definition.name", LANGUAGE_MAP, "The name is a language map.", "2.4.4.1", "XAPI-00056"),
    member(
        "definition.description",
        LANGUAGE_MAP,
        "The description is a language map.",
        "2.4.4.1",
        "XAPI-00059",
    ),
    member("definition.type", IRI, "The type is an IRI with a scheme.", "2.4.4.1", "XAPI-00060"),
    member("definition.moreInfo", IRI, "The moreInfo is an IRL.", "2.4.4.1", "XAPI-00061"),
    member(
        "definition.interactionType",
        OneOf(INTERACTION_TYPES),
        f"The interactionType is one of {', '.join(INTERACTION_TYPES)}.",
        "2.4.4.1",
        "XAPI-00049",
    ),
    member(
        "definition.correctResponsesPattern",
        ListOf(TEXT),
        "The correctResponsesPattern is an array of strings.",
        "2.4.4.1",
        "XAPI-00050",
    ),
    *(
        member(
            f"definition.{name}",
            ListOf(Shape("component")),
            f'The "{name}" of an interaction are an array of components.',
            "2.4.4.1",
            requirement,
            "XAPI-00063",
        )
        for name, requirement in zip(
            COMPONENT_LISTS,
            ("XAPI-00055", "XAPI-00054", "XAPI-00053", "XAPI-00052", "XAPI-00051"),
            strict=True,
        )
    ),
    member(
        "definition.extensions",
        EXTENSIONS,
        "The extensions of a definition are an object.",
        "4.1",
        "XAPI-00057",
    ),
    across(
        "definition.interaction-type-needed",
        f"A definition with correctResponsesPattern, {', '.join(COMPONENT_LISTS)} has an interactionType.",
        "2.4.4.1",
        "XAPI-00064",
    ),
    member("component.id", TEXT, "A component has an id, a string.", "2.4.4.1", "XAPI-00058", need=True),
    member(
        "component.description",
        LANGUAGE_MAP,
        "The description of a component is a language map.",
        "2.4.4.1",
        "XAPI-00062",
    ),
    across(
        "component.distinct-ids",
        "The ids of the components in one array are distinct.",
        "2.4.4.1",
        "XAPI-00058",
    ),
)

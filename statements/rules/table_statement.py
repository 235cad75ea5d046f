"""Rows of the table: the statement itself, its result, its context and its attachments."""

from __future__ import annotations

from typing import Final

from statements.rules.model import (
    ACTOR,
    BOOLEAN,
    EXTENSIONS,
    IRI,
    LANGUAGE_MAP,
    NUMBER,
    ONLY_V2,
    TEXT,
    TIMESTAMP,
    UUID,
    ByType,
    Forbidden,
    ListOf,
    OneOf,
    OneOrMany,
    Scalar,
    Shape,
    across,
    member,
)

_OBJECTS: Final = {"Activity": "activity", "Agent": "agent", "Group": "group", "StatementRef": "reference"}

STATEMENT: Final = (
    member(
        "statement.id",
        UUID,
        "The id of a statement is a UUID in its standard string form.",
        "2.4.1",
        "XAPI-00027",
        "XAPI-00028",
        "XAPI-00029",
        "XAPI-00030",
    ),
    member(
        "statement.actor",
        ACTOR,
        "A statement has an actor, which is an Agent or a Group.",
        "2.4.2",
        "XAPI-00003",
        "XAPI-00031",
        need=True,
    ),
    member(
        "statement.verb",
        Shape("verb"),
        "A statement has a verb, which is an object.",
        "2.4.3",
        "XAPI-00004",
        need=True,
    ),
    member(
        "statement.object",
        ByType(_OBJECTS | {"SubStatement": "substatement"}, "activity"),
        "A statement has an object: an Activity, Agent, Group, SubStatement or StatementRef.",
        "2.4.4",
        "XAPI-00005",
        "XAPI-00046",
        need=True,
    ),
    across(
        "object.type-needed",
        "An object that is an Agent, Group, SubStatement or StatementRef says so in its objectType.",
        "2.4.4.2",
        "XAPI-00065",
        "XAPI-00073",
    ),
    member("statement.result", Shape("result"), "The result is an object.", "2.4.5", "XAPI-00006"),
    member("statement.context", Shape("context"), "The context is an object.", "2.4.6", "XAPI-00006"),
    member(
        "statement.timestamp",
        TIMESTAMP,
        "The timestamp is an ISO 8601 date and time; its offset is not -00, -0000 or -00:00.",
        "2.4.7",
        "XAPI-00022",
        "XAPI-00123",
    ),
    member(
        "statement.stored",
        TIMESTAMP,
        "A stored time that is sent is an ISO 8601 date and time; the store replaces it.",
        "2.4.8",
        "XAPI-00023",
        "XAPI-00097",
    ),
    member(
        "statement.authority",
        ByType({"Agent": "agent", "Group": "authority"}, "agent"),
        "An authority that is sent is an Agent or a Group of two Agents; the store replaces it.",
        "2.4.9",
        "XAPI-00024",
    ),
    across(
        "authority.two-members",
        "An authority Group has no identifier and exactly two members, one of them with an account (OAuth).",
        "2.4.9",
        "XAPI-00098",
    ),
    member(
        "statement.version",
        Scalar("version"),
        'The version is "1.0" or "1.0.x"; in 2.0 also "2.0" or "2.0.x".',
        "2.4.10",
        "XAPI-00101",
    ),
    member(
        "statement.attachments",
        ListOf(Shape("attachment")),
        "Attachments are an array of objects.",
        "2.4.11",
        "XAPI-00025",
    ),
    across(
        "voiding.reference",
        "A statement with the verb http://adlnet.gov/expapi/verbs/voided has a StatementRef as its object.",
        "2.3.2",
        "XAPI-00017",
        "XAPI-00020",
    ),
    member(
        "substatement.objectType",
        OneOf(("SubStatement",)),
        'The objectType of a SubStatement is "SubStatement".',
        "2.4.4.3",
        "XAPI-00066",
        need=True,
    ),
    member(
        "substatement.object",
        ByType(_OBJECTS, "activity"),
        "The object of a SubStatement is an Activity, Agent, Group or StatementRef, never a SubStatement.",
        "2.4.4.3",
        "XAPI-00071",
        "XAPI-00005",
        need=True,
    ),
    member("substatement.id", Forbidden(), "A SubStatement has no id.", "2.4.4.3", "XAPI-00070"),
    member("substatement.stored", Forbidden(), "A SubStatement has no stored time.", "2.4.4.3", "XAPI-00069"),
    member("substatement.version", Forbidden(), "A SubStatement has no version.", "2.4.4.3", "XAPI-00068"),
    member(
        "substatement.authority", Forbidden(), "A SubStatement has no authority.", "2.4.4.3", "XAPI-00067"
    ),
    member(
        "reference.objectType",
        OneOf(("StatementRef",)),
        'The objectType of a statement reference is "StatementRef".',
        "2.4.4.3",
        "XAPI-00073",
        need=True,
    ),
    member(
        "reference.id",
        UUID,
        "A statement reference has an id, which is a UUID.",
        "2.4.4.3",
        "XAPI-00072",
        need=True,
    ),
    member(
        "verb.id", IRI, "A verb has an id, which is an IRI with a scheme.", "2.4.3", "XAPI-00044", need=True
    ),
    member("verb.display", LANGUAGE_MAP, "The display of a verb is a language map.", "2.4.3", "XAPI-00045"),
    member(
        "attachment.usageType",
        IRI,
        "An attachment has a usageType, which is an IRI with a scheme.",
        "2.4.11",
        "XAPI-00107",
        need=True,
    ),
    member(
        "attachment.display",
        LANGUAGE_MAP,
        "An attachment has a display, which is a language map.",
        "2.4.11",
        "XAPI-00106",
        need=True,
    ),
    member(
        "attachment.description",
        LANGUAGE_MAP,
        "The description of an attachment is a language map.",
        "2.4.11",
    ),
    member(
        "attachment.contentType",
        Scalar("media-type"),
        "An attachment has a contentType, which is an Internet media type.",
        "2.4.11",
        "XAPI-00105",
        need=True,
    ),
    member(
        "attachment.length",
        Scalar("length"),
        "An attachment has a length, which is an integer of at least 0.",
        "2.4.11",
        "XAPI-00102",
        need=True,
    ),
    member(
        "attachment.sha2",
        Scalar("sha2"),
        "An attachment has a sha2: a SHA-2 hash in hexadecimal (SHA-224, 256, 384 or 512).",
        "2.4.11",
        "XAPI-00103",
        need=True,
    ),
    member("attachment.fileUrl", IRI, "The fileUrl of an attachment is an IRL.", "2.4.11", "XAPI-00104"),
)

RESULT: Final = (
    member("result.score", Shape("score"), "The score is an object.", "2.4.5.1", "XAPI-00079"),
    member("result.success", BOOLEAN, "Success is true or false.", "2.4.5", "XAPI-00074"),
    member("result.completion", BOOLEAN, "Completion is true or false.", "2.4.5", "XAPI-00075"),
    member("result.response", TEXT, "The response is a string.", "2.4.5", "XAPI-00076"),
    member(
        "result.duration",
        Scalar("duration"),
        "The duration is an ISO 8601 duration; weeks are not combined with other units.",
        "4.6",
        "XAPI-00077",
        "XAPI-00124",
    ),
    member("result.extensions", EXTENSIONS, "The extensions of a result are an object.", "4.1", "XAPI-00078"),
    member(
        "score.scaled",
        Scalar("scaled"),
        "A scaled score is a number from -1 to 1.",
        "2.4.5.1",
        "XAPI-00083",
    ),
    member("score.raw", NUMBER, "A raw score is a number.", "2.4.5.1", "XAPI-00082"),
    member("score.min", NUMBER, "The lowest score is a number.", "2.4.5.1", "XAPI-00081"),
    member("score.max", NUMBER, "The highest score is a number.", "2.4.5.1", "XAPI-00080"),
    across("score.order", "The lowest score is not above the highest.", "2.4.5.1", "XAPI-00081"),
    across(
        "score.within",
        "A raw score is neither below the lowest nor above the highest score.",
        "2.4.5.1",
        "XAPI-00082",
    ),
)

CONTEXT: Final = (
    member("context.registration", UUID, "The registration is a UUID.", "2.4.6.1", "XAPI-00087-1"),
    member("context.instructor", ACTOR, "The instructor is an Agent or Group.", "2.4.6", "XAPI-00087-2"),
    member("context.team", Shape("group"), "The team is a Group.", "2.4.6", "XAPI-00088"),
    member(
        "context.contextActivities",
        Shape("contextActivities"),
        "The contextActivities are an object.",
        "2.4.6.2",
        "XAPI-00086",
    ),
    member("context.revision", TEXT, "The revision is a string.", "2.4.6", "XAPI-00089"),
    member("context.platform", TEXT, "The platform is a string.", "2.4.6", "XAPI-00090"),
    across(
        "context.revision-of-activity",
        "There is a revision only where the statement's object is an Activity.",
        "2.4.6",
        "XAPI-00084",
    ),
    across(
        "context.platform-of-activity",
        "There is a platform only where the statement's object is an Activity.",
        "2.4.6",
        "XAPI-00085",
    ),
    member(
        "context.language",
        Scalar("language"),
        "The language is an RFC 5646 language tag.",
        "2.4.6",
        "XAPI-00091",
    ),
    member(
        "context.statement",
        Shape("reference"),
        "The statement of a context is a statement reference.",
        "2.4.6",
        "XAPI-00092",
    ),
    member(
        "context.extensions", EXTENSIONS, "The extensions of a context are an object.", "4.1", "XAPI-00120"
    ),
    *(
        member(
            f"contextActivities.{kind}",
            OneOrMany(Shape("activity")),
            f'The "{kind}" of contextActivities is an Activity or an array of Activities.',
            "2.4.6.2",
            "XAPI-00094",
        )
        for kind in ("parent", "grouping", "category", "other")
    ),
    across(
        "contextActivities.known-kinds",
        "The contextActivities are parent, grouping, category and other, and nothing else.",
        "2.4.6.2",
        "XAPI-00093",
    ),
    member(
        "context.contextAgents",
        ListOf(Shape("contextAgent")),
        "The contextAgents are an array of contextAgent objects.",
        "IEEE 9274.1.1, 4.2.2.5",
        versions=ONLY_V2,
    ),
    member(
        "context.contextGroups",
        ListOf(Shape("contextGroup")),
        "The contextGroups are an array of contextGroup objects.",
        "IEEE 9274.1.1, 4.2.2.5",
        versions=ONLY_V2,
    ),
    *(
        row
        for name, party in (("contextAgent", "agent"), ("contextGroup", "group"))
        for row in (
            member(
                f"{name}.objectType",
                OneOf((name,)),
                f'The objectType of a {name} is "{name}".',
                "IEEE 9274.1.1, 4.2.2.5",
                need=True,
                versions=ONLY_V2,
            ),
            member(
                f"{name}.{party}",
                Shape(party),
                f"A {name} has an {party}." if party == "agent" else f"A {name} has a {party}.",
                "IEEE 9274.1.1, 4.2.2.5",
                need=True,
                versions=ONLY_V2,
            ),
            member(
                f"{name}.relevantTypes",
                ListOf(IRI, least=1),
                f"The relevantTypes of a {name} are an array of at least one IRI.",
                "IEEE 9274.1.1, 4.2.2.5",
                versions=ONLY_V2,
            ),
        )
    ),
)

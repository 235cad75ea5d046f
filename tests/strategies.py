"""Hypothesis strategies for valid xAPI values.

`statements(version)` is the main one: any statement that the rules of that version accept, small enough to be
drawn quickly. Attachments always have a `fileUrl`, so a statement can be sent without its attachments' bytes.
"""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

from hypothesis import strategies as st

from statements.data_types.versions import Version
from statements.rules.across import VOIDED
from statements.rules.table_parts import INTERACTION_TYPES

Strategy = st.SearchStrategy[Any]

_WORD = string.ascii_lowercase + string.digits
LARGEST = 2**53 - 1
"""Integers beyond this are valid too, but not every JSON parser keeps them."""


@cache
def texts(longest: int = 12) -> Strategy:
    """Well-formed Unicode, empty text and control characters included."""
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=longest)


@cache
def words() -> Strategy:
    """Lower-case letters and digits, at least one."""
    return st.text(_WORD, min_size=1, max_size=6)


@cache
def iris() -> Strategy:
    """Absolute IRIs of several schemes."""
    return st.one_of(
        st.builds("https://{}.example.org/{}".format, words(), words()),
        st.builds("http://example.com/{}?q={}#{}".format, words(), words(), words()),
        st.builds("urn:example:{}".format, words()),
        st.builds("tag:example.org,2026:{}".format, words()),
        st.sampled_from(["https://contoh.example/kegiatan/pelatihan-é", "http://example.com/فعل/خواندن"]),
    )


@cache
def uuids() -> Strategy:
    """UUIDs in standard form, in lower and upper case."""
    return st.one_of(st.uuids().map(str), st.uuids().map(lambda each: str(each).upper()))


@cache
def languages() -> Strategy:
    """Language tags of several forms."""
    return st.sampled_from(
        ["id", "en", "en-US", "EN-gb", "zh-Hant-TW", "es-419", "de-CH-1996", "x-klas", "i-tsu"]
    )


@cache
def language_maps() -> Strategy:
    """Maps of language tag to text."""
    return st.dictionaries(languages(), texts(), max_size=3)


@cache
def numbers() -> Strategy:
    """Integers and decimals of ordinary size."""
    return st.one_of(st.integers(-LARGEST, LARGEST), st.floats(-1e9, 1e9, allow_nan=False))


@cache
def json_values() -> Strategy:
    """Any small JSON value, as extensions may hold."""
    plain = st.one_of(st.none(), st.booleans(), numbers(), texts())
    return st.recursive(
        plain,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts(), inner, max_size=3)),
        max_leaves=5,
    )


@cache
def extensions() -> Strategy:
    """Extension maps."""
    return st.dictionaries(iris(), json_values(), max_size=2)


@cache
def timestamps() -> Strategy:
    """Timestamps in the forms that senders use: Z, an offset or no zone; any number of decimals."""
    moments = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1))
    offsets = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    return st.one_of(
        moments.map(lambda each: each.isoformat() + "Z"),
        moments.map(lambda each: each.isoformat(timespec="milliseconds") + "Z"),
        moments.map(lambda each: each.isoformat()),
        moments.map(lambda each: each.replace(tzinfo=UTC).isoformat()),
        st.builds(lambda each, zone: each.replace(tzinfo=zone).isoformat(), moments, offsets),
        moments.map(lambda each: each.strftime("%Y%m%dT%H%M%SZ").rjust(16, "0")),
    )


@cache
def durations() -> Strategy:
    """ISO 8601 durations."""
    amounts = st.integers(0, 400)
    return st.one_of(
        st.builds("P{}W".format, amounts),
        st.builds("PT{}H{}M".format, amounts, amounts),
        st.builds("PT{}.{}S".format, amounts, amounts),
        st.builds("P{}Y{}M{}DT{}S".format, amounts, amounts, amounts, amounts),
    )


def _some(required: dict[str, Strategy], optional: dict[str, Strategy]) -> Strategy:
    return st.fixed_dictionaries(required, optional=optional)


@cache
def identifiers() -> Strategy:
    """An object with exactly one inverse functional identifier."""
    return st.one_of(
        st.fixed_dictionaries({"mbox": st.builds("mailto:{}@{}.Example.org".format, words(), words())}),
        st.fixed_dictionaries({"mbox_sha1sum": st.text("0123456789abcdefABCDEF", min_size=40, max_size=40)}),
        st.fixed_dictionaries({"openid": st.builds("https://id.example.org/{}".format, words())}),
        st.fixed_dictionaries({"account": st.fixed_dictionaries({"homePage": iris(), "name": texts()})}),
    )


@cache
def agents(*, typed: bool = False) -> Strategy:
    """Agents; with an objectType always when `typed`."""
    kind = {"objectType": st.just("Agent")}
    rest = _some(kind, {"name": texts()}) if typed else _some({}, kind | {"name": texts()})
    return st.builds(lambda identifier, more: identifier | more, identifiers(), rest)


@cache
def groups() -> Strategy:
    """Identified and anonymous groups."""
    kind = {"objectType": st.just("Group")}
    members = st.lists(agents(), max_size=2)
    anonymous = _some(kind | {"member": members}, {"name": texts()})
    rest = _some(kind, {"member": members, "name": texts()})
    return st.one_of(anonymous, st.builds(lambda identifier, more: identifier | more, identifiers(), rest))


@cache
def actors() -> Strategy:
    """Agents and groups."""
    return st.one_of(agents(), groups())


@cache
def verbs() -> Strategy:
    """Verbs, but for the voiding one."""
    ids = st.one_of(iris(), st.just("http://adlnet.gov/expapi/verbs/completed"))
    return _some({"id": ids}, {"display": language_maps()})


@st.composite
def _components(draw: st.DrawFn) -> list[dict[str, Any]]:
    keys = draw(st.lists(words().map("c-{}".format), max_size=3, unique=True))
    return [{"id": key, **draw(_some({}, {"description": language_maps()}))} for key in keys]


@cache
def definitions() -> Strategy:
    """Activity definitions, of interactions too."""
    common = {
        "name": language_maps(),
        "description": language_maps(),
        "type": iris(),
        "moreInfo": iris(),
        "extensions": extensions(),
    }
    interaction = {
        "correctResponsesPattern": st.lists(texts(), max_size=2),
        **{name: _components() for name in ("choices", "scale", "source", "target", "steps")},
    }
    return st.one_of(
        _some({}, common),
        _some({"interactionType": st.sampled_from(INTERACTION_TYPES)}, common | interaction),
    )


@cache
def activities() -> Strategy:
    """Activities."""
    return _some({"id": iris()}, {"objectType": st.just("Activity"), "definition": definitions()})


@cache
def statement_refs() -> Strategy:
    """Statement references."""
    return st.fixed_dictionaries({"objectType": st.just("StatementRef"), "id": uuids()})


@st.composite
def scores(draw: st.DrawFn) -> dict[str, Any]:
    """Scores whose parts agree."""
    low, raw, high = sorted(draw(st.lists(numbers(), min_size=3, max_size=3)))
    score: dict[str, Any] = draw(_some({}, {"raw": st.just(raw), "scaled": st.floats(-1, 1)}))
    if low < high:
        score |= draw(_some({}, {"min": st.just(low), "max": st.just(high)}))
    return score


@cache
def results() -> Strategy:
    """Results."""
    return _some(
        {},
        {
            "score": scores(),
            "success": st.booleans(),
            "completion": st.booleans(),
            "response": texts(),
            "duration": durations(),
            "extensions": extensions(),
        },
    )


@cache
def contexts(version: Version, *, of_activity: bool) -> Strategy:
    """Contexts; `of_activity` when the statement's object is an Activity."""
    optional: dict[str, Strategy] = {
        "registration": uuids(),
        "instructor": actors(),
        "team": groups(),
        "contextActivities": _some(
            {},
            {
                kind: st.one_of(activities(), st.lists(activities(), max_size=2))
                for kind in ("parent", "grouping", "category", "other")
            },
        ),
        "language": languages(),
        "statement": statement_refs(),
        "extensions": extensions(),
    }
    if of_activity:
        optional |= {"revision": texts(), "platform": texts()}
    if version is Version.V2:
        for name, party in (("contextAgent", agents()), ("contextGroup", groups())):
            required = {"objectType": st.just(name), name.removeprefix("context").lower(): party}
            types = {"relevantTypes": st.lists(iris(), min_size=1, max_size=2)}
            optional[f"{name}s"] = st.lists(_some(required, types), max_size=2)
    return _some({}, optional)


@cache
def attachments() -> Strategy:
    """Declarations of attachments that can be fetched elsewhere."""
    return _some(
        {
            "usageType": iris(),
            "display": language_maps(),
            "contentType": st.sampled_from(["text/plain", "text/plain; charset=utf-8", "image/svg+xml"]),
            "length": st.integers(0, LARGEST),
            "sha2": st.text("0123456789abcdef", min_size=64, max_size=64),
            "fileUrl": iris(),
        },
        {"description": language_maps()},
    )


@st.composite
def _events(draw: st.DrawFn, version: Version, objects: Strategy) -> dict[str, Any]:
    """What statements and SubStatements have in common."""
    target = draw(objects)
    of_activity = target.get("objectType", "Activity") == "Activity"
    voids = target.get("objectType") == "StatementRef" and draw(st.booleans())
    return {
        "actor": draw(actors()),
        "verb": {"id": VOIDED} if voids else draw(verbs()),
        "object": target,
        **draw(
            _some(
                {},
                {
                    "result": results(),
                    "context": contexts(version, of_activity=of_activity),
                    "timestamp": timestamps(),
                    "attachments": st.lists(attachments(), max_size=2),
                },
            )
        ),
    }


@cache
def _plain_objects() -> Strategy:
    return st.one_of(activities(), agents(typed=True), groups(), statement_refs())


@cache
def substatements(version: Version) -> Strategy:
    """SubStatements."""
    return _events(version, _plain_objects()).map(lambda event: {"objectType": "SubStatement", **event})


@cache
def authorities() -> Strategy:
    """Authorities: agents, and groups of an OAuth consumer and its user."""
    consumer = st.fixed_dictionaries(
        {"account": st.fixed_dictionaries({"homePage": iris(), "name": texts()})}
    )
    pair = st.tuples(consumer, agents()).map(list)
    return st.one_of(agents(), st.fixed_dictionaries({"objectType": st.just("Group"), "member": pair}))


@cache
def statements(version: Version = Version.V1) -> Strategy:
    """Valid statements of a version: with and without id, stored, authority and version."""
    given = ["1.0", "1.0.0", "1.0.9"] + (["2.0", "2.0.0"] if version is Version.V2 else [])
    objects = st.one_of(_plain_objects(), substatements(version))
    sent = {
        "id": uuids(),
        "stored": timestamps(),
        "authority": authorities(),
        "version": st.sampled_from(given),
    }
    return st.builds(lambda event, more: event | more, _events(version, objects), _some({}, sent))

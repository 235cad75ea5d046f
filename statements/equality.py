"""When two statements are the same statement (xAPI 1.0.3 Part 2, 2.3.1, Statement comparison requirements).

Ignored, because the store may have caused the difference: id, authority, stored, version, a timestamp that
only one side has; and by the list of exceptions: definitions of activities, the display of verbs, how a
point in time is written, the order of a group's members, letter case where it has no meaning (UUIDs, hashes,
language tags, media types, scheme and domain of a mailbox). In 2.0 also parts of a duration below a hundredth
of a second. Everything else counts, as written.

`differences` names the places that differ and never their values; no places means the same statement. A
client that just repeats its request is recognised without it, by the digest of `statements.prepare`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import orjson

from statements.data_types.identity import mailbox_key
from statements.data_types.timestamps import parse
from statements.data_types.versions import Version

_FRACTION: Final = re.compile(r"[.,]([0-9]+)S$")
_MAX_PLACES: Final = 20


def differences(one: Mapping[str, Any], other: Mapping[str, Any], version: Version) -> list[str]:
    """JSON pointers (at most 20) of the places where two statements differ; empty when they are the same.

    Two timestamps differ unless they are the same instant or one of them was the store's to assign: it is
    absent, or equal to that statement's own `stored`.
    """
    mine, yours = _essence(one, version), _essence(other, version)
    if _assigned(one) or _assigned(other):
        mine.pop("timestamp", None)
        yours.pop("timestamp", None)
    found: list[str] = []
    _compare(mine, yours, "", found)
    return found[:_MAX_PLACES]


def _assigned(statement: Mapping[str, Any]) -> bool:
    timestamp = statement.get("timestamp")
    return timestamp is None or ("stored" in statement and parse(timestamp) == parse(statement["stored"]))


def _essence(statement: Mapping[str, Any], version: Version) -> dict[str, Any]:
    """What is left of a statement (or SubStatement) when everything to be ignored is taken away."""
    core: dict[str, Any] = {
        "actor": _actor(statement["actor"]),
        "verb": {"id": statement["verb"]["id"]},
        "object": _object(statement["object"], version),
    }
    if (result := statement.get("result")) is not None:
        core["result"] = _result(result, version)
    if (context := statement.get("context")) is not None:
        core["context"] = _context(context)
    if (timestamp := statement.get("timestamp")) is not None:
        core["timestamp"] = parse(timestamp)
    if (attachments := statement.get("attachments")) is not None:
        core["attachments"] = [_attachment(each) for each in attachments]
    return core


def _actor(actor: Mapping[str, Any]) -> Mapping[str, Any]:
    if (mailbox := actor.get("mbox")) is not None and not mailbox.islower():
        actor = {**actor, "mbox": mailbox_key(mailbox)}
    elif (sha1 := actor.get("mbox_sha1sum")) is not None and not sha1.islower():
        actor = {**actor, "mbox_sha1sum": sha1.lower()}
    if "member" in actor:
        members = [_actor(member) for member in actor["member"]]
        members.sort(key=lambda member: orjson.dumps(member, option=orjson.OPT_SORT_KEYS))
        actor = {**actor, "member": members}
    return actor


def _attachment(attachment: Mapping[str, Any]) -> Mapping[str, Any]:
    changed = {"sha2": attachment["sha2"].lower(), "contentType": _media_type(attachment["contentType"])}
    changed |= {
        name: _languages(attachment[name]) for name in ("display", "description") if name in attachment
    }
    return {**attachment, **changed}


def _media_type(text: str) -> str:
    """A media type in one spelling: type and names of parameters in lower case, and a charset's value."""
    kind, *parameters = text.split(";")
    parts = [kind.strip().lower()]
    for parameter in parameters:
        name, equals, value = parameter.strip().partition("=")
        name = name.strip().lower()
        value = value.strip()
        parts.append(f"{name}{equals}{value.lower() if name == 'charset' else value}")
    return ";".join(parts)


def _languages(texts: Mapping[str, Any]) -> Mapping[str, Any]:
    """A language map with its tags in lower case (RFC 5646, 2.1.1), unless two would become one."""
    lower = {tag.lower(): text for tag, text in texts.items()}
    return lower if len(lower) == len(texts) else texts


def _object(target: Mapping[str, Any], version: Version) -> Mapping[str, Any]:
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        return _activity(target)
    if kind == "StatementRef":
        return {**target, "id": target["id"].lower()}
    if kind == "SubStatement":
        return {"objectType": kind, **_essence(target, version)}
    return _actor(target)


def _activity(activity: Mapping[str, Any]) -> Mapping[str, Any]:
    if "definition" not in activity:
        return activity
    return {name: value for name, value in activity.items() if name != "definition"}


def _result(result: Mapping[str, Any], version: Version) -> Mapping[str, Any]:
    changed = {name: _value(result[name]) for name in ("score", "extensions") if name in result}
    if version is Version.V2 and (duration := result.get("duration")) is not None:
        changed["duration"] = _FRACTION.sub(_hundredths, duration)
    return {**result, **changed} if changed else result


def _hundredths(fraction: re.Match[str]) -> str:
    digits = fraction[1][:2].rstrip("0")
    return f".{digits}S" if digits else "S"


def _context(context: Mapping[str, Any]) -> Mapping[str, Any]:
    changed: dict[str, Any] = {}
    for name, value in context.items():
        if name in ("instructor", "team"):
            changed[name] = _actor(value)
        elif name in ("registration", "language"):
            changed[name] = value.lower()
        elif name == "contextActivities":
            changed[name] = {
                relation: [_activity(each) for each in (listed if isinstance(listed, list) else (listed,))]
                for relation, listed in value.items()
            }
        elif name == "statement":
            changed[name] = {**value, "id": value["id"].lower()}
        elif name == "extensions":
            changed[name] = _value(value)
        elif name == "contextAgents":
            changed[name] = [{**each, "agent": _actor(each["agent"])} for each in value]
        elif name == "contextGroups":
            changed[name] = [{**each, "group": _actor(each["group"])} for each in value]
        else:
            changed[name] = value
    return changed


def _value(value: Any) -> Any:
    """A value with each number in one form, so that 1, 1.0 and 1e0 are the same."""
    kind = type(value)
    if kind is float:
        return int(value) if value.is_integer() and abs(value) < 1 << 53 else value
    if kind is dict:
        return {name: _value(each) for name, each in value.items()}
    if kind is list:
        return [_value(each) for each in value]
    if isinstance(value, Decimal):
        near = float(value)
        return _value(near) if Decimal(repr(near)) == value else value
    return value


def _compare(one: Any, other: Any, pointer: str, found: list[str]) -> None:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in sorted(one.keys() | other.keys()):
            place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            if name not in one or name not in other:
                found.append(place)
            elif name == "member":  # sorted here, so a place inside would be another one in the statement
                inside: list[str] = []
                _compare(one[name], other[name], place, inside)
                found += [place] if inside else []
            else:
                _compare(one[name], other[name], place, found)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (mine, yours) in enumerate(zip(one, other, strict=True)):
            _compare(mine, yours, f"{pointer}/{index}", found)
    elif isinstance(one, bool) is not isinstance(other, bool) or one != other:
        found.append(pointer)

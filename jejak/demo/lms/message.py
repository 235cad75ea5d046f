"""The claims of an LTI message, as Moodle writes them (LTI Core 1.3, Deep Linking 2.0, AGS, NRPS)."""

from __future__ import annotations

import hashlib
from typing import Any

from jejak.demo.lms.config import LINEITEM, LINEITEM_READONLY, RESULT_READONLY, ROSTER, SCORE, Tool
from jejak.demo.lms.memory import Launch, Memory
from jejak.demo.lms.people import AGENCY_NAME, BY_ID, SITE_NAME, Person

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
DL_SETTINGS = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
AGS_ENDPOINT = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS_SERVICE = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
TOKEN_LIFE = 60
"""Seconds from iat to exp: Moodle's tokens are good for one minute."""


def items_url(memory: Memory, tool: Tool) -> str:
    """Address of the line item container. Its query string is Moodle's, and part of the address."""
    return f"{memory.config.url}/mod/lti/services.php/{memory.course.id}/lineitems?type_id={tool.type_id}"


def item_url(memory: Memory, type_id: int | None, item_id: int) -> str:
    """Address of one line item."""
    base = f"{memory.config.url}/mod/lti/services.php/{memory.course.id}/lineitems"
    return f"{base}/{item_id}/lineitem?type_id={type_id}"


def roster_url(memory: Memory, tool: Tool) -> str:
    """Address of the membership service."""
    course = memory.course.id
    return (
        f"{memory.config.url}/mod/lti/services.php/CourseSection/{course}/bindings/{tool.type_id}/memberships"
    )


def roles_of(person: Person) -> list[str]:
    """Role IRIs of a launch; the roster names the same roles in their short form."""
    return [MEMBERSHIP + ("Instructor" if person.instructor else "Learner")]


def claims(memory: Memory, launch: Launch, tool: Tool, nonce: str) -> dict[str, Any]:
    """The id_token of a launch, before any misbehaviour."""
    url, course = memory.config.url, memory.course
    person = BY_ID[launch.person]
    now = int(memory.now())
    value: dict[str, Any] = {
        "nonce": nonce,
        "iat": now,
        "exp": now + TOKEN_LIFE,
        "iss": url,
        "aud": tool.client_id,
        CLAIM + "deployment_id": tool.deployment_id,
        CLAIM + "target_link_uri": launch.target,
        "sub": person.id,
        CLAIM + "lis": {"person_sourcedid": person.idnumber, "course_section_sourcedid": ""},
        CLAIM + "roles": roles_of(person),
        CLAIM + "context": {
            "id": course.id,
            "label": course.label,
            "title": course.title,
            "type": ["CourseSection"],
        },
        CLAIM + "message_type": "LtiResourceLinkRequest",
        "given_name": person.given,
        "family_name": person.family,
        "name": person.name,
        CLAIM + "ext": {"user_username": person.username, "lms": "moodle-2"},
        "email": person.email,
        CLAIM + "launch_presentation": {
            "locale": launch.locale,
            "document_target": "iframe",
            "return_url": f"{url}/mod/lti/return.php?course={course.id}&as={person.id}",
        },
        CLAIM + "tool_platform": {
            "product_family_code": "moodle",
            "version": "2025041400",
            "guid": hashlib.sha256(url.encode()).hexdigest()[:32],
            "name": SITE_NAME,
            "description": AGENCY_NAME,
        },
        CLAIM + "version": "1.3.0",
        CLAIM + "custom": _custom(memory, launch, tool, person),
    }
    if launch.link_id is None:
        _deep_linking(memory, launch, value)
    else:
        link = memory.links[launch.link_id]
        value[CLAIM + "resource_link"] = {"id": str(link.id), "title": link.title, "description": link.text}
    if {LINEITEM, LINEITEM_READONLY, RESULT_READONLY, SCORE} & set(tool.scopes):
        value[AGS_ENDPOINT] = _ags(memory, launch, tool)
    if ROSTER in tool.scopes:
        value[NRPS_SERVICE] = {
            "context_memberships_url": roster_url(memory, tool),
            "service_versions": ["1.0", "2.0"],
        }
    return value


def _deep_linking(memory: Memory, launch: Launch, value: dict[str, Any]) -> None:
    value[CLAIM + "message_type"] = "LtiDeepLinkingRequest"
    value[CLAIM + "launch_presentation"] = {"locale": launch.locale, "document_target": "iframe"}
    value[DL_SETTINGS] = {
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["frame", "iframe", "window"],
        "accept_copy_advice": False,
        "accept_multiple": True,
        "accept_unsigned": False,
        "auto_create": False,
        "can_confirm": False,
        "deep_link_return_url": (
            f"{memory.config.url}/mod/lti/contentitem_return.php"
            f"?course={memory.course.id}&id={launch.type_id}&as={launch.person}"
        ),
        "title": "",
        "text": "",
    }


def _ags(memory: Memory, launch: Launch, tool: Tool) -> dict[str, Any]:
    value: dict[str, Any] = {
        "scope": [scope for scope in tool.scopes if scope != ROSTER],
        "lineitems": items_url(memory, tool),
    }
    own = [
        item for item in memory.items.values() if item.link_id is not None and item.link_id == launch.link_id
    ]
    if len(own) == 1:
        value["lineitem"] = item_url(memory, tool.type_id, own[0].id)
    return value


def _custom(memory: Memory, launch: Launch, tool: Tool, person: Person) -> dict[str, str]:
    given = dict(tool.custom)
    if launch.link_id is not None:
        given.update(memory.links[launch.link_id].custom)
    known = {
        "$Person.sourcedId": person.idnumber,
        "$User.id": person.id,
        "$User.username": person.username,
        "$Context.id": memory.course.id,
        "$CourseSection.title": memory.course.title,
        "$ToolProxyBinding.memberships.url": roster_url(memory, tool),
        "$LineItems.url": items_url(memory, tool),
    }
    # As in Moodle, a variable that is not known arrives literally.
    return {name: known.get(value, value) for name, value in given.items()}

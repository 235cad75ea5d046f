"""Names and Role Provisioning Services 2.0: the roster of a course, page by page."""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lrs.outbound.http_client import OutboundError
from lti_tool.launch.course_members import Member
from lti_tool.launch.launch import Identity, employee_number, text
from lti_tool.platforms.platforms import Platform
from lti_tool.roles import tool_roles
from lti_tool.services.client import ServiceError, Services, next_page
from lti_tool.settings import LtiSettings

SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
MEDIA_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
ALL_PAGES_SECONDS = 60.0
ALL_PAGES_BYTES = 16 * 1024 * 1024
"""Time and bytes of all pages of a roster. Moodle sends 20,000 members in one answer of 10 MB."""
MAX_SUBJECT = 2048
_reading = threading.Lock()
"""Large answers are read one at a time: as values they take several times their bytes of memory."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A roster as the platform gave it; `identities` are for the alias table only."""

    members: tuple[Member, ...]
    identities: tuple[Identity, ...]
    complete: bool
    """False when the course is larger, or the platform slower, than this tool waits for."""


def fetch_roster(
    services: Services,
    platform: Platform,
    url: str,
    settings: LtiSettings,
    *,
    told: Callable[[int], None] = lambda _members: None,
) -> Fetched:
    """Every member of the course, over all pages, within bounds of time, bytes and members. ServiceError.

    No `limit` is asked for: Moodle then gives all members at once. `told` hears how many are known so far.
    """
    members: dict[str, Member] = {}
    identities: list[Identity] = []
    seen: set[str] = set()
    following: str | None = url
    deadline = time.monotonic() + ALL_PAGES_SECONDS
    left = ALL_PAGES_BYTES
    while following and following not in seen:
        too_much = len(seen) >= settings.roster_max_pages or len(members) >= settings.roster_max_members
        if too_much or (seen and (left <= 0 or time.monotonic() > deadline)):
            return Fetched(tuple(members.values()), tuple(identities), False)
        seen.add(following)
        answer = services.call(
            platform,
            [SCOPE],
            "GET",
            following,
            accept=MEDIA_TYPE,
            seconds=max(deadline - time.monotonic(), 1.0),
            max_bytes=left,
        )
        left -= len(answer.body)
        try:
            with _reading:
                page = answer.json()
        except OutboundError as error:
            raise ServiceError(str(error)) from error
        listed = page.get("members") if isinstance(page, dict) else None
        if not isinstance(listed, list):
            raise ServiceError("the answer is not a membership container")
        for one in listed[: settings.roster_max_members - len(members)]:
            member = _member(one)
            if member is not None and member.subject not in members:
                members[member.subject] = member
                identities.append(_identity(platform, one, member))
        told(len(members))
        following = next_page(answer, following)
    return Fetched(tuple(members.values()), tuple(identities), True)


def _member(value: Any) -> Member | None:
    if not isinstance(value, dict) or not (subject := _subject(value.get("user_id"))):
        return None
    roles = value.get("roles")
    name = _name(value.get("name")) or f"{_name(value.get('given_name'))} {_name(value.get('family_name'))}"
    return Member(
        subject=subject,
        name=name.strip(),
        given_name=_name(value.get("given_name")),
        roles=tool_roles(one for one in roles if isinstance(one, str))
        if isinstance(roles, list)
        else tool_roles(()),
        active=value.get("status", "Active") == "Active",
    )


def _subject(value: Any) -> str:
    """The user id as text; empty when it is none, too long, or holds half a surrogate pair (no Unicode)."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return ""
    subject = str(value)
    is_text = subject.isascii() or not any("\ud800" <= character <= "\udfff" for character in subject)
    return subject if len(subject) <= MAX_SUBJECT and is_text else ""


def _identity(platform: Platform, value: Mapping[str, Any], member: Member) -> Identity:
    return Identity(
        tenant=platform.tenant,
        issuer=platform.issuer,
        subject=member.subject,
        name=member.name,
        email=text(value.get("email")),
        email_locked=platform.emails_locked,
        employee_number=employee_number(platform, sourcedid=value.get("lis_person_sourcedid"), custom={}),
    )


def _name(value: Any) -> str:
    """A name; Moodle sends HTML entities in it (`O&#039;Neil`)."""
    return text(html.unescape(value)) if isinstance(value, str) else ""

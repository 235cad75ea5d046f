"""Who is who: the identifiers of agents and groups in one normal form, as collision-free text keys.

An agent is known by exactly one inverse functional identifier (xAPI 1.0.3 Part 2, 2.4.2.3). Functions here
expect values that passed `statements.rules.check`; anything else gives None or ValueError, and no other
error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from statements.data_types.iri import valid_iri

__all__ = [
    "IDENTIFIERS",
    "SEPARATOR",
    "agent_key",
    "ifi",
    "is_anonymous_group",
    "is_group",
    "is_uuid",
    "mailbox_key",
    "members",
    "same_agent",
    "uuid_key",
    "valid_iri",
]

SEPARATOR: Final = "\x1f"
"""Joins the parts of a key. No kind, IRI or hash can hold it, and a name comes last: keys never collide."""

IDENTIFIERS: Final = ("mbox", "mbox_sha1sum", "openid", "account")
"""The members of an agent that identify it."""

_UUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")

is_uuid = _UUID.fullmatch
"""Truthy when a string has the standard form of a UUID.

Every version and variant is taken: the specification's own examples are not of the RFC 4122 variant.
"""


def uuid_key(text: str) -> str:
    """The one spelling of a UUID that is used as a key: lower case. ValueError when it is no UUID."""
    if not isinstance(text, str) or is_uuid(text) is None:
        raise ValueError("not a UUID in its standard form of 36 characters")
    return text.lower()


def mailbox_key(mailbox: str) -> str:
    """The one spelling of a `mailto:` IRI that is used as a key: scheme and domain in lower case.

    The local part may be another mailbox in other letters (RFC 5321, 2.4).
    """
    local, at, domain = mailbox.rpartition("@")
    scheme, colon, name = local.partition(":")
    return f"{scheme.lower()}{colon}{name}{at}{domain.lower()}"


def ifi(agent: Mapping[str, Any]) -> tuple[str, str] | None:
    """The (kind, value) that identifies an agent or identified group; None when there is none.

    Normal forms: scheme and domain of a mailbox and a hash in lower case; the value of an account is its
    home page and its name, joined by `SEPARATOR`.
    """
    if isinstance(mailbox := agent.get("mbox"), str):
        return "mbox", mailbox_key(mailbox)
    if isinstance(account := agent.get("account"), (dict, Mapping)):
        return "account", f"{account.get('homePage', '')}{SEPARATOR}{account.get('name', '')}"
    if isinstance(digest := agent.get("mbox_sha1sum"), str):
        return "mbox_sha1sum", digest.lower()
    if isinstance(openid := agent.get("openid"), str):
        return "openid", openid
    return None


def agent_key(agent: Mapping[str, Any]) -> str | None:
    """An agent's identity as one flat string, e.g. `mbox<US>mailto:a@b.id`; None for an anonymous group.

    Equal keys mean the same agent. <US> is `SEPARATOR`.
    """
    found = ifi(agent)
    return None if found is None else f"{found[0]}{SEPARATOR}{found[1]}"


def same_agent(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two agents or identified groups are the same; an anonymous group is the same as nothing."""
    found = ifi(one)
    return found is not None and found == ifi(other)


def is_group(actor: Mapping[str, Any]) -> bool:
    """Whether an actor says that it is a Group."""
    return actor.get("objectType") == "Group"


def is_anonymous_group(actor: Mapping[str, Any]) -> bool:
    """Whether an actor is a Group without an identifier: known by its members alone, and only this once."""
    return is_group(actor) and ifi(actor) is None


def members(actor: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The members that a Group lists; none for an Agent."""
    listed = actor.get("member") if is_group(actor) else None
    return tuple(listed) if isinstance(listed, list) else ()

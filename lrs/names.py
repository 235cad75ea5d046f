"""Names that an operator chooses: of agencies (tenants) and of credentials."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 200
RESERVED = "Jejak"
"""The name of the product's own authority. Whoever else had it could sign entries off in its name."""
_TENANT = re.compile(r"[^\W_](?:[\w.-]| (?! ))*", re.UNICODE)


def check_tenant_name(tenant: str) -> None:
    """ValueError, saying what is allowed, unless this can be an agency's name.

    Two names that look the same (`bkn` and `bkn `) would be two agencies that do not see each other.
    """
    is_whole = _TENANT.fullmatch(tenant) and not tenant.endswith((" ", ".", "-", "_"))
    if not is_whole or len(tenant) > LONGEST or not unicodedata.is_normalized("NFC", tenant):
        raise ValueError(
            f"the tenant must be 1 to {LONGEST} letters and digits, with single spaces, points, hyphens or "
            "underscores between them, for example bkn or bkd-jawa-barat"
        )


def check_credential_name(name: str) -> None:
    """ValueError, saying what is allowed, unless a credential may have this name."""
    if not name.strip() or not name.isprintable() or len(name) > LONGEST or name != name.strip():
        raise ValueError(
            f"the name must be 1 to {LONGEST} printable characters, without spaces at its beginning or end"
        )
    if is_reserved(name):
        raise ValueError(f'"{RESERVED}" is what this service calls itself; choose another name')


def is_reserved(name: str) -> bool:
    """Whether a name is the product's own, however it is spelled."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", name).casefold() if one.isalnum())
    return plain == RESERVED.casefold()

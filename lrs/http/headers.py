"""The few HTTP headers that need reading or writing with care."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from email.utils import format_datetime

_PARAMETER = re.compile(r';\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]*))\s*')


def content_type(header: str) -> tuple[str, dict[str, str]]:
    """The media type in lower case, and its parameters (names in lower case)."""
    kind, semicolon, rest = header.partition(";")
    if not semicolon:
        return kind.strip().lower(), {}
    parameters: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(";" + rest):
        parameters.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) if quoted else plain)
    return kind.strip().lower(), parameters


def basic_credentials(header: str) -> tuple[str, str] | None:
    """Key and secret of an `Authorization: Basic` header (RFC 7617); None when it is none."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(token.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    key, colon, secret = text.partition(":")
    return (key, secret) if colon else None


def http_date(microseconds: int) -> str:
    """A moment as HTTP writes it, whole seconds."""
    return format_datetime(datetime.fromtimestamp(microseconds // 1_000_000, UTC), usegmt=True)

"""Employee numbers and addresses do not stand on pages, wherever in a statement their sender wrote them.

Statements are kept and given to programs as they were sent. People see them with these parts hidden: numbers
of 18 digits (NIP, NI PPPK), e-mail addresses, and what identifies agents (mailboxes, hashes, account names).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson

from statements.data_types.exact_json import loads
from statements.masking import HIDDEN, masked

__all__ = ["HIDDEN", "masked", "masked_statement"]

NUMBER_DIGITS = 18
IDENTIFIERS = frozenset({"mbox", "mbox_sha1sum", "openid"})
"""Members of an agent that identify it; of an account, its name."""


def masked_statement(body: bytes) -> str:
    """A stored statement as people read JSON, numbers as they were written; the template escapes it."""
    try:
        value = loads(body)
    except ValueError:
        return masked(body.decode("utf-8", "replace"))
    return orjson.dumps(_value(value), option=orjson.OPT_INDENT_2).decode()


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, list):
        return [_value(one) for one in value]
    if isinstance(value, dict):
        return {masked(name): _member(name, one) for name, one in value.items()}
    if isinstance(value, Decimal):
        # Read so because the JSON writer would change the number, or refuse it.
        text = str(getattr(value, "text", value))
        return HIDDEN if _is_number(text) else orjson.Fragment(text)
    return HIDDEN if isinstance(value, int) and _is_number(str(value)) else value


def _is_number(text: str) -> bool:
    return len(text) == NUMBER_DIGITS and text.isdigit()


def _member(name: str, value: Any) -> Any:
    if name in IDENTIFIERS:
        return HIDDEN
    if name == "account" and isinstance(value, dict):
        return {masked(inner): HIDDEN if inner == "name" else _value(one) for inner, one in value.items()}
    return _value(value)

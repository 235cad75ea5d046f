"""What the platform checks of a tool: signatures of its JWTs and access tokens of its service calls."""

from __future__ import annotations

from typing import Any

import jwt
import requests
from flask import request

from jejak.demo.lms.config import Tool
from jejak.demo.lms.memory import Memory, Token


class ToolRefusedError(Exception):
    """A token of a tool that cannot be believed; the message says why, for the person at the test bench."""


def verify_tool_token(memory: Memory, tool: Tool, text: str, audiences: list[str]) -> dict[str, Any]:
    """The claims of a JWT the tool signed, checked without leeway, as Moodle does. Else ToolRefusedError."""
    try:
        kid = jwt.get_unverified_header(text).get("kid")
        keys = memory.config.fetch(tool.jwks_url).get("keys", [])
        key = next((one for one in keys if isinstance(one, dict) and one.get("kid") == kid), None)
        if kid is None or key is None:
            raise ToolRefusedError("The token names a key that the tool's key set does not have.")
        facts: dict[str, Any] = jwt.decode(
            text,
            jwt.PyJWK(key, algorithm="RS256"),
            algorithms=["RS256"],
            audience=audiences,
            issuer=tool.client_id,
            options={
                "require": ["exp", "iat", "iss", "aud"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except (jwt.PyJWTError, ValueError) as error:
        raise ToolRefusedError(f"The token cannot be verified: {error}") from error
    except requests.RequestException as error:
        raise ToolRefusedError("The tool's key set cannot be read.") from error
    _check_times(facts, memory.now())
    return facts


def _check_times(facts: dict[str, Any], now: float) -> None:
    issued, expires = facts["iat"], facts["exp"]
    for value in (issued, expires, facts.get("nbf", 0)):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ToolRefusedError("A time in the token is no number.")
    if issued > now or facts.get("nbf", 0) > now:
        raise ToolRefusedError("The token was issued in the future.")
    if expires <= now:
        raise ToolRefusedError("The token has expired.")


def service_token(memory: Memory, type_id: int | None, *scopes: str) -> Token | None:
    """The bearer token of this request when it is alive, belongs to that tool and has one of the scopes."""
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    token = memory.tokens.get(key) if kind.lower() == "bearer" else None
    if token is None or token.expires <= memory.now() or token.type_id != type_id:
        return None
    return token if token.scopes & set(scopes) else None

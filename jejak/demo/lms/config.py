"""What a demo LMS is made from: its address, its tools, and where it keeps its memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
LINEITEM = AGS + "lineitem"
LINEITEM_READONLY = AGS + "lineitem.readonly"
RESULT_READONLY = AGS + "result.readonly"
SCORE = AGS + "score"
ROSTER = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
SCOPES = (LINEITEM, LINEITEM_READONLY, RESULT_READONLY, SCORE, ROSTER)

FETCH_TIMEOUT = (3.0, 5.0)
"""Seconds to connect and to read, for the tool's key set."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One registered tool (Moodle: a tool type)."""

    type_id: int
    client_id: str
    name: str
    login_url: str
    redirect_urls: tuple[str, ...]
    jwks_url: str
    target_url: str
    deployment_id: str = "1"
    scopes: tuple[str, ...] = SCOPES
    custom: tuple[tuple[str, str], ...] = ()
    active: bool = True

    @property
    def host(self) -> str:
        """Host with port: what Moodle matches the addresses of content items against."""
        return urlsplit(self.target_url).netloc


def fetch_json(url: str) -> Mapping[str, Any]:
    """GET a JSON object (the tool's key set). requests.RequestException or ValueError when there is none."""
    answer = requests.get(url, timeout=FETCH_TIMEOUT, allow_redirects=False)
    answer.raise_for_status()
    value = answer.json()
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    return value


@dataclass(frozen=True, slots=True)
class LmsConfig:
    """`url` is the issuer, without a slash at its end. `file` keeps keys, tools, activities and grades."""

    url: str = "http://127.0.0.1:8090"
    tools: tuple[Tool, ...] = ()
    file: Path | None = None
    year: int = 2026
    clock: Callable[[], float] = time.time
    fetch: Callable[[str], Mapping[str, Any]] = fetch_json


def tool_at(base: str, client_id: str, *, type_id: int = 1, name: str = "Jejak") -> Tool:
    """The registration of a Jejak that answers at `base`."""
    base = base.rstrip("/")
    return Tool(
        type_id=type_id,
        client_id=client_id,
        name=name,
        login_url=f"{base}/lti/login",
        redirect_urls=(f"{base}/lti/launch",),
        jwks_url=f"{base}/lti/jwks",
        target_url=f"{base}/lti/launch",
    )

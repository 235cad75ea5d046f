"""A demo LMS with one registered tool that exists only as a key pair."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from jejak.demo.lms import LmsConfig, create_demo_lms
from jejak.demo.lms.config import SCOPES, tool_at
from jejak.demo.lms.keys import Key
from jejak.demo.lms.memory import Memory
from tests.keys import shared_keys

URL = "http://127.0.0.1:8090"
TOOL_URL = "http://localhost:8080"
CLIENT = "jejak-test"
TOOL_KEY = Key()


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 1_795_000_000.5

    def __call__(self) -> float:
        return self.now


@dataclass
class Lms:
    """The application, its clock, and what a tool would do with it."""

    app: Flask
    clock: Clock
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    @property
    def memory(self) -> Memory:
        value: Memory = self.app.extensions["demo_lms"]
        return value

    @property
    def link(self) -> int:
        return next(iter(self.memory.links))

    def login(self, person: str = "11", variant: str = "normal", **query: Any) -> dict[str, str]:
        """The fields of the login request that the launch page posts."""
        asked = {"id": self.link, "as": person, "variant": variant, **query}
        return fields(self.client.get("/mod/lti/launch.php", query_string=asked).text)

    def answer(self, login: Mapping[str, str], **changes: str) -> dict[str, str]:
        """The fields that the auth endpoint posts back."""
        asked = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": CLIENT,
            "redirect_uri": f"{TOOL_URL}/lti/launch",
            "login_hint": login["login_hint"],
            "lti_message_hint": login["lti_message_hint"],
            "state": "the-state",
            "nonce": "the-nonce",
            **changes,
        }
        return fields(self.client.get("/mod/lti/auth.php", query_string=asked).text)

    def launch(self, person: str = "11", variant: str = "normal", **query: Any) -> dict[str, Any]:
        """The claims of a launch, not verified."""
        token = self.answer(self.login(person, variant, **query))["id_token"]
        return jwt.decode(token, options={"verify_signature": False})

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token that a careful tool would believe; jwt.PyJWTError otherwise."""
        keys: Any = self.client.get("/mod/lti/certs.php").json
        key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
        facts = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            audience=CLIENT,
            issuer=URL,
            options={"verify_exp": False, "verify_iat": False},
        )
        assert facts["iat"] <= self.clock.now < facts["exp"]
        return facts

    def assertion(self, key: Key = TOOL_KEY, **changes: Any) -> str:
        now = int(self.clock.now)
        facts = {
            "iss": CLIENT,
            "sub": CLIENT,
            "aud": f"{URL}/mod/lti/token.php",
            "iat": now - 5,
            "exp": now + 60,
            "jti": secrets.token_hex(8),
            **changes,
        }
        return key.sign(facts)

    def ask_token(self, assertion: str, scope: str = " ".join(SCOPES)) -> Any:
        return self.client.post(
            "/mod/lti/token.php",
            data={
                "grant_type": "client_credentials",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": assertion,
                "scope": scope,
            },
        )

    def bearer(self, scope: str = " ".join(SCOPES)) -> dict[str, str]:
        answer = json.loads(self.ask_token(self.assertion(), scope).text)
        return {"Authorization": f"Bearer {answer['access_token']}"}


def fields(page: str) -> dict[str, str]:
    """The hidden fields of a self-posting page."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {unescape(name): unescape(value) for name, value in found}


@pytest.fixture(autouse=True)
def stock() -> Iterator[None]:
    """The keys of the LMS and of its tools come from a stock that all tests share."""
    with shared_keys():
        yield


@pytest.fixture
def lms() -> Lms:
    clock = Clock()
    config = LmsConfig(
        url=URL,
        tools=(tool_at(TOOL_URL, CLIENT),),
        clock=clock,
        fetch=lambda url: {"keys": [TOOL_KEY.jwk()]},
    )
    return Lms(create_demo_lms(config), clock)

"""A small learning platform for tests: own keys, signed messages, answers without a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from lrs.outbound.http_client import Answer, Outbound, OutboundError
from lti_tool.platforms.platforms import Platform, Platforms
from lti_tool.settings import SECOND, LtiSettings

TOOL = "https://tool.example"
CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
DL_CLAIM = "https://purl.imsglobal.org/spec/lti-dl/claim/"
AGS_CLAIM = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS_CLAIM = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
START = 1_763_900_000 * SECOND


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: int = START

    def __call__(self) -> int:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)

    @property
    def seconds(self) -> int:
        return self.now // SECOND


@lru_cache(maxsize=8)
def private_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key pair by name; made once, for making one is slow."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def public_jwk(name: str, kid: str, **more: Any) -> dict[str, Any]:
    """The public half as a JWK."""
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(private_key(name).public_key(), as_dict=True)
    return {"kty": "RSA", "n": jwk["n"], "e": jwk["e"], "kid": kid, "alg": "RS256", "use": "sig", **more}


class Wire(Outbound):
    """Answers requests from handlers by address (without the query), and remembers them."""

    def __init__(self, settings: LtiSettings) -> None:
        super().__init__(settings)
        self.handlers: dict[str, Callable[[Sent], Answer]] = {}
        self.sent: list[Sent] = []

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        seconds: float | None = None,
        max_bytes: int | None = None,
    ) -> Answer:
        sent = Sent(method, url, dict(headers or {}), body or b"")
        self.sent.append(sent)
        handler = self.handlers.get(url.partition("?")[0])
        if handler is None:
            raise OutboundError("no answer")
        return handler(sent)

    def to(self, url: str) -> list[Sent]:
        return [sent for sent in self.sent if sent.url.partition("?")[0] == url]


@dataclass
class Sent:
    """One request the tool made."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


def answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON answer."""
    names = {name.replace("_", "-").lower(): text for name, text in headers.items()}
    return Answer(status, names, json.dumps(value).encode())


@dataclass
class TestPlatform:
    """One learning platform; its messages follow Moodle's."""

    __test__ = False

    clock: Clock
    issuer: str = "https://lms.example"
    client_id: str = "client-1"
    deployment: str = "1"
    key: str = "platform"
    kid: str = "key-1"
    jwks: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.jwks = self.jwks or [public_jwk(self.key, self.kid)]

    @property
    def auth_url(self) -> str:
        return self.issuer + "/mod/lti/auth.php"

    @property
    def jwks_url(self) -> str:
        return self.issuer + "/mod/lti/certs.php"

    @property
    def token_url(self) -> str:
        return self.issuer + "/mod/lti/token.php"

    def register(self, platforms: Platforms, wire: Wire, *, tenant: str = "agency", **more: Any) -> Platform:
        wire.handlers[self.jwks_url] = lambda _sent: answer({"keys": self.jwks})
        return platforms.add(
            tenant=tenant,
            name="LMS",
            issuer=self.issuer,
            client_id=self.client_id,
            auth_login_url=self.auth_url,
            auth_token_url=self.token_url,
            jwks_url=self.jwks_url,
            deployments=[self.deployment],
            **more,
        )

    def login_fields(self, **changes: str | None) -> dict[str, str]:
        fields: dict[str, str | None] = {
            "iss": self.issuer,
            "client_id": self.client_id,
            "login_hint": "42",
            "target_link_uri": TOOL + "/lti/launch",
            "lti_message_hint": '{"cmid":5,"launchid":"ltilaunch5_1"}',
            "lti_deployment_id": self.deployment,
            **changes,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def claims(self, nonce: str, /, **changes: Any) -> dict[str, Any]:
        """A normal learner's message; a changed value of None leaves the claim out."""
        now = self.clock.seconds
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": "42",
            "iat": now,
            "exp": now + 60,
            "nonce": nonce,
            "name": "Budi Santoso",
            "given_name": "Budi",
            "family_name": "Santoso",
            "email": "budi@example.go.id",
            CLAIM + "version": "1.3.0",
            CLAIM + "message_type": "LtiResourceLinkRequest",
            CLAIM + "deployment_id": self.deployment,
            CLAIM + "target_link_uri": TOOL + "/lti/launch",
            CLAIM + "resource_link": {"id": "7", "title": "Rekam belajar"},
            CLAIM + "context": {"id": "3", "title": "Latsar", "label": "LTS", "type": ["CourseSection"]},
            CLAIM + "roles": [ROLE + "Learner"],
            CLAIM + "lis": {"person_sourcedid": "199001012015031001"},
            CLAIM + "launch_presentation": {
                "locale": "id",
                "document_target": "iframe",
                "return_url": self.issuer + "/mod/lti/return.php",
            },
        }
        claims.update(changes)
        return {name: value for name, value in claims.items() if value is not None}

    def sign(
        self, claims: Mapping[str, Any], *, key: str | None = None, headers: Mapping[str, Any] | None = None
    ) -> str:
        return jwt.encode(
            dict(claims),
            private_key(key or self.key),
            algorithm="RS256",
            headers={"kid": self.kid} if headers is None else dict(headers),
        )


@dataclass
class Visit:
    """One browser on its way from the login to the session."""

    client: FlaskClient
    platform: TestPlatform
    state: str = ""
    nonce: str = ""

    def login(self, **changes: str | None) -> TestResponse:
        response = self.client.post("/lti/login", data=self.platform.login_fields(**changes), base_url=TOOL)
        url = auth_url_of(response)
        if url:
            query = parse_qs(urlsplit(url).query)
            self.state, self.nonce = query["state"][0], query["nonce"][0]
        return response

    def launch(self, id_token: str | None = None, *, state: str | None = None, **claims: Any) -> TestResponse:
        token = id_token
        if token is None:
            token = self.platform.sign(self.platform.claims(self.nonce, **claims))
        fields = {"id_token": token, "state": self.state if state is None else state}
        return self.client.post("/lti/launch", data=fields, base_url=TOOL)

    def cookies(self) -> dict[str, str]:
        """What this browser holds for the tool."""
        with self.client as client:
            client.get("/lti/jwks", base_url=TOOL)
            return dict(request.cookies)

    def home(self) -> str:
        """Launch and follow to the session's path."""
        return self.go().headers["Location"]

    def go(self, **claims: Any) -> TestResponse:
        """Login and launch in one."""
        self.login()
        return self.launch(**claims)


def auth_url_of(response: TestResponse) -> str:
    """The authentication address that a login answered with, from its page or its redirect."""
    if response.status_code == 302:
        return response.headers["Location"]
    page = response.get_data(as_text=True)
    if 'data-url="' not in page:
        return ""
    return page.split('data-url="')[1].split('"')[0].replace("&amp;", "&")

"""Dynamic registration: a one-time address, pasted into a platform, lets it register itself.

The invitation belongs to one tenant. What registers waits until an administrator here activates
it, and never replaces a registration. Source: LTI Dynamic Registration 1.0.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import structlog

from lrs import document_kinds
from lrs.admin_log import AdminLog
from lrs.names import check_tenant_name
from lrs.outbound.calls import REGISTRATION, Calls, Party
from lrs.outbound.http_client import OutboundError
from lrs.store import json_documents
from lrs.store.port import Store, Writer
from lrs.store.writes import STRANGERS, WriteHints
from lrs.tenants import is_known
from lti_tool.launch.launch import LAUNCH_PATH, text
from lti_tool.platforms.platforms import PENDING, AlreadyRegisteredError, Platform, Platforms, check_new
from lti_tool.refusals import Reason, RefusedError
from lti_tool.services import ags, nrps
from lti_tool.settings import SECOND, LtiSettings, origin_of
from lti_tool.tokens import digest, new_id, new_secret
from statements.data_types.iri import valid_iri

log = structlog.get_logger(__name__)

KIND: Final = document_kinds.INVITE
REGISTER_PATH = "/lti/register"
LOGIN_PATH = "/lti/login"
PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"
TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
SCOPES = (ags.LINE_ITEM, ags.RESULT_READ, ags.SCORE, nrps.SCOPE)
CLAIMS = ("iss", "sub", "name", "given_name", "family_name")
BUSY_SECONDS = 120
MAX_TOKEN = 8192


class Invites:
    """One-time addresses for dynamic registration; only their digests are kept."""

    def __init__(self, store: Store, clock: Callable[[], int], settings: LtiSettings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings

    def create(self, tenant: str) -> tuple[str, int]:
        """The address to paste into a platform, and until when (microseconds) it works. ValueError."""
        with self._store.reading() as reader:
            if not is_known(reader, tenant):
                check_tenant_name(tenant)
        now = self._clock()
        expires = now + self._settings.invite_seconds * SECOND
        secret = new_secret()
        value = {"tenant": tenant, "expires": expires, "busy_until": 0}

        def work(writer: Writer) -> None:
            json_documents.clear_expired(writer, KIND, now)
            order = json_documents.expiry_order(expires)
            json_documents.put(writer, KIND, digest(secret), value, now=now, order=order)

        self._store.writing(work, WriteHints(tenant=tenant))
        return f"{self._settings.url(REGISTER_PATH)}?{urlencode({'invite': secret})}", expires

    def tenant(self, secret: str) -> str:
        """Whose invitation it is. RefusedError when it was used or is too old."""
        with self._store.reading() as reader:
            return str(self._usable(json_documents.get(reader, KIND, digest(secret)))["tenant"])

    def take(self, secret: str) -> str:
        """Reserve the invitation for one attempt at a time; its tenant. RefusedError."""
        now = self._clock()
        name = digest(secret)

        def work(writer: Writer) -> str:
            value = self._usable(json_documents.get(writer, KIND, name))
            if value["busy_until"] > now:
                raise RefusedError(Reason.INVITE_UNKNOWN, "in use")
            busy = {**value, "busy_until": now + BUSY_SECONDS * SECOND}
            order = json_documents.expiry_order(value["expires"])
            json_documents.put(writer, KIND, name, busy, now=now, order=order)
            return str(value["tenant"])

        return self._store.writing(work, WriteHints(tenant=STRANGERS))

    def release(self, secret: str) -> None:
        """Give a reserved invitation back after an attempt that failed."""
        now = self._clock()

        def work(writer: Writer) -> None:
            value = json_documents.get(writer, KIND, digest(secret))
            if value is not None:
                free = {**value, "busy_until": 0}
                order = json_documents.expiry_order(value["expires"])
                json_documents.put(writer, KIND, digest(secret), free, now=now, order=order)

        self._store.writing(work, WriteHints(tenant=STRANGERS))

    def use_within(self, writer: Writer, secret: str) -> None:
        """Use the invitation up as part of the write that keeps the platform. RefusedError if it is gone."""
        if writer.delete(KIND, "", [digest(secret)]) != 1:
            raise RefusedError(Reason.INVITE_UNKNOWN, "used meanwhile")

    def _usable(self, value: dict[str, Any] | None) -> dict[str, Any]:
        if value is None or value["expires"] <= self._clock():
            raise RefusedError(Reason.INVITE_UNKNOWN)
        return value


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a platform says about itself (OpenID configuration)."""

    issuer: str
    registration_endpoint: str
    auth_login_url: str
    auth_token_url: str
    jwks_url: str
    audience: str
    family: str

    @property
    def host(self) -> str:
        """The host that people know the platform by."""
        return urlsplit(self.issuer).netloc


class Registrations:
    """Carry out dynamic registrations."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Callable[[], int],
        settings: LtiSettings,
        calls: Calls,
        platforms: Platforms,
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._calls = calls
        self._platforms = platforms
        self.invites = Invites(store, clock, settings)

    def configuration(self, tenant: str, url: str) -> Configuration:
        """Fetch and check the configuration of a platform that a tenant invited.

        RefusedError REGISTRATION_CONFIGURATION.
        """
        try:
            answer = self._calls.request(
                _party(tenant, url), "GET", url, headers={"Accept": "application/json"}
            )
            if not answer.ok:
                raise RefusedError(Reason.REGISTRATION_CONFIGURATION, f"HTTP {answer.status}")
            return checked_configuration(url, answer.json())
        except OutboundError as error:
            raise RefusedError(Reason.REGISTRATION_CONFIGURATION, str(error)) from error

    def register(self, *, invite: str, configuration_url: str, token: str) -> Platform:
        """Register with the platform and keep it as pending for the invitation's tenant. RefusedError.

        The invitation is used up only when the registration is kept.
        """
        tenant = self.invites.take(invite)
        try:
            configuration = self.configuration(tenant, configuration_url)
            platform = self._ask(tenant, configuration, token)

            def work(writer: Writer) -> None:
                self.invites.use_within(writer, invite)
                self._platforms.add_within(writer, platform)

            try:
                self._store.writing(work, WriteHints(tenant=tenant))
            except AlreadyRegisteredError as error:
                raise RefusedError(Reason.REGISTRATION_EXISTS) from error
        except RefusedError:
            self.invites.release(invite)
            raise
        AdminLog(self._store, self._clock).note(
            "platform.registered",
            by="platform",
            name=configuration.host,
            tenant=tenant,
            target=platform.id,
            issuer=platform.issuer,
        )
        log.info("lti_registered", platform=platform.id, tenant=tenant, family=configuration.family)
        return platform

    def _ask(self, tenant: str, configuration: Configuration, token: str) -> Platform:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = json.dumps(registration_request(self._settings)).encode()
        try:
            answer = self._calls.request(
                _party(tenant, configuration.issuer),
                "POST",
                configuration.registration_endpoint,
                headers=headers,
                body=body,
            )
            value = answer.json() if answer.ok else None
        except OutboundError as error:
            raise RefusedError(Reason.REGISTRATION_REFUSED, str(error)) from error
        if not isinstance(value, dict):
            raise RefusedError(Reason.REGISTRATION_REFUSED, f"HTTP {answer.status}")
        tool = value.get(TOOL_CONFIGURATION)
        deployment = tool.get("deployment_id") if isinstance(tool, dict) else None
        client_id = value.get("client_id")
        if not isinstance(client_id, str):
            raise RefusedError(Reason.REGISTRATION_REFUSED, "no client_id")
        platform = Platform(
            id=new_id(),
            tenant=tenant,
            name=text(configuration.host)[:200] or "LMS",
            issuer=configuration.issuer,
            client_id=client_id,
            auth_login_url=configuration.auth_login_url,
            auth_token_url=configuration.auth_token_url,
            jwks_url=configuration.jwks_url,
            audience=configuration.audience,
            status=PENDING,
            created=self._clock(),
            deployments=(str(deployment),) if isinstance(deployment, str | int) and deployment != "" else (),
        )
        try:
            check_new(platform)
        except ValueError as error:
            raise RefusedError(Reason.REGISTRATION_REFUSED, str(error)) from error
        return platform


def _party(tenant: str, url: str) -> Party:
    """A platform that is not known yet is told apart by its host."""
    return Party(tenant, origin_of(url), REGISTRATION)


def checked_configuration(url: str, value: Any) -> Configuration:
    """The configuration found at `url`, if it is one of an LTI platform of that very host.

    A platform may speak for its own host alone: else anyone could register in another's name.
    """
    if not isinstance(value, dict):
        raise RefusedError(Reason.REGISTRATION_CONFIGURATION, "not an object")
    texts = {}
    for name in ("issuer", "registration_endpoint", "authorization_endpoint", "token_endpoint", "jwks_uri"):
        one = value.get(name)
        if not isinstance(one, str) or not one or len(one) > 2048:
            raise RefusedError(Reason.REGISTRATION_CONFIGURATION, f"{name} is missing")
        if not valid_iri(one):
            raise RefusedError(Reason.REGISTRATION_CONFIGURATION, f"{name} is no address")
        texts[name] = one
    try:
        own = origin_of(url)
        named = {name: origin_of(one) for name, one in texts.items()}
    except ValueError as error:
        raise RefusedError(Reason.REGISTRATION_CONFIGURATION, "an address is malformed") from error
    for name in ("issuer", "registration_endpoint"):
        if named[name] != own:
            raise RefusedError(Reason.REGISTRATION_CONFIGURATION, f"{name} is of another host")
    platform = value.get(PLATFORM_CONFIGURATION)
    if not isinstance(platform, dict):
        raise RefusedError(Reason.REGISTRATION_CONFIGURATION, "not an LTI platform")
    return Configuration(
        issuer=texts["issuer"],
        registration_endpoint=texts["registration_endpoint"],
        auth_login_url=texts["authorization_endpoint"],
        auth_token_url=texts["token_endpoint"],
        jwks_url=texts["jwks_uri"],
        audience=_audience(value.get("authorization_server")),
        family=text(platform.get("product_family_code")),
    )


def _audience(value: Any) -> str:
    """The audience of token requests, when the platform names a usable one."""
    return value if isinstance(value, str) and len(value) <= 2048 and value.isprintable() else ""


def registration_request(settings: LtiSettings) -> Mapping[str, Any]:
    """What this tool asks a platform to register."""
    launch = settings.url(LAUNCH_PATH)
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": settings.url(LOGIN_PATH),
        "redirect_uris": [launch],
        "client_name": settings.product_name,
        "jwks_uri": settings.url("/lti/jwks"),
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(SCOPES),
        TOOL_CONFIGURATION: {
            "domain": urlsplit(settings.origin).netloc,
            "target_link_uri": launch,
            "description": "Rekam belajar 70-20-10 / 70-20-10 learning record",
            "custom_parameters": {},
            "claims": list(CLAIMS),
            "messages": [
                {"type": "LtiResourceLinkRequest", "target_link_uri": launch},
                {"type": "LtiDeepLinkingRequest", "target_link_uri": launch, "label": settings.product_name},
            ],
        },
    }

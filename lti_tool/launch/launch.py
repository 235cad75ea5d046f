"""A launch from the first request to the session: login, verification, who and where."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from lrs.outbound.calls import KEYS, Party
from lrs.store.port import Store
from lti_tool.launch import adapter
from lti_tool.launch.course_members import Members
from lti_tool.launch.logins import Transactions
from lti_tool.launch.sessions import LaunchSession, Sessions
from lti_tool.platforms.platform_keys import KeysUnreachableError, PlatformKeys
from lti_tool.platforms.platforms import ACTIVE, PENDING, Platform, Platforms
from lti_tool.refusals import Reason, RefusedError
from lti_tool.roles import tool_roles
from lti_tool.settings import LtiSettings, origin_of
from lti_tool.tokens import new_secret
from statements.data_types.iri import valid_iri

log = structlog.get_logger(__name__)

CLAIM = adapter.CLAIM
AGS_CLAIM = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
EXT_CLAIM = CLAIM + "ext"
"""What LTI has no claim for: `ext_user_username` of LTI 1.1 is `user_username` in it."""
NRPS_CLAIM = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
LAUNCH_PATH = "/lti/launch"
LOGIN_FIELDS = (
    "iss",
    "login_hint",
    "target_link_uri",
    "lti_message_hint",
    "client_id",
    "lti_deployment_id",
    "lti_storage_target",
)
MAX_FIELD = 8192
MAX_TEXT = 255
MAX_CUSTOM = 50
MAX_IDENTIFIER = 2048
EMPLOYEE_NUMBER = re.compile(r"[0-9]{18}")


@dataclass(frozen=True, slots=True)
class Login:
    """A login that may begin: where to send the browser, and the secrets that bind it."""

    platform: Platform
    url: str
    state: str
    browser_secret: str
    storage_secret: str
    storage_target: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who launched, with what links their accounts; for the alias table only, never for statements."""

    tenant: str
    issuer: str
    subject: str
    name: str
    email: str
    employee_number: str
    email_locked: bool = False
    """Whether the platform is trusted to know that the mailbox is this person's."""
    username: str = ""
    """The platform's user name, where it sends one: Moodle does with the name."""


OnLaunch = Callable[[LaunchSession, Identity], None]


class Launches:
    """Begin logins and turn verified messages into sessions."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Callable[[], int],
        settings: LtiSettings,
        platforms: Platforms,
        keys: PlatformKeys,
        on_launch: OnLaunch | None = None,
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._platforms = platforms
        self._keys = keys
        self._on_launch = on_launch
        self._members = Members(store, clock)
        self.transactions = Transactions(store, clock, settings)
        self.sessions = Sessions(store, clock, settings)

    def begin(self, fields: Mapping[str, str]) -> Login:
        """Check a third-party initiated login and remember it. RefusedError."""
        if not (fields.get("iss") and fields.get("login_hint") and fields.get("target_link_uri")):
            raise RefusedError(Reason.LOGIN_INCOMPLETE)
        platform = self._platform_of(fields)
        self._check_target(fields["target_link_uri"])
        url, state, nonce = adapter.authorization_request(
            platform,
            redirect_uri=self._settings.url(LAUNCH_PATH),
            login_hint=fields["login_hint"],
            message_hint=fields.get("lti_message_hint", ""),
        )
        login = Login(
            platform, url, state, new_secret(), new_secret(), fields.get("lti_storage_target", "")[:MAX_TEXT]
        )
        self.transactions.begin(
            platform_id=platform.id,
            state=state,
            nonce=nonce,
            browser_secret=login.browser_secret,
            storage_secret=login.storage_secret,
            storage_target=login.storage_target,
        )
        return login

    def finish(
        self, *, state: str, id_token: str, browser_secret: str = "", storage_secret: str = ""
    ) -> tuple[LaunchSession, str]:
        """Consume the login, verify the message, open a session; with the session's secret. RefusedError."""
        if not id_token:
            raise RefusedError(Reason.TOKEN_MISSING)
        if len(id_token) > self._settings.max_token_bytes:
            raise RefusedError(Reason.REQUEST_TOO_LARGE)
        transaction = self.transactions.consume(
            state, browser_secret=browser_secret, storage_secret=storage_secret
        )
        platform = self._platforms.get(transaction.platform_id)
        if platform is None:
            raise RefusedError(Reason.PLATFORM_UNKNOWN)
        _check_status(platform)
        party = Party(platform.tenant, platform.id, KEYS)
        try:
            claims = adapter.verified_claims(
                platform,
                id_token,
                key_of=lambda kid: self._keys.key(platform.jwks_url, kid, party),
                has_deployment=lambda name: self._platforms.has_deployment(platform.id, name),
                nonce_digest=transaction.nonce,
                now_seconds=self._settings.now_seconds(self._clock()),
                leeway=self._settings.leeway_seconds,
                max_age=self._settings.max_token_age_seconds,
            )
        except KeysUnreachableError as error:
            raise RefusedError(Reason.KEYS_UNREACHABLE) from error
        self._check_target(claims[CLAIM + "target_link_uri"])
        session, secret = self.sessions.open(describe(platform, claims))
        self._members.remember(session)
        if self._on_launch is not None:
            self._on_launch(session, identity(platform, claims))
        log.info(
            "lti_launch",
            platform=platform.id,
            tenant=platform.tenant,
            message=session.message_type,
            roles=sorted(session.roles),
        )
        return session, secret

    def _platform_of(self, fields: Mapping[str, str]) -> Platform:
        issuer, client_id = fields["iss"], fields.get("client_id", "")
        if client_id:
            found = self._platforms.find(issuer, client_id)
            candidates = [] if found is None else [found]
        else:
            candidates = list(self._platforms.of_issuer(issuer))
            deployment = fields.get("lti_deployment_id", "")
            if len(candidates) > 1 and deployment:
                candidates = [one for one in candidates if self._platforms.has_deployment(one.id, deployment)]
            if len(candidates) > 1:
                candidates = [one for one in candidates if one.status == ACTIVE] or candidates
            if len(candidates) > 1:
                raise RefusedError(Reason.PLATFORM_AMBIGUOUS)
        if not candidates:
            raise RefusedError(Reason.PLATFORM_UNKNOWN)
        _check_status(candidates[0])
        return candidates[0]

    def _check_target(self, target: str) -> None:
        """The target is never followed; one that is not ours is a misconfiguration or an attack."""
        try:
            own = origin_of(target) == self._settings.origin
        except ValueError:
            own = False
        if not own:
            raise RefusedError(Reason.TARGET_FOREIGN)


def _check_status(platform: Platform) -> None:
    if platform.status == PENDING:
        raise RefusedError(Reason.PLATFORM_PENDING)
    if platform.status != ACTIVE:
        raise RefusedError(Reason.PLATFORM_DISABLED)
    if not valid_iri(platform.issuer):
        raise RefusedError(Reason.ISSUER_UNFIT)


def describe(platform: Platform, claims: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a session from verified claims; texts are cut to size, never trusted as markup."""
    context = claims.get(CLAIM + "context") or {}
    link = claims.get(CLAIM + "resource_link") or {}
    presentation = claims.get(CLAIM + "launch_presentation") or {}
    ags = claims.get(AGS_CLAIM) or {}
    scopes = ags.get("scope")
    return {
        "tenant": platform.tenant,
        "platform_id": platform.id,
        "issuer": platform.issuer,
        "client_id": platform.client_id,
        "deployment_id": claims[CLAIM + "deployment_id"],
        "subject": claims["sub"],
        "name": _name(claims),
        "given_name": text(claims.get("given_name")),
        "roles": tool_roles(claims[CLAIM + "roles"]),
        "context_id": _identifier(context.get("id")),
        "context_title": text(context.get("title")) or text(context.get("label")),
        "resource_link_id": _identifier(link.get("id")),
        "resource_link_title": text(link.get("title")),
        "message_type": claims[CLAIM + "message_type"],
        "locale": text(presentation.get("locale")) or text(claims.get("locale")),
        "custom": custom_values(claims.get(CLAIM + "custom") or {}),
        "nrps_url": _url((claims.get(NRPS_CLAIM) or {}).get("context_memberships_url")),
        "ags": {
            "lineitems": _url(ags.get("lineitems")),
            "lineitem": _url(ags.get("lineitem")),
            "scope": [one for one in scopes if isinstance(one, str)] if isinstance(scopes, list) else [],
        }
        if ags
        else {},
        "deep_linking": dict(claims.get(adapter.DEEP_LINKING + "deep_linking_settings") or {}),
        "return_url": _url(presentation.get("return_url")),
    }


def identity(platform: Platform, claims: Mapping[str, Any]) -> Identity:
    """What may link this account to a person; the employee number from where the platform says."""
    return Identity(
        tenant=platform.tenant,
        issuer=platform.issuer,
        subject=claims["sub"],
        name=_name(claims),
        email=text(claims.get("email")),
        email_locked=platform.emails_locked,
        employee_number=employee_number(
            platform,
            sourcedid=(claims.get(CLAIM + "lis") or {}).get("person_sourcedid"),
            custom=claims.get(CLAIM + "custom") or {},
        ),
        username=_username(claims.get(EXT_CLAIM)),
    )


def _username(extensions: Any) -> str:
    """The user name as it is: cut or trimmed it could be somebody else's. "" when there is none."""
    value = extensions.get("user_username") if isinstance(extensions, Mapping) else None
    return value if isinstance(value, str) and value == text(value) and not value.startswith("$") else ""


def employee_number(platform: Platform, *, sourcedid: Any, custom: Mapping[str, Any]) -> str:
    """The 18-digit NIP or NI, as text, or an empty text; never from a platform that is not trusted for it.

    A variable that the platform did not substitute (`$X`) is no number, nor is anything else that
    does not look like one.
    """
    source = platform.number_source if platform.numbers_trusted else "none"
    value: Any = None
    if source == "sourcedid":
        value = sourcedid
    elif source.startswith("custom:"):
        value = custom.get(source.removeprefix("custom:"))
    found = value.replace(" ", "") if isinstance(value, str) else ""
    return found if EMPLOYEE_NUMBER.fullmatch(found) else ""


def custom_values(custom: Mapping[Any, Any]) -> dict[str, str]:
    """Custom parameters that were really given: texts, without unsubstituted variables."""
    kept: dict[str, str] = {}
    for name, value in custom.items():
        if len(kept) < MAX_CUSTOM and isinstance(value, str) and value and not value.startswith("$"):
            kept[text(name)] = value[:MAX_FIELD]
    return kept


def text(value: Any) -> str:
    """A short text without control characters; an empty one for anything else."""
    if not isinstance(value, str):
        return ""
    return "".join(c for c in value[: 4 * MAX_TEXT] if c.isprintable()).strip()[:MAX_TEXT]


def _name(claims: Mapping[str, Any]) -> str:
    parts = text(claims.get("given_name")), text(claims.get("family_name"))
    return text(claims.get("name")) or " ".join(part for part in parts if part)


def _identifier(value: Any) -> str:
    """An identifier as it is; cutting or trimming could make two courses one."""
    return value if isinstance(value, str) and len(value) <= MAX_IDENTIFIER else ""


def _url(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith(("https://", "http://")) or len(value) > 4096:
        return ""
    return value

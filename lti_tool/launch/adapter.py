"""The only module that knows pylti1p3.

The library builds the authentication request, checks the shape of a launch message and composes
the deep-linking response. What it leaves open is done here or by our caller, on our own clock and
transport: which key may verify, which claims must be there, who the message is for, how old it may
be, and that it is used once.
"""

# ruff: noqa: ARG002 (the signatures are the library's)
from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from pylti1p3.cookie import CookieService
from pylti1p3.deep_link import DeepLink
from pylti1p3.deep_link_resource import DeepLinkResource
from pylti1p3.deployment import Deployment
from pylti1p3.exception import LtiException
from pylti1p3.message_launch import MessageLaunch
from pylti1p3.oidc_login import OIDCLogin
from pylti1p3.redirect import Redirect
from pylti1p3.registration import Registration
from pylti1p3.request import Request
from pylti1p3.session import SessionService
from pylti1p3.tool_config.abstract import ToolConfAbstract

from lti_tool.platforms.platforms import Platform
from lti_tool.platforms.tool_keys import ToolKey
from lti_tool.refusals import Reason, RefusedError
from lti_tool.tokens import digest, new_secret, same

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
DEEP_LINKING = "https://purl.imsglobal.org/spec/lti-dl/claim/"
RESOURCE_LINK_MESSAGE = "LtiResourceLinkRequest"
DEEP_LINKING_MESSAGE = "LtiDeepLinkingRequest"
MESSAGES = frozenset({RESOURCE_LINK_MESSAGE, DEEP_LINKING_MESSAGE})
ALGORITHM = "RS256"
MAX_ROLES = 100

KeyOf = Callable[[str], RSAPublicKey | None]
"""The platform's public key of a key id."""


def authorization_request(
    platform: Platform, *, redirect_uri: str, login_hint: str, message_hint: str
) -> tuple[str, str, str]:
    """The platform's authentication address for a new login, with its state and nonce.

    Source: LTI 1.3 security framework, section 5.1.1.2.
    """
    params = {"iss": platform.issuer, "client_id": platform.client_id, "login_hint": login_hint}
    if message_hint:
        params["lti_message_hint"] = message_hint
    login = _Login(platform, params)
    url = login.url(redirect_uri)
    return url, login.state, login.nonce


def verified_claims(
    platform: Platform,
    id_token: str,
    *,
    key_of: KeyOf,
    has_deployment: Callable[[str], bool],
    nonce_digest: str,
    now_seconds: int,
    leeway: int,
    max_age: int,
) -> dict[str, Any]:
    """The claims of an id_token that `platform` signed for us, now, for the login of this nonce.

    RefusedError with the reason of the first check that fails.
    """
    launch = _Launch(platform, id_token, key_of, has_deployment)
    try:
        launch.validate_jwt_format()
    except LtiException as error:
        raise RefusedError(Reason.TOKEN_MALFORMED) from error
    launch.validate_jwt_signature()
    claims = launch.claims
    _check_issuer_and_audience(platform, claims)
    _check_times(claims, now_seconds, leeway, max_age)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not same(digest(nonce), nonce_digest):
        raise RefusedError(Reason.TOKEN_NONCE)
    _check_storable(claims)
    _check_shapes(claims)
    try:
        launch.validate_registration().validate_deployment()
    except LtiException as error:
        raise RefusedError(Reason.DEPLOYMENT_UNKNOWN) from error
    try:
        launch.validate_message()
    except LtiException as error:
        raise RefusedError(Reason.CLAIM_MISSING, "message") from error
    return claims


def deep_linking_response(
    platform: Platform,
    key: ToolKey,
    *,
    deployment_id: str,
    data: str | None,
    items: Sequence[Mapping[str, Any]],
    now_seconds: int,
) -> str:
    """The signed message that hands chosen items back to the platform.

    `iat` lies five seconds back because Moodle verifies without leeway; an absent `data` is left
    out instead of being sent as null. Source: LTI Deep Linking 2.0, section 4.4.
    """
    settings = {} if data is None else {"data": data}
    registration = _registration(platform).set_tool_private_key(key.private_pem)
    link = DeepLink(registration, deployment_id, settings)  # type: ignore[arg-type]
    message = link.get_message_jwt([_Item(item) for item in items])
    message.update({"iat": now_seconds - 5, "exp": now_seconds + 300, "nonce": new_secret()})
    if data is None:
        message.pop(DEEP_LINKING + "data")
    return jwt.encode(message, key.private_pem, algorithm=ALGORITHM, headers={"kid": key.kid})


def _registration(platform: Platform) -> Registration:
    return (
        Registration()
        .set_issuer(platform.issuer)
        .set_client_id(platform.client_id)
        .set_auth_login_url(platform.auth_login_url)
        .set_auth_token_url(platform.auth_token_url)
        .set_key_set_url(platform.jwks_url)
    )


class _Config(ToolConfAbstract[Request]):
    """The registry as the library wants to see it: one platform, already found by us."""

    def __init__(self, platform: Platform, has_deployment: Callable[[str], bool]) -> None:
        self._platform = platform
        self._has_deployment = has_deployment

    def check_iss_has_one_client(self, iss: str) -> bool:
        return False

    def check_iss_has_many_clients(self, iss: str) -> bool:
        return True

    def find_registration_by_issuer(self, iss: str, *args: Any, **kwargs: Any) -> Registration:
        raise NotImplementedError("an issuer alone names no registration")

    def find_registration_by_params(
        self, iss: str, client_id: str, *args: Any, **kwargs: Any
    ) -> Registration:
        if (iss, client_id) != (self._platform.issuer, self._platform.client_id):
            raise LtiException("another registration")
        return _registration(self._platform)

    def find_deployment(self, iss: str, deployment_id: str) -> Deployment | None:
        raise NotImplementedError("an issuer alone names no deployment")

    def find_deployment_by_params(
        self, iss: str, deployment_id: str, client_id: str, *args: Any, **kwargs: Any
    ) -> Deployment | None:
        return Deployment().set_deployment_id(deployment_id) if self._has_deployment(deployment_id) else None


class _Params(Request):
    def __init__(self, params: Mapping[str, str]) -> None:
        self._params = params

    @property
    def session(self) -> dict[str, object]:
        return {}

    def is_secure(self) -> bool:
        return True

    def get_param(self, key: str) -> str:
        return self._params.get(key, "")


class _Cookies(CookieService):
    """Catches the state that the library would put into a cookie; our caller binds it."""

    def __init__(self) -> None:
        self.state = ""

    def get_cookie(self, name: str) -> str | None:
        return None

    def set_cookie(self, name: str, value: str | int, exp: int | None = 3600) -> None:
        self.state = str(value)


class _Session(SessionService):
    """Keeps nothing: the transaction does."""

    def save_nonce(self, nonce: str) -> None:
        pass


class _Login(OIDCLogin[Request, _Config, _Session, _Cookies, str]):
    """The library's authentication request with unguessable values (its own use the clock and MAC)."""

    def __init__(self, platform: Platform, params: Mapping[str, str]) -> None:
        request = _Params(params)
        self._cookies = _Cookies()
        self.nonce = new_secret()
        super().__init__(
            request,
            _Config(platform, lambda _deployment: True),
            session_service=_Session(request),
            cookie_service=self._cookies,
        )

    def url(self, redirect_uri: str) -> str:
        return self._prepare_redirect_url(redirect_uri)

    @property
    def state(self) -> str:
        return self._cookies.state

    def _get_uuid(self) -> str:
        return new_secret()

    def _generate_nonce(self) -> str:
        return self.nonce

    def get_redirect(self, url: str) -> Redirect[str]:
        raise NotImplementedError("the caller sends the browser on")


class _Launch(MessageLaunch[Request, _Config, _Session, _Cookies]):
    """The library's checks of one id_token, with our keys and no network, cookie or session."""

    def __init__(
        self, platform: Platform, id_token: str, key_of: KeyOf, has_deployment: Callable[[str], bool]
    ) -> None:
        request = _Params({"id_token": id_token})
        super().__init__(
            request,
            _Config(platform, has_deployment),
            session_service=_Session(request),
            cookie_service=_Cookies(),
        )
        self.set_auto_validation(enable=False)
        self._platform = platform
        self._key_of = key_of

    @property
    def claims(self) -> dict[str, Any]:
        return dict(self._jwt["body"])

    def _get_request_param(self, key: str) -> str:
        return self._request.get_param(key)

    def get_client_id(self) -> str:
        """The client whose login this is; that the audience names it was checked before."""
        return self._platform.client_id

    def validate_jwt_signature(self) -> _Launch:
        """Verify with the named key, RS256 only; from here on the claims are the verified ones."""
        header: Any = self._jwt["header"]
        if not isinstance(header, dict):
            raise RefusedError(Reason.TOKEN_MALFORMED)
        if header.get("alg") != ALGORITHM:
            raise RefusedError(Reason.TOKEN_ALGORITHM)
        kid = header.get("kid")
        if not isinstance(kid, str) or not kid:
            raise RefusedError(Reason.TOKEN_NO_KEY_ID)
        key = self._key_of(kid)
        if key is None:
            raise RefusedError(Reason.TOKEN_KEY_UNKNOWN)
        try:
            # Times and audience are checked by our own rules, on our own clock.
            claims = jwt.decode(
                self._get_id_token(),
                key,
                algorithms=[ALGORITHM],
                options={
                    "verify_aud": False,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "verify_sub": False,
                    "verify_jti": False,
                    "verify_iss": False,
                },
            )
        except jwt.InvalidSignatureError as error:
            raise RefusedError(Reason.TOKEN_SIGNATURE) from error
        except (jwt.InvalidTokenError, RecursionError) as error:
            raise RefusedError(Reason.TOKEN_MALFORMED) from error
        self._jwt["body"] = claims  # type: ignore[typeddict-item]
        return self


class _Item(DeepLinkResource):
    """A content item that is written exactly as given; the library's own has null titles and URLs."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        self._item = dict(item)

    def to_dict(self) -> dict[str, object]:
        return self._item


def _check_issuer_and_audience(platform: Platform, claims: Mapping[str, Any]) -> None:
    """OpenID Connect core, section 3.1.3.7, items 2 to 5."""
    if claims.get("iss") != platform.issuer:
        raise RefusedError(Reason.TOKEN_ISSUER)
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or platform.client_id not in named:
        raise RefusedError(Reason.TOKEN_AUDIENCE, "aud")
    authorised = claims.get("azp")
    if (len(named) > 1 or authorised is not None) and authorised != platform.client_id:
        raise RefusedError(Reason.TOKEN_AUDIENCE, "azp")


def _check_times(claims: Mapping[str, Any], now: int, leeway: int, max_age: int) -> None:
    """Both times are required, the token is fresh, and no clock is far off."""
    issued, expires = _time(claims.get("iat")), _time(claims.get("exp"))
    not_before = _time(claims.get("nbf", 0))
    if expires <= now - leeway:
        raise RefusedError(Reason.TOKEN_EXPIRED, "exp")
    if issued < now - max_age - leeway:
        raise RefusedError(Reason.TOKEN_EXPIRED, "iat")
    if issued > now + leeway or not_before > now + leeway or expires < issued:
        raise RefusedError(Reason.TOKEN_TIMES, "in the future")


def _time(value: Any) -> float:
    try:
        usable = not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        usable = False
    if not usable:
        raise RefusedError(Reason.TOKEN_TIMES, "missing or not a number")
    return float(value)


_OBJECTS = (
    CLAIM + "context",
    CLAIM + "custom",
    CLAIM + "lis",
    CLAIM + "launch_presentation",
    CLAIM + "tool_platform",
    CLAIM + "resource_link",
    DEEP_LINKING + "deep_linking_settings",
    "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint",
    "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice",
)
_TEXTS = ("name", "given_name", "family_name", "email", "locale")


def _check_storable(claims: Mapping[str, Any]) -> None:
    """No half surrogate pairs in any text, no integers beyond 64 bits, no endless nesting.

    Programs disagree about what these mean (RFC 8259, sections 6 and 8.2), and none of them can be kept.
    """
    try:
        orjson.dumps(claims)
    except TypeError as error:
        raise RefusedError(Reason.CLAIM_MALFORMED, "a text or a number that cannot be kept") from error


def _check_shapes(claims: Mapping[str, Any]) -> None:
    """What the library takes for granted: claims that are there have the types of the specification."""
    if claims.get(CLAIM + "version") != "1.3.0":
        raise RefusedError(Reason.MESSAGE_VERSION)
    message = claims.get(CLAIM + "message_type")
    if not isinstance(message, str) or message not in MESSAGES:
        raise RefusedError(Reason.MESSAGE_TYPE)
    for name in ("sub", CLAIM + "deployment_id", CLAIM + "target_link_uri"):
        value = claims.get(name)
        if value is None or value == "":
            raise RefusedError(Reason.CLAIM_MISSING, name.rpartition("/")[2])
        if not isinstance(value, str) or len(value) > 2048:
            raise RefusedError(Reason.CLAIM_MALFORMED, name.rpartition("/")[2])
    roles = claims.get(CLAIM + "roles")
    if roles is None:
        raise RefusedError(Reason.CLAIM_MISSING, "roles")
    if not isinstance(roles, list) or len(roles) > MAX_ROLES or not all(isinstance(r, str) for r in roles):
        raise RefusedError(Reason.CLAIM_MALFORMED, "roles")
    for name in _OBJECTS:
        if not isinstance(claims.get(name) or {}, dict):
            raise RefusedError(Reason.CLAIM_MALFORMED, name.rpartition("/")[2])
    for name in _TEXTS:
        if not isinstance(claims.get(name) or "", str):
            raise RefusedError(Reason.CLAIM_MALFORMED, name)
    if message == RESOURCE_LINK_MESSAGE:
        link = claims.get(CLAIM + "resource_link") or {}
        if not isinstance(link.get("id"), str) or not link["id"]:
            raise RefusedError(Reason.CLAIM_MISSING, "resource_link.id")

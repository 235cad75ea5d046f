"""The registry of learning platforms: which issuer and client id belong to which agency.

A platform is unique by (issuer, client id) over all tenants; its deployments are documents of
their own, so that a platform with thousands of them costs a launch one look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from lrs import document_kinds
from lrs.names import check_tenant_name
from lrs.store import json_documents
from lrs.store.document_walk import walk_stored_documents
from lrs.store.documents import DocumentQuery
from lrs.store.port import Reader, Store, Writer
from lrs.store.writes import WriteHints
from lrs.tenants import is_known
from lti_tool.settings import origin_of
from lti_tool.tokens import digest, new_id
from statements.data_types.iri import valid_iri

KIND: Final = document_kinds.PLATFORM
CLIENT_KIND: Final = document_kinds.PLATFORM_CLIENT
DEPLOYMENT_KIND: Final = document_kinds.DEPLOYMENT

ACTIVE, PENDING, DISABLED = "active", "pending", "disabled"
STATUSES = (ACTIVE, PENDING, DISABLED)
NUMBER_SOURCES = ("sourcedid", "none")
"""Where the employee number comes from; `custom:<name>` reads a custom parameter."""

MAX_URL = 2048
MAX_NAME = 255
MAX_SAME_ISSUER = 200
MAX_DEPLOYMENTS_SHOWN = 500
PAGE = 500


class AlreadyRegisteredError(ValueError):
    """A platform with this issuer and client id exists; it is never overwritten."""


@dataclass(frozen=True, slots=True)
class Platform:
    """One registration: a learning platform as one client of it sees it."""

    id: str
    tenant: str
    name: str
    issuer: str
    client_id: str
    auth_login_url: str
    auth_token_url: str
    jwks_url: str
    status: str = ACTIVE
    audience: str = ""
    """`aud` of the tool's client assertions; the token URL when empty."""
    number_source: str = "sourcedid"
    numbers_trusted: bool = False
    """Whether the employee numbers that it sends join accounts to one person. Where users may type the number
    themselves, or whoever runs the platform is not trusted, a number would open a colleague's record."""
    emails_locked: bool = False
    """Whether its users cannot change their own e-mail address: only then does a mailbox join records."""
    frame_origins: tuple[str, ...] = ()
    """Further origins that may frame the tool (an app shell, a portal around the platform)."""
    created: int = 0
    deployments: tuple[str, ...] = ()
    """Filled by `show` and `list`; launches look a single deployment up instead."""

    def as_dict(self) -> dict[str, Any]:
        """The platform as JSON for the command line; it holds no secret."""
        return asdict(self)


class Platforms:
    """Add, find and change platforms."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock

    def add(
        self,
        *,
        tenant: str,
        name: str,
        issuer: str,
        client_id: str,
        auth_login_url: str,
        auth_token_url: str,
        jwks_url: str,
        deployments: Sequence[str] = (),
        status: str = ACTIVE,
        audience: str = "",
        number_source: str = "sourcedid",
        numbers_trusted: bool = True,
        emails_locked: bool = False,
        frame_origins: Sequence[str] = (),
    ) -> Platform:
        """Register a platform in the operator's name. ValueError for bad values, AlreadyRegisteredError."""
        platform = Platform(
            id=new_id(),
            tenant=tenant,
            name=name,
            issuer=issuer,
            client_id=client_id,
            auth_login_url=auth_login_url,
            auth_token_url=auth_token_url,
            jwks_url=jwks_url,
            status=status,
            audience=audience,
            number_source=number_source,
            numbers_trusted=numbers_trusted,
            emails_locked=emails_locked,
            frame_origins=tuple(frame_origins),
            created=self._clock(),
            deployments=tuple(deployments),
        )
        with self._store.reading() as reader:
            if not is_known(reader, tenant):
                check_tenant_name(tenant)
        check_new(platform)
        return self._store.writing(
            lambda writer: self.add_within(writer, platform), WriteHints(tenant=tenant)
        )

    def add_within(self, writer: Writer, platform: Platform) -> Platform:
        """Register an already checked platform as part of a larger write."""
        client = digest(platform.issuer, platform.client_id)
        if writer.document(CLIENT_KIND, "", client) is not None:
            raise AlreadyRegisteredError("this issuer and client id are already registered")
        json_documents.put(writer, CLIENT_KIND, client, {"platform": platform.id}, now=platform.created)
        for deployment in platform.deployments:
            self._put_deployment(writer, platform.id, deployment, platform.created)
        self._put(writer, platform, platform.created)
        return platform

    def list(self, tenant: str | None = None, *, limit: int = 1000) -> Sequence[Platform]:
        """Platforms of one tenant, or of all, by name."""
        keys = () if tenant is None else (f"tenant\x1f{tenant}",)
        with self._store.reading() as reader:
            found = reader.find_documents(DocumentQuery(KIND, "", keys, limit=limit))
            return [self._with_deployments(reader, _load(json_documents.value_of(one))) for one in found]

    def tenants(self) -> Sequence[str]:
        """Every agency that has a platform, whatever its status."""
        walk = walk_stored_documents(self._store, DocumentQuery(KIND, "", limit=PAGE))
        return sorted({json_documents.value_of(one)["tenant"] for page in walk for one in page})

    def show(self, platform_id: str) -> Platform | None:
        """One platform with its deployments, or None."""
        with self._store.reading() as reader:
            value = json_documents.get(reader, KIND, platform_id)
            return None if value is None else self._with_deployments(reader, _load(value))

    def get(self, platform_id: str) -> Platform | None:
        """One platform without its deployments: a single look-up."""
        with self._store.reading() as reader:
            value = json_documents.get(reader, KIND, platform_id)
            return None if value is None else _load(value)

    def find(self, issuer: str, client_id: str) -> Platform | None:
        """The platform of this issuer and client id, whatever its status."""
        with self._store.reading() as reader:
            client = json_documents.get(reader, CLIENT_KIND, digest(issuer, client_id))
            value = None if client is None else json_documents.get(reader, KIND, client["platform"])
            return None if value is None else _load(value)

    def of_issuer(self, issuer: str) -> Sequence[Platform]:
        """All platforms of an issuer; several clients may share one."""
        with self._store.reading() as reader:
            found = reader.find_documents(
                DocumentQuery(KIND, "", (f"issuer\x1f{issuer}",), limit=MAX_SAME_ISSUER)
            )
            return [_load(json_documents.value_of(one)) for one in found]

    def has_deployment(self, platform_id: str, deployment_id: str) -> bool:
        """Whether the platform's registration names this deployment."""
        with self._store.reading() as reader:
            return reader.document(DEPLOYMENT_KIND, platform_id, digest(deployment_id)) is not None

    def add_deployment(self, platform_id: str, deployment_id: str) -> None:
        """Accept launches of one more deployment. KeyError when there is no such platform."""
        _check_text("deployment id", deployment_id)
        now = self._clock()

        def work(writer: Writer) -> None:
            if writer.document(KIND, "", platform_id) is None:
                raise KeyError(platform_id)
            self._put_deployment(writer, platform_id, deployment_id, now)

        self._store.writing(work)

    def set_status(self, platform_id: str, status: str) -> Platform:
        """Activate or disable a platform. KeyError when there is no such platform."""
        return self.change(platform_id, status=status)

    def keep_earlier_trust(self) -> Sequence[Platform]:
        """Write down whose employee numbers are trusted where nobody has said so yet; those platforms.

        Builds before the setting existed trusted every platform, so a platform that could be used keeps that,
        and the accounts that it joined stay joined. One that still waits to be activated has joined nothing.
        """
        walk = walk_stored_documents(self._store, DocumentQuery(KIND, "", limit=PAGE))
        silent = [
            one.name for page in walk for one in page if "numbers_trusted" not in json_documents.value_of(one)
        ]
        loaded = [self.get(platform_id) for platform_id in silent]
        return [self.change(one.id, numbers_trusted=one.status != PENDING) for one in loaded if one]

    def disable(self, platform_id: str) -> Platform:
        """Refuse launches, services and open sessions of the platform from now on."""
        return self.set_status(platform_id, DISABLED)

    def activate(
        self, platform_id: str, *, numbers_trusted: bool | None = None, emails_locked: bool | None = None
    ) -> Platform:
        """Accept launches of a pending or disabled platform. None leaves a setting as it is."""
        settings = {"numbers_trusted": numbers_trusted, "emails_locked": emails_locked}
        said = {name: value for name, value in settings.items() if value is not None}
        return self.change(platform_id, status=ACTIVE, **said)

    def change(self, platform_id: str, **changes: Any) -> Platform:
        """Change settings of a platform, never whose it is. KeyError, ValueError."""
        fixed = {"id", "tenant", "issuer", "client_id", "created", "deployments"} & changes.keys()
        if fixed:
            raise ValueError(f"cannot be changed: {', '.join(sorted(fixed))}")
        now = self._clock()

        def work(writer: Writer) -> Platform:
            value = json_documents.get(writer, KIND, platform_id)
            if value is None:
                raise KeyError(platform_id)
            platform = replace(_load(value), **changes)
            check(platform)
            self._put(writer, platform, now)
            return platform

        return self._store.writing(work)

    def _put(self, writer: Writer, platform: Platform, now: int) -> None:
        value = asdict(platform)
        del value["deployments"]
        keys = (f"issuer\x1f{platform.issuer}", f"tenant\x1f{platform.tenant}")
        json_documents.put(
            writer, KIND, platform.id, value, now=now, keys=keys, order=platform.name.casefold()
        )

    def _put_deployment(self, writer: Writer, platform_id: str, deployment_id: str, now: int) -> None:
        value = {"deployment": deployment_id}
        json_documents.put(writer, DEPLOYMENT_KIND, digest(deployment_id), value, now=now, scope=platform_id)

    def _with_deployments(self, reader: Reader, platform: Platform) -> Platform:
        found = reader.find_documents(
            DocumentQuery(DEPLOYMENT_KIND, platform.id, limit=MAX_DEPLOYMENTS_SHOWN)
        )
        return replace(
            platform, deployments=tuple(sorted(json_documents.value_of(one)["deployment"] for one in found))
        )


def check(platform: Platform) -> None:
    """ValueError, naming the field, unless every value of the platform is usable."""
    for field in ("tenant", "name", "issuer", "client_id"):
        _check_text(field, getattr(platform, field))
    for deployment in platform.deployments:
        _check_text("deployment id", deployment)
    for field in ("auth_login_url", "auth_token_url", "jwks_url"):
        _check_url(field, getattr(platform, field))
    if len(platform.audience) > MAX_URL or not platform.audience.isprintable():
        raise ValueError("audience must be printable text")
    for origin in platform.frame_origins:
        _check_origin(origin)
    if platform.status not in STATUSES:
        raise ValueError(f"status must be one of {', '.join(STATUSES)}")
    source = platform.number_source
    if source not in NUMBER_SOURCES and not (source.startswith("custom:") and source[7:].isidentifier()):
        raise ValueError("number source must be sourcedid, none or custom:<name>")


def check_new(platform: Platform) -> None:
    """`check`, and what is asked of new registrations alone. ValueError.

    The issuer is the home page of the accounts in statements, an IRI (xAPI 1.0.3 Part 2, 2.4.2.4).
    """
    check(platform)
    if not valid_iri(platform.issuer):
        raise ValueError("issuer must be a web address, for example https://lms.example.go.id")


def _check_text(field: str, value: str) -> None:
    if not value or len(value) > MAX_NAME or not value.isprintable() or value != value.strip():
        raise ValueError(f"{field} must be 1 to {MAX_NAME} printable characters, without spaces at the ends")


def _check_url(field: str, value: str) -> None:
    try:
        parts = urlsplit(value)
        usable = bool(origin_of(value)) and not parts.fragment
    except ValueError:
        usable = False
    if not usable or parts.username is not None or len(value) > MAX_URL or not value.isprintable():
        raise ValueError(f"{field} must be an absolute http(s) address")


def _check_origin(value: str) -> None:
    parts = urlsplit(value)
    bare = f"{parts.scheme}://{parts.netloc}" == value
    if parts.scheme not in ("http", "https") or not bare or any(c in value for c in " ;,'\"*@"):
        raise ValueError("a frame origin must look like https://host")


def _load(value: dict[str, Any]) -> Platform:
    # Written before the setting existed: such a platform was trusted, see `keep_earlier_trust`.
    trusted = value.get("numbers_trusted", value["status"] != PENDING)
    return Platform(**{**value, "frame_origins": tuple(value["frame_origins"]), "numbers_trusted": trusted})

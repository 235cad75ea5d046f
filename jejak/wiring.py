"""Puts the parts together: one store, and the services that work on it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from jejak.clock import new_id, now
from jejak.secrets import derived, secret_key
from jejak.settings import Settings
from lrs.access import Credentials
from lrs.http.application import XapiApplication
from lrs.http.services import Limits
from lrs.store.open import open_store
from lrs.store.port import Store
from lti_tool.config import LtiSettings
from statements.versions import Version


@dataclass(frozen=True, slots=True)
class Wired:
    """The parts of one process, connected."""

    settings: Settings
    store: Store
    xapi: XapiApplication
    credentials: Credentials
    lti: LtiSettings
    form_key: bytes


def wire(settings: Settings) -> Wired:
    """Open the store that the settings name and connect everything to it."""
    store = open_store(settings.store)
    key = secret_key(store, settings.secret_key)
    credentials = Credentials(store, now)
    xapi = XapiApplication(
        store,
        clock=now,
        new_id=new_id,
        cursor_key=derived(key, "cursor"),
        limits=Limits(
            max_body_bytes=settings.max_body_bytes,
            max_attachment_bytes=settings.max_attachment_bytes,
            max_batch=settings.max_batch,
            max_depth=settings.max_depth,
            page_size=settings.page_size,
            page_size_max=settings.page_size_max,
        ),
        version_fallback=Version(settings.xapi_version_fallback),
        cors_origins=settings.cors_origins,
        credentials=credentials,
    )
    return Wired(settings, store, xapi, credentials, lti_settings(settings), derived(key, "forms"))


def lti_settings(settings: Settings) -> LtiSettings:
    """The tool's own settings; plain http is for this machine alone."""
    local = urlsplit(settings.public_url).hostname in {"localhost", "127.0.0.1", "::1"}
    if not local and settings.public_url.startswith("http:") and not settings.allow_loopback:
        raise ValueError("JEJAK_PUBLIC_URL must be https, except on this machine")
    return LtiSettings(public_url=settings.public_url, allow_loopback=settings.allow_loopback)

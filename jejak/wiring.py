"""Puts the parts together: one store, and the services that work on it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from jejak.allocator import give_memory_back
from jejak.clock import new_id, now
from jejak.secrets import derived, secret_key
from jejak.settings import Settings, SettingsError
from jejak.upgrades import settle
from lrs.access import Credentials
from lrs.http.parse_budget import ParseBudget
from lrs.http.xapi.application import XapiApplication
from lrs.http.xapi.services import Limits, Services
from lrs.http.xapi.validate import Strangers, ValidateApplication, inspect
from lrs.people.people import People, mailbox_key, nip_key, username_key
from lrs.records.evidence.files import Bounds, EvidenceFiles
from lrs.records.evidence.uploads import Uploads
from lrs.records.learning_record import LearningRecord
from lrs.store.open import MEMORY, open_store
from lrs.store.port import Store
from lrs.tenant_turns import TenantTurns
from lrs.xapi.activities import Activities
from lrs.xapi.agents import Agents
from lrs.xapi.documents import Documents
from lrs.xapi.ingest import Ingest, Receipt
from lrs.xapi.pending_references import PendingReferences
from lrs.xapi.query import Query
from lrs.xapi.statement_keys import STATEMENT_KEYS
from lti_tool.accounts import account_key
from lti_tool.launch.deep_linking import GOAL, embedded
from lti_tool.launch.launch import Identity
from lti_tool.launch.sessions import LaunchSession
from lti_tool.services.emitter import Emitter
from lti_tool.services.goal_progress import Progress
from lti_tool.settings import LtiSettings
from lti_tool.web.lti_services import LtiTool, build_tool
from lti_tool.web.record_services import RecordServices
from statements.data_types.versions import Version
from statements.errors import Problem

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Core:
    """What works without answering requests: the learning record, the LTI tool, and progress between them."""

    store: Store
    record: LearningRecord
    tool: LtiTool
    progress: Progress
    references: PendingReferences


def core(settings: Settings) -> Core:
    """Open the store that the settings name, with the parts that background work needs."""
    lti = lti_settings(settings)
    if settings.store == MEMORY:
        _log.warning("JEJAK_STORE is %s: everything is lost when this process ends", MEMORY)
    store = open_store(settings.store, STATEMENT_KEYS)
    # Before anything else: a key that is made now must not be taken for one of an earlier version, and what
    # an earlier one signs off must count.
    settle(store)

    def changed(tenant: str, persons: Collection[str]) -> None:
        # `progress` is made from what is made here.
        progress.changed(tenant, persons)

    record = LearningRecord.over(store, now, new_id, on_changed=changed, undo_seconds=settings.undo_seconds)
    known = PersonLinker(record.people, lambda tenant, person: changed(tenant, (person,)))
    tool = build_tool(
        store,
        clock=now,
        settings=lti,
        on_launch=known.launched,
        on_roster=known.listed,
        table_for=record.tables.of,
    )
    progress = Progress(record, tool.goals, tool.grades, tool.platforms, now)
    return Core(store, record, tool, progress, PendingReferences(store, now))


@dataclass(frozen=True, slots=True)
class Wired:
    """The parts of one process, connected."""

    settings: Settings
    core: Core
    store: Store
    limits: Limits
    credentials: Credentials
    xapi: XapiApplication
    validate_api: ValidateApplication
    strangers: Strangers
    record: LearningRecord
    tool: LtiTool
    desk: RecordServices

    def validate(self, body: bytes, version: Version, address: str) -> tuple[int, Iterable[Problem]]:
        """Check a pasted statement exactly as the record store would."""
        with self.strangers.turn(address):
            return inspect(body, version, self.limits)


def wire(settings: Settings) -> Wired:
    """Open the store that the settings name and connect everything to it."""
    parts = core(settings)
    store, record, tool = parts.store, parts.record, parts.tool
    key = secret_key(store, settings.secret_key)
    credentials = Credentials(store, now, proxy_hops=settings.proxy_hops)
    limits = Limits(
        max_body_bytes=settings.max_body_bytes,
        max_statement_bytes=settings.max_statement_bytes,
        max_document_bytes=settings.max_document_bytes,
        max_values=settings.max_values,
        max_attachment_bytes=settings.max_attachment_bytes,
        max_batch=settings.max_batch,
        max_depth=settings.max_depth,
        page_size=settings.page_size,
        page_size_max=settings.page_size_max,
        page_bytes=settings.page_bytes,
    )
    budget = ParseBudget(on_idle=give_memory_back)
    services = xapi_services(
        store,
        clock=now,
        new_id=new_id,
        cursor_key=derived(key, "cursor"),
        limits=limits,
        version_fallback=Version(settings.xapi_version_fallback),
        credentials=credentials,
        on_written=lambda _: record.follower.notify(),
    )
    xapi = XapiApplication(store, services, cors_origins=settings.cors_origins, budget=budget)
    bounds = Bounds(file_bytes=settings.evidence_max_bytes, files=settings.evidence_max_files)
    evidence = EvidenceFiles(store, record.people, now, bounds)
    desk = RecordServices(
        record=record,
        emitter=Emitter(services.ingest, evidence),
        roster=tool.roster,
        clock=now,
        progress=parts.progress,
        evidence=evidence,
        uploads=Uploads(store, evidence, now),
    )
    strangers = Strangers(
        max_bytes=settings.validate_max_bytes, per_minute=settings.validate_per_minute, clock=now
    )
    return Wired(
        settings=settings,
        core=parts,
        store=store,
        limits=limits,
        credentials=credentials,
        xapi=xapi,
        validate_api=ValidateApplication(
            credentials=credentials,
            strangers=strangers,
            budget=budget,
            limits=limits,
            cors_origins=settings.cors_origins,
        ),
        strangers=strangers,
        record=record,
        tool=tool,
        desk=desk,
    )


def xapi_services(
    store: Store,
    *,
    clock: Callable[[], int],
    new_id: Callable[[], str],
    cursor_key: bytes,
    limits: Limits,
    version_fallback: Version,
    credentials: Credentials,
    on_written: Callable[[Receipt], None] | None = None,
) -> Services:
    """What the xAPI resources work with. `clock` gives microseconds, `cursor_key` authenticates `more` links.

    `on_written` is called after each durable write of statements.
    """
    activities, agents, turns = Activities(store, clock), Agents(store, clock), TenantTurns()
    return Services(
        credentials=credentials,
        ingest=Ingest(
            store,
            clock,
            new_id,
            activities=activities,
            agents=agents,
            turns=turns,
            on_written=on_written,
        ),
        query=Query(
            store,
            cursor_key=cursor_key,
            page_size=limits.page_size,
            page_size_max=limits.page_size_max,
            page_bytes=limits.page_bytes,
        ),
        documents=Documents(store, clock, turns),
        activities=activities,
        agents=agents,
        limits=limits,
        version_fallback=version_fallback,
    )


MAILBOX = re.compile(r"[^@\s]+@[^@\s]+")


LISTING = 4
"""Members of a roster that are made known at once."""


class PersonLinker:
    """Makes people known when they launch or are listed: the only way an NIP reaches the alias table."""

    def __init__(self, people: People, on_goal: Callable[[str, str], None]) -> None:
        """`on_goal` is told tenant and person of whoever opens a graded goal."""
        self._people = people
        self._on_goal = on_goal

    def launched(self, session: LaunchSession, identity: Identity) -> None:
        """Someone launched."""
        person = self._know(identity)
        if embedded(session).view == GOAL:
            self._on_goal(identity.tenant, person)

    def listed(self, identities: Sequence[Identity]) -> None:
        """A part of a roster was fetched."""
        # Each is a small write: a few at a time share the store's turns, and leave most of them to others.
        with ThreadPoolExecutor(LISTING) as several:
            list(several.map(self._know, identities))

    def _know(self, identity: Identity) -> str:
        keys = [account_key(identity.issuer, identity.subject)]
        if identity.employee_number:
            keys.append(nip_key(identity.employee_number))
        if identity.email_locked and MAILBOX.fullmatch(identity.email):
            keys.append(mailbox_key(identity.email))
        names = [username_key(identity.issuer, identity.username)] if identity.username else []
        return self._people.ensure(identity.tenant, keys, identity.name, reusable=names)


def lti_settings(settings: Settings) -> LtiSettings:
    """The tool's own settings. SettingsError when plain http would leave this machine."""
    try:
        return LtiSettings(
            public_url=settings.public_url,
            allow_loopback=settings.allow_loopback or _is_local(settings.public_url),
            allowed_networks=settings.allowed_networks,
            key_passphrase=settings.key_passphrase or None,
            **settings.lti,
        )
    except ValueError as error:
        raise SettingsError(f"JEJAK_PUBLIC_URL: {error}") from error


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}

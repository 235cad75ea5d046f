"""What the resources work with: the parts of the store, and the limits of one installation."""

from __future__ import annotations

from dataclasses import dataclass, field

from lrs.access import Credentials
from lrs.tenant_turns import TenantTurns
from lrs.xapi.activities import Activities
from lrs.xapi.agents import Agents
from lrs.xapi.documents import Documents
from lrs.xapi.ingest import Ingest
from lrs.xapi.query import Query
from statements.data_types.versions import Version

MIB = 1024 * 1024
PAGES_IN_LINE = 8
"""Requests of one tenant for large pages in another format than the kept one, waiting ones included."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may ask for."""

    max_body_bytes: int = 8 * MIB
    """Bytes of the JSON of a request, or of a document that is not JSON."""
    max_statement_bytes: int = MIB
    """Bytes of one statement."""
    max_document_bytes: int = 4 * MIB
    """Bytes of a document of type application/json, and of what a POST makes of two."""
    max_values: int = 500_000
    """Values in the JSON of a request."""
    max_attachment_bytes: int = 256 * MIB
    """Bytes of a multipart body, statements and attachments together."""
    max_batch: int = 1000
    """Statements of one POST."""
    max_depth: int = 64
    """Nesting of JSON."""
    page_size: int = 100
    """Statements on a page when the request names no limit."""
    page_size_max: int = 500
    """Statements on a page at most."""
    page_bytes: int = 4 * MIB
    """Bytes of the statements on a page at most; one that is larger has a page of its own."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything behind the HTTP face."""

    credentials: Credentials
    ingest: Ingest
    query: Query
    documents: Documents
    activities: Activities
    agents: Agents
    limits: Limits
    version_fallback: Version
    """What an answer names when its request named no version, or an unknown one."""
    pages: TenantTurns = field(default_factory=lambda: TenantTurns(in_line=PAGES_IN_LINE))
    """Turns to bring large pages into another format."""

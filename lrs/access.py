"""Who may do what: credentials, the scopes of the xAPI specification, and tenants.

A credential is a key and a secret of 256 random bits. Only the SHA-256 of the secret is kept: it is
random, so nothing slower is needed, and a request costs microseconds. Every credential belongs to one
tenant and reaches the data of that tenant alone.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote

import orjson

from lrs import document_kinds
from lrs.failed_logins import FailedLogins
from lrs.names import check_credential_name, check_tenant_name, is_reserved
from lrs.store.document_walk import walk_documents, walk_stored_documents
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Store, Writer
from lrs.tenants import is_known, tenant_key
from statements.data_types.identity import agent_key
from statements.keys import AUTHORITY

KIND: Final = document_kinds.CREDENTIAL
CARRIED_OVER: Final = document_kinds.CARRIED_OVER
"""Kind of the documents that say which rights were carried over from earlier versions."""
CACHE_MICROSECONDS = 5_000_000
"""How long a process may go on believing a credential after it was disabled elsewhere."""
MOMENT = 100_000
"""Microseconds within which a request that need not wait for its credential has used it."""
CACHE_SIZE = 10_000
PAGE = 500
AUTHORITY_HOME = "https://jejak.id/xapi/authorities/"
"""Home page of the accounts that stand for credentials; the tenant follows."""


class Scope(StrEnum):
    """What a credential may do (xAPI 1.0.3 Part 3, 4.2); `DECISIONS_WRITE` is ours."""

    STATEMENTS_WRITE = "statements/write"
    DECISIONS_WRITE = "decisions/write"
    STATEMENTS_READ_MINE = "statements/read/mine"
    STATEMENTS_READ = "statements/read"
    STATE = "state"
    DEFINE = "define"
    PROFILE = "profile"
    ALL_READ = "all/read"
    ALL = "all"


_EVERY_READ = frozenset({Scope.ALL, Scope.ALL_READ})


@dataclass(frozen=True, slots=True)
class Access:
    """The permission of one caller, within one tenant."""

    tenant: str
    key: str
    name: str
    scopes: frozenset[Scope]
    authority: Mapping[str, Any]
    """The agent written as `authority` of every statement of this caller."""
    mine: str
    """Index key that every statement of this authority carries."""
    is_imitation: bool = False
    """It has the name of the product's own authority, from before that was refused: it may do nothing."""

    @classmethod
    def internal(cls, tenant: str, name: str, authority: Mapping[str, Any]) -> Access:
        """Unrestricted access to one tenant, for parts of this program; it has no credential."""
        return cls(tenant, "", name, frozenset({Scope.ALL}), authority, mine_key(authority))

    @property
    def may_write(self) -> bool:
        """May store statements."""
        return Scope.ALL in self.scopes or Scope.STATEMENTS_WRITE in self.scopes

    @property
    def may_decide(self) -> bool:
        """What it decides about entries, and what it voids, counts in the learning record."""
        return Scope.ALL in self.scopes or Scope.DECISIONS_WRITE in self.scopes

    @property
    def may_read_everything(self) -> bool:
        """May read every statement of the tenant."""
        return Scope.STATEMENTS_READ in self.scopes or not _EVERY_READ.isdisjoint(self.scopes)

    @property
    def may_read_statements(self) -> bool:
        """May read statements, if only its own."""
        return self.may_read_everything or Scope.STATEMENTS_READ_MINE in self.scopes

    @property
    def only_mine(self) -> bool:
        """Sees no statements but those of its own authority."""
        return not self.may_read_everything

    @property
    def may_define(self) -> bool:
        """Its statements change the definitions of activities and the names of agents."""
        return Scope.ALL in self.scopes or Scope.DEFINE in self.scopes

    def may_read_documents(self, scope: Scope) -> bool:
        """May read the documents that `scope` (STATE or PROFILE) opens."""
        return scope in self.scopes or not _EVERY_READ.isdisjoint(self.scopes)

    def may_write_documents(self, scope: Scope) -> bool:
        """May write and delete the documents that `scope` (STATE or PROFILE) opens."""
        return scope in self.scopes or Scope.ALL in self.scopes

    @property
    def may_describe(self) -> bool:
        """May ask what is known about an activity or an agent: every scope that reads something."""
        return bool(self.scopes - {Scope.STATEMENTS_WRITE, Scope.DECISIONS_WRITE})


def mine_key(authority: Mapping[str, Any]) -> str:
    """The index key of the statements of an authority; a prefix of its own keeps it apart from all others."""
    identity = agent_key(authority)
    if identity is None:
        # An authority group (an OAuth application and its user) is known by its members.
        identity = "\x1f".join(sorted(agent_key(member) or "" for member in authority.get("member", ())))
    return AUTHORITY + identity


def mine_of(keys: Iterable[str]) -> str | None:
    """The `mine_key` among the keys of a statement; None when it has none."""
    return next((key for key in keys if key.startswith(AUTHORITY)), None)


@dataclass(frozen=True, slots=True)
class Credential:
    """What is known about a credential; its secret is not."""

    key: str
    tenant: str
    name: str
    scopes: tuple[Scope, ...]
    created: int
    disabled: bool


class Credentials:
    """The credentials kept in the store. Safe to use from many threads."""

    def __init__(self, store: Store, clock: Callable[[], int], *, proxy_hops: int = 0) -> None:
        """`clock` gives microseconds since the epoch; `proxy_hops` trusted proxies stand in front."""
        self.failed = FailedLogins(clock)
        self.proxy_hops = proxy_hops
        self._store = store
        self._clock = clock
        self._known: OrderedDict[str, tuple[int, bytes, Access]] = OrderedDict()

    def create(self, tenant: str, name: str, scopes: Iterable[str]) -> tuple[str, str]:
        """Make a credential; its key and its secret, which is shown this once.

        Credentials of the same tenant and name are the same authority, so that a secret can be
        replaced without losing sight of the statements written with the old one. ValueError when a
        name may not be used, or a scope is unknown.
        """
        wanted = tuple(sorted({Scope(scope) for scope in scopes}))
        if not wanted:
            raise ValueError("a credential needs at least one scope")
        with self._store.reading() as reader:
            # An agency from before there were rules for names goes on as it is.
            if not is_known(reader, tenant):
                check_tenant_name(tenant)
        check_credential_name(name)
        key, secret = _fresh(16), _fresh(32)
        now = self._clock()
        body = orjson.dumps(
            {
                "tenant": tenant,
                "name": name,
                "scopes": wanted,
                "secret_sha256": _digest(secret).hex(),
                "created": now,
                "disabled": False,
            }
        )
        document = Document(
            KIND, "", key, body, etag="1", updated=now, keys=frozenset({tenant_key(tenant)}), order=name
        )
        self._store.writing(lambda writer: writer.put(document))
        return key, secret

    def remembers(self, key: str) -> bool:
        """Whether `authenticate` would answer without reading the store, now and for another moment."""
        known = self._known.get(key)
        return known is not None and 0 <= self._clock() - known[0] < CACHE_MICROSECONDS - MOMENT

    def recalled(self, key: str, secret: str) -> Access | None:
        """As `authenticate`, of what is remembered alone; None as well when that is nothing."""
        if not self.remembers(key):
            return None
        known = self._known.get(key)
        return known[2] if known and hmac.compare_digest(_digest(secret), known[1]) else None

    def authenticate(self, key: str, secret: str) -> Access | None:
        """The access of this key and secret, or None when they are not a pair in force."""
        now = self._clock()
        known = self._known.get(key)
        if known is None or not 0 <= now - known[0] <= CACHE_MICROSECONDS:
            with self._store.reading() as reader:
                document = reader.document(KIND, "", key) if len(key) <= 200 else None
            facts = orjson.loads(document.body) if document is not None else None
            if facts is None or facts["disabled"]:
                self._known.pop(key, None)
                return None
            known = (now, bytes.fromhex(facts["secret_sha256"]), _access(key, facts))
            if len(self._known) >= CACHE_SIZE:
                # Only the oldest goes: if all went, every caller's next request would read the store.
                with suppress(KeyError):
                    self._known.popitem(last=False)
            self._known[key] = known
        return known[2] if hmac.compare_digest(_digest(secret), known[1]) else None

    def disable(self, key: str) -> bool:
        """End a credential for good; whether there was one. Other processes follow within seconds."""

        def work(writer: Writer) -> bool:
            document = writer.document(KIND, "", key)
            if document is None:
                return False
            facts = orjson.loads(document.body) | {"disabled": True}
            writer.put(
                Document(
                    KIND,
                    "",
                    key,
                    orjson.dumps(facts),
                    etag="2",
                    updated=self._clock(),
                    keys=document.keys,
                    order=document.order,
                )
            )
            return True

        found = self._store.writing(work)
        self._known.pop(key, None)
        return found

    def rescope(
        self, key: str, *, add: Collection[Scope] = (), remove: Collection[Scope] = ()
    ) -> Credential | None:
        """Change what a credential may do; it as it is now, None when there is none.

        ValueError when it would have no scope left. Other processes follow within seconds. What it stored
        before stays as it counted then.
        """

        def work(writer: Writer) -> Credential | None:
            document = writer.document(KIND, "", key)
            return None if document is None else self._rescoped(writer, document, add, remove)

        changed = self._store.writing(work)
        self._known.pop(key, None)
        return changed

    def carry_over(self) -> list[Credential] | None:
        """Once in the life of a store: whoever may write statements may decide as well, as it was before.

        The credentials in force that may decide from now on; None when this was settled before.
        """
        with self._store.reading() as reader:
            if reader.document(CARRIED_OVER, "", Scope.DECISIONS_WRITE) is not None:
                return None

        def work(writer: Writer) -> list[Credential] | None:
            if writer.document(CARRIED_OVER, "", Scope.DECISIONS_WRITE) is not None:
                return None
            writer.put(Document(CARRIED_OVER, "", Scope.DECISIONS_WRITE, b"{}", updated=self._clock()))
            holders: list[Credential] = []
            for page in walk_documents(writer, DocumentQuery(KIND, "", limit=PAGE)):
                for document in page:
                    one = _credential(document)
                    if not one.disabled and Scope.STATEMENTS_WRITE in one.scopes:
                        one = self._rescoped(writer, document, {Scope.DECISIONS_WRITE}, ())
                    if not one.disabled and not {Scope.ALL, Scope.DECISIONS_WRITE}.isdisjoint(one.scopes):
                        holders.append(one)
            return holders

        return self._store.writing(work)

    def _rescoped(
        self, writer: Writer, document: Document, add: Collection[Scope], remove: Collection[Scope]
    ) -> Credential:
        facts = orjson.loads(document.body)
        wanted = sorted({Scope(scope) for scope in facts["scopes"]}.union(add).difference(remove))
        if not wanted:
            raise ValueError("a credential needs at least one scope; to end it, disable it")
        now = self._clock()
        body = orjson.dumps(facts | {"scopes": wanted})
        changed = replace(document, body=body, etag=str(now), updated=now)
        writer.put(changed)
        return _credential(changed)

    def list(self, tenant: str) -> list[Credential]:
        """The credentials of a tenant, by name."""
        query = DocumentQuery(KIND, "", {tenant_key(tenant)}, limit=PAGE)
        with self._store.reading() as reader:
            return [_credential(document) for page in walk_documents(reader, query) for document in page]

    def find(self, key: str) -> Credential | None:
        """One credential, disabled or not; None when there is none."""
        with self._store.reading() as reader:
            document = reader.document(KIND, "", key)
        return None if document is None else _credential(document)

    def tenants(self) -> set[str]:
        """Every tenant that has a credential, disabled ones included."""
        return {one.tenant for one in self._all()}

    def imitations(self) -> Sequence[Credential]:
        """Those in force that have the name of the product's own authority, and so are refused."""
        return [one for one in self._all() if not one.disabled and is_reserved(one.name)]

    def _all(self) -> Iterator[Credential]:
        for page in walk_stored_documents(self._store, DocumentQuery(KIND, "", limit=PAGE)):
            yield from map(_credential, page)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _credential(document: Document) -> Credential:
    facts = orjson.loads(document.body)
    scopes = tuple(Scope(scope) for scope in facts["scopes"])
    return Credential(
        document.name, facts["tenant"], facts["name"], scopes, facts["created"], facts["disabled"]
    )


def authority_of(tenant: str, name: str) -> dict[str, Any]:
    """The agent that stands as `authority` in the statements of a tenant's credentials of this name."""
    return {
        "objectType": "Agent",
        "name": name,
        "account": {"homePage": AUTHORITY_HOME + quote(tenant, safe=""), "name": name},
    }


def _access(key: str, facts: Mapping[str, Any]) -> Access:
    authority = authority_of(facts["tenant"], facts["name"])
    scopes = frozenset(Scope(scope) for scope in facts["scopes"])
    name = facts["name"]
    return Access(facts["tenant"], key, name, scopes, authority, mine_key(authority), is_reserved(name))


def _fresh(size: int) -> str:
    """A new random text of so many bytes, never one that a command line takes for an option."""
    while (text := secrets.token_urlsafe(size)).startswith("-"):
        pass
    return text

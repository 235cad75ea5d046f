"""What a source's account names are: numbers of users, as launches have them, or user names.

An account of a platform is its home page and a name. Launches name people by the platform's number of the
user; a source may name the same people by user name (logstore_xapi with *Identify users by username*). Both
look alike, so an administrator says it for each source. A source is what stands as authority in its
statements: the credentials of one tenant that have one name.

The setting is not written into statements. It is read whenever entries are worked out, so that what is stored
already joins its owner once the setting is right.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

import orjson

from lrs import document_kinds
from lrs.access import authority_of, mine_key
from lrs.people.people import RECOUNT, username_key
from lrs.records.tables import EVERYONE
from lrs.store.documents import Document, DocumentQuery
from lrs.store.log import Record
from lrs.store.port import Reader, Store, Writer

KIND: Final = document_kinds.ACCOUNT_NAMES
_MOST = 1000
"""Sources of one tenant with a setting of their own."""
_ACCOUNT = "account\x1f"


class AccountName(StrEnum):
    """What the name of an account is."""

    USER_ID = "user-id"
    USERNAME = "username"


class AccountNames:
    """Reads and changes the setting of each source."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock

    def of(self, tenant: str, source: str) -> AccountName:
        """The setting of one source; numbers of users unless somebody said otherwise."""
        with self._store.reading() as reader:
            held = reader.document(KIND, tenant, source)
        return AccountName.USER_ID if held is None else AccountName(orjson.loads(held.body)["names"])

    def set(self, tenant: str, source: str, names: AccountName) -> None:
        """Change the setting, and have the tenant's record worked out anew."""
        mine = mine_key(authority_of(tenant, source))
        body = orjson.dumps({"names": names, "mine": mine})

        def work(writer: Writer) -> None:
            now = self._clock()
            writer.put(Document(KIND, tenant, source, body, updated=now))
            writer.put(Document(RECOUNT, tenant, EVERYONE, b"{}", updated=now))

        self._store.writing(work)


class NamedByUsername:
    """The sources of one tenant whose account names are user names, in one snapshot."""

    def __init__(self, reader: Reader, tenant: str) -> None:
        held = [
            orjson.loads(one.body) for one in reader.find_documents(DocumentQuery(KIND, tenant, limit=_MOST))
        ]
        self._mine = frozenset(one["mine"] for one in held if one["names"] == AccountName.USERNAME)

    def identifier(self, record: Record, key: str) -> str:
        """The identifier that the agent with this key in this statement is known by."""
        if not self._mine or not key.startswith(_ACCOUNT) or self._mine.isdisjoint(record.views[0]):
            return key
        home_page, _, name = key.removeprefix(_ACCOUNT).partition("\x1f")
        return username_key(home_page, name)


def source_of(record: Record) -> str:
    """The name of the source that stored a statement; "" when its authority is no account."""
    mine = next((key for key in record.views[0] if key.startswith("m\x1f" + _ACCOUNT)), "")
    return mine.rpartition("\x1f")[2]

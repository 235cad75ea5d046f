"""The people of a course, one document each: what the platform's roster says of them, and their launches.

An instructor's page reads the few documents that it shows, in the order of names, however large the course.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lrs import document_kinds
from lrs.store import json_documents
from lrs.store.document_walk import walk_stored_documents
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Store, Writer
from lrs.store.writes import WriteHints
from lti_tool.launch.sessions import LaunchSession
from lti_tool.roles import INSTRUCTOR, LEARNER
from lti_tool.settings import SECOND
from lti_tool.tokens import digest

KIND: Final = document_kinds.MEMBER
REFRESH_SECONDS = 3600
"""A launch that changes nothing about a member is written at most this often."""
MAX_ORDER = 200
"""Characters of a name by which members are ordered."""
SLICE = 100
"""Members that one write touches; others may write between two slices."""
WALK = 500


@dataclass(frozen=True, slots=True)
class Member:
    """One person in one course. Texts come from the platform: escape them."""

    subject: str
    name: str
    given_name: str
    roles: frozenset[str]
    active: bool = True
    """False for members whom the platform lists as inactive or deleted."""
    seen: int = 0
    """Last launch here (microseconds); 0 when known from the roster only."""

    @property
    def learns(self) -> bool:
        """Whether the person is counted among those who learn here."""
        return self.active and LEARNER in self.roles


@dataclass(frozen=True, slots=True)
class Page:
    """Some members in the order of names. `before` and `after` lead on; empty at an end."""

    members: tuple[Member, ...]
    before: str
    after: str


class Members:
    """Remember and list the people of a course."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock

    def remember(self, session: LaunchSession) -> None:
        """Note who launched in which course, with which role."""
        if not session.context_key:
            return
        now = self._clock()
        scope = scope_of(session)
        name = digest(session.subject)
        launch: dict[str, Any] = {
            "subject": session.subject,
            "name": session.name,
            "given_name": session.given_name,
            "roles": sorted(session.roles),
            "seen": now,
            # Who can launch is there, whatever an earlier roster said.
            "absent": False,
        }

        def work(writer: Writer) -> None:
            kept = json_documents.get(writer, KIND, name, scope=scope)
            value = {"listed": None, **(kept or {}), **launch}
            fresh = kept is not None and now - kept["seen"] < REFRESH_SECONDS * SECOND
            if kept is not None and fresh and {**kept, "seen": now} == value:
                return
            _put(writer, scope, name, value, now)

        self._store.writing(work, WriteHints(tenant=session.tenant))

    def member(self, session: LaunchSession, subject: str) -> Member | None:
        """One person of the course, or None."""
        if not session.context_key:
            return None
        with self._store.reading() as reader:
            value = json_documents.get(reader, KIND, digest(subject), scope=scope_of(session))
        return None if value is None else _member(value)

    def known(self, session: LaunchSession, subjects: Collection[str]) -> dict[str, Member]:
        """Several people of the course by subject; whoever is not in it is missing."""
        if not session.context_key or not subjects:
            return {}
        with self._store.reading() as reader:
            found = reader.documents(KIND, scope_of(session), {digest(subject) for subject in subjects})
        members = [_member(json_documents.value_of(document)) for document in found.values()]
        return {one.subject: one for one in members}

    def some(self, session: LaunchSession, role: str = "", *, limit: int) -> list[Member]:
        """The first members by name, of all or of those active in a role."""
        if not session.context_key:
            return []
        keys = (role,) if role else ()
        with self._store.reading() as reader:
            found = reader.find_documents(DocumentQuery(KIND, scope_of(session), keys, limit=limit))
        return [_member(json_documents.value_of(document)) for document in found]

    def page(self, session: LaunchSession, role: str, *, after: str, before: str, limit: int) -> Page:
        """Members active in a role, some at a time. A place that no longer exists is the beginning."""
        if not session.context_key:
            return Page((), "", "")
        scope = scope_of(session)
        with self._store.reading() as reader:
            place = reader.document(KIND, scope, after or before) if after or before else None
            backwards = place is not None and not after
            found = reader.find_documents(
                DocumentQuery(
                    KIND,
                    scope,
                    (role,),
                    after=None if place is None else (place.order, place.name),
                    descending=backwards,
                    limit=limit + 1,
                )
            )
        more = len(found) > limit
        shown = found[:limit][::-1] if backwards else found[:limit]
        if not shown:
            return Page((), "", "")
        earlier, later = (more, True) if backwards else (place is not None, more)
        return Page(
            tuple(_member(json_documents.value_of(document)) for document in shown),
            shown[0].name if earlier else "",
            shown[-1].name if later else "",
        )

    def walk(self, scope: str, role: str = "") -> Iterator[list[Member]]:
        """Everyone of a course, or those active in a role, some at a time."""
        for documents in self._walk(scope, (role,) if role else ()):
            yield [_member(json_documents.value_of(document)) for document in documents]

    def apply(self, scope: str, listed: Iterable[Member] | None, *, complete: bool) -> None:
        """Write a roster into the members of a course, in slices; None leaves what was listed as it is.

        Who has launched and is not in a complete roster is no longer there; who is not in one that was cut
        may be. Who was known from an earlier roster alone is forgotten.
        """
        wanted = {digest(one.subject): one for one in listed or ()}
        names = [document.name for documents in self._walk(scope) for document in documents]
        names.extend(wanted.keys() - set(names))
        now = self._clock()

        def changed(kept: Mapping[str, Document], asked: Iterable[str]) -> dict[str, dict[str, Any]]:
            """What is to be written, by name; empty for who is to be forgotten."""
            found: dict[str, dict[str, Any]] = {}
            for name in asked:
                value = _value(kept.get(name))
                if listed is not None:
                    one = wanted.get(name)
                    value["listed"] = None if one is None else _dump(one)
                    value["absent"] = one is None and complete
                    if one is not None:
                        value["subject"] = one.subject
                    elif not value["seen"]:
                        value = {}
                stands = not value if name not in kept else bool(value) and _stands(kept[name], value)
                if not stands:
                    found[name] = value
            return found

        for start in range(0, len(names), SLICE):
            some = names[start : start + SLICE]
            with self._store.reading() as reader:
                due = list(changed(reader.documents(KIND, scope, some), some))

            def work(writer: Writer, due: Collection[str] = due) -> None:
                for name, value in changed(writer.documents(KIND, scope, due), due).items():
                    if value:
                        _put(writer, scope, name, value, now)
                    else:
                        writer.delete(KIND, scope, [name])

            if due:
                self._store.writing(work, WriteHints(tenant=tenant_of(scope)))

    def _walk(self, scope: str, keys: Collection[str] = ()) -> Iterator[Sequence[Document]]:
        return walk_stored_documents(self._store, DocumentQuery(KIND, scope, keys, limit=WALK))


def scope_of(session: LaunchSession) -> str:
    """The scope of a course's documents: its tenant and the course."""
    return f"{session.tenant}\x1f{session.context_key}"


def tenant_of(scope: str) -> str:
    """Whose course it is whose documents have this scope."""
    return scope.partition("\x1f")[0]


def _member(value: Mapping[str, Any]) -> Member:
    """A member as the pages see them.

    The roster decides about names and membership. About roles, too, except that who has launched as an
    instructor is one: Moodle lists teachers who may not edit as learners. A name that the roster withholds
    comes from the launch.
    """
    listed = value.get("listed")
    launched = frozenset(value["roles"])
    if listed is None:
        return Member(
            value["subject"],
            value["name"],
            value["given_name"],
            launched,
            not value.get("absent", False),
            value["seen"],
        )
    roles = frozenset(listed["roles"])
    return Member(
        value["subject"],
        listed["name"] or value["name"],
        listed["given_name"] or value["given_name"],
        (roles | launched) - {LEARNER} if INSTRUCTOR in launched else roles,
        listed["active"],
        value["seen"],
    )


def _value(kept: Document | None) -> dict[str, Any]:
    empty: dict[str, Any] = {"subject": "", "name": "", "given_name": "", "roles": [], "seen": 0}
    held = {} if kept is None else json_documents.value_of(kept)
    return {"listed": None, "absent": False, **empty, **held}


def _keys(member: Member) -> frozenset[str]:
    return member.roles if member.active else frozenset()


def _order(member: Member) -> str:
    return member.name.casefold()[:MAX_ORDER]


def _stands(kept: Document, value: Mapping[str, Any]) -> bool:
    member = _member(value)
    return (
        json_documents.value_of(kept) == value and kept.keys == _keys(member) and kept.order == _order(member)
    )


def _put(writer: Writer, scope: str, name: str, value: dict[str, Any], now: int) -> None:
    member = _member(value)
    json_documents.put(
        writer, KIND, name, value, now=now, scope=scope, keys=_keys(member), order=_order(member)
    )


def _dump(member: Member) -> dict[str, Any]:
    return {
        "name": member.name,
        "given_name": member.given_name,
        "roles": sorted(member.roles),
        "active": member.active,
    }

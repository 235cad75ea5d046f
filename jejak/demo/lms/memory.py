"""Everything the demo LMS remembers. One lock guards it; what outlives a restart goes to one JSON file."""

from __future__ import annotations

import json
import os
import secrets
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from flask import current_app

from jejak.demo.lms.config import LmsConfig, Tool
from jejak.demo.lms.keys import Key
from jejak.demo.lms.people import course_of

LAUNCH_LIFE = 600
TOKEN_LIFE = 3600
REGISTRATION_LIFE = 3600
MAX_KEPT = 2000
"""Bound of every table of short-lived things; the oldest go first."""


@dataclass(slots=True)
class Link:
    """One activity of the course that opens a tool. Without `type_id`, no tool matched its address."""

    id: int
    type_id: int | None
    title: str
    url: str = ""
    text: str = ""
    custom: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class LineItem:
    """A column of the gradebook. `type_id` None: the LMS's own, which no tool may see or touch."""

    id: int
    type_id: int | None
    label: str
    maximum: float
    link_id: int | None = None
    resource_id: str = ""
    tag: str = ""
    coupled: bool = False
    """Made together with an activity; cannot be deleted by the tool."""


@dataclass(slots=True)
class Grade:
    """One cell of the gradebook. `changed` is in whole seconds, as Moodle keeps it."""

    score: float | None
    maximum: float
    changed: int | None
    comment: str = ""
    activity: str = ""
    grading: str = ""


@dataclass(frozen=True, slots=True)
class Launch:
    """A launch that has begun: who, what, and which variant of it. Used once."""

    person: str
    type_id: int
    link_id: int | None
    variant: str
    locale: str
    target: str
    expires: float


@dataclass(frozen=True, slots=True)
class Token:
    """An access token's owner and scopes."""

    type_id: int
    scopes: frozenset[str]
    expires: float


class Memory:
    """Use inside `with memory.lock`; call `save()` after changing tools, links, items or grades."""

    def __init__(self, config: LmsConfig) -> None:
        self.config = config
        self.lock = threading.RLock()
        self.course = course_of(config.year)
        self.tools: dict[int, Tool] = {}
        self.links: dict[int, Link] = {}
        self.items: dict[int, LineItem] = {}
        self.grades: dict[tuple[int, str], Grade] = {}
        self.launches: dict[str, Launch] = {}
        self.tokens: dict[str, Token] = {}
        self.invitations: dict[str, float] = {}
        self.seen_nonces: dict[tuple[str, str], float] = {}
        self.switches: dict[str, str] = {}
        self.last_answer: dict[int, dict[str, str]] = {}
        self._next = 100
        self.rogue = Key()
        self.key = self._load()
        for tool in config.tools:
            self.tools[tool.type_id] = tool
            if not any(link.type_id == tool.type_id for link in self.links.values()):
                self._first_link(tool)
        if not any(item.type_id is None for item in self.items.values()):
            own = LineItem(self.number(), None, "Ujian akhir", 100.0)
            self.items[own.id] = own
        self.save()

    def now(self) -> float:
        """Seconds since 1970, from the configured clock."""
        return self.config.clock()

    def number(self) -> int:
        """A fresh id."""
        self._next += 1
        return self._next

    def _first_link(self, tool: Tool) -> None:
        link = Link(self.number(), tool.type_id, f"Rekam belajar {self.config.year}")
        self.links[link.id] = link
        item = LineItem(self.number(), tool.type_id, link.title, 20.0, link_id=link.id, coupled=True)
        self.items[item.id] = item

    def add_link(self, link: Link) -> None:
        """Put an activity into the course."""
        self.links[link.id] = link

    def begin(self, launch: Launch) -> str:
        """Remember a launch; returns its single-use id."""
        key = "ltilaunch" + secrets.token_urlsafe(16)
        self.launches[key] = launch
        _bound(self.launches)
        return key

    def take(self, key: str) -> Launch | None:
        """The launch of that id, once; None when unknown, used or older than ten minutes."""
        launch = self.launches.pop(key, None)
        return launch if launch is not None and launch.expires > self.now() else None

    def grant(self, type_id: int, scopes: frozenset[str]) -> str:
        """A new access token."""
        key = secrets.token_hex(32)
        self.tokens[key] = Token(type_id, scopes, self.now() + TOKEN_LIFE)
        _bound(self.tokens)
        return key

    def first_use(self, who: str, nonce: str) -> bool:
        """True when this client has not used the nonce (or jti) before."""
        if (who, nonce) in self.seen_nonces:
            return False
        self.seen_nonces[(who, nonce)] = self.now()
        _bound(self.seen_nonces)
        return True

    def invite(self) -> str:
        """A registration token, good for an hour and one use."""
        token = secrets.token_urlsafe(32)
        self.invitations[token] = self.now() + REGISTRATION_LIFE
        _bound(self.invitations)
        return token

    def _load(self) -> Key:
        file = self.config.file
        if file is None or not file.exists():
            return Key()
        kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        self._next = kept["next"]
        for row in kept["tools"]:
            row["redirect_urls"] = tuple(row["redirect_urls"])
            row["scopes"] = tuple(row["scopes"])
            row["custom"] = tuple((name, value) for name, value in row["custom"])
            self.tools[row["type_id"]] = Tool(**row)
        self.links = {row["id"]: Link(**row) for row in kept["links"]}
        self.items = {row["id"]: LineItem(**row) for row in kept["items"]}
        self.grades = {(row.pop("item"), row.pop("person")): Grade(**row) for row in kept["grades"]}
        return Key(kept["key"])

    def save(self) -> None:
        """Write the file, whole, readable by its owner only. Without a file: nothing."""
        file = self.config.file
        if file is None:
            return
        kept = {
            "next": self._next,
            "key": self.key.pem(),
            "tools": [asdict(tool) for tool in self.tools.values()],
            "links": [asdict(link) for link in self.links.values()],
            "items": [asdict(item) for item in self.items.values()],
            "grades": [
                {"item": item, "person": person, **asdict(grade)}
                for (item, person), grade in self.grades.items()
            ],
        }
        draft = file.with_suffix(".new")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(kept, out, ensure_ascii=False, indent=1)
        draft.replace(file)


def memory() -> Memory:
    """The memory of the app that handles this request."""
    value: Memory = current_app.extensions["demo_lms"]
    return value


def _bound(table: dict[Any, Any]) -> None:
    while len(table) > MAX_KEPT:
        del table[next(iter(table))]

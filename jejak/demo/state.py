"""What a demo folder remembers between runs: who it is registered as, its keys, how much was loaded."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(slots=True)
class Key:
    """A credential of the record store."""

    key: str
    secret: str


@dataclass(slots=True)
class DemoState:
    """Saved as JSON, for its owner only: it holds the demo's secrets."""

    file: Path
    year: int
    client_id: str
    platform: bool = False
    lms_key: Key | None = None
    full_key: Key | None = None
    loaded: int = 0
    """Sample statements that were sent; after the last, `complete` is set and none is sent again."""
    complete: bool = False

    @classmethod
    def open(cls, file: Path, *, year: int, client_id: str) -> DemoState:
        """The folder's state; a new one for that year and client id when there is none."""
        if not file.exists():
            return cls(file, year, client_id)
        kept = json.loads(file.read_text(encoding="utf-8"))
        for name in ("lms_key", "full_key"):
            kept[name] = Key(**kept[name]) if kept[name] else None
        return cls(file, **kept)

    def save(self) -> None:
        """Write the file, whole."""
        kept = asdict(self)
        del kept["file"]
        draft = self.file.with_suffix(".new")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(kept, out, indent=1)
        draft.replace(self.file)

"""Pictures drawn anew, each by a process of its own, so that nothing hidden in a file is kept.

What is kept is a JPEG that this program wrote from the pixels: no place, no camera, no text, no second
picture behind the first, and no bytes that its sender chose.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lrs.records.evidence import picture_worker
from lrs.records.evidence.kinds import EvidenceError, Why
from lrs.tenant_turns import TenantTurns

SECONDS: Final = 60
"""How long drawing a picture may take in all."""
AT_ONCE: Final = 1
"""Pictures that one process of the server has drawn at a time; each may take `picture_worker.MEMORY`."""
IN_LINE: Final = 8
"""Pictures of one tenant that are drawn or wait for it."""
_PROGRAM: Final = str(Path(picture_worker.__file__).resolve())


@dataclass(frozen=True, slots=True)
class Picture:
    """What is kept of a picture."""

    jpeg: bytes
    preview: bytes
    """A small JPEG of the same."""
    width: int
    height: int


class Pictures:
    """Draws pictures, one after the other. Safe to use from many threads."""

    def __init__(self) -> None:
        self._turns = TenantTurns(AT_ONCE, in_line=IN_LINE, seconds=SECONDS)

    def drawn(self, tenant: str, data: bytes, kind: str) -> Picture:
        """The picture in a file of this media type; EvidenceError when there is none, or too large a one.

        BusyError when the tenant has too many pictures under way.
        """
        with self._turns.turn(tenant):
            return _run(data, kind)


def _run(data: bytes, kind: str) -> Picture:
    command = [sys.executable, "-I", _PROGRAM, kind]
    try:
        # Without an environment there are no secrets in it; the pool of the C library would take much memory.
        run = subprocess.run(  # noqa: S603 - a fixed program; `kind` is one of four words
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1"},
            cwd="/",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EvidenceError(Why.BROKEN) from None
    if run.returncode == picture_worker.TOO_MANY_PIXELS:
        raise EvidenceError(Why.TOO_MANY_PIXELS)
    if run.returncode != picture_worker.DONE:
        raise EvidenceError(Why.BROKEN)
    line, _, files = run.stdout.partition(b"\n")
    told = json.loads(line)
    size = int(told["picture"])
    return Picture(files[:size], files[size:], int(told["width"]), int(told["height"]))

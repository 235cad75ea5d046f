"""What a server's processes use: memory at its peak, and processor time. Linux only (`/proc`)."""

from __future__ import annotations

import os
import time
from pathlib import Path

IDLE_SHARE = 0.1
"""A server that uses less of one processor than this has nothing left to do."""


def tree(pid: int) -> list[int]:
    """The process and all that descend from it."""
    found = [pid]
    for number in found:
        try:
            for task in Path(f"/proc/{number}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def peak_mb(pid: int) -> float:
    """Largest resident size in MB (1,048,576 bytes) that any process of the tree had since it was reset."""
    return max((_peak_kb(number) for number in tree(pid)), default=0) / 1024


def _peak_kb(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def reset_peaks(pid: int) -> None:
    """Let the peaks of the tree begin anew at what is resident now."""
    for number in tree(pid):
        Path(f"/proc/{number}/clear_refs").write_text("5")


def processor_seconds(pid: int) -> float:
    """Processor time, user and system, of the tree."""
    ticks = 0
    for number in tree(pid):
        try:
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def settle(pid: int, limit: float) -> float:
    """Wait until the tree has nothing left to do, at most `limit` seconds; the seconds waited."""
    begun = time.monotonic()
    idle = 0
    while idle < 2 and time.monotonic() - begun < limit:
        before, at = processor_seconds(pid), time.monotonic()
        time.sleep(0.25)
        share = (processor_seconds(pid) - before) / (time.monotonic() - at)
        idle = idle + 1 if share < IDLE_SHARE else 0
    return time.monotonic() - begun

"""Figures compared: with the yardstick of the same minutes, with the smallest size, and with a peer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.questions import KINDS

INGEST = {"batch_ratio": "batch_rate_vs_smallest", "single_ratio": "single_rate_vs_smallest"}
READS = (*(f"get_{kind}" for kind in KINDS), "page_1", "page_100")
PEER = {
    "single": "single_post_per_s",
    "batch50": "batch50_statements_per_s",
    "agent": "get_agent_per_s",
    "verb": "get_verb_per_s",
    "activity": "get_activity_per_s",
    "since_until": "get_since_until_per_s",
}
"""What a peer is compared by, and the figure's name; a peer's own has `peer_` before it."""


def to_yardsticks(figures: Mapping[str, Any]) -> dict[str, float]:
    """Each rate as a share of its yardstick's; `page_100_time_ratio` is the far page's time over the first's.

    A figure that is missing has no ratio.
    """
    pairs = {
        "batch_ratio": ("batch50_statements_per_s", "raw_statements_per_s"),
        "single_ratio": ("single_post_per_s", "noop_post_per_s"),
        **{f"{name}_ratio": (f"{name}_per_s", "noop_get_per_s") for name in READS},
        "page_100_time_ratio": ("page_1_per_s", "page_100_per_s"),
        "disk_ratio": ("disk_bytes", "raw_json_bytes"),
    }
    return {
        name: figures[upper] / figures[lower]
        for name, (upper, lower) in pairs.items()
        if upper in figures and figures.get(lower)
    }


def to_smallest(figures: Mapping[str, Any], smallest: Mapping[str, Any]) -> dict[str, float]:
    """A size beside the smallest one, both as ratios to the yardsticks of their own minutes.

    Reads as times (`..._time_vs_smallest`: 1.3 is 30 % slower), ingest as rates (0.5 is half as fast).
    """
    times = {
        f"{name}_time_vs_smallest": smallest[f"{name}_ratio"] / figures[f"{name}_ratio"]
        for name in READS
        if smallest.get(f"{name}_ratio") and figures.get(f"{name}_ratio")
    }
    rates = {
        new: figures[name] / smallest[name]
        for name, new in INGEST.items()
        if smallest.get(name) and name in figures
    }
    return times | rates


def worst(sizes: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """The worst of all sizes: the slowest read, the slowest ingest, the far page, disk, and memory."""
    found: dict[str, list[float]] = {}
    for figures in sizes:
        for name, value in figures.items():
            if name.endswith("_time_vs_smallest"):
                found.setdefault("worst_read_time_vs_smallest", []).append(value)
            elif name.endswith("_rate_vs_smallest"):
                found.setdefault("worst_ingest_rate_vs_smallest", []).append(value)
            elif name in {"page_100_time_ratio", "disk_ratio"}:
                found.setdefault(f"worst_{name}", []).append(value)
            elif name == "resident_mb":
                found.setdefault(name, []).append(value)
    return {
        name: min(values) if name == "worst_ingest_rate_vs_smallest" else max(values)
        for name, values in found.items()
    }


def to_peer(ours: Mapping[str, Any], peer: Mapping[str, Any]) -> dict[str, float]:
    """How many times the peer's rates ours are, as `times_peer_...`; a missing figure has none."""
    return {
        f"times_peer_{name}": ours[figure] / peer[f"peer_{figure}"]
        for name, figure in PEER.items()
        if figure in ours and peer.get(f"peer_{figure}")
    }

"""Charts as inline SVG: bars in percent of their width, so they read the same at 320 px and in print.

Widths are percentages and heights pixels, so text keeps its size. Every chart is `role="img"` with a
label that says the same in words; the table beneath proves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup, escape

PILLARS = ("70", "20", "10")


@dataclass(frozen=True, slots=True)
class Segment:
    """One pillar's part of a record, in JP."""

    pillar: str
    verified: Decimal
    waiting: Decimal


@dataclass(frozen=True, slots=True)
class Dot:
    """One person on a strip plot."""

    label: str
    value: Decimal
    below: bool = False
    """Whether the person is far behind: ringed."""


def defs() -> Markup:
    """The hatch patterns that bars refer to; once per page."""
    patterns = "".join(
        f'<pattern id="hatch{pillar}" width="6" height="6" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><path class="h{pillar}" d="M1.5 0V6" stroke-width="2.5"/></pattern>'
        for pillar in PILLARS
    )
    return _markup(f'<svg width="0" height="0" aria-hidden="true" class="defs"><defs>{patterns}</defs></svg>')


def total(segments: Sequence[Segment]) -> Decimal:
    """How long the bar of a record is, in JP."""
    return sum((part.verified + part.waiting for part in segments), Decimal(0))


def record_bar(
    segments: Sequence[Segment],
    target: Decimal,
    label: str,
    *,
    small: bool = False,
    longest: Decimal = Decimal(0),
) -> Markup:
    """One person's year as a stacked bar towards `target`: verified solid, waiting hatched.

    Bars that stand under each other share the scale of the `longest`.
    """
    scale = max(total(segments), longest, target * Decimal("1.08"), Decimal(1))
    height = 12 if small else 28
    shapes = [f'<rect class="track" width="100%" height="{height}" rx="3"/>']
    at = Decimal(0)
    for solid in (True, False):
        for part in segments:
            amount = part.verified if solid else part.waiting
            if amount <= 0:
                continue
            # A hairline of background keeps neighbours apart without relying on colour.
            fill = f'class="f{part.pillar}"' if solid else f'fill="url(#hatch{part.pillar})"'
            start, width, end = (_percent(n, scale) for n in (at, amount, at + amount))
            shapes.append(f'<rect x="{start}" width="{width}" height="{height}" {fill}/>')
            shapes.append(f'<rect x="{end}" width="1" height="{height}" class="gap"/>')
            at += amount
    tick = _percent(target, scale)
    overhang = 2 if small else 5
    if target > 0:
        shapes.append(
            f'<line class="tick" x1="{tick}" x2="{tick}" y1="-{overhang}" y2="{height + overhang}"/>'
        )
        if not small:
            end = ' text-anchor="end"' if target * 4 > scale * 3 else ""
            shapes.append(f'<text x="{tick}" y="-10"{end}>{_plain(target)} JP</text>')
    return _svg("bar", height, label, shapes)


def strip(dots: Sequence[Dot], target: Decimal, label: str) -> Markup:
    """People along one axis of JP, with a line at the target; those far behind are ringed."""
    scale = max([dot.value for dot in dots] + [target]) * Decimal("1.06") or Decimal(1)
    ordered = sorted(dots, key=lambda dot: dot.value)
    lanes: list[Decimal] = []
    placed: list[tuple[Dot, int]] = []
    for dot in ordered:
        lane = next((n for n, last in enumerate(lanes) if dot.value - last > scale / 36), len(lanes))
        if lane == len(lanes):
            lanes.append(dot.value)
        lanes[lane] = dot.value
        placed.append((dot, lane))
    height = 48 + 16 * max(len(lanes) - 1, 0)
    base = height - 26
    line = _percent(target, scale)
    shapes = [
        f'<line class="axis" x1="0" x2="100%" y1="{base + 10}" y2="{base + 10}"/>',
        f'<line class="target" x1="{line}" x2="{line}" y1="0" y2="{base + 10}"/>',
        f'<text x="0" y="{height}">0</text>',
        f'<text x="{line}" y="{height}" text-anchor="middle">{_plain(target)} JP</text>',
    ]
    for dot, lane in placed:
        below = ' class="below"' if dot.below else ""
        x, y = _percent(max(dot.value, scale / 100), scale), base - 2 - 16 * lane
        shapes.append(f'<circle cx="{x}" cy="{y}" r="6"{below}><title>{escape(dot.label)}</title></circle>')
    return _svg("strip", height, label, shapes)


def _svg(kind: str, height: int, label: str, shapes: Sequence[str]) -> Markup:
    return _markup(
        f'<svg class="{kind}" width="100%" height="{height}" role="img" aria-label="{escape(label)}">'
        f"{''.join(shapes)}</svg>"
    )


def _markup(svg: str) -> Markup:
    # Safe: built here from numbers; the only texts in it went through escape().
    return Markup(svg)  # noqa: S704


def _percent(value: Decimal, scale: Decimal) -> str:
    return f"{value * 100 / scale:.2f}%"


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"

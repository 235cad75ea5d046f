"""Charts as inline SVG: bars in percent of their width, so they read the same at 320 px and in print.

Widths are percentages and heights pixels, so text keeps its size. Every chart is `role="img"` with a
label that says the same in words; the table beneath proves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from markupsafe import Markup, escape

PILLARS = ("70", "20", "10")


@dataclass(frozen=True, slots=True)
class Segment:
    """One pillar's part of a record, in JP."""

    pillar: str
    verified: Decimal
    waiting: Decimal


COLUMNS, MOST_STACKED = 36, 12
"""Dots on a strip plot beside each other, and above each other."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One person on a strip plot, or several of equal standing."""

    label: str
    value: Decimal
    below: bool = False
    """Whether the person is far behind: ringed."""
    people: int = 1


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip plot, and how many people one of its dots stands for at most."""

    markup: Markup
    people_per_dot: int


def defs() -> Markup:
    """The hatch patterns that bars refer to; once per page."""
    patterns = "".join(
        f'<pattern id="hatch{pillar}" width="6" height="6" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><path class="h{pillar}" d="M1.5 0V6" stroke-width="2.5"/></pattern>'
        for pillar in PILLARS
    )
    return _markup(f'<svg width="0" height="0" aria-hidden="true" class="defs"><defs>{patterns}</defs></svg>')


MOST_SHOWN = 2
"""Charts end at so many times the target: one false entry must not flatten everybody else."""


def total(segments: Sequence[Segment]) -> Decimal:
    """All JP of a record, verified and waiting."""
    return sum((part.verified + part.waiting for part in segments), Decimal(0))


def shown_length(segments: Sequence[Segment], target: Decimal) -> Decimal:
    """How long the bar of a record is drawn, in JP: at most `MOST_SHOWN` targets, if there is one."""
    whole = total(segments)
    return min(whole, MOST_SHOWN * target) if target > 0 else whole


def record_bar(
    segments: Sequence[Segment],
    target: Decimal,
    label: str,
    *,
    small: bool = False,
    longest: Decimal = Decimal(0),
) -> Markup:
    """One person's year as a stacked bar towards `target`: verified solid, waiting hatched.

    Bars that stand under each other share the scale of the `longest`, see `shown_length`. What lies beyond
    the scale is cut off, and two strokes across the end say so.
    """
    scale = max(shown_length(segments, target), longest, target * Decimal("1.08"), Decimal(1))
    height = 12 if small else 28
    shapes = [f'<rect class="track" width="100%" height="{height}" rx="3"/>']
    at = Decimal(0)
    for solid in (True, False):
        for part in segments:
            amount = min(part.verified if solid else part.waiting, scale - at)
            if amount <= 0:
                continue
            # A hairline of background keeps neighbours apart without relying on colour.
            fill = f'class="f{part.pillar}"' if solid else f'fill="url(#hatch{part.pillar})"'
            start, width, end = (_percent(n, scale) for n in (at, amount, at + amount))
            shapes.append(f'<rect x="{start}" width="{width}" height="{height}" {fill}/>')
            shapes.append(f'<rect x="{end}" width="1" height="{height}" class="gap"/>')
            at += amount
    if total(segments) > scale:
        shapes.append(_cut(height))
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


def _cut(height: int) -> str:
    """Two slanted strokes at the right end: there is more than is drawn."""
    gap, *edges = (f"M{x} {height + 1}l6 -{height + 2}" for x in (-16, -19, -13))
    shapes = f'<path class="gap" d="{gap}"/><path class="edge" d="{" ".join(edges)}"/>'
    return f'<svg x="100%" class="cut" overflow="visible">{shapes}</svg>'


def strip(dots: Sequence[Dot], target: Decimal, label: str) -> Strip:
    """People along one axis of JP, with a line at the target; those far behind are ringed.

    Each stands where they are, as long as no more than `MOST_STACKED` would lie above each other. Beyond
    that they are counted in columns, and a dot stands for several people. Either way the work grows with the
    number of dots alone, and what is drawn is bounded. Who is beyond `MOST_SHOWN` targets stands at the end.
    """
    most = MOST_SHOWN * target if target > 0 else max((dot.value for dot in dots), default=Decimal(0))
    beyond = any(dot.value > most for dot in dots)
    dots = [replace(dot, value=min(dot.value, most)) for dot in dots]
    scale = max([dot.value for dot in dots] + [target]) * Decimal("1.06") or Decimal(1)
    placed = _each(dots, scale)
    per_dot = 1
    if placed is None:
        placed, per_dot = _columns(dots, target, scale)
    height = 48 + 16 * max((lane for _, lane in placed), default=0)
    base = height - 26
    line = _percent(target, scale)
    shapes = [
        f'<line class="axis" x1="0" x2="100%" y1="{base + 10}" y2="{base + 10}"/>',
        f'<line class="target" x1="{line}" x2="{line}" y1="0" y2="{base + 10}"/>',
        f'<text x="0" y="{height}">0</text>',
        f'<text x="{line}" y="{height}" text-anchor="middle">{_plain(target)} JP</text>',
    ]
    if beyond:
        end = _percent(most, scale)
        shapes.append(f'<text x="{end}" y="{height}" text-anchor="middle">≥ {_plain(most)}</text>')
    for dot, lane in placed:
        below = ' class="below"' if dot.below else ""
        title = f"<title>{escape(dot.label)}</title>" if dot.label else ""
        x, y = _percent(max(dot.value, scale / 100), scale), base - 2 - 16 * lane
        shapes.append(f'<circle cx="{x}" cy="{y}" r="6"{below}>{title}</circle>')
    return Strip(_svg("strip", height, label, shapes), per_dot)


def _each(dots: Sequence[Dot], scale: Decimal) -> list[tuple[Dot, int]] | None:
    """Every dot with its lane above the axis; None when they are too many for that."""
    if len(dots) > COLUMNS * MOST_STACKED or any(dot.people > 1 for dot in dots):
        return None
    lanes: list[Decimal] = []
    placed: list[tuple[Dot, int]] = []
    for dot in sorted(dots, key=lambda dot: dot.value):
        lane = next((n for n, last in enumerate(lanes) if dot.value - last > scale / COLUMNS), len(lanes))
        if lane == MOST_STACKED:
            return None
        if lane == len(lanes):
            lanes.append(dot.value)
        lanes[lane] = dot.value
        placed.append((dot, lane))
    return placed


def _columns(dots: Sequence[Dot], target: Decimal, scale: Decimal) -> tuple[list[tuple[Dot, int]], int]:
    """Dots stacked in columns, those far behind at the bottom, and how many people each stands for at most.

    The target lies between two columns, so that nobody is drawn on its wrong side.
    """
    # So many columns up to the target, or so many targets to a column where people are far beyond it. Counted
    # in whole numbers of columns: dividing by a rounded width would move who has just the target to its left.
    unit = target if target > 0 else scale
    parts = max(1, round(COLUMNS * unit / scale))
    targets = max(1, -int(-scale // (COLUMNS * unit)))
    width = unit * targets / parts
    columns: dict[int, list[int]] = {}
    for dot in dots:
        columns.setdefault(int(dot.value * parts // (unit * targets)), [0, 0])[not dot.below] += dot.people
    per_dot = max((-(-sum(people) // MOST_STACKED) for people in columns.values()), default=1)
    placed = []
    for column, (below, others) in sorted(columns.items()):
        middle = (column + Decimal("0.5")) * width
        stack = [True] * -(-below // per_dot) + [False] * -(-others // per_dot)
        placed += [(Dot("", middle, is_below), lane) for lane, is_below in enumerate(stack)]
    return placed, per_dot


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

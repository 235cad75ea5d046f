"""Charts stay small and quick however many people they show."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lti_tool.text.charts import COLUMNS, MOST_STACKED, Dot, Segment, record_bar, shown_length, strip

TARGET = Decimal(20)


def circles(dots: list[Dot], target: Decimal = TARGET) -> tuple[int, int]:
    """How many circles are drawn, and how many people one stands for."""
    plot = strip(dots, target, "label")
    return plot.markup.count("<circle"), plot.people_per_dot


def test_a_few_people_are_a_dot_each() -> None:
    """Each has their place, their name and their lane."""
    dots = [Dot(f"Person {n}", Decimal(n), below=n < 5) for n in range(30)]
    plot = strip(dots, TARGET, "label")
    assert plot.people_per_dot == 1
    assert plot.markup.count("<circle") == 30
    assert plot.markup.count('class="below"') == 5
    assert "<title>Person 7</title>" in plot.markup


def test_equal_people_are_stacked_up_to_a_bound() -> None:
    """Twelve of the same JP lie above each other; a thirteenth makes dots stand for several."""
    assert circles([Dot("x", Decimal(3))] * MOST_STACKED) == (MOST_STACKED, 1)
    assert circles([Dot("x", Decimal(3))] * (MOST_STACKED + 1)) == (7, 2)


@pytest.mark.parametrize(
    "dots",
    [
        [Dot("x", Decimal(0))] * 100_000,
        [Dot("x", Decimal(n % 997) / 10, below=n % 997 < 100) for n in range(100_000)],
        [Dot("x", Decimal(n)) for n in range(100_000)],
        [Dot("", Decimal(n) / 10, people=n) for n in range(5_000)],
    ],
    ids=["all equal", "spread", "all different", "groups"],
)
def test_many_people_are_drawn_with_few_dots(dots: list[Dot]) -> None:
    """Every January everybody is at 0: the work grows with the people, the drawing does not."""
    drawn, per_dot = circles(dots)
    assert drawn <= 3 * COLUMNS * MOST_STACKED
    assert per_dot > 1
    assert len(strip(dots, TARGET, "label").markup) < 120_000


def test_columns_keep_to_their_side_of_the_target() -> None:
    """In a crowd, who has the target is drawn right of its line, who has not left of it."""
    dots = [Dot("", Decimal("19.9"), people=100), Dot("", Decimal(20), people=100)]
    plot = strip(dots, TARGET, "label").markup
    line = float(plot.split('class="target" x1="')[1].split("%")[0])
    places = {float(part.split("%")[0]) for part in plot.split('cx="')[1:]}
    assert len(places) == 2
    assert min(places) < line < max(places)


def test_a_lone_person_among_many_is_still_seen() -> None:
    """A column of one has a dot of its own, ringed if they are far behind."""
    dots = [Dot("", Decimal(15), people=10_000), Dot("", Decimal(1), below=True)]
    plot = strip(dots, TARGET, "label")
    assert plot.markup.count("<circle") == MOST_STACKED + 1
    assert plot.markup.count('class="below"') == 1


@pytest.mark.parametrize("target", [Decimal(0), Decimal(20)])
def test_nobody_and_nothing_can_be_drawn(target: Decimal) -> None:
    """Without people or without a target there is still a chart."""
    assert circles([], target) == (0, 1)
    assert circles([Dot("", Decimal(0), people=50)], target)[0] == 10


def test_one_false_entry_flattens_nobody() -> None:
    """Bars end at twice the target, whoever has thousands of JP; two strokes say that there is more."""
    false = [Segment("70", Decimal(6000), Decimal(0)), Segment("20", Decimal(0), Decimal(50))]
    honest = [Segment("70", Decimal(20), Decimal(0))]
    longest = max(shown_length(one, TARGET) for one in (false, honest))
    assert longest == 2 * TARGET
    assert 'class="cut"' in record_bar(false, TARGET, "label")
    plain = record_bar(honest, TARGET, "label", longest=longest)
    assert 'width="50.00%"' in plain
    assert 'class="cut"' not in plain


def test_who_is_far_beyond_stands_at_the_end_of_the_strip() -> None:
    """The axis ends at twice the target and says so."""
    plot = strip([Dot("a", Decimal(6000)), Dot("b", Decimal(10))], TARGET, "label").markup
    assert "\u2265 40" in plot
    places = sorted(float(part.split("%")[0]) for part in plot.split('cx="')[1:])
    assert places[0] > 20

"""Ratios say what they claim: the right way up, and nothing where a figure is missing."""

from __future__ import annotations

import pytest

from benchmarks import ratios

SMALL = {
    "batch50_statements_per_s": 6000.0,
    "raw_statements_per_s": 12_000.0,
    "single_post_per_s": 3000.0,
    "noop_post_per_s": 6000.0,
    "get_agent_per_s": 4000.0,
    "page_1_per_s": 3000.0,
    "page_100_per_s": 2000.0,
    "noop_get_per_s": 10_000.0,
    "disk_bytes": 300,
    "raw_json_bytes": 200,
}


def test_figures_are_shares_of_their_yardsticks() -> None:
    """Each rate is divided by its own yardstick; the far page by time, disk by bytes."""
    assert ratios.to_yardsticks(SMALL) == pytest.approx(
        {
            "batch_ratio": 0.5,
            "single_ratio": 0.5,
            "get_agent_ratio": 0.4,
            "page_1_ratio": 0.3,
            "page_100_ratio": 0.2,
            "page_100_time_ratio": 1.5,
            "disk_ratio": 1.5,
        }
    )


def test_sizes_are_compared_in_the_yardsticks_of_their_own_minutes() -> None:
    """A read at half the rate while the machine runs at half its speed took no longer."""
    slower = SMALL | {"get_agent_per_s": 2000.0, "noop_get_per_s": 5000.0, "batch50_statements_per_s": 3000.0}
    small, large = (figures | ratios.to_yardsticks(figures) for figures in (SMALL, slower))
    compared = ratios.to_smallest(large, small)
    assert compared["get_agent_time_vs_smallest"] == pytest.approx(1.0)
    assert compared["page_1_time_vs_smallest"] == pytest.approx(0.5)
    assert compared["batch_rate_vs_smallest"] == pytest.approx(0.5)
    assert compared["single_rate_vs_smallest"] == pytest.approx(1.0)


@pytest.mark.parametrize("missing", ["get_agent_per_s", "noop_get_per_s"])
def test_a_missing_figure_has_no_ratio(missing: str) -> None:
    """What failed leaves its ratios out, and the others stand."""
    left = {name: value for name, value in SMALL.items() if name != missing}
    found = ratios.to_yardsticks(left)
    assert "get_agent_ratio" not in found
    assert found["batch_ratio"] == 0.5
    assert "get_agent_time_vs_smallest" not in ratios.to_smallest(found, ratios.to_yardsticks(SMALL))


def test_the_worst_of_all_sizes_is_told() -> None:
    """Times, memory and disk count by their largest, ingest by its smallest."""
    sizes = [
        {"resident_mb": 90.0, "disk_ratio": 1.2, "page_100_time_ratio": 1.0},
        {
            "get_agent_time_vs_smallest": 1.1,
            "get_verb_time_vs_smallest": 1.4,
            "batch_rate_vs_smallest": 0.6,
            "single_rate_vs_smallest": 0.9,
            "resident_mb": 120.0,
            "disk_ratio": 1.1,
            "page_100_time_ratio": 1.05,
        },
    ]
    assert ratios.worst(sizes) == {
        "worst_read_time_vs_smallest": 1.4,
        "worst_ingest_rate_vs_smallest": 0.6,
        "resident_mb": 120.0,
        "worst_disk_ratio": 1.2,
        "worst_page_100_time_ratio": 1.05,
    }


def test_a_peer_is_compared_where_both_have_a_figure() -> None:
    """Ours divided by the peer's; figures that the peer lacks are left out."""
    peer = {"peer_single_post_per_s": 250.0, "peer_get_agent_per_s": 0.0}
    assert ratios.to_peer(SMALL, peer) == {"times_peer_single": 12.0}

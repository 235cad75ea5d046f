"""Which version a request speaks."""

from __future__ import annotations

import pytest

from statements.data_types.versions import Version, negotiate


@pytest.mark.parametrize("header", ["1.0", "1.0.0", "1.0.1", "1.0.3", "1.0.99"])
def test_any_1_0_means_1_0_3(header: str) -> None:
    """A request that names 1.0 or any 1.0.x is answered as 1.0.3."""
    assert negotiate(header) is Version.V1


@pytest.mark.parametrize("header", ["2.0", "2.0.0", "2.0.1"])
def test_any_2_0_means_2_0_0(header: str) -> None:
    """A request that names 2.0 or any 2.0.x is answered as 2.0.0."""
    assert negotiate(header) is Version.V2


@pytest.mark.parametrize(
    "header",
    [None, "", "1", "0.9", "0.95", "1.1.0", "1.0.", "1.0.x", "v1.0.3", "2.1", "3.0.0", "1.0.3\n", "1.0.٣"],
)
def test_other_versions_are_unknown(header: str | None) -> None:
    """A missing header, an unknown version and anything that is no version are refused."""
    assert negotiate(header) is None


def test_the_value_of_a_version_is_the_answered_header() -> None:
    """Versions print as the exact text that responses carry."""
    assert [str(each) for each in Version] == ["1.0.3", "2.0.0"]

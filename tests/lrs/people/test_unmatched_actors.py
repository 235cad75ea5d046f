"""How actors are shown that match nobody."""

from __future__ import annotations

import pytest

from lrs.people.unmatched_actors import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("Budi", "B…"),
        ("Budi Santoso", "B… S…o"),
        ("198701012010011001", "1…1"),
        ("budi@example.go.id", "b…d"),
    ],
)
def test_masked_texts_show_little(text: str, shown: str) -> None:
    """A masked name or number cannot be read back."""
    assert masked(text) == shown

"""The statements behind an entry, as its page shows them."""

from __future__ import annotations

import pytest

from lti_tool.learner.routes import pretty


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"id":1,"name":"Siti \xc3\xa9"}', '{\n  "id": 1,\n  "name": "Siti é"\n}'),
        (b'{"id":1E400}', '{"id":1E400}'),
    ],
)
def test_every_statement_that_is_stored_can_be_shown(body: bytes, shown: str) -> None:
    """Statements are indented; one with a number that cannot be read is shown as it is stored."""
    assert pretty(body) == shown

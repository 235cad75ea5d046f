"""How actors are shown that match nobody."""

from __future__ import annotations

import orjson
import pytest

from lrs.people.links import ALIAS, UNMATCHED
from lrs.people.unmatched_actors import UnmatchedActors
from lrs.store.documents import Document
from lrs.store.port import Store
from statements.masking import hinted


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
def test_hints_show_little(text: str, shown: str) -> None:
    """A hint of a name or number cannot be read back."""
    assert hinted(text) == shown


@pytest.mark.parametrize(
    ("home_page", "shown"),
    [
        ("https://lms.example", "https://lms.example"),
        ("https://lms.example/budi@example.go.id", "https://lms.example/•••@•••"),
        ("https://lms.example/198701012010011001", "https://lms.example/•••"),
    ],
)
def test_home_pages_of_strangers_tell_nobodys_number_or_address(
    store: Store, home_page: str, shown: str
) -> None:
    """The home page of an account is a text of whoever sent the statement."""
    body = orjson.dumps({"value": f"{home_page}\x1fsiti", "kind": "account", "person": "p1"})
    alias = Document(ALIAS, "bkn", "a1", body, updated=1, keys=frozenset({UNMATCHED}))
    store.writing(lambda writer: writer.put(alias))
    [actor] = UnmatchedActors(store).page("bkn").actors
    assert (actor.home_page, actor.hint) == (shown, "s…")

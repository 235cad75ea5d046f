"""The pages about the profile say what the program does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from statements.data_types.versions import Version
from statements.profile.classify import Learning, classify
from statements.profile.jp import Amount
from statements.profile.shipped import overridden, shipped
from statements.rules.check import check_statement

DOCS = Path(__file__).parents[3] / "docs"
PROFILE = (DOCS / "reference" / "profile.md").read_text("utf-8")
JP = (DOCS / "explanation" / "jp.md").read_text("utf-8")


def example(page: str) -> dict[str, Any]:
    """The first JSON example of a page."""
    found = re.search(r"```json\n(.*?)```", page, re.DOTALL)
    assert found is not None
    value: dict[str, Any] = json.loads(found[1])
    return value


def test_the_example_statement_counts() -> None:
    """The statement on the profile page is proper and is two sessions of coaching."""
    statement = example(PROFILE)
    assert check_statement(statement, Version.V2) == []
    found = classify(statement, shipped())
    assert isinstance(found, Learning)
    assert (found.form, found.pillar, found.amount) == ("coaching", "20", Amount(sessions=2))


def test_the_page_lists_every_form() -> None:
    """The table of forms has one line for each form, with its SIASN id, pillars, verb and types."""
    for form in shipped().forms.values():
        types = "<br>".join(f"`{kind}`" for kind in form.types)
        line = (
            f"| `{form.code}` | {form.siasn or '-'} | {form.name['id']} / {form.name['en']} "
            f"| {' or '.join(form.pillars)} | `{form.verb}` | {types} |"
        )
        assert line in PROFILE
    assert PROFILE.count("\n| `") == len(shipped().forms)


def test_the_example_of_an_agencys_table_is_accepted() -> None:
    """The changes on the page about JP are valid and take effect."""
    changes = example(JP)
    table = overridden(changes)
    assert table.version == f"{shipped().version}+{changes['version']}"
    assert f"`{table.version}`" in JP
    (course,) = table.courses.values()
    assert course.form == "technical-training"


def test_every_limit_is_explained() -> None:
    """The page about JP explains every code of a limit that the program tells."""
    source = (DOCS.parent / "statements" / "profile" / "jp.py").read_text("utf-8")
    codes = set(re.findall(r'Cap\(\s*"([a-z-]+)"', source))
    assert len(codes) == 8
    assert {code for code in codes if f"| `{code}` |" not in JP} == set()

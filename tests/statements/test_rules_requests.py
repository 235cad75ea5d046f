"""The table of rules about requests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import statements
from statements.rules import RULES
from statements.rules_requests import REQUEST_RULES, problem

PACKAGE = Path(statements.__file__).parent
CHECKERS = ("filters", "attachments", "signatures", "references", "documents")
SLUG = re.compile(r'"((?:query|attachment|signature|voiding|document)\.[a-z0-9-]+)"')


def test_the_table_holds_exactly_the_rules_that_are_checked() -> None:
    """Every slug in the code is documented, and nothing is documented that is not checked."""
    used = {slug for name in CHECKERS for slug in SLUG.findall((PACKAGE / f"{name}.py").read_text("utf-8"))}
    assert used == set(REQUEST_RULES)


def test_slugs_are_not_shared_with_the_rules_of_statements() -> None:
    """One slug, one rule: the page of rules links by it."""
    assert not REQUEST_RULES.keys() & RULES.keys()


@pytest.mark.parametrize("slug", REQUEST_RULES)
def test_each_rule_says_what_it_asks_for(slug: str) -> None:
    """A sentence, and a place in the specification or a requirement id that its problems carry."""
    rule = REQUEST_RULES[slug]
    assert rule.slug == slug
    assert rule.text.endswith(".")
    assert problem(slug, "/x", "hint", index=2).as_dict() == {
        "index": 2,
        "pointer": "/x",
        "rule": slug,
        "hint": "hint",
        "requirement": rule.reference,
    }
    assert rule.reference

"""The table of rules about requests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import lrs
import statements
from statements.rules.check import RULES
from statements.rules.request_rules import REQUEST_RULES, problem

PACKAGES = [Path(str(package.__file__)).parent for package in (statements, lrs)]
CODE = "\n".join(
    path.read_text("utf-8")
    for package in PACKAGES
    for path in sorted(package.rglob("*.py"))
    if path.name != "request_rules.py"
)
SLUG = re.compile(r'"((?:query|attachment|signature|voiding|document|request)\.[a-z]+(?:-[a-z]+)*)"')


def test_every_rule_that_is_checked_is_in_the_table() -> None:
    """A problem never names a rule that the documentation does not have."""
    assert set(SLUG.findall(CODE)) - set(RULES) <= set(REQUEST_RULES)


@pytest.mark.parametrize("slug", REQUEST_RULES)
def test_every_rule_in_the_table_is_checked(slug: str) -> None:
    """Nothing is documented that no code refuses."""
    assert f'"{slug}"' in CODE


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

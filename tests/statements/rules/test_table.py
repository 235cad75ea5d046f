"""The table of rules, as the documentation shows it, and the values that it speaks of."""

from __future__ import annotations

import re
from typing import Any

import pytest

from statements.data_types.versions import Version
from statements.rules.check import RULES, Rule, check_statement
from statements.rules.model import Scalar
from statements.rules.table import SHAPES, UNKNOWN
from statements.rules.values import TEXTS, VALUES, is_language
from tests.statements import examples as ex


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_can_be_shown(rule: Rule) -> None:
    """Each rule has a stable slug, one sentence, a section or none, and well-formed requirement ids."""
    assert RULES[rule.slug] is rule
    assert re.fullmatch(r"[a-zA-Z]+(-[a-z]+)*\.[a-zA-Z0-9_-]+", rule.slug)
    assert rule.text[0].isupper()
    assert rule.text.endswith(".")
    assert re.fullmatch(r"|\d(\.\d{1,2}){1,3}|IEEE 9274\.1\.1, \d(\.\d)+", rule.section)
    assert all(re.fullmatch(r"XAPI-\d{5}(-\d)?", each) for each in rule.requirements)
    assert rule.versions in {(Version.V1, Version.V2), (Version.V2,)}


def test_the_reference_of_a_rule_is_an_id_or_a_section() -> None:
    """A problem names the conformance suite's id where there is one, and else where to read."""
    assert RULES["verb.id"].reference == "XAPI-00044"
    assert RULES["attachment.description"].reference == "xAPI 1.0.3 Part 2, 2.4.11"
    assert RULES["contextAgent.agent"].reference == "IEEE 9274.1.1, 4.2.2.5"
    assert RULES["json.depth"].reference == ""


def test_every_rule_about_a_member_belongs_to_a_shape() -> None:
    """No row of the table stands for nothing: its shape is one that is checked."""
    prefixes = {prefix for prefix_list in SHAPES.values() for prefix in prefix_list}
    assert {slug.partition(".")[0] for slug, rule in RULES.items() if rule.kind is not None} == prefixes
    assert set(UNKNOWN) <= set(SHAPES)
    assert set(UNKNOWN.values()) <= set(RULES)


def test_every_plain_value_has_a_test() -> None:
    """Each kind of text or number that the table names is one that can be checked."""
    named = {rule.kind.name for rule in RULES.values() if isinstance(rule.kind, Scalar)}
    assert named - {"version"} <= {*TEXTS, *VALUES}


@pytest.mark.parametrize(
    "tag",
    [
        "id",
        "en",
        "en-US",
        "ID-id",
        "zh-Hant",
        "zh-cmn-Hans-CN",
        "es-419",
        "de-CH-1996",
        "sl-rozaj-biske",
        "de-a-value",
        "en-a-bbb-x-a-ccc",
        "x-whatever",
        "i-klingon",
        "en-GB-oed",
        "art-lojban",
        "qaa",
    ],
)
def test_a_language_tag_is_taken(tag: str) -> None:
    """The forms of RFC 5646, in any case, with the old registered tags, are language tags."""
    assert is_language(tag)


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "e",
        "a12345678",
        "en_US",
        "en-",
        "-en",
        "en--US",
        "en-US-",
        "1a",
        "en-x",
        "x",
        "something-x-",
        "i-no",
        "en us",
        "en-123456789",
        "en-us-a",
        "ën",
        "en\n",
        "e" * 500,
    ],
)
def test_what_is_no_language_tag_is_refused(tag: str) -> None:
    """Tokens of a wrong length or in a wrong place, and separators other than the hyphen, are refused."""
    assert not is_language(tag)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/vnd.ms-excel",
        "image/svg+xml",
        "text/plain;charset=utf-8",
        'a/b; c="d e"; f=g',
    ],
)
def test_a_media_type_is_taken(content_type: str) -> None:
    """Media types with and without parameters are taken."""
    attachment = ex.ATTACHMENT | {"contentType": content_type}
    assert check_statement(ex.SMALL | {"attachments": [attachment]}, Version.V1) == []


@pytest.mark.parametrize(
    "content_type", ["", "text", "text/", "/plain", "text plain", "a/b;", "a/b; c", "a/b/c", 5]
)
def test_what_is_no_media_type_is_refused(content_type: Any) -> None:
    """A type without subtype and a broken parameter are refused."""
    attachment = ex.ATTACHMENT | {"contentType": content_type}
    found = check_statement(ex.SMALL | {"attachments": [attachment]}, Version.V1)
    assert [each.rule for each in found] == ["attachment.contentType"]

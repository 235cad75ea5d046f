"""The profile as a JSON-LD document."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from statements.data_types.iri import valid_iri
from statements.profile import vocabulary as words
from statements.profile.jsonld import profile_document
from statements.profile.shipped import shipped
from tests.statements.profile_samples import own

DOCUMENT = profile_document(shipped())
TEMPLATES = {template["id"]: template for template in DOCUMENT["templates"]}


def found(statement: Any, location: str) -> list[Any]:
    """What a JSONPath of the kind that the templates use finds in a statement."""
    values = [statement]
    for step in re.findall(r"\.(\w+)(\[\*\])?", location):
        values = [value[step[0]] for value in values if step[0] in value]
        if step[1]:
            values = [one for value in values for one in value]
    return values


@pytest.mark.parametrize("form", sorted(shipped().forms))
def test_what_the_tool_writes_follows_its_template(form: str) -> None:
    """The statement of each form has the verb and everything that its template asks for."""
    statement, template = own(form), TEMPLATES[f"{words.PROFILE}/templates/{form}"]
    assert statement["verb"]["id"] == template["verb"]
    for rule in template["rules"]:
        values = found(statement, rule["location"])
        assert values
        if "any" in rule:
            assert set(values) & set(rule["any"])


def test_all_that_is_named_is_defined() -> None:
    """Every extension and category that statements use is a concept of the document; ids are unique."""
    ids = [each["id"] for each in (*DOCUMENT["concepts"], *DOCUMENT["templates"])]
    assert len(ids) == len(set(ids))
    assert all(valid_iri(id) for id in ids)
    named = {iri for name, iri in vars(words).items() if isinstance(iri, str) and "/extensions/" in iri}
    assert {iri for iri in named if not iri.endswith("/")} <= set(ids)
    for form in shipped().forms:
        assert words.FORMS + form in ids


def test_schemas_of_extensions_are_schemas() -> None:
    """The inline schema of each extension is JSON, as text."""
    inline = [concept["inlineSchema"] for concept in DOCUMENT["concepts"] if "inlineSchema" in concept]
    assert len(inline) == 18
    assert all(json.loads(schema)["$schema"] for schema in inline)


def test_the_document_says_that_the_table_is_provisional() -> None:
    """Who reads the document alone learns that LAN has yet to confirm it."""
    assert "to be confirmed by LAN" in DOCUMENT["definition"]["en"]
    assert DOCUMENT["versions"][0]["id"] == words.PROFILE_VERSION

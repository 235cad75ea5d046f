"""Every kind of document that is kept is registered, with who owns it and how long it is kept."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from jejak.document_kinds_docs import markdown
from lrs.document_kinds import KINDS
from statements.documents import Resource

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for package in ("lrs", "lti_tool", "jejak")
    for path in (ROOT / package).rglob("*.py")
    # Engines keep what they are given, whatever its kind.
    if not path.is_relative_to(ROOT / "lrs/store")
)
PLACES = {
    "Document": 0,
    "DocumentQuery": 0,
    "document": 0,
    "documents": 0,
    "find_many_documents": 0,
    "delete": 0,
    "json_documents.put": 1,
    "json_documents.get": 1,
    "json_documents.clear_expired": 1,
}
"""At which argument the kind stands, by what is called."""
WHAT_TO_DO = """

Register the kind in lrs/document_kinds.py (what one is, whether it is about a person, how long it is kept,
its scope) and take its name from there: `KIND: Final = document_kinds.MINE`. Then renew the page about them:
python -m jejak.document_kinds_docs > docs/reference/documents.md"""


def module_of(path: Path) -> object:
    """The module of a source; None for one that does something when it is imported."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    # These configure the process, or run as a program.
    return None if name.endswith(("__main__", ".wsgi")) else importlib.import_module(name)


def spelt(source: str, module: object = None) -> Iterator[tuple[int, str]]:
    """Kinds that a source spells itself, or that no registry knows: line and kind."""
    tree = ast.parse(source)
    literals: dict[str, str] = {}
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        value = getattr(statement, "value", None)
        for target in targets:
            pairs = [(target, value)]
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = list(zip(target.elts, value.elts, strict=False))
            for name, constant in pairs:
                if isinstance(name, ast.Name) and isinstance(constant, ast.Constant):
                    literals[name.id] = str(constant.value)
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        function = call.func
        called = function.id if isinstance(function, ast.Name) else ""
        if isinstance(function, ast.Attribute):
            of = function.value.id if isinstance(function.value, ast.Name) else ""
            called = f"{of}.{function.attr}" if of == "json_documents" else function.attr
        at = PLACES.get(called)
        named = [one.value for one in call.keywords if one.arg == "kind"]
        if at is None or (called == "delete" and len(call.args) != 3):
            continue
        kind = call.args[at] if len(call.args) > at else next(iter(named), None)
        if isinstance(kind, ast.Constant) and isinstance(kind.value, str):
            yield call.lineno, kind.value
        elif isinstance(kind, ast.Name) and kind.id in literals:
            yield call.lineno, literals[kind.id]
        elif isinstance(kind, ast.Name) and getattr(module, kind.id, None) not in (None, *KINDS):
            yield call.lineno, str(getattr(module, kind.id))


def test_no_module_spells_a_kind_itself() -> None:
    """Whoever keeps, reads or deletes documents has the name of their kind from the registry."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: the kind {kind!r}"
        for path in SOURCES
        for line, kind in spelt(path.read_text(encoding="utf-8"), module_of(path))
    ]
    assert not found, "\n".join(found) + WHAT_TO_DO


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('Document("mine", scope, name, b"")', ["mine"]),
        ('reader.find_documents(DocumentQuery("mine", "", limit=1))', ["mine"]),
        ('KIND = "mine"\nreader.document(KIND, "", "name")', ["mine"]),
        ('KIND: Final = "mine"\njson_documents.put(writer, KIND, "name", {}, now=1)', ["mine"]),
        ('ONE, TWO = "a", "b"\nwriter.delete(TWO, "", names)', ["b"]),
        ('Document(kind="mine", scope="")', ["mine"]),
        ('KIND: Final = document_kinds.MINE\nreader.document(KIND, "", "name")', []),
        ('blobs.delete("sha2")', []),
        ("reader.documents(place.resource, scope, names)", []),
    ],
)
def test_spelt_kinds_are_found(source: str, found: list[str]) -> None:
    """The search sees each way in which a kind is named."""
    assert [kind for _, kind in spelt(source)] == found


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_each_kind_has_its_owner(kind: object) -> None:
    """The module that a kind names exists and holds its name."""
    one = KINDS[getattr(kind, "name", "")]
    held = vars(importlib.import_module(one.owner)).values()
    assert one.name in held or one.name in set(Resource), f"{one.owner} does not hold {one.name!r}"
    assert one.what
    assert one.kept


def test_the_document_resources_are_kinds() -> None:
    """The resources of the xAPI are kept under their own names."""
    assert set(Resource) <= set(KINDS)


def test_the_page_about_them_is_the_registry() -> None:
    """docs/reference/documents.md is exactly what the registry says."""
    assert (ROOT / "docs/reference/documents.md").read_text(encoding="utf-8") == markdown(), WHAT_TO_DO

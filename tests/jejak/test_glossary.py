"""The glossary is true, and words that it replaced are gone."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("statements", "lrs", "lti_tool", "jejak")
ROWS = re.findall(
    r"^\| ([^|]+) \| ([^|]+) \| `([^`|]+)` \|$",
    (ROOT / "docs" / "explanation" / "glossary.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)
OLD_MODULES = (
    "awaited_ids", "book", "busy", "common", "desk", "each", "gradequeue", "intake", "keeping",
    "lanes", "lines", "people_book", "phrases", "promises", "questions", "rarity", "rules_compile",
    "rules_memory", "sameness", "stamps", "steps", "terms", "walk", "wording",
)  # fmt: skip
OLD_NAMES = (
    "Acquaintance", "Awaited", "Book", "Busy", "Desk", "Intake", "Joined", "Lane", "Lanes", "Lines",
    "LoopSteps", "Phrases", "Places", "Promises", "Questions", "Rarity", "Step", "Steps",
    "TermMemory", "TermWriter", "ToolRefused", "carry_out", "common_phrase", "current_desk",
    "documents_of_each", "find_each", "find_each_document", "find_joined", "floors", "hush",
    "install_desk", "joined", "lean", "older_program", "other_desk", "pair_term", "promise",
    "promised", "raise_floor", "records_of_each", "spellings", "when_quiet",
)  # fmt: skip
"""What modules, classes and public functions were called; what they are called now stands in the glossary."""


FILES = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


@cache
def names() -> dict[str, str]:
    """Every class and function of the packages, and where it stands."""
    return {
        node.name: f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_word_is_explained_once() -> None:
    """No word has two lines, and the table is read whole."""
    words = [word for word, _, _ in ROWS]
    assert len(words) > 50
    assert len(words) == len(set(words))


@pytest.mark.parametrize("module", sorted({module for _, _, module in ROWS}))
def test_every_module_that_it_points_to_exists(module: str) -> None:
    """Who follows a line finds the file."""
    assert (ROOT / module).is_file()


@pytest.mark.parametrize("name", OLD_NAMES)
def test_a_replaced_name_is_gone(name: str) -> None:
    """No class or function has a name that the glossary's words replaced."""
    assert name not in names(), names()[name]


def test_replaced_modules_are_gone() -> None:
    """No module has one, either."""
    assert {path.stem for path in FILES} & set(OLD_MODULES) == set()

"""The glossary is true, and words that it replaced are gone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
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
REPLACED = (
    "Acquaintance", "Awaited", "Book", "Busy", "Desk", "Intake", "Joined", "Lane", "Lanes", "Lines",
    "LoopSteps", "Phrases", "Places", "Promises", "Questions", "Rarity", "Step", "Steps",
    "TermMemory", "TermWriter", "ToolRefused", "awaited_ids", "busy", "carry_out", "common",
    "common_phrase", "current_desk", "desk", "documents_of_each", "each", "find_each",
    "find_each_document", "find_joined", "floors", "gradequeue", "hush", "install_desk", "intake",
    "joined", "keeping", "lanes", "lean", "lines", "older_program", "other_desk", "pair_term",
    "pairs", "people_book", "perform", "phrases", "promise", "promised", "promises", "quiet",
    "raise_floor", "rarity", "records_of_each", "rules_compile", "rules_memory", "sameness",
    "spellings", "stamps", "steps", "terms", "when_quiet", "wording",
)  # fmt: skip
"""Names that modules, classes and public functions had; what they are called now stands in the glossary."""


@cache
def names() -> dict[str, str]:
    """Every module, class and public function of the packages, and where it stands."""
    return dict(_named())


def _named() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            place = path.relative_to(ROOT).as_posix()
            yield path.stem, place
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    yield node.name, f"{place}:{node.lineno}"


def test_every_word_is_explained_once() -> None:
    """No word has two lines, and the table is read whole."""
    words = [word for word, _, _ in ROWS]
    assert len(words) > 50
    assert len(words) == len(set(words))


@pytest.mark.parametrize("module", sorted({module for _, _, module in ROWS}))
def test_every_module_that_it_points_to_exists(module: str) -> None:
    """Who follows a line finds the file."""
    assert (ROOT / module).is_file()


@pytest.mark.parametrize("name", REPLACED)
def test_a_replaced_name_is_gone(name: str) -> None:
    """No module, class or public function has a name that the glossary's words replaced."""
    assert name not in names(), names()[name]

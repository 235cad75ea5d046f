"""The documentation keeps step with the program: links, commands, options, settings and paths exist."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from jejak.cli.main import main
from jejak.settings import TABLE
from lrs.access import Scope

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
FOLDERS = ("statements/", "lrs/", "lti_tool/", "jejak/", "tests/", "benchmarks/", "docs/")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


every_page = pytest.mark.parametrize("page", PAGES, ids=named)


def prose_and_code(page: Path) -> tuple[str, list[str]]:
    """The text of a page without its code blocks, and all its code: blocks and spans."""
    prose: list[str] = []
    code: list[str] = []
    fenced = False
    before_blank = True
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or (before_blank and re.match(r" {4,}\S", line)):
            code.append(line)
            continue
        else:
            prose.append(line)
        before_blank = not line.strip()
    text = "\n".join(prose)
    blocks = "\n".join(code).replace("\\\n", " ").splitlines()
    return text, [*blocks, *re.findall(r"`([^`]+)`", text)]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, spelt as GitHub spells them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(code: list[str]) -> Iterator[list[str]]:
    """Every use of the command `jejak` in code, as words."""
    for line in code:
        for found in re.finditer(r"(?<![\w./:-])jejak (?=([a-z].*))", line):
            words = re.split(r"\s[|>&#]", found[1])[0].split()
            if words[0] != "jejak":
                yield words


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    """Relative links and pictures name files that exist, and headings that exist in them."""
    prose, _ = prose_and_code(page)
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.is_file() or (anchor and anchor not in anchors(file)):
            lost.append(target)
    assert lost == []


@every_page
def test_every_command_and_option_exists(page: Path) -> None:
    """Whatever a page says to type after `jejak` is a command, and its options are options of it."""
    _, code = prose_and_code(page)
    for words in commands(code):
        command: click.Command = main
        rest = list(words)
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            name = rest.pop(0)
            assert name in command.commands, f"jejak {' '.join(words)}"
            command = command.commands[name]
        known = {option for param in command.params for option in param.opts} | {"--help", "--version"}
        used = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert used <= known, f"jejak {' '.join(words)}"


@every_page
def test_every_make_target_exists(page: Path) -> None:
    """`make X` in code is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    _, code = prose_and_code(page)
    assert {found for line in code for found in re.findall(r"^\s*make ([a-z]+)", line)} <= targets


@every_page
def test_every_module_to_run_exists(page: Path) -> None:
    """`python -m X` in code names a module of ours, or one that is installed."""
    _, code = prose_and_code(page)
    for module in {found for line in code for found in re.findall(r"python -m ([\w.]+)", line)}:
        assert importlib.util.find_spec(module) is not None, module


@every_page
def test_every_variable_is_a_setting(page: Path) -> None:
    """A variable that begins with JEJAK_ is in the table of settings, or the `_FILE` form of a secret."""
    settings = {one.variable for one in TABLE} | {f"{one.variable}_FILE" for one in TABLE if one.secret}
    found = re.findall(r"\bJEJAK_[A-Z0-9_]*[A-Z0-9]\b(?![_<*])", page.read_text(encoding="utf-8"))
    assert set(found) <= settings


@every_page
def test_every_path_exists(page: Path) -> None:
    """A path into the source, in code, names a file or folder; `*` stands for some."""
    prose, _ = prose_and_code(page)
    spans = re.findall(r"`([\w./*-]+)`", prose)
    for path in {span for span in spans if span.startswith(FOLDERS)} - set(Scope):
        assert any(ROOT.glob(path.rstrip("/"))), path


def test_the_index_names_every_page() -> None:
    """docs/README.md links to each page below docs/."""
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    linked = {(DOCS / target).resolve() for target in re.findall(r"\]\(([^)#\s]+)", index)}
    assert {named(page) for page in PAGES if DOCS in page.parents} - {"docs/README.md"} <= {
        named(page) for page in linked if page.is_relative_to(ROOT)
    }

"""What `pip install .` brings: every file that the program reads stands in the wheel."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
PACKAGES = ("statements", "lrs", "lti_tool", "jejak")
SOURCES = {".py", ".pyc", ".cfg"}  # babel.cfg says how translations are read; the program does not read it


@pytest.mark.parametrize("package", PACKAGES)
def test_every_data_file_is_package_data(package: str) -> None:
    """Templates, styles, scripts, translations and tables match a pattern of package data."""
    patterns = SETUPTOOLS["package-data"]["*"]
    files = [path for path in (ROOT / package).rglob("*") if path.is_file() and path.suffix not in SOURCES]
    assert files, "each package has at least its py.typed"
    left = [str(path.relative_to(ROOT)) for path in files if not any(fnmatch(path.name, p) for p in patterns)]
    assert left == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_is_found(package: str) -> None:
    """Each package is included, and each folder with modules is a package."""
    include = SETUPTOOLS["packages"]["find"]["include"]
    assert any(fnmatch(package, pattern) for pattern in include)
    folders = {path.parent for path in (ROOT / package).rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_nothing_else_is_installed() -> None:
    """Tests, benchmarks and documents stay out of the wheel."""
    include = SETUPTOOLS["packages"]["find"]["include"]
    modules = {path.parent.name for path in ROOT.glob("*/*.py")} - set(PACKAGES)
    assert modules
    assert [name for name in sorted(modules) if any(fnmatch(name, pattern) for pattern in include)] == []

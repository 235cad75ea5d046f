"""What is published is the wheel: it is built, installed as a stranger would, and serves the demo."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin
from zipfile import ZipFile

import pytest

from tests.mongod import free_port

ROOT = Path(__file__).parents[2]
PACKAGES = ("statements", "lrs", "lti_tool", "jejak")
NOT_SHIPPED = {"lti_tool/translations/babel.cfg"}
"""Needed to gather messages, not to show them."""
INSTALL_SECONDS = 300
START_SECONDS = 90

pytestmark = pytest.mark.timeout(600)


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command to its end; what it printed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd, env=environment(), capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pip(home: Path) -> tuple[str | Path, ...]:
    """The `pip` of a virtual environment."""
    return (home / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check")


def environment() -> dict[str, str]:
    """That of this process, without what would lead Python or the settings back to the checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "JEJAK_"))}


def files() -> set[str]:
    """The path of every file of the packages, but for what Python leaves there."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in found if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built from a copy so that the checkout stays clean."""
    folder = tmp_path_factory.mktemp("wheel")
    copied = folder / "source"
    for name in [*files(), "pyproject.toml", "README.md", "LICENSE"]:
        (copied / name).parent.mkdir(parents=True, exist_ok=True)
        (copied / name).write_bytes((ROOT / name).read_bytes())
    run(sys.executable, "-m", "venv", folder / "builder")
    run(*pip(folder / "builder"), "install", "--require-hashes", "-r", ROOT / "requirements-build.txt")
    options = ("--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    run(*pip(folder / "builder"), "wheel", *options, copied)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment that was empty, with the wheel and its locked requirements."""
    home = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", home)
    run(*pip(home), "install", "--require-hashes", "-r", ROOT / "requirements.txt")
    run(*pip(home), "install", "--no-deps", "--no-index", wheel)
    return home / "bin"


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    """Code, templates, styles, scripts, translations and tables: nothing that the checkout has is missing."""
    with ZipFile(wheel) as packed:
        assert files() - NOT_SHIPPED - set(packed.namelist()) == set()


def test_the_installed_requirements_fit_each_other(installed: Path, tmp_path: Path) -> None:
    """What the wheel asks for is what the lock file gives."""
    assert "No broken requirements" in run(installed / "python", "-m", "pip", "check", cwd=tmp_path)


@pytest.fixture
def demo(installed: Path, tmp_path: Path) -> Iterator[list[str]]:
    """The demo of the installed command, outside the checkout: its lines, when it is ready or has ended."""
    ports = ("--port", str(free_port()), "--lms-port", str(free_port()))
    process = subprocess.Popen(
        [installed / "jejak", "demo", *ports, "--data", tmp_path / "data"],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    lines: list[str] = []
    ready = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                lines.append(line.rstrip("\n"))
                if line.startswith("ready"):
                    ready.set()
        ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    ready.wait(START_SECONDS)
    yield lines
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    reader.join(10)


def test_the_demo_starts_from_the_wheel(demo: list[str]) -> None:
    """`jejak demo` says `ready`; the tool, its style sheet and the LMS answer from what was installed."""
    last = demo[-1] if demo else ""
    assert last.startswith("ready "), "\n".join(demo)
    _, tool, lms = last.split()[:3]
    page = text(f"{tool}/docs/rules")
    style = re.search(r'href="([^"]+\.css[^"]*)"', page)
    assert style is not None
    assert "{" in text(urljoin(tool, style[1]))
    assert "<html" in text(lms)


def text(address: str) -> str:
    with urllib.request.urlopen(address) as answer:
        body: bytes = answer.read()
    return body.decode()

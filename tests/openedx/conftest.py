"""A served tool and an Open edX platform that knows it, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from jejak.demo import processes
from tests.journeys.conftest import free_port

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "var" / "openedx" / "bin" / "python"


@dataclass(frozen=True)
class Place:
    """Where the two are: the tool on http://localhost, the platform on http://127.0.0.1."""

    tool: str
    lms: str

    def unit(self, name: str, action: str) -> str:
        """An address of the course: `open/<person>`, `author/<person>` or `chosen` of one unit."""
        return f"{self.lms}/units/{name}/{action}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("openedx")
    port = free_port()
    tool = f"http://localhost:{port}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("JEJAK_")},
        "JEJAK_STORE": f"sqlite:///{folder / 'jejak.db'}",
        "JEJAK_PUBLIC_URL": tool,
        "JEJAK_ALLOW_LOOPBACK": "true",
        "JEJAK_LOCALE": "en",
    }
    with open_edx(tool, folder) as platform:
        register(platform, environment)
        arguments = ["-m", "jejak.cli.main", "serve", "--bind", f"127.0.0.1:{port}"]
        served = processes.start("tool", arguments, environment, folder / "tool.log")
        try:
            served.wait_for(f"http://127.0.0.1:{port}/health/ready")
            yield Place(tool, platform["base"])
        finally:
            processes.stop([served])


@contextmanager
def open_edx(tool: str, folder: Path) -> Iterator[dict[str, str]]:
    """Open edX's platform code in its own Python; how to register it, as it says itself."""
    assert PYTHON.exists(), "Open edX's platform code is not installed: `make openedx` does that"
    log = folder / "lms.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [PYTHON, Path(__file__).parent / "lms.py", tool, folder],
            env={"PATH": os.environ["PATH"], "no_proxy": "*"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, log.read_text()
        yield json.loads(line)
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(10)


def register(platform: dict[str, str], environment: dict[str, str]) -> None:
    """Tell the tool what an administrator copies from Open edX's page for authors."""
    values = {
        "--tenant": "lan",
        "--name": "Open edX",
        "--issuer": platform["base"],
        "--client-id": platform["client_id"],
        "--deployment-id": platform["deployment_id"],
        "--auth-login-url": platform["oidc_callback"],
        "--auth-token-url": platform["token_url"],
        "--jwks-url": platform["keyset_url"],
    }
    command = [sys.executable, "-m", "jejak.cli.main", "platforms", "add", "--json"]
    options = [text for pair in values.items() for text in pair]
    done = subprocess.run(
        [*command, *options], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr

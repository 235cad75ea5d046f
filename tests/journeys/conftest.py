"""A demo that really runs (server, LMS, sample data) and a real Chromium with third-party cookies blocked."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

CHROMIUM = os.environ.get("JEJAK_TEST_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Browsers that block third-party cookies are the ones the tool is made for.
    "--test-third-party-cookie-phaseout",
    # The launch takes the frame from site to site and back. With a process per site Playwright now and then
    # keeps the one before as the frame's page (10 of 40 launches on a busy machine, 0 of 40 like this).
    "--disable-site-isolation-trials",
)
START_SECONDS = 90
PATIENCE_MS = 20_000
"""How long a page may take on a busy machine before a test gives up."""

expect.set_options(timeout=PATIENCE_MS)

# A shell starts what it runs in the background deaf to Ctrl-C, and the demo would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Demo:
    """A running `jejak demo`."""

    port: int
    lms_port: int
    data: Path
    process: subprocess.Popen[str]
    output: list[str]

    @property
    def tool(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def lms(self) -> str:
        return f"http://127.0.0.1:{self.lms_port}"

    @property
    def xapi(self) -> str:
        return f"http://127.0.0.1:{self.port}/xapi/"

    @property
    def lms_key(self) -> tuple[str, str]:
        """The credential that the LMS's plugin would use."""
        return self._key("lms_key")

    @property
    def full_key(self) -> tuple[str, str]:
        return self._key("full_key")

    def _key(self, name: str) -> tuple[str, str]:
        kept = json.loads((self.data / f"{self.port}-{self.lms_port}" / "demo.json").read_text("utf-8"))
        return kept[name]["key"], kept[name]["secret"]

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


def start_demo(data: Path, port: int, lms_port: int) -> Demo:
    """Run `jejak demo` and wait for its `ready` line."""
    options = ["--port", str(port), "--lms-port", str(lms_port), "--data", str(data)]
    process = subprocess.Popen(
        [sys.executable, "-m", "jejak.cli.main", "demo", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    demo = Demo(port, lms_port, data, process, [])
    ready = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                demo.output.append(line.rstrip("\n"))
                if line.startswith("ready"):
                    ready.set()
        ready.set()

    threading.Thread(target=read, daemon=True).start()
    ready.wait(START_SECONDS)
    if process.poll() is not None or not any(line.startswith("ready") for line in demo.output):
        demo.stop()
        pytest.fail("the demo did not come up:\n" + "\n".join(demo.output))
    return demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = start_demo(tmp_path_factory.mktemp("demo"), free_port(), free_port())
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
    yield chromium
    chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a fresh profile, in Indonesian, that fails the test when a script throws."""
    context = browser.new_context(locale="id-ID", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    opened = context.new_page()
    thrown: list[str] = []
    opened.on("pageerror", lambda error: thrown.append(str(error)))
    yield opened
    context.close()
    assert thrown == []

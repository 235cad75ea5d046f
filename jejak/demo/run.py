"""`jejak demo`: the real server and the demo LMS on one machine, with a year of sample data."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from jejak.demo.lms.people import AGENCY_NAME, SITE_NAME
from jejak.demo.loading import load
from jejak.demo.photos import attach_photos, keep_photos
from jejak.demo.processes import Child, DemoError, check_port, start, stop
from jejak.demo.sample import sample
from jejak.demo.state import DemoState, Key

TENANT = "contoh"
WATCH_SECONDS = 1.0


def run_demo(port: int, lms_port: int, data_dir: Path) -> None:
    """Serve until interrupted (Ctrl-C or SIGTERM). The last line printed begins with `ready`.

    A second run on the same folder and ports finds its data again and loads nothing twice. Click's error
    with a plain reason when something cannot start.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    children: list[Child] = []
    try:
        check_port(port, "--port")
        check_port(lms_port, "--lms-port")
        demo = _Demo(port, lms_port, data_dir)
        demo.begin(children)
        demo.announce()
        while True:
            for child in children:
                child.check()
                try:
                    child.process.wait(WATCH_SECONDS)
                except subprocess.TimeoutExpired:
                    continue
    except DemoError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("stopping")
    finally:
        # A second Ctrl-C must not leave a server behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stop(children)


class _Demo:
    """One run. The LMS's address is part of every account, so each pair of ports has data of its own."""

    def __init__(self, port: int, lms_port: int, data_dir: Path) -> None:
        self.port, self.lms_port = port, lms_port
        self.folder = (data_dir / f"{port}-{lms_port}").absolute()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.tool = f"http://localhost:{port}"
        self.lms = f"http://127.0.0.1:{lms_port}"
        self.state = DemoState.open(
            self.folder / "demo.json",
            year=datetime.now(UTC).year,
            client_id=secrets.token_urlsafe(9),
        )
        self.console = Console()

    def environment(self) -> dict[str, str]:
        """The process's environment with the demo's own settings: sample data reaches no other store."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("JEJAK_")}
        return {
            **ours,
            "JEJAK_STORE": f"sqlite:///{self.folder / 'jejak.db'}",
            "JEJAK_PUBLIC_URL": self.tool,
            "JEJAK_ALLOW_LOOPBACK": "true",
        }

    def begin(self, children: list[Child]) -> None:
        """Register both sides with each other, start both, load the sample data."""
        environment, logs = self.environment(), self.folder / "logs"
        self._say("Registering the platform and the keys")
        self._register()
        address = environment["JEJAK_STORE"]
        photos = keep_photos(address, TENANT, self.lms, self.tool)
        statements = sample(self.lms, self.state.year, photos=photos)
        named = [one.statement for one in statements if "attachments" in one.statement]
        attach_photos(address, TENANT, named)
        self._say("Starting the server and the demo LMS")
        lms = ["-m", "jejak.demo.lms", "--port", str(self.lms_port), "--tool", self.tool]
        lms += ["--client-id", self.state.client_id, "--file", str(self.folder / "lms.json")]
        lms += ["--year", str(self.state.year)]
        children.append(start("The demo LMS", lms, environment, logs / "lms.log"))
        serve = ["-m", "jejak.cli.main", "serve", "--bind", f"127.0.0.1:{self.port}"]
        children.append(start("The server", serve, environment, logs / "jejak.log"))
        children[0].wait_for(f"{self.lms}/health")
        children[1].wait_for(f"http://127.0.0.1:{self.port}/health/ready")
        if not self.state.complete:
            self._say(f"Loading {len(statements)} statements of {self.state.year}")
        lms_key, full_key = self.state.lms_key, self.state.full_key
        assert lms_key is not None  # noqa: S101 - made by _register
        assert full_key is not None  # noqa: S101
        endpoint = f"http://127.0.0.1:{self.port}/xapi/"
        load(endpoint, {"lms": lms_key, "tool": full_key}, statements, self.state, self.console)

    def announce(self) -> None:
        """Addresses, credentials, and the line that scripts wait for."""
        key = self.state.full_key
        assert key is not None  # noqa: S101 - made by _register
        rows = [
            ("Demo LMS", f"{self.lms}/  (start here: choose a person)"),
            ("Tool and record store", f"{self.tool}/"),
            ("xAPI endpoint", f"{self.tool}/xapi/"),
            ("Key", key.key),
            ("Secret", key.secret),
            ("Agency (tenant)", f"{TENANT}, {AGENCY_NAME}"),
            ("Data and logs", str(self.folder)),
        ]
        click.echo()
        for name, value in rows:
            click.echo(f"  {name:<22} {value}")
        click.echo("\n  Ctrl-C stops both.\n")
        click.echo(f"ready {self.tool} {self.lms}")
        sys.stdout.flush()

    def _say(self, text: str) -> None:
        click.echo(f"{text} ...")
        sys.stdout.flush()

    def _register(self) -> None:
        if self.state.lms_key is None:
            scopes = ["--scope", "statements/write", "--scope", "statements/read/mine"]
            self.state.lms_key = self._key(SITE_NAME, scopes)
        if self.state.full_key is None:
            self.state.full_key = self._key("Demo", ["--scope", "all"])
        if not self.state.platform:
            mod = f"{self.lms}/mod/lti"
            values = {
                "--tenant": TENANT,
                "--name": SITE_NAME,
                "--issuer": self.lms,
                "--client-id": self.state.client_id,
                "--deployment-id": "1",
                "--auth-login-url": f"{mod}/auth.php",
                "--auth-token-url": f"{mod}/token.php",
                "--jwks-url": f"{mod}/certs.php",
            }
            self._command(["platforms", "add", *(word for pair in values.items() for word in pair)])
            self.state.platform = True
            self.state.save()

    def _key(self, name: str, scopes: list[str]) -> Key:
        made = self._command(["credentials", "create", "--tenant", TENANT, "--name", name, *scopes])
        return Key(made["key"], made["secret"])

    def _command(self, arguments: list[str]) -> dict[str, Any]:
        """Run one of our own commands as a person would; its JSON answer."""
        done = subprocess.run(  # noqa: S603 - our own command, no shell
            [sys.executable, "-m", "jejak.cli.main", *arguments, "--json"],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            reason = done.stderr.strip().rpartition("\n")[2]
            raise DemoError(f"jejak {' '.join(arguments[:2])} failed: {reason}")
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

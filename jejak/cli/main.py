"""The command `jejak`: serve, demo, and the administrator's tasks."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from jejak.cli.admin_log import admin_log
from jejak.cli.credentials import credentials
from jejak.cli.links import links
from jejak.cli.outbox import outbox
from jejak.cli.platforms import platforms
from jejak.cli.shared import store_address
from jejak.cli.store import rebuild
from jejak.settings import SettingsError
from lrs.store.errors import StoreError


class _Plain(click.Group):
    """Turns the errors a person can mend into one plain message, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise click.ClickException(f"settings:\n{error}") from error
        except StoreError as error:
            raise click.ClickException(f"the store {store_address()}: {error}") from error


@click.group(cls=_Plain, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="jejak")
def main() -> None:
    """Jejak keeps the complete 70-20-10 learning record.

    Settings come from JEJAK_* environment variables; `jejak settings` lists them.
    """


@main.command()
@click.option("--bind", default="127.0.0.1:8080", show_default=True, help="Address and port to listen on.")
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Processes that serve requests.",
)
def serve(bind: str, workers: int) -> None:
    """Serve the LTI tool, the xAPI record store and the record API."""
    from jejak.server.serve import listening_address
    from jejak.server.serve import serve as run

    host, colon, port = bind.rpartition(":")
    if not colon or not port.isdigit() or not 0 < int(port) < 65536:
        raise click.BadParameter("use HOST:PORT, for example 127.0.0.1:8080", param_hint="--bind")
    try:
        address = listening_address(host.strip("[]") or "127.0.0.1", int(port))
    except OSError as error:
        reason = error.strerror or str(error)
        raise click.BadParameter(f"cannot listen on {bind}: {reason}", param_hint="--bind") from error
    run(address, int(port), workers, os.environ)


@main.command()
@click.option(
    "--port", default=8080, show_default=True, help="Port of the tool and record store (http://localhost)."
)
@click.option("--lms-port", default=8090, show_default=True, help="Port of the demo LMS (http://127.0.0.1).")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("var/demo"),
    show_default=True,
    help="Folder for the demo's data; kept between runs.",
)
def demo(port: int, lms_port: int, data: Path) -> None:
    """Run everything on this machine: tool, record store, a demo LMS and a year of sample data."""
    from jejak.demo.run import run_demo

    run_demo(port, lms_port, data)


@main.command("settings")
@click.option(
    "--markdown", is_flag=True, help="Print the documentation page instead of this process's values."
)
def show_settings(markdown: bool) -> None:
    """List every setting: its variable, the value in force and what it means. Secrets are not shown."""
    from jejak import settings_docs
    from jejak.settings import TABLE, load

    if markdown:
        click.echo(settings_docs.markdown(), nl=False)
        return
    values = load(os.environ)
    for setting in TABLE:
        value = getattr(values, setting.name)
        if isinstance(value, tuple):
            value = " ".join(value)
        click.echo(f"{setting.variable}={'(secret)' if setting.secret and value else value}")
        click.echo(click.wrap_text(setting.meaning, 96, "    ", "    "))


main.add_command(admin_log)
main.add_command(credentials)
main.add_command(links)
main.add_command(outbox)
main.add_command(platforms)
main.add_command(rebuild)

if __name__ == "__main__":
    sys.exit(main())

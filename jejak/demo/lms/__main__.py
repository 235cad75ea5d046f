"""`python -m jejak.demo.lms`: run the demo LMS on its own, for instance to test another tool with it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click
from werkzeug.serving import WSGIRequestHandler, make_server

from jejak.demo.lms.app import create_demo_lms
from jejak.demo.lms.config import LmsConfig, tool_at


class _Quiet(WSGIRequestHandler):
    """No line per request: query strings of launches do not belong in a log."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_: object) -> None:
        return None


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8090, show_default=True)
@click.option("--tool", "tool_url", help="Base address of a Jejak to register at start.")
@click.option("--client-id", default="jejak-demo", show_default=True, help="Its client id.")
@click.option(
    "--file", type=click.Path(dir_okay=False, path_type=Path), help="Where keys and grades are kept."
)
@click.option("--year", default=2026, show_default=True)
def main(*, host: str, port: int, tool_url: str | None, client_id: str, file: Path | None, year: int) -> None:
    """Serve the demo LMS until interrupted."""
    tools = (tool_at(tool_url, client_id),) if tool_url else ()
    app = create_demo_lms(LmsConfig(url=f"http://{host}:{port}", tools=tools, file=file, year=year))
    server = make_server(host, port, app, threaded=True, request_handler=_Quiet)

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    click.echo(f"demo LMS on http://{host}:{port}")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()

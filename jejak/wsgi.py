"""The WSGI entry: a factory, so that nothing is opened by importing it.

`granian --interface wsgi --factory jejak.wsgi:application`, which is what `jejak serve` does.
"""

from __future__ import annotations

import os

from jejak.app import Application, create_app
from jejak.logs import configure
from jejak.settings import load


def application() -> Application:
    """The application of one worker process, its background work started."""
    settings = load(os.environ)
    configure(settings.log_level)
    app = create_app(settings)
    app.start()
    return app

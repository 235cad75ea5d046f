"""The entry for other servers than `jejak serve`: a factory, so that importing it opens nothing.

The learning record is worked out in a thread of its own: `granian --interface wsgi --factory
jejak.wsgi:application`.
"""

from __future__ import annotations

import os

from jejak.app import Application, create_app
from jejak.logs import configure
from jejak.settings import load


def application() -> Application:
    """The application with all its background work, for servers that know nothing of it."""
    settings = load(os.environ)
    configure(settings.log_level)
    app = create_app(settings)
    app.start()
    return app

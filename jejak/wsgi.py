"""The WSGI entries: factories, so that nothing is opened by importing them.

`jejak serve` uses `worker`. Any other WSGI server can use `application`, which works out the learning
record in a thread of its own: `granian --interface wsgi --factory jejak.wsgi:application`.
"""

from __future__ import annotations

import os

from jejak.app import Application, create_app
from jejak.intake import Intake
from jejak.logs import configure
from jejak.settings import load


def worker() -> Intake:
    """The application of one worker process of `jejak serve`, beside which the follower runs."""
    app = _started(following=False)
    return Intake(app, app.wired.settings.threads)


def application() -> Application:
    """The application with all its background work, for servers that know nothing of it."""
    return _started(following=True)


def _started(*, following: bool) -> Application:
    settings = load(os.environ)
    configure(settings.log_level)
    app = create_app(settings)
    app.start(following=following)
    return app

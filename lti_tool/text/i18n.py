"""Translation calls with types: Flask-Babel has none of its own."""

from __future__ import annotations

import flask_babel


def gettext(text: str, /, **values: object) -> str:
    """The text in the reader's language; English is the source."""
    return str(flask_babel.gettext(text, **values))


def ngettext(one: str, many: str, num: int, /, **values: object) -> str:
    """The same with a number in it, as `%(num)s`."""
    return str(flask_babel.ngettext(one, many, num, **values))

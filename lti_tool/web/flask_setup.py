"""What every page shares: language, the address of static files, filters and charts for templates."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from urllib.parse import urlencode

from flask import Flask, Response, abort, g, request
from flask_babel import Babel, get_locale

from lti_tool.text import charts, formats
from lti_tool.web import cookies

LANGUAGES = {"id": "Indonesia", "en": "English"}
LANGUAGE_COOKIE = "__Host-lang"
LANGUAGE_SECONDS = 365 * 86_400
STATIC_SECONDS = 365 * 86_400
FAVICON_SECONDS = 86_400
TYPES = {"css": "text/css", "svg": "image/svg+xml", "js": "text/javascript"}


def install_pages(app: Flask, *, default_language: str) -> None:
    """Give the application its languages, its static files and what the templates call."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(files("lti_tool") / "translations")

    def choose() -> str:
        return chosen_language(default_language)

    Babel(app, locale_selector=choose)
    app.jinja_env.globals.update(
        asset=asset,
        charts=charts,
        languages=LANGUAGES,
        locale=_Locale(),
        other_language=other_language,
    )
    app.jinja_env.filters.update(
        jp=formats.jp,
        day=formats.day,
        short_day=formats.short_day,
        time_of_day=formats.time_of_day,
        iso_time=formats.iso_time,
        moment=formats.moment,
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.add_url_rule("/static/<fingerprint>/<name>", "asset", _serve_asset)
    app.add_url_rule("/favicon.ico", "favicon", _favicon)
    app.after_request(_remember_language)


class _Locale:
    """The language of this request as its two letters, whenever a template prints it."""

    def __str__(self) -> str:
        return str(get_locale() or "id")[:2]

    def __eq__(self, other: object) -> bool:
        return str(self) == other

    def __hash__(self) -> int:
        return hash(str(self))


def chosen_language(default: str) -> str:
    """The person's own choice, else the platform's, else the browser's, else the default."""
    asked = request.args.get("lang", "") or request.cookies.get(LANGUAGE_COOKIE, "")
    if asked in LANGUAGES:
        return asked
    session = g.get("launch_session")
    if session is not None and session.locale[:2].lower() in LANGUAGES:
        return str(session.locale[:2].lower())
    return request.accept_languages.best_match(list(LANGUAGES)) or default


def other_language(code: str) -> str:
    """The address of this page in another language."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return f"{request.path}?{urlencode([*kept, ('lang', code)])}"


@cache
def _static(name: str) -> tuple[bytes, str]:
    data = (files("lti_tool") / "static" / name).read_bytes()
    return data, hashlib.sha256(data).hexdigest()[:12]


def asset(name: str) -> str:
    """The address of a static file; it changes with the content, so browsers may keep it for good."""
    return f"/static/{_static(name)[1]}/{name}"


def _serve_asset(fingerprint: str, name: str) -> Response:
    kind = TYPES.get(name.rpartition(".")[2])
    if kind is None or "/" in name or "\\" in name:
        abort(404)
    try:
        data, current = _static(name)
    except (OSError, ValueError):
        # There is no such file, or the name holds a character that no file name may hold.
        abort(404)
    if fingerprint != current:
        abort(404)
    response = Response(data, mimetype=kind)
    response.headers["Cache-Control"] = f"public, max-age={STATIC_SECONDS}, immutable"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _favicon() -> Response:
    """The icon, for browsers that look for it without reading a page."""
    response = Response(_static("icon.svg")[0], mimetype=TYPES["svg"])
    response.headers["Cache-Control"] = f"public, max-age={FAVICON_SECONDS}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _remember_language(response: Response) -> Response:
    asked = request.args.get("lang", "")
    if asked in LANGUAGES and response.status_code < 400:
        cookies.put(response, LANGUAGE_COOKIE, asked, LANGUAGE_SECONDS)
    return response

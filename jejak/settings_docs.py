"""The settings table as Markdown: what `docs/reference/settings.md` holds, checked by a test."""

from __future__ import annotations

from jejak.settings import TABLE
from jejak.settings_fields import Setting

HEAD = """# Settings

All settings are environment variables. One marked *secret* may instead be put in a file that
`JEJAK_<NAME>_FILE` names (its surrounding white space is dropped). A variable that begins with `JEJAK_`
and is not listed here stops the start, so a misspelt setting is never silently ignored.

This page is made by `jejak settings --markdown > docs/reference/settings.md`.

| variable | default | meaning |
|---|---|---|
"""


def markdown() -> str:
    """The whole page."""
    return HEAD + "".join(_row(setting) for setting in TABLE)


def _row(setting: Setting) -> str:
    default = f"`{setting.default}`" if setting.default else "(empty)"
    secret = " *Secret.*" if setting.secret else ""
    return f"| `{setting.variable}` | {default} | {setting.meaning}{secret} |\n"

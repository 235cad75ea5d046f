"""The rules of statements in Indonesian; in English they stand next to their checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from flask_babel import get_locale


def rule_sentence(slug: str) -> str:
    """What a rule asks for, in the reader's language; empty where that is English or there is no text."""
    return _indonesian().get(slug, "") if str(get_locale() or "id")[:2] == "id" else ""


@cache
def _indonesian() -> Mapping[str, str]:
    texts: dict[str, str] = json.loads((files(__package__) / "rules_id.json").read_text("utf-8"))
    return texts

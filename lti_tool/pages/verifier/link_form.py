"""What somebody with a one-time link sends: the code, who they are, and what they decide."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from flask_babel import get_locale

from lrs.records.verifier_links import CODE_LENGTH
from lti_tool.text.i18n import gettext
from statements.masking import masked
from statements.profile.vocabulary import NEEDS_REASON, Decision

LONGEST_NAME: Final = 100
LONGEST_REASON: Final = 2000
YES: Final = "yes"
_DECISIONS: Final = {
    YES: None,
    str(Decision.RETURNED): Decision.RETURNED,
    str(Decision.REJECTED): Decision.REJECTED,
}
_CODE = re.compile(rf"[A-Za-z0-9_-]{{{CODE_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class Answer:
    """A form as it was sent."""

    name: str = ""
    position: str = ""
    reason: str = ""
    decision: Decision | None = None
    """None for a yes, of which the agency says what it is worth."""
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def typed_so_far(cls, form: Mapping[str, str], name: str) -> Answer:
        """What was typed before the page was asked for again, as in another language."""
        return cls(form.get("name", name), form.get("position", ""), form.get("reason", ""))

    @property
    def language(self) -> str:
        """The language that the page was read in."""
        return "en" if str(get_locale() or "id").startswith("en") else "id"


def pasted_code(text: str) -> str:
    """The code in what was pasted: the whole link, or the code alone. "" when there is none."""
    code = text.strip()[-LONGEST_REASON:].rpartition("#")[2]
    return code if _CODE.fullmatch(code) else ""


def read_answer(form: Mapping[str, str]) -> Answer:
    """Check what was sent; nothing typed is lost whatever is wrong.

    Numbers of employees and addresses are hidden before anything is stored: statements go to other systems.
    """
    name, position = _line(form.get("name", "")), _line(form.get("position", ""))
    reason = form.get("reason", "").strip()
    asked = form.get("decision", "")
    errors: dict[str, str] = {}
    if not name:
        errors["name"] = gettext("Write your name.")
    elif len(name) > LONGEST_NAME:
        errors["name"] = gettext("Write at most %(most)s characters.", most=LONGEST_NAME)
    if not position:
        errors["position"] = gettext("Write your position, for example Head of Division.")
    elif len(position) > LONGEST_NAME:
        errors["position"] = gettext("Write at most %(most)s characters.", most=LONGEST_NAME)
    if len(reason) > LONGEST_REASON:
        errors["reason"] = gettext("Write at most %(most)s characters.", most=LONGEST_REASON)
    elif _DECISIONS.get(asked) in NEEDS_REASON and not reason:
        errors["reason"] = gettext("Say why, so that the learner knows what to do.")
    if asked not in _DECISIONS:
        errors["decision"] = gettext("Use one of the three buttons.")
    decision = _DECISIONS.get(asked)
    if errors:
        # As it was typed: it is shown again.
        return Answer(
            form.get("name", ""), form.get("position", ""), form.get("reason", ""), decision, errors
        )
    return Answer(masked(name), masked(position), masked(reason), decision)


def _line(text: str) -> str:
    """One line without control characters."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())

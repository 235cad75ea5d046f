"""Deep linking: an instructor picks what to embed, and the choice goes back to the platform, signed.

What a link opens is written into its custom parameters, never into its address: platforms match
addresses by domain only. Source: LTI Deep Linking 2.0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext

from lti_tool.launch import adapter
from lti_tool.launch.launch import LAUNCH_PATH
from lti_tool.launch.sessions import LaunchSession
from lti_tool.platforms.platforms import Platform
from lti_tool.platforms.tool_keys import ToolKey
from lti_tool.refusals import Reason, RefusedError
from lti_tool.settings import LtiSettings, origin_of
from lti_tool.tokens import new_id

RECORD, COHORT, LOG, GOAL = "record", "cohort", "log", "goal"
VIEWS = (RECORD, COHORT, LOG, GOAL)
VIEW_FIELD, FORM_FIELD, JP_FIELD, GOAL_FIELD = "jejak_view", "jejak_form", "jejak_jp", "jejak_goal"
GOAL_MAXIMUM = 100
MAX_JP = 200


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a link of ours opens; `view` is the home page unless the link says otherwise."""

    view: str = ""
    form: str = ""
    jp: Decimal | None = None
    goal: str = ""
    """Names the graded goal: its line item carries it as resource id."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What an instructor chose; `jp` for goals alone."""

    view: str
    form: str = ""
    form_title: str = ""
    jp: Decimal | None = None


def embedded(session: LaunchSession) -> Embedded:
    """What the launched link opens; anything unintelligible is the home page."""
    custom = session.custom
    view = custom.get(VIEW_FIELD, "")
    if view not in VIEWS:
        return Embedded()
    form = custom.get(FORM_FIELD, "")
    jp = wanted_jp(custom.get(JP_FIELD, ""))
    if (view in (LOG, GOAL) and not form) or (view == GOAL and jp is None):
        return Embedded()
    return Embedded(view, form, jp if view == GOAL else None, custom.get(GOAL_FIELD, ""))


def wanted_jp(text: str) -> Decimal | None:
    """JP as an instructor types them (comma or point, tenths), or None."""
    try:
        value = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 < value <= MAX_JP or value != value.quantize(Decimal("0.1")):
        return None
    return value


def return_url(session: LaunchSession) -> str:
    """Where the choice goes.

    RefusedError unless the launch was for deep linking and names a usable address.
    """
    settings = session.deep_linking
    url = settings.get("deep_link_return_url")
    if session.message_type != adapter.DEEP_LINKING_MESSAGE or not isinstance(url, str) or len(url) > 4096:
        raise RefusedError(Reason.DEEP_LINK_UNFIT)
    try:
        origin = origin_of(url)
    except ValueError as error:
        raise RefusedError(Reason.DEEP_LINK_UNFIT) from error
    secure = origin.startswith("https://") or origin_of_issuer(session) == origin
    if not secure:
        raise RefusedError(Reason.DEEP_LINK_UNFIT)
    return url


def return_origins(session: LaunchSession) -> tuple[str, ...]:
    """The origin that the page's form may go to."""
    return (origin_of(return_url(session)),)


def origin_of_issuer(session: LaunchSession) -> str:
    """The platform's own origin, or an empty text when its issuer is no address."""
    try:
        return origin_of(session.issuer)
    except ValueError:
        return ""


def accepts_several(session: LaunchSession) -> bool:
    """Whether more than one thing may be chosen; some platforms send the text "true"."""
    return session.deep_linking.get("accept_multiple") in (True, "true")


def accepts_line_items(session: LaunchSession) -> bool:
    """Whether a graded link may bring its own gradebook column; so unless the platform says no."""
    return session.deep_linking.get("accept_lineitem", True) in (True, "true")


def items(choices: Sequence[Choice], session: LaunchSession, settings: LtiSettings) -> list[dict[str, Any]]:
    """The content items for what was chosen."""
    return [_item(choice, session, settings) for choice in choices]


def response(
    platform: Platform,
    key: ToolKey,
    session: LaunchSession,
    content: Sequence[Mapping[str, Any]],
    now_seconds: int,
) -> str:
    """The signed response. `data` goes back exactly as it came, and is left out when there was none."""
    data = session.deep_linking.get("data")
    return adapter.deep_linking_response(
        platform,
        key,
        deployment_id=session.deployment_id,
        data=data if isinstance(data, str) else None,
        items=content,
        now_seconds=now_seconds,
    )


def _item(choice: Choice, session: LaunchSession, settings: LtiSettings) -> dict[str, Any]:
    custom = {VIEW_FIELD: choice.view}
    if choice.form:
        custom[FORM_FIELD] = choice.form
    item: dict[str, Any] = {
        "type": "ltiResourceLink",
        "title": title(choice),
        "url": settings.url(LAUNCH_PATH),
        "custom": custom,
    }
    if choice.view == GOAL and choice.jp is not None:
        goal = new_id()
        custom.update({JP_FIELD: str(choice.jp), GOAL_FIELD: goal})
        if accepts_line_items(session):
            item["lineItem"] = {
                "scoreMaximum": GOAL_MAXIMUM,
                "label": title(choice),
                "resourceId": goal,
                "tag": GOAL,
            }
    return item


def title(choice: Choice) -> str:
    """What the link is called in the course."""
    if choice.view == COHORT:
        return str(gettext("Cohort report"))
    if choice.view == LOG:
        return str(gettext("Log: %(form)s", form=choice.form_title))
    if choice.view == GOAL:
        return str(gettext("%(jp)s JP: %(form)s", jp=str(choice.jp), form=choice.form_title))
    return str(gettext("My learning record"))

"""The page on which an instructor picks what to embed, and the form that hands it back."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext

from lti_tool.launch import deep_linking
from lti_tool.launch.deep_linking import COHORT, GOAL, LOG, RECORD, Choice
from lti_tool.refusals import Reason, RefusedError
from lti_tool.web.guard import current_session, launch_session_required
from lti_tool.web.lti_services import LtiTool, current_tool

ROLES = frozenset({"instructor", "administrator"})
PATH = "/l/<launch_id>/deeplink"
MAX_CHOICES = 20


def add_routes(blueprint: Blueprint) -> None:
    """Add the deep-linking pages to the LTI blueprint."""
    blueprint.add_url_rule(PATH, "deeplink", choose, methods=["GET"])
    blueprint.add_url_rule(PATH, "deeplink_send", send, methods=["POST"])


@launch_session_required(roles=ROLES)
def choose(launch_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Show what can be embedded."""
    deep_linking.return_url(current_session())
    return _page({})


@launch_session_required(roles=ROLES, form_origins=deep_linking.return_origins)
def send(launch_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Sign the choice and hand it to the platform by a form that posts itself."""
    tool, session = current_tool(), current_session()
    url = deep_linking.return_url(session)
    chosen, errors = _chosen(_forms(tool))
    if errors:
        return _page(errors), 422
    platform = tool.platforms.get(session.platform_id)
    if platform is None:
        raise RefusedError(Reason.PLATFORM_UNKNOWN)
    content = deep_linking.items(chosen, session, tool.settings)
    message = deep_linking.response(
        platform, tool.tool_keys.signing(), session, content, tool.settings.now_seconds(tool.clock())
    )
    return render_template("lti/deeplink_return.html", url=url, message=message)


def _page(errors: dict[str, str]) -> str:
    session = current_session()
    return render_template(
        "lti/deeplink.html",
        session=session,
        forms=_forms(current_tool()),
        several=deep_linking.accepts_several(session),
        errors=errors,
        chosen=request.form.getlist("choice") or [RECORD],
        typed=request.form,
    )


def _forms(tool: LtiTool) -> dict[str, str]:
    """The forms of learning by code, named in the user's language."""
    if "deeplink_forms" not in g:
        language = str(get_locale() or "id")[:2]
        table = tool.table_for(current_session().tenant)
        g.deeplink_forms = {
            code: form.name.get(language) or form.name["id"] for code, form in table.forms.items()
        }
    forms: dict[str, str] = g.deeplink_forms
    return forms


def _chosen(forms: dict[str, str]) -> tuple[list[Choice], dict[str, str]]:
    """What the instructor chose, and what is wrong with it, by the field beside which it is said."""
    session = current_session()
    views = list(dict.fromkeys(request.form.getlist("choice")))[:MAX_CHOICES]
    if not views or not set(views) <= {RECORD, COHORT, LOG, GOAL}:
        return [], {"choice": gettext("Choose what to add to the course.")}
    if len(views) > 1 and not deep_linking.accepts_several(session):
        return [], {"choice": gettext("This platform takes one activity at a time.")}
    chosen: list[Choice] = []
    errors: dict[str, str] = {}
    for view in views:
        form = request.form.get(f"{view}_form", "") if view in (LOG, GOAL) else ""
        if view in (LOG, GOAL) and form not in forms:
            errors[f"{view}_form"] = gettext("Choose the form of learning.")
        jp = deep_linking.wanted_jp(request.form.get("goal_jp", "")) if view == GOAL else None
        if view == GOAL and jp is None:
            errors["goal_jp"] = gettext(
                "Give the goal in JP, for instance 4 or 2.5: more than 0, at most %(most)s.",
                most=deep_linking.MAX_JP,
            )
        chosen.append(Choice(view, form, forms.get(form, ""), jp))
    return chosen, errors

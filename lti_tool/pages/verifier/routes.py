"""The verifier's pages in a launch: what waits, one entry in full, decisions and their undoing."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, abort, redirect, request
from flask.typing import ResponseReturnValue

from lrs.records.entries import Entry
from lti_tool.pages.shared import entry_page, use_table
from lti_tool.pages.verifier import deciding, deputy_form, queue_form
from lti_tool.pages.verifier.queue_page import PAGE, place_of, queue_page
from lti_tool.text.i18n import gettext
from lti_tool.text.masking import masked
from lti_tool.web.guard import current_session, launch_session_required, launch_url
from lti_tool.web.record_services import current_record_services


def create_verifier_blueprint() -> Blueprint:
    """The blueprint of /l/<launch_id>/verify and what is below it; whoever launches may have a queue."""
    blueprint = Blueprint("verifier", __name__, url_prefix="/l/<launch_id>/verify")
    guard = launch_session_required()
    for path, view, methods in (
        ("", queue, ["GET", "POST"]),
        ("/undo", undo, ["POST"]),
        ("/deputies", appoint, ["POST"]),
        ("/deputies/<name>/dismiss", dismiss, ["POST"]),
        ("/entries/<entry_id>", one, ["GET", "POST"]),
    ):
        blueprint.add_url_rule(path, view.__name__, guard(view), methods=methods)
    return blueprint


def queue(launch_id: str) -> ResponseReturnValue:
    """What waits for the person who launched, some at a time; a decision leads back to it."""
    use_table()
    after = place_of(request.args.get("after", ""))
    if request.method == "GET":
        return queue_page(after=after)
    asked = queue_form.read(request.form, most=PAGE)
    if asked.error:
        return queue_page(after=after, asked=asked), 422
    return redirect(_back(deciding.decide(asked), after=request.args.get("after", "")), 303)


def one(launch_id: str, entry_id: str) -> ResponseReturnValue:
    """One entry in full, with what can be decided about it, also anew about one that was decided before."""
    use_table()
    found, name = _reachable(entry_id)
    asked = None
    if request.method == "POST":
        asked = queue_form.read(request.form, most=1)
        if asked.ids and asked.ids != (entry_id,):
            abort(404)
        if not asked.error:
            return redirect(_back(deciding.decide(asked, only_waiting=False)), 303)
    page = entry_page(
        found,
        back=launch_url("verify"),
        back_name=gettext("Waiting for you"),
        name=name,
        decide=asked or queue_form.Asked(),
    )
    return page, 422 if asked is not None else 200


def undo(launch_id: str) -> ResponseReturnValue:
    """Take back what was decided together at one moment, as long as that can be undone."""
    at = request.form.get("at", "")
    undone = deciding.undo(int(at)) if at.isascii() and at.isdigit() and len(at) < 20 else 0
    return redirect(launch_url("verify") + "?" + urlencode({"undone": undone}), 303)


def appoint(launch_id: str) -> ResponseReturnValue:
    """Name a deputy from the people of the course, until a day."""
    use_table()
    asked = deputy_form.read(request.form)
    if asked.error:
        return queue_page(after=None, deputy=asked), 422
    return redirect(launch_url("verify"), 303)


def dismiss(launch_id: str, name: str) -> ResponseReturnValue:
    """Take back a deputy; one that is gone already is left so."""
    desk = current_record_services()
    desk.deputies.dismiss(current_session(), name)
    return redirect(launch_url("verify"), 303)


def _back(outcome: deciding.Outcome, after: str = "") -> str:
    asked = {"after": after} if after else {}
    return launch_url("verify") + "?" + urlencode(asked | outcome.told)


def _reachable(entry_id: str) -> tuple[Entry, str]:
    """An entry that the person may decide about and its learner's name; any other is as if not there."""
    desk, session = current_record_services(), current_session()
    found = desk.record.records.entry(session.tenant, entry_id)
    if found is None or not desk.sign_off.allowed(session, desk.sign_off.reach(session), [found]):
        abort(404)
    name = masked(desk.record.people.name(session.tenant, found.person)) or gettext("No name")
    return found, name

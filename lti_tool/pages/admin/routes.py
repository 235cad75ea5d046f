"""The page of a platform's administrators: how the connection stands, and grades that have not arrived.

Who may do what: a role is what the platform says of its own user, so an administrator of one platform speaks
for that platform and no other. They see which platforms their agency has (names, addresses and states,
nothing personal), but the queue of their own platform alone, and may switch that platform off. Nobody may
switch a platform on from here: otherwise a registration that got in, or one course site of an agency, could
admit the next. Activation is the operator's, by `jejak platforms activate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Blueprint, abort, redirect, render_template
from flask.typing import ResponseReturnValue

from lrs.outbox.messages import FAILED, WAITING
from lti_tool.accounts import account_key
from lti_tool.pages.shared import use_table
from lti_tool.platforms.platforms import DISABLED, PENDING, Platform
from lti_tool.roles import ADMINISTRATOR
from lti_tool.services.goals import Goal
from lti_tool.services.grade_outbox import NO_TOKEN, NOT_ACTIVE, QueuedScore
from lti_tool.services.sign_off import LATE_DAYS
from lti_tool.text.i18n import gettext, ngettext
from lti_tool.text.masking import masked
from lti_tool.web.guard import current_session, launch_session_required, launch_url
from lti_tool.web.lti_services import current_tool
from lti_tool.web.record_services import current_record_services
from statements.masking import initials

log = structlog.get_logger(__name__)

ACTS = 50
"""Acts of administrators on the page."""
SHOWN = 200
"""Messages of one state on the page."""
MOST_LATE = 1000
"""Entries that wait too long, as far as they are counted."""
STRANGERS = 20
"""Unmatched actors on the page; the record API gives all of them."""
GONE = (404, 410)


@dataclass(frozen=True, slots=True)
class Message:
    """A score that has not arrived: whose it is, for what, and why."""

    score: QueuedScore
    name: str
    goal: Goal | None
    reason: str

    @property
    def failed(self) -> bool:
        """Whether it is given up until somebody tries again."""
        return self.score.status == FAILED

    @property
    def column_gone(self) -> bool:
        """Whether the platform says that its column does not exist any more."""
        # A token is never refused for good, so what failed was the column itself.
        return self.failed and self.score.http_status in GONE

    @property
    def percent(self) -> int:
        """The score as hundredths of its maximum."""
        return round(100 * self.score.given / self.score.maximum)


def create_admin_blueprint() -> Blueprint:
    """The blueprint of /l/<launch_id>/admin."""
    blueprint = Blueprint("admin", __name__, url_prefix="/l/<launch_id>/admin")
    guard = launch_session_required(roles={ADMINISTRATOR})
    for path, view, methods in (
        ("", overview, ["GET"]),
        ("/grades/<name>/retry", retry, ["POST"]),
        ("/goals/<name>/dismiss", dismiss, ["POST"]),
        ("/disable", disable, ["POST"]),
    ):
        blueprint.add_url_rule(path, view.__name__, guard(view), methods=methods)
    return blueprint


def overview(launch_id: str) -> str:
    """The agency's platforms, and the grades on their way to this one."""
    tool, session = current_tool(), current_session()
    use_table()
    platforms = tool.platforms.list(session.tenant)
    messages = _messages()
    return render_template(
        "admin/overview.html",
        platforms=platforms,
        own=session.platform_id,
        messages=messages,
        links=tool.goals.links(session.tenant, session.platform_id, limit=SHOWN),
        gone={one.score.line_item for one in messages if one.column_gone},
        sentence=_sentence(platforms, messages),
        cut=len(messages) >= SHOWN,
        late=_late(),
        state_name=state_name,
        unmatched=current_record_services().record.unmatched.counts(session.tenant),
        acts=current_record_services().record.admin_log.acts(session.tenant, limit=ACTS),
        act_name=act_name,
        actor_name=actor_name,
        strangers=current_record_services().record.unmatched.page(session.tenant, limit=STRANGERS).actors,
    )


def _late() -> str:
    """How many entries of the agency wait for a verifier for too long; "" when none does."""
    desk, session = current_record_services(), current_session()
    count = desk.record.waiting.late(session.tenant, desk.sign_off.late_before, most=MOST_LATE)
    if count >= MOST_LATE:
        return gettext(
            "%(num)s entries or more wait for verification for more than %(days)s days.",
            num=MOST_LATE,
            days=LATE_DAYS,
        )
    if not count:
        return ""
    return ngettext(
        "%(num)s entry waits for verification for more than %(days)s days.",
        "%(num)s entries wait for verification for more than %(days)s days.",
        count,
        days=LATE_DAYS,
    )


def retry(launch_id: str, name: str) -> ResponseReturnValue:
    """Try one score again now; one that has arrived meanwhile is left alone."""
    tool, session = current_tool(), current_session()
    if tool.grades.retry(session.tenant, name, platform_id=session.platform_id):
        _note("grade.retried", name)
    return redirect(launch_url("admin"), 303)


def dismiss(launch_id: str, name: str) -> ResponseReturnValue:
    """Take the goal of a deleted activity off everybody's pages, with the grades that wait for its column."""
    tool, session = current_tool(), current_session()
    line_item = tool.goals.dismiss(session.tenant, session.platform_id, name)
    if line_item is None:
        abort(404)
    dropped = tool.grades.drop(session.tenant, session.platform_id, line_item)
    _note("goal.dismissed", name, grades=dropped)
    log.info("lti_goal_dismissed", platform=session.platform_id, tenant=session.tenant, grades=dropped)
    return redirect(launch_url("admin"), 303)


def disable(launch_id: str) -> str:
    """Switch off the platform that this administrator came from, and with it this very session."""
    tool, session = current_tool(), current_session()
    disabled = tool.platforms.disable(session.platform_id)
    _note("platform.disabled", session.platform_id, named=disabled.name)
    log.warning("lti_platform_disabled", platform=session.platform_id, tenant=session.tenant)
    # Nothing of this session can be opened any more, not even this page in the other language.
    return render_template("admin/disabled.html", platform_id=session.platform_id, languages={})


def _note(act: str, target: str, **details: Any) -> None:
    """Keep in the log of administrators' acts what the person of this session has just done."""
    session = current_session()
    current_record_services().record.admin_log.note(
        act,
        by="administrator",
        # The log outlives the person's record: it tells no whole name.
        name=initials(session.name),
        tenant=session.tenant,
        target=target,
        **details,
    )


def reason_of(code: str, status: int | None) -> str:
    """Why the last attempt failed and what to do, in words for whoever runs the platform.

    `code` is one of `grade_outbox`, `status` the platform's answer.
    """
    if code == NOT_ACTIVE:
        return gettext("The platform is switched off here.")
    if code == NO_TOKEN:
        return (
            gettext(
                "The platform gave no access token (HTTP %(status)s): check that it can fetch this tool's"
                " key set, and that the tool may use the grade service.",
                status=status,
            )
            if status
            else gettext("The platform gave no access token.")
        )
    if status in (401, 403):
        return gettext("The platform did not allow it: check that the tool may use the grade service.")
    if status in GONE:
        return gettext("The column no longer exists in the gradebook.")
    if status == 400:
        return gettext("The platform refused it: perhaps this person is no longer graded in the course.")
    if status:
        return gettext("The platform could not take it just now (HTTP %(status)s).", status=status)
    return gettext("The platform gave no answer.") if code else gettext("Not sent yet.")


def _messages() -> list[Message]:
    """What has failed, then what waits, the earliest first."""
    tool, desk, session = current_tool(), current_record_services(), current_session()
    scores = [
        score
        for status in (FAILED, WAITING)
        for score in tool.grades.listed(session.tenant, status, platform_id=session.platform_id, limit=SHOWN)
    ][:SHOWN]
    goals = tool.goals.named(session.tenant, [score.name for score in scores])
    keys = {score.subject: account_key(session.issuer, score.subject) for score in scores}
    known = desk.record.people.resolve_all(session.tenant, set(keys.values()))
    persons = desk.record.people.persons(session.tenant, set(known.values()))
    names = {subject: persons[known[key]].name for subject, key in keys.items() if key in known}
    return [
        Message(
            score,
            masked(names.get(score.subject) or gettext("No name")),
            goals.get(score.name),
            reason_of(score.code, score.http_status),
        )
        for score in scores
    ]


def _sentence(platforms: Sequence[Platform], messages: Sequence[Message]) -> str:
    failed = sum(message.failed for message in messages)
    waiting, pending = len(messages) - failed, sum(one.status == PENDING for one in platforms)
    parts = []
    if not messages:
        parts.append(gettext("All grades have arrived."))
    if failed:
        parts.append(ngettext("%(num)s grade was not accepted.", "%(num)s grades were not accepted.", failed))
    if waiting:
        parts.append(ngettext("%(num)s grade is on its way.", "%(num)s grades are on their way.", waiting))
    if pending:
        parts.append(
            ngettext(
                "%(num)s platform waits to be activated.", "%(num)s platforms wait to be activated.", pending
            )
        )
    return " ".join(parts)


def act_name(act: str) -> str:
    """What was done, in words; the name itself for an act of a later version."""
    return {
        "credential.created": gettext("Key created"),
        "credential.disabled": gettext("Key disabled"),
        "credential.scopes": gettext("Rights of a key changed"),
        "credential.account-names": gettext("Account names of a key changed"),
        "platform.added": gettext("Platform added"),
        "platform.registered": gettext("Platform registered itself"),
        "platform.invited": gettext("Registration link made"),
        "platform.activated": gettext("Platform activated"),
        "platform.disabled": gettext("Platform switched off"),
        "platform.deployment-added": gettext("Deployment added"),
        "table.changed": gettext("JP table changed"),
        "keys.rotated": gettext("Signing key changed"),
        "goal.dismissed": gettext("Goal of a deleted activity removed"),
        "grade.retried": gettext("Grade sent again"),
        "links.policy": gettext("Worth of one-time links changed"),
    }.get(act, act)


def actor_name(by: str) -> str:
    """In which part somebody acted."""
    return {
        "operator": gettext("operator"),
        "administrator": gettext("administrator of a platform"),
        "program": gettext("program"),
        "platform": gettext("platform"),
    }.get(by, by)


def state_name(status: str) -> str:
    """A platform's state in words."""
    return {
        PENDING: gettext("waits to be activated"),
        DISABLED: gettext("switched off"),
    }.get(status, gettext("active"))

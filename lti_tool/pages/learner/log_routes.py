"""The pages on which a learner logs an activity: which form, and the form itself."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from lrs.records.entries import Entry, Status
from lti_tool.pages.learner import evidence_field, log_form
from lti_tool.pages.learner.choose_routes import AUTOMATIC
from lti_tool.pages.learner.form_limits import most
from lti_tool.pages.learner.log_hints import mentor_hint, title_hint
from lti_tool.pages.learner.preview import preview
from lti_tool.pages.learner.refill import Sent, changeable, find_sent
from lti_tool.pages.learner.saving import Saved, Why, save
from lti_tool.pages.shared import use_table
from lti_tool.services.drafts import Draft
from lti_tool.text import counting
from lti_tool.text.formats import time_of_day
from lti_tool.text.i18n import gettext
from lti_tool.web.guard import current_session, launch_url
from lti_tool.web.record_services import current_record_services
from statements.profile.build import quantity
from statements.profile.table import Form, Table

COUNT_ONLY: Final = "count_only"
"""Name of the button that counts the JP without sending anything, for browsers without scripts."""
KEEP_DRAFT: Final = "keep_draft"
DROP_DRAFT: Final = "drop_draft"
"""Names of the buttons that keep what is typed without sending it, and that throw it away."""
UNSENT: Final = frozenset({COUNT_ONLY, KEEP_DRAFT})
BOOKKEEPING: Final = frozenset({"csrf_token", *UNSENT, DROP_DRAFT})
NEEDS_NEW_ID: Final = frozenset({Why.WITHDRAWN, Why.FOREIGN})


def log(launch_id: str, form_code: str) -> ResponseReturnValue:
    """Second step: the form; a good one becomes a statement and leads back to the record.

    With `change` in the address, the id of a statement, the form opens filled with what that one said, and
    what is sent takes its place.
    """
    desk, session = current_record_services(), current_session()
    table = use_table()
    form = loggable_form(table, form_code)
    changed = to_change(table)
    old = None if changed is None else desk.record.records.entry(session.tenant, changed.entry_id)
    if changed is not None and request.method == "GET" and (old is None or not changeable(old)):
        return redirect(launch_url("record?how=gone" if old is None else f"entries/{old.id}"), 303)
    today = table.day(desk.clock())
    colleagues = [
        log_form.Colleague(one.subject, one.name)
        for one in desk.roster.members(session)
        if one.subject != session.subject and one.active and one.name
    ]
    place = FormDraft(form, changed)
    if DROP_DRAFT in request.form:
        place.drop()
        return redirect(request.full_path.removesuffix("?"), 303)
    draft = place.found() if request.method == "GET" else None
    if draft is not None:
        filled = log_form.Filled(draft.typed)
    elif changed is not None:
        filled = log_form.Filled(changed.typed(form, session, colleagues))
    else:
        fresh = {"end": today.isoformat(), "count": "1"}
        filled = log_form.Filled(fresh | to_repeat(table, form, colleagues))
    form_id, saved, refused = uuid.uuid4(), None, ""
    sent, wrong_files = evidence_field.received(desk, session, request.form.to_dict(), request.files)
    if request.method == "POST" and not UNSENT.isdisjoint(request.form):
        filled = log_form.Filled(sent)
        draft = place.keep(sent) if KEEP_DRAFT in request.form else None
    elif request.method == "POST":
        filled = log_form.read(form, table, sent, today)
        if wrong_files:
            filled.errors["files"] = wrong_files
        if not filled.errors:
            filled.values["files"] = evidence_field.ticked(session, sent)
            saved = _store(table, form, filled, colleagues, changed, old)
            if isinstance(saved, Saved):
                place.drop()
                query = f"?logged={saved.entry_id}&how={saved.how}&year={filled.values['end'].year}"
                return redirect(launch_url("record") + query, 303)
            refused = why_not(saved)
        if "statement_id" in filled.errors or saved in NEEDS_NEW_ID:
            filled.typed = {**filled.typed, "statement_id": str(form_id)}
    if request.method == "POST" and KEEP_DRAFT not in request.form:
        # Whoever now changes the language, or comes back tomorrow, finds it again.
        place.keep(sent)
    typed = {"statement_id": str(form_id), **filled.typed}
    counted = preview(desk, session, form, table, typed, today, changed.statement_id if changed else "")
    page = render_template(
        "learner/log.html",
        form=form,
        asked=quantity(form),
        typed=typed,
        errors=filled.errors,
        refused=refused,
        colleagues=colleagues,
        today=today,
        most=most(form),
        rule_sentence=counting.rule_sentence(form, table),
        # What is wrong stands beside its field already.
        counted="" if counted in filled.errors.values() else counted,
        title_hint=title_hint(form),
        mentor_hint=mentor_hint(form),
        changed=changed,
        old=old,
        draft=draft,
        draft_owner=desk.draft_owner(session)[:13],
        **evidence_field.shown(desk, session, typed),
    )
    return page, 422 if filled.errors else 409 if refused else 200


def _store(
    table: Table,
    form: Form,
    filled: log_form.Filled,
    colleagues: Sequence[log_form.Colleague],
    changed: Sent | None,
    old: Entry | None,
) -> Saved | Why:
    """Store a well-filled form: as a new entry, or in the place of what it changes."""
    desk, session = current_record_services(), current_session()
    kept = None if changed is None else changed.kept(filled.typed)

    def make(id: uuid.UUID) -> Mapping[str, Any]:
        values = {**filled.values, "statement_id": id}
        return log_form.statement(table, form, values, session, colleagues, kept)

    id = filled.values["statement_id"]
    if changed is None:
        return save(desk, session, id, make)
    # Whoever answers a return may send the same once more: it waits again.
    same = changed.statement if old is not None and old.status is Status.SUBMITTED else None
    return save(desk, session, id, make, instead_of=changed.statement_id, before=same)


def draft(launch_id: str, form_code: str) -> Response:
    """Keep what is typed so far, and say so; the page sends it by itself after a pause."""
    table = use_table()
    kept = FormDraft(loggable_form(table, form_code), to_change(table)).keep(request.form)
    if kept is None:
        return Response(gettext("This is too long to be kept as a draft."), 413, mimetype="text/plain")
    return Response(gettext("Draft kept, %(time)s.", time=time_of_day(kept.at)), mimetype="text/plain")


@dataclass(frozen=True, slots=True)
class FormDraft:
    """Where the draft of a form of the person who launched is kept."""

    form: Form
    changed: Sent | None

    @property
    def page(self) -> str:
        """The form's own address, below `log/`."""
        return self.form.code + (f"?change={self.changed.statement_id}" if self.changed is not None else "")

    def found(self) -> Draft | None:
        """The draft, if there is one."""
        desk, session = current_record_services(), current_session()
        return desk.drafts.of(session.tenant, desk.draft_owner(session), self.page)

    def keep(self, typed: Mapping[str, str]) -> Draft | None:
        """Keep what is typed; None when it is too much."""
        desk, session = current_record_services(), current_session()
        fields = {name: text for name, text in typed.items() if name not in BOOKKEEPING}
        return desk.drafts.keep(session.tenant, desk.draft_owner(session), self.page, fields)

    def drop(self) -> None:
        """Forget the draft."""
        desk, session = current_record_services(), current_session()
        desk.drafts.drop(session.tenant, desk.draft_owner(session), self.page)


def count(launch_id: str, form_code: str) -> Response:
    """The JP of what is typed so far, as a sentence; empty while there is too little to count."""
    desk, session = current_record_services(), current_session()
    table = use_table()
    form = loggable_form(table, form_code)
    changed = to_change(table)
    instead_of = changed.statement_id if changed is not None else ""
    text = preview(desk, session, form, table, request.args, table.day(desk.clock()), instead_of)
    return Response(text, mimetype="text/plain")


def loggable_form(table: Table, code: str) -> Form:
    """The form of that code, if people log it themselves; else there is no such page."""
    form = table.forms.get(code)
    if form is None or form.verifier == AUTOMATIC:
        abort(404)
    return form


def to_repeat(table: Table, form: Form, colleagues: Sequence[log_form.Colleague]) -> dict[str, str]:
    """What a form takes over of the entry that the address asks to be repeated: title and mentor."""
    id, session = request.args.get("repeat", ""), current_session()
    sent = find_sent(current_record_services(), session, table, id) if id else None
    if sent is None:
        return {}
    before = sent.typed(form, session, colleagues)
    return {
        "title": before["title"],
        "organiser": before["organiser"],
        "mentor": "" if before["mentor"] == log_form.AS_SENT else before["mentor"],
    }


def to_change(table: Table) -> Sent | None:
    """What the address asks to be changed; a statement that is not this person's is no page of theirs."""
    id = request.args.get("change", "")
    if not id:
        return None
    return find_sent(current_record_services(), current_session(), table, id) or abort(404)


def why_not(why: Why) -> str:
    """Why a form that was sent before was not stored with its new content, and what to do."""
    return {
        Why.VERIFIED: gettext(
            "This entry is verified already, so it was not changed. "
            "Ask its verifier to return it, then send your correction again."
        ),
        Why.CHANGED: gettext(
            "This entry was changed or withdrawn meanwhile, so nothing was sent. "
            "Look at your learning record; what you typed still stands here."
        ),
        Why.WITHDRAWN: gettext("This entry was withdrawn meanwhile. To log it anew, send it once more."),
        Why.FOREIGN: str(log_form.SPENT),
        Why.NOT_YET: gettext("What you sent before is still being saved. Please send it again in a moment."),
    }[why]

"""A learner asks somebody who is not in the course to confirm an entry: makes, shows and revokes links."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

import segno
from flask import Blueprint, abort, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from lrs.records.entries import Entry, Status
from lrs.records.verifier_links import LinkRefusedError, VerifierLink, Why
from lti_tool.pages.shared import use_table
from lti_tool.text.i18n import gettext
from lti_tool.web.guard import current_session, launch_session_required, launch_url
from lti_tool.web.lti_services import current_tool
from lti_tool.web.record_services import current_record_services

LONGEST_NAME: Final = 200
LONGEST_CONTACT: Final = 254
_MAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]+")
_PHONE = re.compile(r"\+?[0-9][0-9 .()-]{6,20}")


@dataclass(frozen=True, slots=True)
class Asked:
    """The form as it was sent."""

    name: str = ""
    contact: str = ""
    errors: dict[str, str] = field(default_factory=dict)


def create_link_request_blueprint(*, days: int) -> Blueprint:
    """The blueprint of /l/<launch_id>/entries/<entry_id>/ask; links are open for so many days.

    Templates get `entry_links(entry)`: the links of the learner's own entry, None for anybody else's.
    """
    blueprint = Blueprint("verifier_link_request", __name__, url_prefix="/l/<launch_id>/entries/<entry_id>")
    guard = launch_session_required()

    def ask(launch_id: str, entry_id: str) -> ResponseReturnValue:
        """The form to name somebody; a good one makes a link, which is shown this once."""
        use_table()
        entry = _own(entry_id)
        desk = current_record_services()
        asked, made, status, again = Asked(entry.mentor.name if entry.mentor else ""), "", 200, False
        if request.method == "POST":
            asked = _read()
            status = 422 if asked.errors else 200
        if request.method == "POST" and not asked.errors:
            id = _form_id(request.form.get("link_id", ""))
            try:
                code = desk.record.links.create(
                    entry, id=id, name=asked.name, contact=asked.contact, days=days
                )
            except LinkRefusedError as refused:
                status, asked.errors["name"] = 409, _why(refused.why)
            else:
                made = "" if code is None else f"{current_tool().settings.origin}/confirm#{code}"
                again = code is None
        page = render_template(
            "verifier/ask.html",
            entry=entry,
            asked=asked,
            days=days,
            link_id=str(uuid.uuid4()),
            made=made,
            again=again,
            ways=_ways(made, asked.contact) if made else {},
            qr=qr_code(made) if made else "",
            waits=entry.status is Status.SUBMITTED,
        )
        return page, status

    def revoke(launch_id: str, entry_id: str, link_id: str) -> ResponseReturnValue:
        """End a link that was handed over; one that has ended stays as it is."""
        entry = _own(entry_id)
        current_record_services().record.links.revoke(entry.tenant, entry.id, link_id)
        return redirect(launch_url(f"entries/{entry.id}/ask"), 303)

    blueprint.add_url_rule("/ask", "ask", guard(ask), methods=["GET", "POST"])
    blueprint.add_url_rule("/ask/<link_id>/revoke", "revoke", guard(revoke), methods=["POST"])
    blueprint.add_app_template_global(entry_links)
    blueprint.add_app_template_global(link_state)
    return blueprint


def entry_links(entry: Entry) -> list[VerifierLink] | None:
    """The links of an entry, the latest first; None where it is not the reader's own."""
    desk, session = current_record_services(), g.get("launch_session")
    if session is None or entry.automatic or not desk.record.records.is_own(entry, desk.person(session)):
        return None
    return desk.record.links.of_entry(entry.tenant, entry.id)


def link_state(link: VerifierLink) -> str:
    """Where a link stands now."""
    return str(link.state(current_record_services().clock()))


def qr_code(text: str) -> Markup:
    """A text as a QR code in SVG; black on white in every colour scheme, as cameras want it."""
    made = segno.make(text, error="m", micro=False)
    # It holds the modules alone: the text itself does not stand in it.
    return Markup(made.svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=True))  # noqa: S704


def _own(entry_id: str) -> Entry:
    """An entry of the person who launched; anybody else's is as if it were not there."""
    desk, session = current_record_services(), current_session()
    found = desk.record.records.entry(session.tenant, entry_id)
    if found is None or found.automatic or not desk.record.records.is_own(found, desk.person(session)):
        abort(404)
    return found


def _read() -> Asked:
    name, contact = (" ".join(request.form.get(one, "").split()) for one in ("name", "contact"))
    errors: dict[str, str] = {}
    if not name:
        errors["name"] = gettext("Write who should confirm it.")
    elif len(name) > LONGEST_NAME:
        errors["name"] = gettext("Write at most %(most)s characters.", most=LONGEST_NAME)
    is_known = len(contact) <= LONGEST_CONTACT and (_MAIL.fullmatch(contact) or _PHONE.fullmatch(contact))
    if contact and not is_known:
        errors["contact"] = gettext(
            "Write an e-mail address or a telephone number, for example 0812 3456 7890, or leave it empty."
        )
    return Asked(name, contact, errors)


def _form_id(text: str) -> str:
    """The id that the form was given; a new one where it is none."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return str(uuid.uuid4())


def _why(why: Why) -> str:
    if why is Why.TOO_MANY:
        return gettext("This entry has as many open links as it may have. Revoke one of them first.")
    return gettext("This entry is decided already; nothing is left to confirm.")


def _ways(link: str, contact: str) -> dict[str, str]:
    """Addresses that open a program of this device with the message in it.

    None of them is a web address: the link goes to nobody but whom it is sent to.
    """
    message = quote(gettext("Please confirm my learning activity in Jejak: %(link)s", link=link), safe="")
    subject = quote(gettext("Please confirm my learning activity"), safe="")
    digits = "".join(one for one in contact if one.isdigit()) if "@" not in contact else ""
    # WhatsApp wants the number with its country: 0812... is +62 812... in Indonesia.
    number = "62" + digits[1:] if digits.startswith("0") else digits
    phone = f"phone={number}&" if number else ""
    to = quote(contact, safe="@") if "@" in contact else ""
    return {
        "whatsapp": f"whatsapp://send?{phone}text={message}",
        "mail": f"mailto:{to}?subject={subject}&body={message}",
    }

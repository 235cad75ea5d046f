"""The page of a one-time link: somebody without an account looks at one entry and decides about it.

It stands outside any launch. The code of a link is in the fragment of its address, which browsers send to
nobody; a script puts it into a form, and without script there is a field to paste the link into. Opening the
page changes nothing, for chat programs open links to preview them; only sending the form does.

The code in the body is all the authority there is, and no cookie goes with it: so there is nothing that a
page of another site could make a browser misuse, and no token against that.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from flask import Blueprint, abort, g, make_response, redirect, render_template, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response

from lrs.rate_limit import RateLimit
from lrs.records.entries import Entry
from lrs.records.verifier_links import LinkRefusedError, VerifierLink, Why
from lrs.xapi.repeated_statements import DiffersError
from lti_tool.accounts import account_key
from lti_tool.pages.verifier.link_form import Answer, pasted_code, read_answer
from lti_tool.pages.verifier.link_words import OWN, WRONG, why_not
from lti_tool.text.masking import masked
from lti_tool.web import cookies
from lti_tool.web.evidence import file_response
from lti_tool.web.guard import TENANT
from lti_tool.web.lti_services import current_tool
from lti_tool.web.record_services import RecordServices, current_record_services
from lti_tool.web.security_headers import secure
from statements.data_types.exact_json import loads
from statements.profile.vocabulary import Decision

WRONG_PER_MINUTE: Final = 10
"""Wrong codes of one address in a minute; more are answered 429. A right code is never refused for them."""
MAX_BYTES: Final = 64 * 1024
"""Bytes of a form."""
MOST_SESSIONS: Final = 8
"""Launches of this browser that are looked at, the latest."""
LARGEST_STATEMENT: Final = 65_536
"""Bytes of a statement whose reflection is shown."""
_STATUS: Final = {Why.UNKNOWN: 404}


def create_link_blueprint(clock: Callable[[], int]) -> Blueprint:
    """The blueprint of /confirm; `clock` gives microseconds since the epoch."""
    blueprint = Blueprint("verifier_link", __name__)
    wrong = RateLimit(WRONG_PER_MINUTE, clock)

    @blueprint.get("/confirm")
    def start() -> Response:
        """What a link opens. It is the same for every link, and changes nothing."""
        return _page("verifier/link_start.html")

    @blueprint.get("/confirm/entry")
    def without_link() -> Response:
        """Where somebody comes back to who opens the address of an answer: there is no link in it."""
        return redirect("/confirm", 303)

    # An address of its own: were it the one of the links, a browser that stands here and is given a link
    # would take it for another place of the same page, and ask for nothing.
    @blueprint.post("/confirm/entry")
    def answer() -> Response:
        """Show the entry of a link or, where one of its buttons was used, decide."""
        request.max_content_length = request.max_form_memory_size = MAX_BYTES
        code = pasted_code(request.form.get("code", ""))
        if not code:
            return _page("verifier/link_start.html", 422, error=WRONG)
        found = opened(code)
        if isinstance(found, Response):
            return found
        desk, link, entry = found
        if "decision" not in request.form:
            if not link.opened:
                desk.record.links.open(code)
            return _decide_page(desk, link, entry, code)
        typed = read_answer(request.form)
        if typed.errors:
            return _decide_page(desk, link, entry, code, typed, 422)
        return _decided(desk, link, entry, code, typed)

    @blueprint.post("/confirm/evidence")
    def evidence() -> Response:
        """A file of the entry of a link, for as long as the link opens that entry."""
        request.max_content_length = request.max_form_memory_size = MAX_BYTES
        found = opened(pasted_code(request.form.get("code", "")))
        if isinstance(found, Response):
            return found
        desk, link, entry = found
        wanted = request.form.get("file", "")
        for file in desk.evidence.of_entries(link.tenant, [entry])[entry.id]:
            if file is not None and file.id == wanted:
                with suppress(KeyError):
                    return file_response(file, desk.evidence.chunks(file))
        return abort(404)

    def opened(code: str) -> tuple[RecordServices, VerifierLink, Entry] | Response:
        """What a code opens, or the page that refuses it."""
        desk = current_record_services()
        try:
            link, entry = desk.record.links.find(code)
        except LinkRefusedError as refused:
            if refused.why is Why.UNKNOWN and (seconds := wrong.wait(str(request.remote_addr))):
                response = _page("verifier/link_refused.html", 429, why=why_not(None, seconds=seconds))
                response.headers["Retry-After"] = str(seconds)
                return response
            return _refused(refused.why)
        request.environ[TENANT] = link.tenant
        if _is_own(desk, entry):
            return _page("verifier/link_refused.html", 403, why=OWN)
        return desk, link, entry

    @blueprint.errorhandler(RequestEntityTooLarge)
    def too_large(_: RequestEntityTooLarge) -> Response:
        return _page("verifier/link_start.html", 413, error=WRONG)

    return blueprint


def _decided(desk: RecordServices, link: VerifierLink, entry: Entry, code: str, typed: Answer) -> Response:
    """Store a decision, once."""
    yes = desk.record.link_policies.of(link.tenant).decision(entry)
    decision = typed.decision or yes
    statement = desk.record.links.decision(
        link,
        entry,
        decision,
        name=typed.name,
        position=typed.position,
        reason=typed.reason,
        language=typed.language,
    )
    try:
        receipt = desk.emitter.emit(link.tenant, statement)
    except DiffersError:
        return _refused(Why.USED)
    desk.record.links.settle(code, decision)
    desk.seen(link.tenant, receipt.stored)
    g.table = desk.record.tables.of(link.tenant)
    return _page(
        "verifier/link_done.html",
        decision=decision,
        entry=entry,
        who=learner_name(desk, entry),
    )


def _decide_page(
    desk: RecordServices,
    link: VerifierLink,
    entry: Entry,
    code: str,
    typed: Answer | None = None,
    status: int = 200,
) -> Response:
    g.table = desk.record.tables.of(link.tenant)
    shown = typed or Answer.typed_so_far(request.form, link.name)
    return _page(
        "verifier/link_decide.html",
        status,
        entry=entry,
        link=link,
        code=code,
        typed=shown,
        who=learner_name(desk, entry),
        verifies=desk.record.link_policies.of(link.tenant).decision(entry) is Decision.VERIFIED,
        reflection=reflection_of(desk, entry),
    )


def learner_name(desk: RecordServices, entry: Entry) -> str:
    """Whose entry it is, as far as that is known."""
    return masked(desk.record.people.name(entry.tenant, entry.person))


def reflection_of(desk: RecordServices, entry: Entry) -> str:
    """What the learner wrote for whoever verifies the entry."""
    with desk.record.store.reading() as reader:
        record = reader.get(entry.tenant, {entry.statement_id}).get(entry.statement_id)
    if record is None or len(record.body) > LARGEST_STATEMENT:
        return ""
    told = (loads(record.body).get("result") or {}).get("response")
    return masked(told) if isinstance(told, str) else ""


def _is_own(desk: RecordServices, entry: Entry) -> bool:
    """Whether this browser holds a launch of the learner whose entry it is."""
    tool = current_tool()
    for launch_id, secret in cookies.held_sessions(request.cookies)[-MOST_SESSIONS:]:
        session = tool.launches.sessions.find(launch_id, secret)
        if session is None or session.tenant != entry.tenant:
            continue
        person = desk.record.people.resolve(session.tenant, account_key(session.issuer, session.subject))
        if person is not None and desk.record.records.is_own(entry, person):
            return True
    return False


def _refused(why: Why) -> Response:
    return _page("verifier/link_refused.html", _STATUS.get(why, 410), why=why_not(why))


def _page(template: str, status: int = 200, **values: object) -> Response:
    """A page that no cache keeps, no search engine lists, and from which no address leaks."""
    values.setdefault("code", "")
    response = secure(make_response(render_template(template, **values), status))
    # Nothing may show these buttons under something else.
    policy = response.headers["Content-Security-Policy"]
    response.headers["Content-Security-Policy"] = policy.replace(
        "frame-ancestors 'self'", "frame-ancestors 'none'"
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Cache-Control"] = "no-store"
    return response

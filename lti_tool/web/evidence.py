"""Files of evidence on pages and in answers: how they are shown, who may see them, how they are served."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, g, request

from lrs.records.entries import Entry, entry_id
from lrs.records.evidence.files import EvidenceFile, file_url
from lti_tool.accounts import account_key
from lti_tool.launch.sessions import LaunchSession
from lti_tool.text.evidence_words import kind_and_size
from lti_tool.text.i18n import gettext
from lti_tool.text.sentences import safe_link
from lti_tool.web.cookies import session_secret
from lti_tool.web.guard import launch_url
from lti_tool.web.lti_services import current_tool
from lti_tool.web.record_services import RecordServices, current_record_services
from statements.profile.build import evidence as attachment_of
from statements.profile.reading import Evidence

SANDBOX: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; sandbox; frame-ancestors 'self'"
)
"""Policy of a file that somebody sent, should a browser open it as a page: it can run and reach nothing."""
PREVIEW_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class Shown:
    """One piece of evidence as `evidence.html` shows it. The name is somebody's text: it is escaped there."""

    name: str
    href: str
    """Where it opens; empty when it cannot be opened from a page."""
    note: str = ""
    preview: str = ""
    """Source of a small picture; empty when there is none."""
    outside: bool = False
    """Whether it is a link to another site."""
    file_id: str = ""
    """Of a file that is there; for pages that ask for it otherwise than by `href`."""


def evidence_of(entry: Entry, *, base: str = "", inline: bool | None = None) -> list[Shown]:
    """What proves an entry; see `evidence_of_entries`. For a page that may show the entry."""
    return evidence_of_entries([entry], base=base, inline=inline)[entry.id]


def evidence_of_entries(
    entries: Collection[Entry], *, base: str = "", inline: bool | None = None
) -> dict[str, list[Shown]]:
    """What proves each of these entries, by entry id, read from the store at once.

    `base`: the address below which files are served, by default that of this launch (`/l/<launch>/evidence`);
    `/<file id>`, `/<file id>/file` and `/<file id>/preview` are below it. `inline`: whether previews stand in
    the page itself, for pages whose browser has no cookie to ask for them; by default told from the request.
    """
    files = current_record_services().evidence
    several = list(entries)
    if not any(entry.evidence for entry in several):
        return {entry.id: [] for entry in several}
    tenant = several[0].tenant
    found = files.of_entries(tenant, several)
    pictures = [file.id for each in found.values() for file in each if file is not None and file.is_picture]
    small = files.previews(tenant, pictures) if (no_cookie() if inline is None else inline) else {}
    where = base or launch_url("evidence")
    return {
        entry.id: [
            _shown(one, file, place, where, small)
            for place, (one, file) in enumerate(zip(entry.evidence, found[entry.id], strict=True), start=1)
        ]
        for entry in several
    }


def _shown(
    one: Evidence, file: EvidenceFile | None, place: int, where: str, small: dict[str, bytes]
) -> Shown:
    if file is not None:
        return shown_file(file, place, where, small.get(file.id))
    title = one.title or one.url
    opens = safe_link(one.url) and not one.url.startswith(current_tool().settings.url("/evidence/"))
    return Shown(title, one.url if opens else "", outside=opens)


def shown_file(file: EvidenceFile, place: int, where: str, small: bytes | None) -> Shown:
    """A file that is there."""
    preview = ""
    if file.is_picture:
        preview = f"{where}/{file.id}/preview" if small is None else data_url(small)
    opens = f"{where}/{file.id}" if file.is_picture else f"{where}/{file.id}/file"
    name = file.name or generic_name(file, place)
    return Shown(name, opens, kind_and_size(file), preview, file_id=file.id)


def generic_name(file: EvidenceFile, place: int) -> str:
    """What a file is called that has no name of its own."""
    return (
        gettext("Photo %(number)s", number=place)
        if file.is_picture
        else gettext("Document %(number)s", number=place)
    )


def data_url(jpeg: bytes) -> str:
    """A small picture as a source that needs no request."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def no_cookie() -> bool:
    """Whether the pages of this launch are fetched with a header because no cookie survives.

    Pictures are then asked for without either, and must stand in the page.
    """
    session: LaunchSession | None = g.get("launch_session")
    return session is None or not session_secret(request.cookies, session.id)


def attachments(files: Collection[EvidenceFile], language: str) -> list[dict[str, Any]]:
    """The xAPI attachment objects of files, for the statement of an entry.

    Their names are general ones: what somebody called a file may tell a number or a name.
    """
    origin = current_tool().settings.origin
    photo, document = ("Foto", "Dokumen") if language == "id" else ("Photo", "Document")
    return [
        attachment_of(
            f"{photo if file.is_picture else document} {place}",
            content_type=file.content_type,
            length=file.size,
            sha2=file.sha2,
            file_url=file_url(origin, file.id),
            language=language,
        )
        for place, file in enumerate(files, start=1)
    ]


def may_see(desk: RecordServices, session: LaunchSession, file: EvidenceFile) -> bool:
    """Whether the person of a launch may see a file: its owner, or whoever may decide about its entry."""
    person = desk.record.people.person(session.tenant, desk.person(session))
    mine = frozenset(person.personas if person else ())
    if file.owner in mine:
        return True
    ids = {entry_id(session.tenant, statement) for statement in file.statements}
    entries = desk.record.records.entries_by_id(session.tenant, ids).values()
    naming = [e for e in entries if file in desk.evidence.of_entries(session.tenant, [e])[e.id]]
    return bool(naming and desk.sign_off.allowed(session, desk.sign_off.reach(session), naming))


def own_files(session: LaunchSession, ids: Collection[str]) -> list[EvidenceFile]:
    """Those of these files that the person of a launch has sent, under any of their accounts."""
    desk = current_record_services()
    return desk.evidence.held(session.tenant, personas_of(session), list(ids))


def personas_of(session: LaunchSession) -> frozenset[str]:
    """The personas of the person of a launch."""
    desk = current_record_services()
    person = desk.person(session)
    found = desk.record.people.person(session.tenant, person)
    return frozenset(found.personas) if found else frozenset({person})


def owner_of(session: LaunchSession) -> str:
    """The persona under which a file is kept that the person of a launch sends."""
    desk = current_record_services()
    desk.person(session)
    return desk.record.people.persona(session.tenant, account_key(*session.account))


def file_response(file: EvidenceFile, chunks: Iterator[bytes]) -> Response:
    """The bytes of a file, whose reader may see it. KeyError when they are gone.

    A picture is one that this program drew. A PDF is somebody's own bytes: it is saved, never opened in
    place, and were it opened, it could run nothing.
    """
    first = next(chunks, b"")

    def whole() -> Iterator[bytes]:
        yield first
        yield from chunks

    response = Response(whole(), mimetype=file.content_type)
    response.content_length = file.size
    ending = "jpg" if file.is_picture else "pdf"
    how = "inline" if file.is_picture else "attachment"
    response.headers["Content-Disposition"] = f'{how}; filename="evidence-{file.id[:8]}.{ending}"'
    return _safe(response, "private, no-store")


def preview_response(jpeg: bytes) -> Response:
    """A small picture, which a browser may keep for an hour."""
    return _safe(Response(jpeg, mimetype="image/jpeg"), f"private, max-age={PREVIEW_SECONDS}")


def _safe(response: Response, cache: str) -> Response:
    response.headers["Content-Security-Policy"] = " ".join((SANDBOX, *g.get("frame_origins", ())))
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = cache
    return response

"""Resumable uploads by the tus protocol, version 1.0.0: core, creation, expiration and termination.

Source: tus.io/protocols/resumable-upload. Any tus client works that sends what every form of a launch sends:
its session (cookie, or `X-Launch-Secret`), its origin and its token (`X-CSRF-Token`). The last part of an
upload's address is the id of the file that it becomes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

import orjson
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from lrs.records.evidence.kinds import EvidenceError, Why
from lrs.records.evidence.uploads import PIECE_BYTES, OffsetError, Upload
from lrs.store.errors import UnavailableError
from lti_tool.settings import SECOND
from lti_tool.text import evidence_words
from lti_tool.text.i18n import gettext
from lti_tool.web.evidence import owner_of, personas_of
from lti_tool.web.guard import current_session, launch_session_required, launch_url
from lti_tool.web.record_services import current_record_services

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,expiration,termination"
BYTES_TYPE: Final = "application/offset+octet-stream"
READ_BYTES: Final = 16_384
"""Bytes that are read at a time: of a connection that breaks, fewer than so many are lost."""
LONGEST_METADATA: Final = 4_096
RETRY_SECONDS: Final = 5
_STATUS: Final = {
    Why.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Why.TOO_MUCH_A_DAY: HTTPStatus.TOO_MANY_REQUESTS,
    Why.TOO_MANY_UNFINISHED: HTTPStatus.TOO_MANY_REQUESTS,
}


def add_routes(blueprint: Blueprint) -> None:
    """Add /l/<launch_id>/uploads and the uploads below it."""
    guard = launch_session_required()
    collection, one = "/l/<launch_id>/uploads", "/l/<launch_id>/uploads/<upload_id>"
    methods = ["POST", "HEAD", "PATCH", "DELETE"]
    for rule in (collection, one):
        name = "uploads" if rule == collection else "upload"
        view = guard(_uploads if rule == collection else _upload)
        blueprint.add_url_rule(rule, name, view, methods=methods, provide_automatic_options=False)
        # What the server can do is no secret, and asked for before anything is proved.
        blueprint.add_url_rule(rule, f"{name}_options", _options, methods=["OPTIONS"])
    blueprint.before_request(_bound)


def _bound() -> None:
    if request.endpoint in {"evidence.uploads", "evidence.upload"}:
        request.max_content_length = current_record_services().evidence.bounds.file_bytes


def _options(launch_id: str, upload_id: str = "") -> Response:
    return _answer(HTTPStatus.NO_CONTENT, {"Tus-Version": VERSION, "Tus-Extension": EXTENSIONS, **_most()})


def _uploads(launch_id: str) -> ResponseReturnValue:
    return _spoken() or (_begin() if _method() == "POST" else _method_not_allowed("POST"))


def _upload(launch_id: str, upload_id: str) -> ResponseReturnValue:
    handlers: dict[str, Callable[[Upload], Response]] = {"HEAD": _stand, "PATCH": _add, "DELETE": _end}
    handler = handlers.get(_method())
    refused = _spoken()
    if refused is not None:
        return refused
    if handler is None:
        return _method_not_allowed("HEAD, PATCH, DELETE")
    desk, session = current_record_services(), current_session()
    upload = desk.uploads.find(session.tenant, personas_of(session), upload_id)
    if upload is None:
        return _gone()
    return handler(upload)


def _spoken() -> Response | None:
    """A refusal unless the client speaks a version of tus that this server does."""
    if request.headers.get("Tus-Resumable") == VERSION:
        return None
    return _problem(
        HTTPStatus.PRECONDITION_FAILED, f"Send the header Tus-Resumable: {VERSION}.", {"Tus-Version": VERSION}
    )


def _method() -> str:
    """The method of the request, or the one that a client means which cannot send it."""
    meant = request.headers.get("X-HTTP-Method-Override", "") if request.method == "POST" else ""
    return meant.upper() or request.method


def _begin() -> Response:
    desk, session = current_record_services(), current_session()
    text = request.headers.get("Upload-Length", "")
    if not (text.isascii() and text.isdigit()):
        return _problem(HTTPStatus.BAD_REQUEST, "Send the header Upload-Length: the bytes of the whole file.")
    # More digits than any file has bytes.
    length = int(text) if len(text) <= 15 else 10**15
    try:
        metadata = _metadata(request.headers.get("Upload-Metadata", ""))
    except ValueError:
        return _problem(
            HTTPStatus.BAD_REQUEST,
            "Upload-Metadata is a list of pairs with commas between: a name, a space, a value in Base64.",
        )
    try:
        upload = desk.uploads.begin(session.tenant, owner_of(session), length, metadata.get("filename", ""))
    except EvidenceError as error:
        return _refused(error)
    headers = {"Location": launch_url(f"uploads/{upload.id}"), "Upload-Offset": "0"}
    return _answer(HTTPStatus.CREATED, headers | _expiry(upload))


def _stand(upload: Upload) -> Response:
    """How far an upload has come. One that is whole is settled first: the answer says that it is kept."""
    if upload.is_whole:
        refused = _settled(upload)
        if refused is not None:
            # There is nothing to go on with.
            return refused if refused.status_code >= 500 else _gone()
    headers = {"Upload-Offset": str(upload.offset), "Upload-Length": str(upload.length)}
    if upload.name:
        headers["Upload-Metadata"] = "filename " + base64.b64encode(upload.name.encode()).decode()
    return _answer(HTTPStatus.OK, headers | _expiry(upload))


def _add(upload: Upload) -> Response:
    if request.mimetype != BYTES_TYPE:
        return _problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send the bytes as {BYTES_TYPE}.")
    text = request.headers.get("Upload-Offset", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        return _problem(HTTPStatus.BAD_REQUEST, "Send the header Upload-Offset: where these bytes begin.")
    if int(text) != upload.offset:
        return _elsewhere(upload.offset)
    if (request.content_length or 0) > upload.length - upload.offset:
        return _problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "These are more bytes than Upload-Length said.")
    try:
        if not upload.is_whole:
            upload = _received(upload)
    except OffsetError as error:
        return _elsewhere(error.offset)
    except LookupError:
        return _gone()
    except ValueError:
        return _problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "These are more bytes than Upload-Length said.")
    if upload.is_whole:
        refused = _settled(upload)
        if refused is not None:
            return refused
    return _answer(HTTPStatus.NO_CONTENT, {"Upload-Offset": str(upload.offset)} | _expiry(upload))


def _received(upload: Upload) -> Upload:
    """The upload after what the request brings; what has come before its connection broke is kept, too.

    LookupError when the upload is ended meanwhile; OffsetError and ValueError as of `Uploads.add`.
    """
    buffer = bytearray()
    try:
        while data := request.stream.read(READ_BYTES):
            buffer += data
            if len(buffer) + READ_BYTES > PIECE_BYTES:
                upload = _kept(upload, bytes(buffer))
                buffer.clear()
    finally:
        # Also when the client is gone: whoever waits for the rest will send that alone.
        if buffer:
            upload = _kept(upload, bytes(buffer))
    return upload


def _kept(upload: Upload, data: bytes) -> Upload:
    uploads, session = current_record_services().uploads, current_session()
    after = uploads.add(session.tenant, {upload.owner}, upload.id, upload.offset, data)
    if after is None:
        raise LookupError(upload.id)
    return after


def _settled(upload: Upload) -> Response | None:
    """Have the whole file looked at; an answer when it is not taken."""
    uploads, session = current_record_services().uploads, current_session()
    try:
        file = uploads.settle(session.tenant, upload)
    except EvidenceError as error:
        return _refused(error)
    except UnavailableError:
        return _problem(
            HTTPStatus.SERVICE_UNAVAILABLE, evidence_words.busy(), {"Retry-After": str(RETRY_SECONDS)}
        )
    return None if file is not None else _gone()


def _end(upload: Upload) -> Response:
    current_record_services().uploads.end(current_session().tenant, upload)
    return _answer(HTTPStatus.NO_CONTENT, {})


def _metadata(text: str) -> dict[str, str]:
    """The pairs of `Upload-Metadata`; ValueError when they are not written as they should be."""
    if len(text) > LONGEST_METADATA:
        raise ValueError("the metadata is too long")
    found: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else ():
        name, _, value = pair.strip().partition(" ")
        if not name or name in found:
            raise ValueError("a name is missing or repeated")
        try:
            found[name] = base64.b64decode(value.strip(), validate=True).decode("utf-8", "replace")
        except binascii.Error as error:
            raise ValueError("a value is no Base64") from error
    return found


def _expiry(upload: Upload) -> dict[str, str]:
    return {"Upload-Expires": formatdate(upload.expires // SECOND, usegmt=True)}


def _most() -> dict[str, str]:
    return {"Tus-Max-Size": str(current_record_services().evidence.bounds.file_bytes)}


def _refused(error: EvidenceError) -> Response:
    status = _STATUS.get(error.why, HTTPStatus.UNPROCESSABLE_ENTITY)
    headers = _most() if error.why is Why.TOO_LARGE else {}
    if status is HTTPStatus.TOO_MANY_REQUESTS:
        headers = {"Retry-After": "60"}
    return _problem(
        status, evidence_words.why_not(error.why, current_record_services().evidence.bounds), headers
    )


def _elsewhere(offset: int) -> Response:
    return _problem(HTTPStatus.CONFLICT, f"The upload stands at {offset}.", {"Upload-Offset": str(offset)})


def _gone() -> Response:
    return _problem(
        HTTPStatus.GONE, gettext("This upload has ended or was refused. Send the file once more.")
    )


def _method_not_allowed(methods: str) -> Response:
    return _problem(HTTPStatus.METHOD_NOT_ALLOWED, f"Use {methods}.", {"Allow": methods})


def _problem(status: HTTPStatus, detail: str, headers: dict[str, str] | None = None) -> Response:
    body = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    response = _answer(status, headers or {})
    response.set_data(orjson.dumps(body))
    response.mimetype = "application/problem+json"
    return response


def _answer(status: HTTPStatus, headers: dict[str, str]) -> Response:
    response = Response(status=status)
    response.headers.update({"Tus-Resumable": VERSION, "Cache-Control": "no-store", **headers})
    return response

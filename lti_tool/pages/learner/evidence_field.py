"""The part of the form to which photos and documents are added as evidence.

A file is kept as soon as it arrives, whatever else is wrong with the form: the form then carries a ticked box
for it (`file_<id>`), as it carries what was typed. Unticked, the file is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from werkzeug.datastructures import FileStorage, MultiDict

from lrs.records.evidence.files import EvidenceFile
from lrs.records.evidence.kinds import EvidenceError, Why
from lrs.tenant_turns import BusyError
from lti_tool.launch.sessions import LaunchSession
from lti_tool.text import evidence_words
from lti_tool.text.i18n import gettext
from lti_tool.web.evidence import Shown, own_files, owner_of, shown_file
from lti_tool.web.guard import launch_url
from lti_tool.web.record_services import RecordServices

FILES: Final = "files"
"""Name of the fields of the form that files are chosen in."""
BOX: Final = "file_"
"""Begins the name of the box of a file that is kept; its id follows."""
MOST_BOXES: Final = 40


@dataclass(frozen=True, slots=True)
class Box:
    """A file that is kept, and whether the entry is to have it."""

    name: str
    shown: Shown
    is_ticked: bool


def received(
    desk: RecordServices, session: LaunchSession, typed: Mapping[str, str], files: MultiDict[str, FileStorage]
) -> tuple[dict[str, str], str]:
    """Keep the files that came with a form, as many as an entry may have.

    Told are what was typed, with the boxes of these files, and what is wrong with others.
    """
    bounds = desk.evidence.bounds
    boxes: dict[str, str] = {}
    wrong: list[str] = []
    room = bounds.files - len(ticked(session, typed))
    looked_at = 0
    for file in files.getlist(FILES):
        data = file.stream.read(bounds.file_bytes + 1)
        if not file.filename and not data:
            # A field in which nothing was chosen is sent as a file without a name.
            continue
        # Those that are refused count, too: a broken picture costs as much time as a good one.
        if looked_at >= room:
            room = -1
            break
        looked_at += 1
        try:
            kept = desk.evidence.keep(session.tenant, owner_of(session), data, file.filename or "")
        except EvidenceError as error:
            wrong.append(_about(file.filename, evidence_words.why_not(error.why, bounds)))
            if error.why is Why.TOO_MUCH_A_DAY:
                break
        except BusyError:
            wrong.append(_about(file.filename, evidence_words.busy()))
        else:
            boxes[BOX + kept.id] = "1"
    if room < 0:
        wrong.append(evidence_words.too_many(bounds.files))
    return {**typed, **boxes}, " ".join(wrong)


def ticked(session: LaunchSession, typed: Mapping[str, str]) -> list[EvidenceFile]:
    """The files that the entry is to have, in the order in which they were added."""
    return own_files(session, _ids(typed))


def shown(desk: RecordServices, session: LaunchSession, typed: Mapping[str, str]) -> dict[str, Any]:
    """What the template of this part of the form needs."""
    bounds = desk.evidence.bounds
    return {
        "evidence_boxes": boxes(desk, session, typed),
        "evidence_bounds": bounds,
        "evidence_size": evidence_words.megabytes(bounds.file_bytes),
        "evidence_too_large": evidence_words.why_not(Why.TOO_LARGE, bounds),
        "evidence_empty": evidence_words.why_not(Why.EMPTY, bounds),
        "evidence_too_many": evidence_words.too_many(bounds.files),
    }


def boxes(desk: RecordServices, session: LaunchSession, typed: Mapping[str, str]) -> list[Box]:
    """The files of the form as its template shows them."""
    files = ticked(session, typed)
    small = desk.evidence.previews(session.tenant, [file.id for file in files if file.is_picture])
    where = launch_url("evidence")
    return [
        Box(BOX + file.id, shown_file(file, place, where, small.get(file.id)), is_ticked=True)
        for place, file in enumerate(files, start=1)
    ]


def _ids(typed: Mapping[str, str]) -> list[str]:
    names = (name for name, value in typed.items() if name.startswith(BOX) and value)
    return [name[len(BOX) :] for name in islice(names, MOST_BOXES)]


def _about(name: str | None, sentence: str) -> str:
    tidy = (name or "").replace("\\", "/").rpartition("/")[2][:60]
    return gettext("“%(name)s”: %(what)s", name=tidy, what=sentence) if tidy else sentence

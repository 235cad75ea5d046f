"""What pages say about files of evidence: what one is called, and why one was not taken."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import format_decimal

from lrs.records.evidence.files import Bounds, EvidenceFile
from lrs.records.evidence.kinds import Why
from lrs.records.evidence.picture_worker import MOST_PIXELS
from lti_tool.text.i18n import gettext

MIB = 1024 * 1024


def why_not(why: Why, bounds: Bounds) -> str:
    """Why a file cannot be kept, and what to do."""
    return {
        Why.EMPTY: gettext("The file is empty. Choose it again."),
        Why.TOO_LARGE: gettext(
            "The file has more than %(size)s. Send a photo of it, or a smaller file; put a video into your "
            "agency’s storage and paste its link.",
            size=megabytes(bounds.file_bytes),
        ),
        Why.OTHER_KIND: gettext(
            "This is no photo (JPEG, PNG, WebP, HEIC) and no PDF. Save it as a PDF, or paste a link to it."
        ),
        Why.BROKEN: gettext(
            "The file is damaged or incomplete. Open it on your device, save it again, resend."
        ),
        Why.TOO_MANY_PIXELS: gettext(
            "The picture has more than %(most)s million pixels. Make it smaller, or take a photo of it.",
            most=MOST_PIXELS // 1_000_000,
        ),
        Why.TOO_MUCH_A_DAY: gettext("You have sent very many files today. Send the others tomorrow."),
        Why.TOO_MANY_UNFINISHED: gettext(
            "Too many files are being sent at once. Wait until some have arrived, then send the others."
        ),
    }[why]


def too_many(most: int) -> str:
    """What is said of files beyond the number of an entry."""
    return gettext("One entry can have %(most)s files. Untick one to add another.", most=most)


def busy() -> str:
    """What is said when too many pictures of an agency are being worked on."""
    return gettext("Many photos are arriving just now. Send this one again in a moment.")


def kind_and_size(file: EvidenceFile) -> str:
    """What kind of file it is, and how large: `PDF, 1,2 MB`."""
    kind = gettext("photo") if file.is_picture else "PDF"
    return f"{kind}, {megabytes(file.size)}"


def megabytes(size: int) -> str:
    """A size as people read it; the space does not break."""
    if size < MIB:
        return f"{max(1, round(size / 1024))}\u00a0KB"
    exact = (Decimal(size) / MIB).quantize(Decimal("0.1"))
    return f"{format_decimal(exact, format='#,##0.#')}\u00a0MB"

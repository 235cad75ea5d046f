"""The demo's photos: drawn here, kept like photos that learners send, and named in their statements."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont

from jejak.clock import now
from jejak.demo import plan
from jejak.demo.lms.people import BY_ID
from jejak.demo.moodle import Site
from jejak.upgrades import settle
from lrs.people.people import People
from lrs.records.evidence.files import EvidenceFiles, file_url
from lrs.store.open import open_store
from lrs.xapi.statement_keys import STATEMENT_KEYS
from statements.data_types.identity import agent_key
from statements.profile.build import evidence

_SIZE: Final = (960, 640)
_NAMES: Final = uuid.UUID("3c0a7a52-6c8e-5d0e-9a52-7a1f3f0c2027")


def keep_photos(store_address: str, tenant: str, issuer: str, tool: str) -> dict[str, list[dict[str, Any]]]:
    """Keep the photo of each activity that has one; the attachments of its statement, by title.

    `issuer` and `tool` are the addresses of the LMS and of this product. What is kept already stays.
    """
    store = open_store(store_address, STATEMENT_KEYS)
    try:
        settle(store)
        people = People(store, now)
        files, site = EvidenceFiles(store, people, now), Site(issuer)
        found: dict[str, list[dict[str, Any]]] = {}
        for activity in plan.ACTIVITIES:
            if not activity.photo:
                continue
            actor: Mapping[str, Any] = site.actor(BY_ID[activity.person])
            owner = people.persona(tenant, agent_key(actor) or "")
            id = uuid.uuid5(_NAMES, f"{issuer} {activity.title}").hex
            drawn = _drawn(activity.title)
            kept = files.file(tenant, id) or files.keep(tenant, owner, drawn, activity.photo, id=id)
            found[activity.title] = [
                evidence(
                    "Foto 1",
                    content_type=kept.content_type,
                    length=kept.size,
                    sha2=kept.sha2,
                    file_url=file_url(tool, kept.id),
                )
            ]
        return found
    finally:
        store.close()


def attach_photos(store_address: str, tenant: str, statements: list[dict[str, Any]]) -> None:
    """Note which photos these statements name, as the tool does before it stores them."""
    store = open_store(store_address, STATEMENT_KEYS)
    try:
        EvidenceFiles(store, People(store, now), now).attach(tenant, statements)
    finally:
        store.close()


def _drawn(title: str) -> bytes:
    """A picture of a whiteboard with people before it; plainly no photo of anybody."""
    picture = Image.new("RGB", _SIZE, "#d8e4e2")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 470, 960, 640), fill="#b79f83")
    draw.rounded_rectangle((140, 70, 820, 400), 12, fill="#ffffff", outline="#5b6570", width=6)
    draw.text((170, 100), title, fill="#0f766e", font=ImageFont.load_default(26))
    for line, width in enumerate((420, 540, 360)):
        draw.line((170, 180 + 60 * line, 170 + width, 180 + 60 * line), fill="#9aa4ae", width=8)
    for place, colour in enumerate(("#0f766e", "#b45309", "#4338ca", "#5b6570")):
        x = 220 + 170 * place
        draw.ellipse((x - 38, 400, x + 38, 476), fill="#8a6a55")
        draw.rounded_rectangle((x - 62, 480, x + 62, 660), 40, fill=colour)
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=85)
    return target.getvalue()

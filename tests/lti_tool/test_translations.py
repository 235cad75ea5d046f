"""The words of the pages: all translated, none stale, and the same thing has the same name always."""

from __future__ import annotations

import io
import re
import warnings
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask

from lti_tool.refusals import Reason
from lti_tool.text.i18n import gettext, ngettext
from lti_tool.web.flask_setup import install_pages

TOOL = Path(str(files("lti_tool")))
CATALOGUE = TOOL / "translations" / "id" / "LC_MESSAGES" / "messages.po"
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")

NEVER = {
    "category, for pillar": r"\bcategor(y|ies)\b",
    "credits or points, for JP": r"\b(credits?|points?)\b",
    "approved, for verified": r"\bapprov(e|ed|al)\b",
    "failed, for rejected": r"\bfail(ed|s|ure)?\b",
    "manager, for supervisor": r"\bmanagers?\b",
    "portfolio, for learning record": r"\bportfolios?\b",
    "record, for entry": r"(?<!learning )\brecords?\b",
    "activity log, for entry": r"\bactivity logs?\b",
}
"""What the pages never say, and the term that they use in its place."""

TERMS = {
    r"\b(entry|entries)\b": "entri",
    r"\bpillars?\b": "pilar",
    r"\bJP\b": "JP",
    r"\bverified\b": "terverifikasi",
    r"\bverification\b": "verifikasi",
    r"\bwaiting\b": "menunggu",
    r"\breturned\b": "dikembalikan",
    r"\brejected\b": "ditolak",
    r"\bsupervisor\b": "atasan",
    r"\bmentor\b": "mentor",
    r"\bcoach\b": "coach",
    r"\blearning record\b": "rekam belajar",
    r"\bstatements?\b": "pernyataan",
}
"""An English term and its Indonesian one, wherever the former stands."""


def texts(message: Message) -> list[str]:
    """The English of a message: one text, or singular and plural."""
    return list(message.id) if isinstance(message.id, (list, tuple)) else [message.id]


def translations(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


@cache
def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, abort_invalid=True)


@cache
def extracted() -> set[str]:
    """The first English text of every message in code and templates."""
    with (TOOL / "translations" / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found = extract_from_dir(
        TOOL, methods, options, keywords={**DEFAULT_KEYWORDS, "lazy_gettext": None}, strip_comment_tags=True
    )
    return {text if isinstance(text, str) else text[0] for _, _, text, _, _ in found}


def messages() -> list[Message]:
    return [message for message in catalogue() if message.id]


def test_catalogue_has_exactly_the_messages_of_the_source() -> None:
    """`make translations` was run: no message of the source is missing, none is left over."""
    assert len(extracted()) > 200
    assert {texts(message)[0] for message in messages()} == extracted()
    assert not catalogue().obsolete


def test_everything_is_translated() -> None:
    """Every message has its Indonesian, none is only guessed; Indonesian has one form for all numbers."""
    assert catalogue().num_plurals == 1
    for message in messages():
        assert len(translations(message)) == 1, message.id
        assert all(text.strip() for text in translations(message)), message.id
        assert not message.fuzzy, message.id


def test_placeholders_are_kept() -> None:
    """A translation fills in what the English fills in, nothing else, each as often."""
    for message in messages():
        wanted = sorted(PLACEHOLDER.findall(texts(message)[-1]))
        for text in translations(message):
            assert sorted(PLACEHOLDER.findall(text)) == wanted, message.id


def test_ending_is_kept() -> None:
    """A sentence stays a sentence: both languages end in the same mark, if in any."""
    for message in messages():
        for text in translations(message):
            ends = [one[-1] if one[-1] in ".:?…" else "" for one in (texts(message)[-1], text)]
            assert ends[0] == ends[1], message.id


def test_compiled_catalogue_is_current() -> None:
    """The .mo that is shipped is what the .po compiles to."""
    compiled = io.BytesIO()
    write_mo(compiled, catalogue())
    assert CATALOGUE.with_suffix(".mo").read_bytes() == compiled.getvalue()


@pytest.mark.parametrize("never", NEVER)
def test_words_that_pages_avoid(never: str) -> None:
    """The English source uses the agreed term, not a neighbour of it."""
    found = [
        text
        for message in messages()
        for text in texts(message)
        if re.search(NEVER[never], text, re.IGNORECASE)
    ]
    assert found == []


@pytest.mark.parametrize("english", TERMS)
def test_terms_are_the_same_always(english: str) -> None:
    """Wherever the English names a thing of the record, the Indonesian names it with its one word."""
    concerned = [
        one for one in messages() if re.search(english, PLACEHOLDER.sub("", texts(one)[-1]), re.IGNORECASE)
    ]
    assert concerned
    for message in concerned:
        for text in translations(message):
            assert TERMS[english].lower() in text.lower(), (message.id, text)


def test_indonesian_is_formal() -> None:
    """The reader is `Anda`, with a capital letter; nothing colloquial addresses anybody."""
    informal = re.compile(r"\b(anda|[Kk]amu|[Kk]au|[Kk]alian|nggak|gak)\b")
    found = [text for message in messages() for text in translations(message) if informal.search(text)]
    assert found == []


@pytest.mark.parametrize(("language", "told"), [("id", "2 jam, Entri"), ("en", "2 hours, Entries")])
def test_pages_speak_the_language(language: str, told: str) -> None:
    """Indonesian comes from the catalogue; English is the source and needs none, without a warning."""
    app = Flask("words")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        install_pages(app, default_language="id")
        with app.test_request_context(f"/?lang={language}"):
            hours = ngettext("%(num)s hour", "%(num)s hours", 2)
            assert f"{hours}, {gettext('Entries')}" == told


@pytest.mark.parametrize("reason", Reason)
def test_refusals_speak_both_languages(reason: Reason) -> None:
    """Sentence and advice of every refusal differ between the languages: none was forgotten."""
    app = Flask("words")
    install_pages(app, default_language="id")
    said = []
    for language in ("id", "en"):
        with app.test_request_context(f"/?lang={language}"):
            said.append((str(reason.value.sentence), str(reason.value.advice)))
    assert said[0][0] != said[1][0]
    assert said[0][1] != said[1][1]

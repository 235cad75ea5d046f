"""Attachments: declarations, parts and hashes."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from statements.attachments import SIGNATURE_USAGE, Part, declared, hasher, match
from tests.statements.samples import statement, sub_statement

ONE = hashlib.sha256(b"one").hexdigest()
TWO = hashlib.sha256(b"two").hexdigest()


def attachment(sha2: str = ONE, **more: Any) -> dict[str, Any]:
    return {
        "usageType": "https://example.org/usage/certificate",
        "display": {"en": "Certificate"},
        "contentType": "application/pdf",
        "length": 3,
        "sha2": sha2,
        **more,
    }


SIGNATURE = {"usageType": SIGNATURE_USAGE, "contentType": "application/octet-stream"}
LINKED = {"fileUrl": "https://example.org/file.pdf"}


def test_declarations_are_read_from_the_statement_and_its_sub_statement() -> None:
    """Each keeps its place; the hash is compared in lower case."""
    value = statement(
        attachments=[attachment(ONE.upper(), **LINKED)],
        object=sub_statement(attachments=[attachment(TWO), attachment(ONE, **SIGNATURE)]),
    )
    found = declared(value)
    assert [(each.pointer, each.sha2, each.is_signature) for each in found] == [
        ("/attachments/0", ONE, False),
        ("/object/attachments/0", TWO, False),
        ("/object/attachments/1", ONE, True),
    ]
    assert [each.file_url for each in found] == ["https://example.org/file.pdf", None, None]
    assert declared(statement()) == ()


@pytest.mark.parametrize(
    ("attachments", "parts", "problems"),
    [
        ([], [], []),
        ([attachment(**LINKED)], [], []),
        ([attachment()], [], [("attachment.data-missing", 0, "/attachments/0")]),
        ([attachment()], [Part(ONE)], []),
        ([attachment()], [Part(ONE.upper())], []),
        ([attachment(**LINKED)], [Part(ONE)], []),
        ([attachment(), attachment(TWO)], [Part(ONE)], [("attachment.data-missing", 0, "/attachments/1")]),
        ([attachment(), attachment()], [Part(ONE)], []),
        ([attachment(length=999)], [Part(ONE, 3)], []),
        ([attachment()], [Part(ONE), Part(ONE)], []),
        ([attachment()], [Part(ONE), Part(TWO)], [("attachment.part-not-declared", None, "")]),
        ([], [Part(TWO)], [("attachment.part-not-declared", None, "")]),
        (
            [attachment()],
            [Part(TWO)],
            [
                ("attachment.data-missing", 0, "/attachments/0"),
                ("attachment.part-not-declared", None, ""),
            ],
        ),
        ([attachment(**SIGNATURE)], [Part(ONE)], []),
        ([attachment(**SIGNATURE, **LINKED)], [], [("attachment.data-missing", 0, "/attachments/0")]),
        (
            [attachment(**{**SIGNATURE, "contentType": "text/plain; charset=ascii"})],
            [Part(ONE)],
            [("signature.content-type", 0, "/attachments/0/contentType")],
        ),
        ([attachment(**{**SIGNATURE, "contentType": "Application/Octet-Stream; x=y"})], [Part(ONE)], []),
    ],
)
def test_parts_and_declarations_must_fit(
    attachments: list[dict[str, Any]],
    parts: list[Part],
    problems: list[tuple[str, int | None, str]],
) -> None:
    """XAPI-00115, XAPI-00128, XAPI-00129, XAPI-00132: nothing missing, nothing in excess, matched by hash."""
    found = match([declared(statement(attachments=attachments))], parts)
    assert [(each.rule, each.index, each.pointer) for each in found] == problems


def test_one_part_serves_every_statement_of_a_batch() -> None:
    """Communication 1.5.2: the same data is sent once; what is missing is named by statement."""
    batch = [
        declared(statement(attachments=[attachment()])),
        (),
        declared(statement(attachments=[attachment(), attachment(TWO)])),
    ]
    (problem,) = match(batch, [Part(ONE)])
    assert (problem.index, problem.pointer) == (2, "/attachments/1")


@pytest.mark.parametrize("name", ["sha224", "sha256", "sha384", "sha512"])
def test_the_algorithm_is_known_by_the_length_of_the_hash(name: str) -> None:
    """Any SHA-2 is taken, in either case."""
    wanted = hashlib.new(name, b"data").hexdigest().upper()
    made = hasher(wanted)
    assert made is not None
    made.update(b"data")
    assert made.hexdigest() == wanted.lower()


@pytest.mark.parametrize("text", ["", "abc", "g" * 64, "0" * 40, "0" * 63, "０" * 64])
def test_what_is_no_sha2_has_no_algorithm(text: str) -> None:
    """SHA-1, other lengths and other characters are no SHA-2 hash."""
    assert hasher(text) is None

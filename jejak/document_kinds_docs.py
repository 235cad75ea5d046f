"""The kinds of documents as Markdown: what `docs/reference/documents.md` holds, checked by a test."""

from __future__ import annotations

from lrs.document_kinds import KINDS, DocumentKind

HEAD = """# Documents that are kept

Beside the statements, which are kept as they were sent, and the bytes of attachments, the store holds
documents of these kinds and no others. *Personal* ones hold data about people;
[privacy](../explanation/privacy.md) says who sees them. *Derived* ones can be made anew from the statements.

This page is made by `python -m jejak.document_kinds_docs > docs/reference/documents.md`.

| kind | what one is | personal | derived | belongs to | kept |
|---|---|---|---|---|---|
"""


def markdown() -> str:
    """The whole page."""
    return HEAD + "".join(_row(KINDS[name]) for name in sorted(KINDS))


def _row(kind: DocumentKind) -> str:
    personal, derived = ("yes" if one else "no" for one in (kind.personal, kind.derived))
    return f"| `{kind.name}` | {kind.what} | {personal} | {derived} | {kind.scope} | {kind.kept} |\n"


if __name__ == "__main__":
    print(markdown(), end="")

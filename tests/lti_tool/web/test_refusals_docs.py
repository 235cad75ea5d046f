"""The troubleshooting table is the table of refusals."""

from __future__ import annotations

import re
from pathlib import Path

from lti_tool.refusals import Reason
from lti_tool.web.refusals_docs import LOOK, markdown

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "launch-errors.md"


def test_the_page_about_refusals_is_the_table() -> None:
    """docs/reference/launch-errors.md is exactly what the reasons say, in both languages."""
    assert PAGE.read_text(encoding="utf-8") == markdown()


def test_every_reason_has_its_row_and_its_own_code() -> None:
    """No reason lacks a row or advice where to look, and no code stands for two reasons."""
    codes = re.findall(r"^\| `(LTI-\d\d)` \|", markdown(), re.MULTILINE)
    assert codes == [reason.value.code for reason in Reason]
    assert len(set(codes)) == len(codes)
    assert set(LOOK) == set(Reason)


def test_guides_link_to_pages_that_exist() -> None:
    """Relative links of the guides about platforms lead to files of this repository."""
    for name in ("how-to/connect-moodle.md", "how-to/connect-canvas.md", "explanation/privacy.md"):
        page = PAGE.parents[1] / name
        links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        assert links
        for link in links:
            assert (page.parent / link).resolve().is_file(), f"{name}: {link}"

"""The files for running in containers name only what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jejak.settings import TABLE, load

ROOT = Path(__file__).parents[2]
FILES = ["docker-compose.yml", "Dockerfile", "docs/how-to/scale-out.md"]


@pytest.mark.parametrize("name", FILES)
def test_every_setting_named_is_one_of_the_table(name: str) -> None:
    """A JEJAK_ variable in these files is a setting of this version."""
    known = {setting.variable for setting in TABLE}
    known |= {setting.variable + "_FILE" for setting in TABLE if setting.secret}
    named = set(re.findall(r"JEJAK_[A-Z_]+", (ROOT / name).read_text(encoding="utf-8")))
    assert named
    assert named <= known


def test_the_store_address_of_the_compose_file_is_accepted() -> None:
    """The address that docker-compose.yml gives is a valid setting."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    (address,) = re.findall(r"JEJAK_STORE: (\S+)", text)
    assert load({"JEJAK_STORE": address}).store == address


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    """Each COPY of the Dockerfile finds its source in the build context."""
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for sources in re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists()
            assert source in allowed

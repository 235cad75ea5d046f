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


def services() -> dict[str, str]:
    """The text of each service of docker-compose.yml."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    inner = text.partition("\nservices:\n")[2].partition("\nnetworks:\n")[0]
    parts = re.split(r"^  (\w+):\n", inner, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


BOUNDS = [
    r"^    cap_drop: \[ALL\]$",
    r'^    security_opt: \["no-new-privileges:true"\]$',
    r"^    read_only: true$",
    r'^    tmpfs: \["/tmp:size=\d+[mg],mode=1777,noexec,nosuid,nodev"\]$',
    r"^    mem_limit: \d+g$",
    r"^    memswap_limit: \d+g$",
    r"^    pids_limit: \d+$",
]


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("service", ["jejak", "mongo"])
def test_every_container_is_bounded(service: str, bound: str) -> None:
    """No capabilities, no new privileges, nothing written but a sized /tmp, bounded memory and tasks."""
    assert len(re.findall(bound, services()[service], re.MULTILINE)) == 1
    assert "privileged: true" not in services()[service]


def test_the_bounds_hold_for_every_service() -> None:
    """A service that is added is bounded, too."""
    assert list(services()) == ["jejak", "mongo"]


def test_images_are_pinned() -> None:
    """Base images are named by their whole version, or by digest: never by a tag that moves."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("docker-compose.yml", "Dockerfile")]
    images = re.findall(r"^(?:    image: |FROM )(\S+)$", "\n".join(texts), re.MULTILINE)
    assert set(images) > {"jejak"}
    for image in set(images) - {"jejak"}:
        assert re.fullmatch(r"\S+:\d+\.\d+\.\d+(?:-[\w-]+)?(?:@sha256:[0-9a-f]{64})?", image), image


@pytest.mark.parametrize("name", ["Dockerfile", "Makefile"])
def test_the_build_backend_is_pinned_with_its_hash(name: str) -> None:
    """Our own packages are built by what requirements-build.txt pins, not by what an index has that day."""
    text = (ROOT / name).read_text(encoding="utf-8")
    builds = re.findall(r"pip install .*--no-deps.*", text)
    assert builds
    assert all("--no-build-isolation" in one for one in builds)
    installs = re.findall(r"pip install .*-r requirements\.txt.*", text)
    assert installs
    assert all("--require-hashes -r requirements-build.txt" in one for one in installs)
    pinned = (ROOT / "requirements-build.txt").read_text(encoding="utf-8")
    assert re.search(r"^setuptools==[\d.]+ \\\n    --hash=sha256:[0-9a-f]{64}", pinned, re.MULTILINE)

"""JavaScript clients, unchanged, against a real server: what a course in a browser does."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lrs.store.open import open_store
from lrs.xapi.statement_keys import STATEMENT_KEYS
from statements.data_types.versions import Version
from tests.serving import KEY, SECRET, application, known_credential, serving

FOLDER = Path(__file__).parent / "js"


VERSIONS = pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])


def run(tmp_path: Path, version: str, script: str, *client: str) -> Any:
    """What a script prints, as JSON, after it did its work with a server of its own."""
    node = shutil.which("node")
    assert node is not None, "Node.js is needed: `make test` installs it on Debian as root"
    store = open_store(f"sqlite:///{tmp_path / 'js.db'}", STATEMENT_KEYS)
    try:
        known_credential(store, KEY, SECRET)
        with serving(application(store, fallback=Version(version))) as served:
            command = [node, script, *client, served.endpoint, KEY, SECRET, version]
            done = subprocess.run(
                command, cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
            )
    finally:
        store.close()
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@VERSIONS
def test_the_javascript_client_works_unchanged(tmp_path: Path, version: str) -> None:
    """@xapi/xapi sends, reads, pages, voids, and keeps documents with ETags, on both versions."""
    seen = run(tmp_path, version, "journey.cjs")
    assert version in seen["versions"]
    assert seen["same"] is True
    assert seen["batch"] == 4
    assert seen["one"] == 0.25
    assert seen["pages"] == [2, 2, 1]
    assert seen["voided"] is True
    assert seen["gone"] == 404
    assert seen["state"] == {"page": 3, "mark": "a"}
    assert seen["states"] == ["bookmark"]
    assert seen["left"] == []
    assert seen["stale"] == 412
    assert seen["profile"] == {"level": 2}
    assert seen["person"]["objectType"] == "Person"
    assert "Budi" in seen["person"]["name"]
    assert seen["activity"] == {"id": "Bagian 5"}


TEXTS = ["first attachment", "ends with a line break\r\n"]


def test_tincanjs_sends_and_reads_two_attachments(tmp_path: Path) -> None:
    """TinCanJS 0.50: of one statement, of several, and `getStatements` with the data of all of them."""
    seen = run(tmp_path, "1.0.3", "attachments.cjs", "tincanjs")
    assert seen == {"single": TEXTS, "several": [TEXTS] * 3}


@VERSIONS
@pytest.mark.parametrize("client", ["xapi-2", "xapi-3"])
def test_xapi_js_sends_and_reads_two_attachments(tmp_path: Path, version: str, client: str) -> None:
    """@xapi/xapi 2.2.5 and 3.0.3: in one statement and in two, and back in a multipart answer."""
    seen = run(tmp_path, version, "attachments.cjs", client)
    assert seen == {"single": True, "several": 3, "parts": 3}

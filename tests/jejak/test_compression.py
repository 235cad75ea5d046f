"""Compression of pages: who gets it, what is left alone, and that nothing of a page is lost."""

from __future__ import annotations

import gzip

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from jejak.compression import SMALLEST, install_compression

TEXT = "Rekam belajar 2026. " * 100


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("pages")
    install_compression(app)
    app.add_url_rule("/page", "page", lambda: TEXT)
    app.add_url_rule("/short", "short", lambda: "x" * (SMALLEST - 1))
    app.add_url_rule("/sheet", "sheet", lambda: Response(TEXT, mimetype="application/zip"))
    app.add_url_rule("/stream", "stream", lambda: Response((part for part in [TEXT]), mimetype="text/csv"))
    app.add_url_rule("/same", "same", lambda: Response(status=304, mimetype="text/css"))

    def kept() -> Response:
        response = Response(TEXT, mimetype="text/css")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    app.add_url_rule("/kept", "kept", kept)
    return app.test_client()


@pytest.mark.parametrize("accepted", ["gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.2", "*"])
@pytest.mark.parametrize("path", ["/page", "/kept"])
def test_text_is_compressed_for_those_who_accept_it(client: FlaskClient, path: str, accepted: str) -> None:
    """Unpacked, a compressed answer is the page; its length is that of what is sent."""
    answer = client.get(path, headers={"Accept-Encoding": accepted})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data).decode() == TEXT
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert len(answer.data) < len(TEXT) / 10


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity"])
def test_others_get_plain_text(client: FlaskClient, accepted: str) -> None:
    """Who does not accept gzip gets the page as it is; caches are told that it varies."""
    answer = client.get("/page", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert answer.text == TEXT
    assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize("path", ["/short", "/sheet", "/stream", "/same"])
def test_what_gains_nothing_is_left_alone(client: FlaskClient, path: str) -> None:
    """Short answers, packed files, streams and answers without a body stay as they are."""
    answer = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers


def test_head_tells_the_same_length(client: FlaskClient) -> None:
    """HEAD answers the headers of GET, without a body."""
    headers = {"Accept-Encoding": "gzip"}
    answer = client.head("/page", headers=headers)
    assert answer.data == b""
    assert answer.headers["Content-Length"] == client.get("/page", headers=headers).headers["Content-Length"]

"""Which requests an event loop may answer itself."""

from __future__ import annotations

import pytest

from lrs.http.xapi.quick_requests import is_quick

JSON = {"CONTENT_TYPE": "application/json; charset=utf-8"}


@pytest.mark.parametrize(
    ("method", "path", "query", "more", "local", "remote"),
    [
        ("GET", "/statements", "", {}, True, True),
        ("GET", "/statements", "verb=https://x/y&limit=5", {}, True, True),
        ("GET", "/statements", "statementId=1", {}, True, False),
        ("GET", "/statements", "attachments=true", {}, False, False),
        ("GET", "/statements", "limit=1&format=canonical", {}, False, False),
        ("GET", "/statements", "%66ormat=canonical", {}, False, False),
        ("GET", "/statements", "verb=https%3A%2F%2Fx", {}, True, True),
        ("GET", "/activities/state", "stateId=a", {}, True, False),
        ("POST", "/statements", "", JSON, True, True),
        ("POST", "/statements", "method=GET", JSON, False, False),
        ("POST", "/statements", "", {"CONTENT_TYPE": "multipart/mixed; boundary=b"}, False, False),
        ("POST", "/statements", "", {**JSON, "HTTP_CONTENT_ENCODING": "gzip"}, False, False),
        ("PUT", "/statements", "statementId=1", JSON, True, True),
        ("PUT", "/statements", "statementId=1&method=PUT", JSON, False, False),
        ("PUT", "/activities/state", "stateId=a", JSON, False, False),
        ("DELETE", "/activities/state", "stateId=a", {}, False, False),
    ],
)
def test_what_streams_or_works_on_each_statement_is_left_to_threads(
    method: str, path: str, query: str, more: dict[str, str], local: bool, remote: bool
) -> None:
    """Pages and small writes are quick; of a store behind a network, pages of statements alone."""
    environ = {"REQUEST_METHOD": method, "QUERY_STRING": query, **more}
    assert is_quick(path, environ, store_is_local=True) is local
    assert is_quick(path, environ, store_is_local=False) is remote

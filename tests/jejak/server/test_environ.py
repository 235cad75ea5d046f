"""Requests of an event loop in the form in which applications read them."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.wrappers import Request as Werkzeug

from jejak.server import environ as environ_module
from jejak.server.environ import environ_of
from lrs.http.request import Request, parameters
from tests.jejak.asgi import scope_of

Headers = list[tuple[bytes, bytes]]


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/xapi/statements", "/xapi/statements", ""),
        ("/xapi/statements?limit=1&verb=a%20b", "/xapi/statements", "limit=1&verb=a%20b"),
        ("/l/a%20b%2Fc", "/l/a b/c", ""),
        ("/l/caf%C3%A9", "/l/cafÃ©", ""),
        ("/l/cafÃ©?x=Ã©", "/l/cafÃ©", "x=Ã©"),
        ("/l/100%", "/l/100%", ""),
        ("/l/%zz%4", "/l/%zz%4", ""),
        ("/l/%00%ff", "/l/\x00ÿ", ""),
        ("/?a=b?c=d", "/", "a=b?c=d"),
        ("*", "*", ""),
    ],
)
def test_path_and_query_are_as_the_bytes_say(target: str, path: str, query: str) -> None:
    """The path is decoded once, the query not at all, and bytes become text by Latin-1."""
    environ = environ_of(scope_of("GET", target))
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == (path, query)
    assert environ["SCRIPT_NAME"] == ""


@pytest.mark.parametrize(
    ("headers", "variables"),
    [
        ([], {}),
        ([(b"host", b"h")], {"HTTP_HOST": "h"}),
        (
            [(b"content-type", b"a/b"), (b"content-length", b"3")],
            {"CONTENT_TYPE": "a/b", "CONTENT_LENGTH": "3"},
        ),
        ([(b"x-experience-api-version", b"2.0.0")], {"HTTP_X_EXPERIENCE_API_VERSION": "2.0.0"}),
        ([(b"accept", b"a"), (b"host", b"h"), (b"accept", b"b")], {"HTTP_ACCEPT": "a,b", "HTTP_HOST": "h"}),
        ([(b"if-match", b'"1"'), (b"if-match", b""), (b"if-match", b'"2"')], {"HTTP_IF_MATCH": '"1",,"2"'}),
        ([(b"cookie", b"a=1"), (b"cookie", b"b=2,3")], {"HTTP_COOKIE": "a=1; b=2,3"}),
        ([(b"content-length", b"3"), (b"content-length", b"4")], {"CONTENT_LENGTH": "3,4"}),
        ([(b"x-name", b"caf\xe9")], {"HTTP_X_NAME": "café"}),
        ([(b"transfer-encoding", b"chunked")], {"HTTP_TRANSFER_ENCODING": "chunked"}),
        # A name with an underscore would be taken for the one with a hyphen, which a proxy vouches for.
        (
            [(b"x_forwarded_for", b"1.2.3.4"), (b"x-forwarded-for", b"5.6.7.8")],
            {"HTTP_X_FORWARDED_FOR": "5.6.7.8"},
        ),
        ([(b"content_length", b"9"), (b"_", b"x")], {}),
    ],
)
def test_headers_become_variables(headers: Headers, variables: dict[str, str]) -> None:
    """Each header is one variable; lines of one header are joined, cookies as cookies are."""
    environ = environ_of(scope_of("GET", "/", headers))
    assert {
        name: value for name, value in environ.items() if name.startswith(("HTTP_", "CONTENT_"))
    } == variables


def test_what_pep_3333_asks_for_is_there() -> None:
    """Every variable that an application may rely on is set, of the right kind."""
    environ = environ_of(scope_of("PUT", "/a", scheme="https", http_version="2"))
    assert environ["REQUEST_METHOD"] == "PUT"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("127.0.0.1", "8080")
    assert environ["REMOTE_ADDR"] == "192.0.2.7"
    assert environ["SERVER_PROTOCOL"] == "HTTP/2"
    assert (environ["wsgi.version"], environ["wsgi.url_scheme"]) == ((1, 0), "https")
    assert environ["wsgi.multithread"] is environ["wsgi.multiprocess"] is True
    assert environ["wsgi.run_once"] is False
    assert environ["wsgi.errors"].writable()


@pytest.mark.parametrize("absent", ["client", "server"])
def test_addresses_may_be_unknown(absent: str) -> None:
    """A server that does not know an address leaves it out, and so does the environ."""
    environ = environ_of(scope_of("GET", "/") | {absent: None})
    assert ("REMOTE_ADDR" in environ) == (absent != "client")
    assert ("SERVER_NAME" in environ) == (absent != "server")


def test_requests_share_nothing() -> None:
    """What one request does to its environ is not seen by the next."""
    first = environ_of(scope_of("GET", "/"))
    first["SCRIPT_NAME"] = "/xapi"
    first["HTTP_X"] = "1"
    second = environ_of(scope_of("GET", "/"))
    assert second["SCRIPT_NAME"] == ""
    assert "HTTP_X" not in second


def test_names_of_headers_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many names are remembered, and those beyond are understood all the same."""
    known = dict(environ_module._variables)
    monkeypatch.setattr(environ_module, "_variables", known)
    for place in range(2 * environ_module._KNOWN):
        environ = environ_of(scope_of("GET", "/", [(b"x-made-up-%d" % place, b"v")]))
        assert environ[f"HTTP_X_MADE_UP_{place}"] == "v"
    assert len(known) == environ_module._KNOWN


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


def quoted(text: str) -> str:
    """Percent-encoded UTF-8, every byte of it."""
    return "".join(f"%{byte:02x}" for byte in text.encode())


def asked(target: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> dict[str, Any]:
    """The environ of a GET without a body."""
    return environ_of(scope_of("GET", target, headers)) | {"wsgi.input": io.BytesIO()}


@given(segment=TEXT, pairs=st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=4))
def test_any_text_comes_back_from_path_and_query(segment: str, pairs: list[tuple[str, str]]) -> None:
    """What a client encodes is what both readers of requests, Flask's and the xAPI's, get to see."""
    query = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in pairs)
    environ = asked(f"/l/{quoted(segment)}?{query}")
    page = Werkzeug(environ)
    assert page.path == f"/l/{segment}"
    assert list(page.args.items(multi=True)) == [*sorted_by_first(pairs)]
    request = Request(environ)
    request.parse_query()
    assert request.params == parameters(query)
    assert [(name, value) for name, values in request.params.items() for value in values] == [
        *sorted_by_first(pairs)
    ]


def sorted_by_first(pairs: list[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """The pairs with those of one name together, at the place of its first."""
    names = dict.fromkeys(name for name, _ in pairs)
    return [pair for name in names for pair in pairs if pair[0] == name]


def test_headers_are_read_by_both_readers() -> None:
    """Cookies, lists and types arrive in Flask's requests and the xAPI's as they were sent."""
    environ = asked(
        "/",
        [
            (b"host", b"jejak.example:8443"),
            (b"cookie", b"a=1"),
            (b"cookie", b'b="2"'),
            (b"accept-language", b"id"),
            (b"accept-language", b"en;q=0.5"),
            (b"content-type", b"application/json; charset=utf-8"),
        ],
    )
    page, request = Werkzeug(environ), Request(environ)
    assert dict(page.cookies) == {"a": "1", "b": "2"}
    assert list(page.accept_languages.values()) == ["id", "en"]
    assert page.host == "jejak.example:8443"
    assert request.header("Accept-Language") == "id,en;q=0.5"
    assert request.content_type() == ("application/json", {"charset": "utf-8"})


@pytest.mark.parametrize(
    ("headers", "fits"),
    [
        ([(b"x-%d" % n, b"y") for n in range(100)], True),
        ([(b"x-%d" % n, b"y") for n in range(101)], False),
        ([(b"x-a", b"y")] * 101, False),
        ([(b"x-a", b"y" * 65_533)], True),
        ([(b"x-a", b"y" * 65_534)], False),
        ([(b"x-a", b"y" * 4_000)] * 16, True),
        ([(b"x-a", b"y" * 4_000)] * 17, False),
        ([(b"x_a", b"y" * 4_000)] * 17, False),
    ],
)
def test_a_head_is_bounded(headers: Headers, fits: bool) -> None:
    """A hundred headers and 64 KB of them are enough for everybody; more is an error of its own."""
    scope = scope_of("GET", "/", headers)
    if fits:
        assert environ_of(scope)["REQUEST_METHOD"] == "GET"
    else:
        with pytest.raises(environ_module.HeadTooLargeError):
            environ_of(scope)

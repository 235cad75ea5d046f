"""The one way out: where it may go, how much and how long it may take."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lrs.outbound.http_client import Answer, ForbiddenAddressError, Outbound, OutboundError
from lti_tool.settings import LtiSettings, origin_of
from tests.lti_tool.platform import TOOL


class Handler(BaseHTTPRequestHandler):
    """Answers by path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/large":
            self._send(b"x" * 300_000)
        elif self.path == "/drip":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            for _ in range(20):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
        elif self.path == "/headers":
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}":
                self.wfile.write(bytes((byte,)))
                self.wfile.flush()
                time.sleep(0.05)
        elif self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"half")
            self.close_connection = True
        elif self.path == "/last":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"until the end")
        elif self.path == "/last-of-known-length":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.send_header("Content-Length", "13")
            self.end_headers()
            self.wfile.write(b"until the end")
        elif self.path == "/chunks":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"6\r\nuntil \r\n7\r\nthe end\r\n0\r\n\r\n")
        elif self.path == "/twice":
            self.send_response(200)
            self.send_header("Link", "<a>; rel=prev")
            self.send_header("Link", "<b>; rel=next")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/closing":
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"{}")
        elif self.path == "/silent":
            time.sleep(0.6)
            self._send(b"late")
        else:
            self._send(f"{self.command} {self.path} {self.headers['Host']}".encode())

    do_POST = do_PUT = do_DELETE = do_GET

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Name", "Value")
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


class Quiet(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what these tests are about."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    httpd = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def local(**settings: float) -> Outbound:
    return Outbound(LtiSettings(public_url=TOOL, allow_loopback=True, **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_every_method_of_the_services_works(server: str, method: str) -> None:
    """GET, POST, PUT and DELETE reach the server with path, query and host name."""
    answer = local().request(method, server + "/a%20b?type_id=1", body=b"{}" if method != "GET" else None)
    assert answer.body.decode() == f"{method} /a%20b?type_id=1 {server.removeprefix('http://')}"
    assert answer.headers["x-name"] == "Value"


def test_a_server_that_closes_after_its_answer_is_read(server: str) -> None:
    """`Connection: close`, which many servers say, does not end the reading of their answer."""
    assert local().get(f"{server}/closing").json() == {}


def test_redirects_are_not_followed(server: str) -> None:
    """A redirect is an answer like any other, and no success."""
    answer = local().get(server + "/redirect")
    assert answer.status == 302
    assert not answer.ok


def test_a_large_answer_is_cut_off(server: str) -> None:
    """An answer beyond the size limit is an error, not a memory problem."""
    with pytest.raises(OutboundError, match="too large"):
        local(http_max_bytes=1000).get(server + "/large")


def test_a_slow_drip_is_cut_off(server: str) -> None:
    """A server that sends a byte now and then cannot hold a request beyond the total time."""
    began = time.monotonic()
    with pytest.raises(OutboundError, match="too long"):
        local(http_total_seconds=0.2).get(server + "/drip")
    assert time.monotonic() - began < 0.9


def test_dripping_headers_are_cut_off(server: str) -> None:
    """A byte of the header now and then is never late for a socket, but the whole has one deadline."""
    began = time.monotonic()
    with pytest.raises(OutboundError, match="too long"):
        local(http_total_seconds=0.3, http_timeout_seconds=0.2).get(server + "/headers")
    assert time.monotonic() - began < 1.5


def test_a_server_that_never_ends_its_handshake_is_cut_off() -> None:
    """TLS has no time of its own: a connection that is accepted and left alone ends with the whole."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(OutboundError, match="too long"):
            local(http_total_seconds=0.3).get(f"https://127.0.0.1:{silent.getsockname()[1]}/")
        assert time.monotonic() - began < 5


def test_an_answer_that_is_cut_off_is_no_answer(server: str) -> None:
    """Less than the announced length is not taken for the whole."""
    with pytest.raises(OutboundError, match="no answer"):
        local().get(server + "/cut")


@pytest.mark.parametrize("path", ["/last", "/last-of-known-length", "/chunks"])
def test_an_answer_that_closes_the_connection_is_read_whole(server: str, path: str) -> None:
    """With or without a length, in one piece or several."""
    assert local().get(server + path).body == b"until the end"


def test_repeated_headers_are_all_seen(server: str) -> None:
    """Links may stand in several headers of the same name."""
    assert local().get(server + "/twice").headers["link"] == "<a>; rel=prev, <b>; rel=next"


@pytest.mark.parametrize("body", [b"[" + b"1," * 1_000_001 + b"1]", b"[" * 1_000_001])
def test_json_is_bounded_by_what_it_costs_to_read(body: bytes) -> None:
    """A few megabytes of tiny values would take sixty times as much memory; they are not read at all."""
    with pytest.raises(OutboundError, match="too large"):
        Answer(200, {}, body).json()


def test_a_silent_server_is_given_up(server: str) -> None:
    """A server that says nothing is given up after the time-out."""
    with pytest.raises(OutboundError, match="no answer"):
        local(http_timeout_seconds=0.1).get(server + "/silent")


def test_nobody_listening_is_an_error() -> None:
    """A refused connection is reported as no answer."""
    with pytest.raises(OutboundError, match="no answer"):
        local().get("http://127.0.0.1:9/")


FORBIDDEN_ADDRESSES = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "fec0::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "5f00::1",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:0:808:808::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:808:808::1",
    "2620:4f:8000::1",
    "4000::1",
    "::7f00:1",
    "::ffff:0:127.0.0.1",
    "::ffff:169.254.169.254",
    "2a00:1450::5efe:a00:1",
    "fe80::1%eth0",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.0.171",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.175.48.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "240.0.0.1",
]
PUBLIC_ADDRESSES = [
    "8.8.8.8",
    "103.10.66.1",
    "192.0.1.1",
    "2a00:1450:4001::200e",
    "2001:4860::8888",
    "::ffff:8.8.8.8",
]


@pytest.mark.parametrize("address", FORBIDDEN_ADDRESSES)
def test_inner_addresses_are_out_of_reach(address: str) -> None:
    """A host name that leads to this machine, a private network or a cloud's metadata is refused."""
    http = Outbound(LtiSettings(public_url=TOOL), resolve=lambda _host, _port: [address])
    with pytest.raises(ForbiddenAddressError):
        http.get("https://lms.example/")


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_public_addresses_are_within_reach(address: str) -> None:
    """Machines on the internet, also where the system writes IPv4 as IPv6."""
    http = Outbound(LtiSettings(public_url=TOOL), resolve=lambda _host, _port: [address])
    assert http.checked_address("https", "lms.example", 443) == address


def test_one_inner_address_among_many_is_enough() -> None:
    """Every address of a name must be acceptable, not only the first."""
    http = Outbound(LtiSettings(public_url=TOOL), resolve=lambda _host, _port: ["8.8.8.8", "127.0.0.1"])
    with pytest.raises(ForbiddenAddressError):
        http.get("https://lms.example/")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://localhost/",
        "https://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "ftp://lms.example/",
        "gopher://lms.example/",
        "//lms.example/",
        "https://user:password@lms.example/",
        "https://lms.example:99999/",
        "https://lms.example/\r\nX: y",
        "https://lms.example/é",
        "https:///path",
        "",
    ],
)
def test_addresses_of_other_kinds_are_refused(url: str) -> None:
    """Only plain absolute http(s) addresses of public machines are asked."""
    with pytest.raises(OutboundError):
        Outbound(LtiSettings(public_url=TOOL)).get(url)


def test_plain_http_to_a_public_machine_is_refused() -> None:
    """Nothing is sent unencrypted beyond this machine and allowed networks."""
    http = Outbound(LtiSettings(public_url=TOOL), resolve=lambda _host, _port: ["8.8.8.8"])
    with pytest.raises(ForbiddenAddressError):
        http.get("http://lms.example/")


def test_an_agencys_own_network_can_be_allowed() -> None:
    """Networks that the operator names may be reached, others still not."""
    settings = LtiSettings(public_url=TOOL, allowed_networks=("10.20.0.0/16",))
    http = Outbound(settings, resolve=lambda host, _port: [host])
    assert http.checked_address("https", "10.20.1.1", 443) == "10.20.1.1"
    with pytest.raises(ForbiddenAddressError):
        http.checked_address("https", "10.21.1.1", 443)


def test_the_checked_address_is_the_one_connected_to(server: str) -> None:
    """A name that changes its address between check and use gains nothing: it is looked up once."""
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    port = server.rpartition(":")[2]
    http = Outbound(
        LtiSettings(public_url=TOOL, allow_loopback=True), resolve=lambda _host, _port: answers.pop(0)
    )
    assert http.get(f"http://lms.example:{port}/").body.decode() == f"GET / lms.example:{port}"
    assert answers == [["10.0.0.1"]]


def test_proxies_of_the_environment_are_not_used(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard sees the real address; a proxy would resolve it again."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert local().get(server + "/").ok


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://LMS.example/x?y#z", "https://lms.example"),
        ("https://lms.example:443/", "https://lms.example"),
        ("http://lms.example:80", "http://lms.example"),
        ("http://127.0.0.1:8090/a", "http://127.0.0.1:8090"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
    ],
)
def test_origins_are_written_as_browsers_write_them(url: str, origin: str) -> None:
    """Scheme and host in lower case, default ports left out."""
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "https://lms.example;script-src *",
        "https://lms.example'",
        "https://a b.example",
        "https://lms.example,https://b.example",
        "https://[::1;x]/",
        "https://*.example",
        "https://lms.example\\@b.example",
        "https://" + "x" * 64 + "\u00e9.example",
        "https://",
    ],
)
def test_what_is_no_host_has_no_origin(url: str) -> None:
    """Origins are written into headers: nothing but a host's letters may come out."""
    with pytest.raises(ValueError, match=r"."):
        origin_of(url)


@pytest.mark.parametrize(
    "url", ["http://tool.example", "https://tool.example/path", "tool.example", "ftp://x"]
)
def test_a_public_address_must_be_usable(url: str) -> None:
    """The tool's own address is https, without a path."""
    with pytest.raises(ValueError, match="public_url"):
        LtiSettings(public_url=url)

"""Following `more`, counting what came back, against a tiny server that pages."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from benchmarks import paging, writes
from benchmarks.reads import by_kind
from benchmarks.report import Report, WrongAnswers
from benchmarks.target import Target, reader
from benchmarks.writes import Supply
from benchmarks.yardsticks import Noop

TOTAL = 3_010


class Pages(BaseHTTPRequestHandler):
    """Answers `limit` statements from `from`, and where the next ones are."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        start, limit = int(asked.get("from", ["0"])[0]), int(asked["limit"][0])
        end = min(TOTAL, start + limit)
        body: dict[str, Any] = {"statements": [{"stored": str(n)} for n in range(start, end)], "more": ""}
        if end < TOTAL:
            body["more"] = f"/xapi/statements/more?from={end}&limit={limit}"
        self._answer(404 if "missing" in asked else 200, body)

    def do_POST(self) -> None:
        """Take any statements, or refuse every array whose length is not 50."""
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(200 if not self.path.endswith("/full") or len(given) == 50 else 503, [])

    def _answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Takes many connections at once."""

    request_queue_size = 64
    daemon_threads = True


@pytest.fixture
def target() -> Iterator[Target]:
    with Server(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Target(server.server_address[1], "key", "secret")
        server.shutdown()
        thread.join()


def test_the_hundredth_page_is_reached_by_the_server_s_own_links(target: Target) -> None:
    """Page 1 is the question itself; page 100 begins after 99 full pages."""
    first = "/xapi/statements?limit=25"
    with reader(target) as pages:
        assert paging.link_of_page(pages.fetch, first, 1) == first
        far = paging.link_of_page(pages.fetch, first, 100)
        assert json.loads(pages.fetch(far))["statements"][0] == {"stored": str(99 * 25)}


def test_too_few_pages_are_told(target: Target) -> None:
    """A question with fewer pages is an error, never a nearer page."""
    with reader(target) as pages, pytest.raises(WrongAnswers, match="2 pages, not 100"):
        paging.link_of_page(pages.fetch, "/xapi/statements?limit=2000", 100)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("/xapi/more?c=1", "/xapi/more?c=1"),
        ("http://127.0.0.1:1/xapi/more?c=1", "/xapi/more?c=1"),
        ("more/abc", "/xapi/more/abc"),
        ("", ""),
        (None, ""),
    ],
)
def test_links_may_be_relative_or_absolute(more: str | None, expected: str) -> None:
    """Whatever form `more` has, the path and query to ask for next come out; none on the last page."""
    body = json.dumps({"statements": [], "more": more}).encode()
    assert paging.next_link("/xapi/statements?limit=25", body) == expected


def test_first_and_hundredth_page_are_measured(target: Target) -> None:
    """Both pages get a rate."""
    figures = paging.first_and_far(target, 0.09)
    assert set(figures) == {"page_1_per_s", "page_100_per_s"}
    assert min(figures.values()) > 0


def test_paging_through_everything_counts_it(target: Target) -> None:
    """All statements come, and memory is told in MB."""
    figures = paging.everything(target, os.getpid(), TOTAL)
    assert (figures["paging_statements"], figures["paging_complete"]) == (TOTAL, True)
    assert figures["paging_mb"] > 1
    assert 0 <= figures["paging_growth_mb"] < figures["paging_mb"]


def test_missing_statements_are_told(target: Target) -> None:
    """When paging gives other than what was sent, there is no figure."""
    with pytest.raises(WrongAnswers, match="3010 statements came, not 3011"):
        paging.everything(target, os.getpid(), TOTAL + 1)


def test_paging_ends_in_time(target: Target) -> None:
    """Paging that takes too long tells how far it came, and that it is not complete."""
    figures = paging.everything(target, os.getpid(), TOTAL, longest=0.0)
    assert figures["paging_complete"] is False


@pytest.mark.parametrize(
    ("query", "why"), [("limit=24", "24"), ("limit=25&missing=1", "404"), ("limit=25&from=3000", "10")]
)
def test_short_and_wrong_answers_do_not_count(target: Target, query: str, why: str) -> None:
    """One answer without 25 statements, or that is not 200, spoils the figure."""
    with pytest.raises(WrongAnswers, match=why):
        by_kind(target, "agent", ["limit=25", query], 0.05)


def test_full_pages_count(target: Target) -> None:
    """Pages of 25 get a rate and a size."""
    figures = by_kind(target, "agent", ["limit=25", "limit=25&from=50"], 0.05)
    assert figures["get_agent_per_s"] > 0
    assert figures["get_agent_bytes"] > 25 * 10


def test_filling_stops_at_the_size(target: Target) -> None:
    """A store is filled up to the size, in fifties; a short filling leaves the window of the one before."""
    supply = Supply()
    assert writes.fill(target, supply, 1_010)["statements_in_store"] == 1_010
    window = supply.tally.filled
    assert window[0] < window[1]
    assert writes.fill(target, supply, 1_100)["statements_in_store"] == 1_100
    assert writes.fill(target, supply, 500) == {"statements_in_store": 1_100}
    assert supply.tally.filled == window


def test_refused_batches_are_told(target: Target) -> None:
    """Filling goes on past a refused batch and counts it; when all are refused it ends."""
    picky = replace(target, path="/xapi/statements/full")
    assert writes.fill(picky, Supply(), 120)["fill_batches_refused"] == 1
    with pytest.raises(WrongAnswers, match="503"):
        writes.fill(picky, Supply(), 20)


def test_slices_of_the_yardstick_add_up(target: Target) -> None:
    """The yardstick has no rate before its first slice, and one after it."""
    nothing = Noop.gets(target.port)
    assert nothing.rate == 0
    nothing.slice(0.05)
    assert nothing.rate > 0


def test_what_fails_is_told_and_the_rest_goes_on() -> None:
    """A figure that fails leaves its reason; those before and after it stand."""
    report = Report({"engine": "x"})
    report.take("one", lambda: {"a": 1.23456})
    report.take("two", lambda: {"b": 1 / 0})
    report.take("three", lambda: {"sizes": {"c": 2.00001}})
    assert report.told() == {
        "engine": "x",
        "a": 1.235,
        "sizes": {"c": 2.0},
        "errors": {"two": "ZeroDivisionError: division by zero"},
    }

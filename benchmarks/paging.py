"""Following `more`: far into one question, and through everything."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson

from benchmarks import processes
from benchmarks.corpus import VERBS, Corpus
from benchmarks.questions import PAGE
from benchmarks.reads import repeated
from benchmarks.report import WrongAnswers, note
from benchmarks.target import STORED, Target, reader

FAR = 100
"""The page that is compared with the first."""
LARGE = 500
ROUNDS = 3
LONGEST_SECONDS = 300.0

Fetch = Callable[[str], bytes]
"""From a link to the body behind it."""


def next_link(link: str, body: bytes) -> str:
    """Path and query of the page after this one; empty on the last."""
    more = orjson.loads(body).get("more") or ""
    if not more:
        return ""
    parts = urlsplit(urljoin(link, more))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def link_of_page(fetch: Fetch, first: str, number: int) -> str:
    """The link that leads to page `number` (the first is 1); WrongAnswers when there are fewer pages."""
    link = first
    for page in range(1, number):
        link = next_link(link, fetch(link))
        if not link:
            raise WrongAnswers(f"the answer has {page} pages, not {number}")
    return link


def first_and_far(target: Target, seconds: float) -> dict[str, Any]:
    """Pages per second for the first and the hundredth page of the commonest verb, measured in turns."""
    first = f"{target.path}?verb={Corpus().verb(VERBS[0])}&limit={PAGE}"
    with reader(target) as pages:
        far = link_of_page(pages.fetch, first, FAR)
    spent = {first: 0.0, far: 0.0}
    answers = dict.fromkeys(spent, 0)
    for _ in range(ROUNDS):
        for link in spent:
            load = repeated(target, [target.get(link)], seconds / ROUNDS)
            spent[link] += load.seconds
            answers[link] += load.answers
    return {
        "page_1_per_s": answers[first] / spent[first],
        f"page_{FAR}_per_s": answers[far] / spent[far],
    }


def everything(target: Target, pid: int, expected: int, longest: float = LONGEST_SECONDS) -> dict[str, Any]:
    """Page through all statements, oldest first, 500 at a time: speed, memory, and whether all came.

    `paging_mb` is the peak of the biggest worker meanwhile; `paging_growth_mb` how much of it came after
    the first tenth. WrongAnswers when other than the `expected` statements come.
    """
    processes.reset_peaks(pid)
    early = 0.0
    count = fetched = size = 0
    link = f"{target.path}?limit={LARGE}&ascending=true"
    begun = said = time.monotonic()
    with reader(target) as pages:
        while link and time.monotonic() - begun < longest:
            body = pages.fetch(link)
            fetched += 1
            count += body.count(STORED)
            size += len(body)
            link = next_link(link, body)
            if not early and count >= expected / 10:
                early = processes.peak_mb(pid)
            if time.monotonic() - said > 10:
                said = time.monotonic()
                note(f"paging: {count:,} of {expected:,}")
    seconds = time.monotonic() - begun
    if not link and count != expected:
        raise WrongAnswers(f"{count} statements came, not {expected}")
    peak = processes.peak_mb(pid)
    return {
        "paging_statements": count,
        "paging_complete": not link,
        "paging_pages_per_s": fetched / seconds,
        "paging_mb_per_s": size / seconds / 1_048_576,
        "paging_mb": peak,
        "paging_growth_mb": max(0.0, peak - early),
    }

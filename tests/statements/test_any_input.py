"""Whatever text or bytes a client sends, the answer is a value or the documented refusal, and it is quick."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from statements.data_types.exact_json import loads
from statements.data_types.versions import Version
from statements.documents import matches, merge
from statements.errors import InvalidError
from statements.filters import PARAMETERS, BadCursorError, StatementQuery, decode_cursor, parse_query
from statements.formats import parse_languages
from statements.signatures import check_signature
from tests.statements.samples import statement

any_text = st.text(max_size=60)
names = st.sampled_from(PARAMETERS) | any_text


@given(st.lists(st.tuples(names, any_text), max_size=6), st.sampled_from(Version))
def test_any_parameters_are_a_query_or_invalid(pairs: list[tuple[str, str]], version: Version) -> None:
    """Parsing parameters has no third outcome, and each problem has a hint."""
    try:
        query = parse_query(pairs, version)
    except InvalidError as invalid:
        hints = [problem.hint for problem in invalid.problems]
    else:
        hints = [type(query).__name__]
    assert all(hints)


@given(st.recursive(st.none() | st.integers() | any_text, lambda each: st.dictionaries(any_text, each)))
def test_any_json_as_agent_is_a_query_or_invalid(value: object) -> None:
    """A parameter that holds JSON of any shape is judged by the rules."""
    text = json.dumps(value)
    try:
        found: object = parse_query([("agent", text)], Version.V1)
    except InvalidError as invalid:
        found = invalid
    assert isinstance(found, StatementQuery | InvalidError)


@given(any_text)
def test_any_text_is_refused_as_a_cursor(text: str) -> None:
    """Nobody guesses a cursor."""
    with pytest.raises(BadCursorError):
        decode_cursor(text, key=b"k" * 32, scope="lan")


@given(any_text, st.lists(st.sampled_from(["en", "id", "id-ID"]), unique=True, min_size=1))
@example("*;q=0", ["en"])
def test_any_accept_language_chooses_one_of_the_languages(header: str, tags: list[str]) -> None:
    """A header that means nothing still leaves a language to show."""
    assert parse_languages(header).choose(tags) in tags


@given(any_text, st.sampled_from(['"abc"', None]))
def test_any_etag_header_matches_or_not(header: str, current: str | None) -> None:
    """Comparing entity tags never fails."""
    assert matches(header, current) in (True, False)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_bad_signature(data: bytes) -> None:
    """Nobody guesses a signature, and no bytes break its reader."""
    assert len(check_signature(data, statement(), Version.V1, pointer="/attachments/0")) == 1


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_any_bytes_merge_or_are_invalid(old: bytes, new: bytes) -> None:
    """A merge gives an object or says that it cannot."""
    try:
        merged = merge(old, "application/json", new, "application/json")
    except InvalidError as invalid:
        assert invalid.problems  # noqa: PT017 - either outcome is right, each has its own check
    else:
        assert isinstance(loads(merged), dict)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (loads, '{"a":' + "1" * 1_000_000 + "}"),
        (loads, '{"a":' + " " * 1_000_000 + "}"),
        (loads, '{"a":1.' + "0" * 1_000_000 + "}"),
        (loads, "[" + "1.5," * 200_000 + "1.50]"),
        (parse_languages, "a-" * 500_000),
        (parse_languages, "en;q=" + " " * 1_000_000),
        (lambda text: matches(text, '"x"'), '"' * 1_000_001),
        (lambda text: matches(text, '"x"'), "W/" * 500_000),
        (lambda text: parse_query([("limit", text)], Version.V1), "9" * 1_000_000),
        (lambda text: parse_query([("verb", text)], Version.V1), "a:" * 500_000),
        (lambda text: parse_query([("since", text)], Version.V1), "2" * 1_000_000),
    ],
)
def test_a_megabyte_of_nonsense_is_read_in_well_under_a_second(
    read: Callable[[str], object], text: str
) -> None:
    """No pattern backtracks its way through long input; the bound leaves room for a busy machine."""
    begun = time.process_time()
    try:
        read(text)
    except ValueError:
        pass
    assert time.process_time() - begun < 1.0

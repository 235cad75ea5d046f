"""What a JSON text costs to read is told from its bytes: values are counted, and strings looked past."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statements.data_types.json_cost import TooManyValuesError, check_values, separators, without_strings

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet=st.sampled_from(',[{"\\:]}a')),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(',[{"\\'), inner, max_size=4),
    max_leaves=20,
)


def number_of(value: Any) -> int:
    """How many values a value is, itself included."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(number_of(child) for child in children)


def test_the_bound_is_taken_and_one_more_is_refused() -> None:
    """An array of numbers holds itself and each of them."""
    check_values(b"[" + b"1," * 98 + b"1]", 100)
    with pytest.raises(TooManyValuesError, match="more than 100 values"):
        check_values(b"[" + b"1," * 99 + b"1]", 100)


@given(values)
def test_no_text_is_refused_that_holds_fewer_values(value: Any) -> None:
    """Commas, brackets and quotes inside strings and names are no values, however many they are."""
    text = json.dumps(value).encode()
    check_values(text, 2 * number_of(value) + 1)
    assert separators(text) + 1 >= number_of(value)


@given(values)
def test_strings_are_taken_out_and_nothing_else(value: Any) -> None:
    """What is left reads as the same value with empty strings."""

    def emptied(each: Any) -> Any:
        if isinstance(each, list):
            return [emptied(child) for child in each]
        return "" if isinstance(each, str) else each

    listed = [each for each in (value if isinstance(value, list) else [value]) if not isinstance(each, dict)]
    flat = json.loads(without_strings(json.dumps(listed).encode()).replace(b'{""', b'{"a"'))
    if not any("{" in json.dumps(emptied(each)) for each in listed):
        assert flat == emptied(listed)


@pytest.mark.parametrize(
    "text",
    [b"1e1," * 2_000, b"[]," * 2_000, b'"",' * 2_000, b'"' * 9_000, b"[" * 2_000, b'{"a":' * 2_000],
)
def test_what_is_dense_is_refused_before_it_is_read(text: bytes) -> None:
    """Whether it is JSON at all is not asked."""
    with pytest.raises(TooManyValuesError):
        check_values(text, 1_000)


def test_a_long_string_full_of_commas_is_one_value() -> None:
    """Data in lines of commas, kept in one string, is taken."""
    check_values(json.dumps({"data": "1,2,3,[{" * 10_000}).encode(), 10)

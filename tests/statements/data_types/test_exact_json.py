"""JSON text in and out: numbers keep their digits, and bad text is refused with a reason."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statements.data_types.exact_json import Number, dumps, loads

NUMBERS = [
    "0",
    "-0",
    "-0.0",
    "1.5",
    "1.50",
    "10.00",
    "1e5",
    "1E+5",
    "-2.5e-7",
    "1e400",
    "5e-324",
    "0.00001",
    "0.0000001",
    "-0.00000012",
    "100000000000000.0",
    "0.1000000000000000055511151231257827",
    "9007199254740993",
    "9007199254740993.0",
    "18446744073709551616",
    "123456789012345678901234567890",
]


@pytest.mark.parametrize("shape", ["%s", "[%s]", "[1,%s]", '{"a":%s}', '{"a":[{"b":%s}],"c":"x"}'])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_comes_back_with_the_digits_it_was_written_with(number: str, shape: str) -> None:
    """Whatever place it stands in, a number is written as it was read."""
    text = shape % number
    assert dumps(loads(text)).decode() == text


@pytest.mark.parametrize("space", [" ", "\n", "\t", "\r\n  "])
def test_white_space_around_a_number_does_not_hide_it(space: str) -> None:
    """A rare number is found after any white space that JSON allows."""
    text = f'{{"a":{space}1.50{space},{space}"b":{space}[{space}1e3{space},{space}-0{space}]}}'
    assert dumps(loads(text)) == b'{"a":1.50,"b":[1e3,-0]}'


@pytest.mark.parametrize("text", ['{"a":1.50}', '{"a":1}', "1"])
def test_a_byte_order_mark_before_the_text_is_ignored(text: str) -> None:
    """Once, from bytes and from text: some editors and platforms write one."""
    assert dumps(loads("\ufeff" + text)).decode() == text
    assert dumps(loads(("\ufeff" + text).encode())).decode() == text
    with pytest.raises(ValueError, match="not valid JSON"):
        loads("\ufeff\ufeff" + text)


def test_common_numbers_stay_plain_int_and_float() -> None:
    """Only numbers that a float cannot give back become `Number`, which is a Decimal."""
    value = loads("[1, 1.5, 1.50, 12345678901234567890]")
    assert [type(each) for each in value] == [int, float, Number, Number]
    assert value[2] == Decimal("1.5")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_every_value_survives_a_round_trip(value: object) -> None:
    """Text made by another JSON library means the same after it went through here."""
    text = json.dumps(value)
    assert json.loads(dumps(loads(text))) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**40), max_value=10**40))
def test_every_decimal_survives_a_round_trip(number: Decimal) -> None:
    """A decimal of any length and scale is the same decimal afterwards, digit by digit."""
    text = f'{{"a":{number}}}'
    assert dumps(loads(text)).decode() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nul",
        "{'a':1}",
        '{"a":1.50',
        "[1.50,]",
        "[NaN, 1.50]",
        "[Infinity, 1e5]",
        "[1e99999]",
        "[1e9999999999999999999999]",
        '"\\ud800"',
        '["\\ud800", 1.50]',
        "[" * 5000 + "]" * 5000,
        "[1.50," * 5000 + "1" + "]" * 5000,
        b'"\xff"',
        b'[1.50, "\xff"]',
        "[1.50, \ud800]",
    ],
)
def test_bad_text_is_a_value_error_that_shows_nothing_of_it(text: str | bytes) -> None:
    """Broken, deep, out of range or wrongly encoded text is refused alike on the fast and the slow path."""
    with pytest.raises(ValueError, match="not valid JSON"):
        loads(text)


@pytest.mark.parametrize("value", [object(), {"a": "\ud800"}, {1: 2}])
def test_what_is_no_json_value_cannot_be_written(value: object) -> None:
    """Writing a foreign type, half a surrogate pair or a key that is no text is a ValueError."""
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        dumps(value)


def test_nesting_too_deep_to_write_is_a_value_error() -> None:
    """A value nested beyond what the writer allows is refused, never a crash."""
    value: list[object] = []
    for _ in range(2000):
        value = [value]
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        dumps(value)


@pytest.mark.parametrize("number", ["1.50", "1e1", "-0", "12345678901234567890"])
def test_a_rare_number_is_found_in_a_long_text_of_strings(number: str) -> None:
    """Strings of a long text are looked past: numbers among them count, and those inside them do not."""
    filler = json.dumps({"a": 'x, 1.50, "quoted\\" , 1e1]' * 9_000, "b": "\\" * 9, 'na"me': "["})
    text = f'[{filler},{{"n": {number}}},{filler}]'.replace(", ", ",").replace(": ", ":")
    assert dumps(loads(text)).decode() == text
    plain = text.replace(number + "}", "1}")
    assert type(loads(plain)[1]["n"]) is int

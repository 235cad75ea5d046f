"""JSON text to values and back, with every number kept exactly as it was written.

A record store must give numbers back as it got them (xAPI 1.0.3 Part 2, 2.2), but a binary float cannot
hold `1.10`, `1E400` or an integer of thirty digits. Texts with such numbers are rare: one search over the
raw bytes finds them, and only then a slower parser is used that reads these few as `decimal.Decimal`.
`dumps` writes a Decimal with the very digits that were read. All other numbers are plain int and float.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import orjson

from statements.data_types.json_cost import LARGE, without_strings

_NUMBER: Final = (
    rb"\s*+-?[0-9](?:"
    rb"[0-9.]{15}"  # more digits than a float is sure to keep
    rb"|[0-9]*(?:\.[0-9]+)?[eE][+-]?[0-9]+(?=[\s,}\]])"  # not the start of a UUID in a urn:uuid:
    rb"|[0-9]*\.[0-9]+0(?=[\s,}\]])"  # 1.50 would come back as 1.5; not the seconds of a timestamp
    rb"|(?<=-0)(?![0-9.])"  # -0 would come back as 0
    rb"|(?<=0)\.0000"  # orjson writes these with an exponent
    rb")"
)
# Three searches that each begin with one literal byte: five times faster than one that begins with a class.
_RARE: Final = tuple(re.compile(start + _NUMBER).search for start in (rb":", rb",", rb"\["))
_DIGITS: Final = frozenset((b"-", *(b"%d" % digit for digit in range(10))))
_MAX_EXPONENT: Final = 10_000
"""Numbers beyond ten to this power are refused: nothing is so large, and their arithmetic may hang."""


def loads(raw: bytes | str) -> Any:
    """The value of a JSON text. ValueError (a plain reason) when it is not JSON or not UTF-8.

    Nesting deeper than some 1000 levels is refused as well; the rules for statements allow far less. One byte
    order mark before the text is ignored, as RFC 8259 (8.1) allows.
    """
    text = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    if text.startswith(BOM_UTF8):
        text = text[len(BOM_UTF8) :]
    try:
        in_member, in_array, first_in_array = _RARE
        # A search stops at each separator: those inside the strings of a long text are taken away first.
        seen = text if len(text) <= LARGE else without_strings(text)
        if in_member(seen) or in_array(seen) or first_in_array(seen) or text[:1] in _DIGITS:
            return _exact(text)
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not valid JSON: {error}") from None


def dumps(value: Any) -> bytes:
    """The JSON text of a value, compact; members keep their order and numbers their digits.

    ValueError for what is no JSON value: other types, half surrogate pairs, nesting beyond some 250 levels.
    """
    try:
        return orjson.dumps(value, default=_number)
    except TypeError as error:
        raise ValueError(f"cannot be written as JSON: {error}") from None


def canonical(value: Any) -> bytes:
    """The JSON text of a value with its members sorted: the same for values that say the same.

    1, 1.0 and true, which Python takes for equal, have different texts. ValueError as by `dumps`.
    """
    try:
        return orjson.dumps(value, default=_number, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise ValueError(f"cannot be written as JSON: {error}") from None


class Number(Decimal):
    """A number that remembers how it was written; it compares and computes as a Decimal."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Number:
        """The number of a JSON text. ValueError when its exponent is beyond all use."""
        try:
            number = super().__new__(cls, text)
        except InvalidOperation:
            number = super().__new__(cls, "NaN")
        # Nothing short is out of range but by an exponent.
        if (len(text) > _MAX_EXPONENT or "e" in text or "E" in text) and (
            not number.is_finite() or (number and abs(number.adjusted()) > _MAX_EXPONENT)
        ):
            raise ValueError("not valid JSON: a number is out of range")
        number.text = text
        return number


def _number(value: object) -> orjson.Fragment:
    if type(value) is Number:
        return orjson.Fragment(value.text)
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _exact(text: bytes) -> Any:
    try:
        value = json.loads(text.decode("utf-8"), parse_float=_real, parse_int=_whole, parse_constant=_refuse)
        if b"\\u" in text:
            orjson.dumps(value, default=_number)  # refuses lone surrogates, which the parser lets through
    except UnicodeDecodeError:
        raise ValueError("not valid JSON: not encoded in UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON: {error}") from None
    except RecursionError:
        raise ValueError("not valid JSON: nested too deep") from None
    except TypeError:
        raise ValueError("not valid JSON: a string holds half a surrogate pair, or too deep") from None
    return value


def _real(text: str) -> float | Number:
    if "e" in text or "E" in text:
        return Number(text)
    number = float(text)
    return number if orjson.dumps(number) == text.encode("ascii") else Number(text)


def _whole(text: str) -> int | Number:
    return int(text) if len(text) < 19 and text != "-0" else Number(text)


def _refuse(text: str) -> None:
    raise ValueError(f"not valid JSON: {text} is no number of JSON")

"""What reading a JSON text will cost, told from its bytes before it is read.

Each value of a text takes memory and time of its own, however short it is: `1e1,` is four bytes and an object
of a hundred. So texts are bounded by their values, not by their bytes alone. Counting is a few passes over
the bytes at the speed of memory.
"""

from __future__ import annotations

import re
from typing import Final

LARGE: Final = 131_072
"""Bytes up to which a text is read without counting: it cannot hold enough values to matter."""
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_STRINGS_TO_A_VALUE: Final = 2
"""A member of an object has its name beside its value."""


class TooManyValuesError(ValueError):
    """A JSON text holds more values than may be read at once."""


def check_values(text: bytes, most: int) -> None:
    """TooManyValuesError when a JSON text holds more than `most` values (numbers, strings, arrays and so on).

    Whether it is JSON at all is not looked at.
    """
    # Strings are counted as well as what stands between values: a text of nothing but strings, JSON or not,
    # would be walked through string by string.
    strings = (text.count(b'"') - text.count(b'\\"')) // 2
    found = separators(text)
    if found >= most and strings <= _STRINGS_TO_A_VALUE * most:
        found = separators(without_strings(text))
    if found >= most or strings > _STRINGS_TO_A_VALUE * most:
        raise TooManyValuesError(f"it holds more than {most} values")


def without_strings(text: bytes) -> bytes:
    """A JSON text with nothing in its strings: what is left are brackets, separators, numbers and words."""
    return _STRING.sub(b'""', text)


def separators(text: bytes) -> int:
    """No more values than these, and one, are in a JSON text or a piece of it."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")

"""Hides employee numbers and e-mail addresses in a text, wherever its sender wrote them; hints of names."""

from __future__ import annotations

import re

HIDDEN = "•••"
"""What stands for a hidden part."""
# Numbers are written in groups, too: 19870101 201001 1 001.
_NUMBER = re.compile(r"(?<!\d)\d(?:[ .\-\u00a0\u2009\u202f]?\d){17}(?!\d)")
# Bounded on both sides of the sign, so that a text of megabytes costs one pass. In addresses it may be %40.
_WORD = r"[^\s@<>\"'(),:;/?&=|\\]"
_MAIL = re.compile(rf"{_WORD}{{1,64}}(?:@|%40){_WORD}{{1,255}}", re.IGNORECASE)


def masked(text: str) -> str:
    """The text with numbers of 18 digits and e-mail addresses hidden."""
    if "@" in text or "%40" in text:
        text = _MAIL.sub(f"{HIDDEN}@{HIDDEN}", text)
    return _NUMBER.sub(HIDDEN, text)


def initials(name: str) -> str:
    """A person's name of which only the first letter of each word is told."""
    return " ".join(f"{word[0]}{HIDDEN}" for word in masked(name).split() if word[0].isalpha())


def hinted(text: str) -> str:
    """A text of which little is shown: the first character of each word, and of long words the last."""
    return " ".join(_hinted_word(word) for word in text.split())


def _hinted_word(word: str) -> str:
    return f"{word[0]}…{word[-1]}" if len(word) > 4 else f"{word[0]}…"

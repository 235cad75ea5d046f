"""What bodies have in common: the stretch of bytes that it saves most to keep once; see `body_dictionary`.

A body is taken as a chain of words and of what is between them. Two neighbours that are neighbours in many
bodies hold together; where they do not, the chain breaks. What is left whole is weighed by what it saves.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

CODES = bytes((*range(0x01, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0xC0, 0xC1, *range(0xF5, 0x100)))
"""The bytes that stand for phrases: those that JSON never has, because it escapes control characters (white
space is left out here) or because UTF-8 does not use them."""

BETWEEN = b"\0"
"""Stands between bodies that are worked on together; JSON never has it either."""
RESERVED = CODES + BETWEEN
"""No phrase has any of these: so what codes stand for is never in doubt."""

SHORTEST, LONGEST = 12, 2_048
"""Bytes of a phrase."""

SHARES = (0.5, 0.125)
"""In how many of the bodies neighbours must be neighbours to hold together. The lower is tried when the
higher finds nothing: what only some share may be rare tomorrow."""

WORTH = 12
"""Bytes of each body that a phrase must save, in the mean: it costs a little time with every body."""

_WORDS = re.compile(
    rb"[0-9A-Za-z_\x80-\xbf\xc2-\xf4]+|[\x20-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f]+|.", re.DOTALL
)
_PASSING = b"0123456789-:.TZ"
"""Parts of times and numbers: at the ends of a phrase they are the same for some hours only."""


def train_dictionary(bodies: Sequence[bytes]) -> bytes | None:
    """The phrase that would save the most bytes of these bodies; None when no phrase is worth its place.

    Phrases found earlier already stand in the bodies as codes, so that none is found twice.
    """
    chains = [_WORDS.findall(body) for body in bodies]
    together: Counter[tuple[bytes, bytes]] = Counter()
    for chain in chains:
        together.update(set(pairwise(chain)))
    for share in SHARES:
        enough = max(4, int(len(bodies) * share))
        held = {pair for pair, times in together.items() if times >= enough and _is_text(pair)}
        found = Counter(text for chain in chains for text in _unbroken(chain, held))
        if not found:
            continue
        saved, phrase = max(((len(text) - 1) * times, text) for text, times in found.items())
        if saved >= WORTH * len(bodies):
            return phrase
    return None


def _is_text(pair: tuple[bytes, bytes]) -> bool:
    return pair[0] not in RESERVED and pair[1] not in RESERVED


def _unbroken(chain: Sequence[bytes], held: set[tuple[bytes, bytes]]) -> list[bytes]:
    """The stretches whose neighbours all hold together, those of a length that a phrase may have."""
    found = []
    start = 0
    for end in range(1, len(chain) + 1):
        if end == len(chain) or (chain[end - 1], chain[end]) not in held:
            if end - start > 1:
                found.append(b"".join(chain[start:end]).strip(_PASSING))
            start = end
    return [text for text in found if SHORTEST <= len(text) <= LONGEST]

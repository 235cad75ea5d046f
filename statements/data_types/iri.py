r"""IRIs, as far as a record store must check them.

xAPI asks for valid IRIs with a scheme and leaves the rest to best effort (1.0.3 Part 2, 2.2 and 4.3).
Checked here: a scheme of RFC 3986, something after it, a host where the scheme is http(s), and no
character that RFC 3987 keeps out everywhere (white space, controls, `<>"{}|\^` and the backtick).
"""

from __future__ import annotations

import re

_OUTSIDE = '\\x00-\\x20<>"{}|\\\\^`\\x7f-\\x9f\ud800-\udfff\ufff0-\uffff'
_IRI = re.compile(
    rf"(?:https?://[^/?#:{_OUTSIDE}]|(?!https?:)[A-Za-z][A-Za-z0-9+.-]*:[^{_OUTSIDE}])[^{_OUTSIDE}]*",
    re.IGNORECASE,
)
_MAILTO = re.compile(
    r"(?i:mailto):[^\x00-\x20@<>(),:;\\\"\[\]\x7f-\x9f\ud800-\udfff]+"
    r"@(?:[^\x00-\x20@<>(),:;\\\"\[\]/?#\x7f-\x9f\ud800-\udfff]+|\[[0-9A-Fa-f:.]+\])"
)

is_iri = _IRI.fullmatch
"""Truthy when a string is an IRI with a scheme."""

is_mailto = _MAILTO.fullmatch
"""Truthy when a string is `mailto:`, in any letter case (RFC 3986, 3.1), and one e-mail address."""


def valid_iri(text: object) -> bool:
    """Whether `text` is a string that holds an absolute IRI."""
    return isinstance(text, str) and is_iri(text) is not None

"""Signed statements: a JSON Web Signature (RFC 7515) as an attachment (xAPI 1.0.3 Part 2, 2.6).

Checked: compact serialization, RS256/384/512, a payload that is the same statement (`sameness`, without
signature attachments), and, when the header has an `x5c` chain, that the signature verifies with its first
certificate and that each certificate is issued by the next. Not checked, as the specification says: whether
anyone trusts the chain, and the dates of certificates. Without x5c there is no key to verify with.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from statements.attachments import SIGNATURE_USAGE
from statements.data_types.exact_json import loads
from statements.data_types.json_cost import TooManyValuesError, check_values, separators, without_strings
from statements.data_types.versions import Version
from statements.equality import differences
from statements.errors import Problem
from statements.rules.check import check_statement
from statements.rules.request_rules import problem

LARGEST: Final = 1 << 20
"""Bytes of a signature; a caller need not read longer ones."""

LARGEST_HEADER: Final = 32_768
"""Bytes of the header of a signature, decoded: a few certificates of the longest usual keys."""
_HEADER_VALUES: Final = 200
_LARGEST_KEY: Final = 8_192
_LARGEST_EXPONENT: Final = (1 << 32) - 1
"""Bits and public exponent of an RSA key; what larger ones cost to verify with grows steeply."""

_ALGORITHMS: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "RS256": hashes.SHA256(),
    "RS384": hashes.SHA384(),
    "RS512": hashes.SHA512(),
}
_PART: Final = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_CHAIN: Final = 16


class _MalformedError(Exception):
    """What is wrong with a signature: the slug of a rule and a hint."""

    def __init__(self, rule: str, hint: str) -> None:
        super().__init__(hint)
        self.rule, self.hint = rule, hint


@dataclass(slots=True)
class Allowance:
    """What is left of the values that the payloads of several signatures may hold together."""

    values: int = 100_000
    is_used_up: bool = False
    """Whether a payload held more than were left."""

    def spend(self, text: bytes) -> None:
        """Count the values of a JSON text before it is read.

        _MalformedError when there are more than are left.
        """
        try:
            check_values(text, self.values)
        except TooManyValuesError:
            self.is_used_up = True
            hint = (
                "the signatures of a request hold too many values in their payloads: sign smaller statements,"
                f" or send fewer at once ({self.values} values were left for this one)"
            )
            raise _MalformedError("signature.payload", hint) from None
        self.values -= separators(without_strings(text)) + 1


def check_signature(
    data: bytes,
    statement: Mapping[str, Any],
    version: Version,
    *,
    pointer: str,
    index: int | None = None,
    allowance: Allowance | None = None,
) -> list[Problem]:
    """What is wrong with the data of a signature on a statement that has passed the rules.

    `pointer` and `index` say where the attachment is declared, for the problem. The payload is counted
    towards the `allowance`, which the signatures of a request share.
    """
    try:
        _check(data, statement, version, allowance or Allowance())
    except _MalformedError as found:
        return [problem(found.rule, pointer, found.hint, index=index)]
    return []


def _check(data: bytes, statement: Mapping[str, Any], version: Version, allowance: Allowance) -> None:
    try:
        text = data.decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    parts = text.split(".", 3)
    if len(data) > LARGEST or len(parts) != 3 or not all(_PART.fullmatch(part) for part in parts):
        hint = "send the signature in JWS Compact Serialization: header.payload.signature, base64url each"
        raise _MalformedError("signature.jws", hint)
    header, payload, signature = (_decoded(part) for part in parts)
    algorithm, chain = _header(header)
    if chain:
        _verify(chain, algorithm, signature, f"{parts[0]}.{parts[1]}".encode("ascii"))
    allowance.spend(payload)
    _compare(payload, statement, version)


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        hint = "one of the three parts of the signature is not base64url"
        raise _MalformedError("signature.jws", hint) from None


def _json(raw: bytes) -> Any:
    try:
        return loads(raw)
    except ValueError:
        return None


def _header(raw: bytes) -> tuple[hashes.HashAlgorithm, list[x509.Certificate]]:
    if len(raw) > LARGEST_HEADER:
        hint = f"the header of a signature may have at most {LARGEST_HEADER} bytes"
        raise _MalformedError("signature.jws", hint)
    try:
        check_values(raw, _HEADER_VALUES)
    except TooManyValuesError as error:
        raise _MalformedError("signature.jws", f"the header of the signature is too much: {error}") from None
    header = _json(raw)
    if not isinstance(header, dict):
        raise _MalformedError("signature.jws", "the header of the signature is not a JSON object")
    name = header.get("alg")
    algorithm = _ALGORITHMS.get(name) if isinstance(name, str) else None
    if algorithm is None:
        raise _MalformedError("signature.algorithm", "sign with RS256, RS384 or RS512")
    if "crit" in header:
        hint = "the header of the signature names extensions (crit) that are not understood here"
        raise _MalformedError("signature.jws", hint)
    if "x5c" not in header:
        return algorithm, []
    listed = header["x5c"]
    if not isinstance(listed, list) or not 0 < len(listed) <= _LONGEST_CHAIN:
        hint = "x5c is an array of certificates, the signer's first"
        raise _MalformedError("signature.certificate", hint)
    return algorithm, [_certificate(each) for each in listed]


def _certificate(text: object) -> x509.Certificate:
    try:
        if isinstance(text, str):
            return x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
    except (ValueError, x509.InvalidVersion):
        pass
    hint = "each member of x5c is an X.509 certificate: DER, in base64 (not base64url)"
    raise _MalformedError("signature.certificate", hint)


def _verify(
    chain: list[x509.Certificate], algorithm: hashes.HashAlgorithm, signature: bytes, signed: bytes
) -> None:
    for certificate in chain:
        _check_key(certificate)
    for certificate, issuer in pairwise(chain):
        try:
            _check_issued(certificate, issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            hint = "in x5c, each certificate must be issued by the one that follows it"
            raise _MalformedError("signature.certificate", hint) from None
    try:
        key = chain[0].public_key()
        if isinstance(key, RSAPublicKey):
            key.verify(signature, signed, PKCS1v15(), algorithm)
            return
    except (ValueError, InvalidSignature, UnsupportedAlgorithm):
        pass
    hint = "the signature does not verify with the RSA key of the first certificate in x5c"
    raise _MalformedError("signature.verify", hint)


def _check_key(certificate: x509.Certificate) -> None:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return  # whatever verifies with it says what is wrong
    if isinstance(key, RSAPublicKey) and (
        key.key_size > _LARGEST_KEY or key.public_numbers().e > _LARGEST_EXPONENT
    ):
        hint = f"the RSA keys in x5c may have at most {_LARGEST_KEY} bits, and an exponent of at most 32"
        raise _MalformedError("signature.certificate", hint)


def _check_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    try:
        certificate.verify_directly_issued_by(issuer)
    except ValueError:
        # The library no longer judges SHA-1, which the specification's own example is certified with.
        key = issuer.public_key()
        sha1 = isinstance(certificate.signature_hash_algorithm, hashes.SHA1)
        if not sha1 or certificate.issuer != issuer.subject or not isinstance(key, RSAPublicKey):
            raise
        key.verify(certificate.signature, certificate.tbs_certificate_bytes, PKCS1v15(), hashes.SHA1())  # noqa: S303


def _compare(payload: bytes, statement: Mapping[str, Any], version: Version) -> None:
    signed = _json(payload)
    if signed is None or check_statement(signed, version):
        hint = "the payload of the signature is not a valid statement in JSON"
        raise _MalformedError("signature.payload", hint)
    one, other = _unsigned(signed), _unsigned(statement)
    places = differences(one, other, version)
    if "timestamp" in one and "timestamp" not in other:
        places.append("/timestamp")
    if "id" in one and "id" in other and one["id"].lower() != other["id"].lower():
        places.insert(0, "/id")
    if places:
        hint = f"the signed statement is not the statement sent; it differs at {', '.join(places)}"
        raise _MalformedError("signature.payload", hint)


def _unsigned(statement: Mapping[str, Any]) -> dict[str, Any]:
    """The statement without its signatures; without attachments when there are no others.

    Without `stored`, too: here nobody but the sender wrote it, and a timestamp that equals it would be taken
    for one that the store assigned, which no comparison looks at.
    """
    bare = dict(statement)
    bare.pop("stored", None)
    kept = [each for each in bare.pop("attachments", ()) if each["usageType"] != SIGNATURE_USAGE]
    if kept:
        bare["attachments"] = kept
    return bare

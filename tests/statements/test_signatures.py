"""Signed statements, with keys and certificates made here."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.x509.oid import NameOID

from statements import signatures
from statements.attachments import SIGNATURE_USAGE
from statements.data_types.exact_json import loads
from statements.data_types.versions import Version
from statements.signatures import LARGEST, LARGEST_HEADER, Allowance, check_signature
from tests.statements.samples import AUTHORITY, OTHER_ID, agent, statement

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def certificate(name: str, key: Key, issuer: str, signer: Key) -> str:
    """A certificate as x5c carries it; long expired, which is not looked at."""
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2013, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2014, 1, 1, tzinfo=UTC))
        .sign(signer, hashes.SHA256())
    )
    return base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()


def with_sha1(text: str, signer: rsa.RSAPrivateKey) -> str:
    """The same certificate signed with SHA-1, which the library still reads but no longer makes."""
    der = base64.b64decode(text)
    made = x509.load_der_x509_certificate(der)
    sha256, sha1 = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    signature = signer.sign(made.tbs_certificate_bytes.replace(sha256, sha1), PKCS1v15(), hashes.SHA1())
    return base64.b64encode(der.replace(sha256, sha1).replace(made.signature, signature)).decode()


KEY = rsa.generate_private_key(65537, 2048)
ROOT_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
LEAF = certificate("Siti", KEY, "Root", ROOT_KEY)
ROOT = certificate("Root", ROOT_KEY, "Root", ROOT_KEY)
OLD_LEAF = with_sha1(LEAF, ROOT_KEY)
FORGED_OLD_LEAF = with_sha1(LEAF, KEY)
STRANGER = certificate("Stranger", ROOT_KEY, "Stranger", ROOT_KEY)
EC_LEAF = certificate("Siti", EC_KEY, "Root", ROOT_KEY)

SIGNATURE = {
    "usageType": SIGNATURE_USAGE,
    "display": {"en": "Signature"},
    "contentType": "application/octet-stream",
    "length": 1,
    "sha2": "0" * 64,
}
CERTIFICATE = {**SIGNATURE, "usageType": "https://example.org/usage/certificate"}


def sign(payload: object, algorithm: str = "RS256", key: Any = KEY, **headers: Any) -> bytes:
    text = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return jwt.api_jws.PyJWS().encode(text, key, algorithm=algorithm, headers=headers).encode()


def check(data: bytes, value: dict[str, Any] | None = None) -> list[str]:
    """The rules that the signature breaks; the same in both versions."""
    sent = value or statement(attachments=[SIGNATURE])
    one, two = (
        check_signature(data, sent, version, pointer="/attachments/0", index=3) for version in Version
    )
    assert one == two
    assert all((each.index, each.pointer) == (3, "/attachments/0") for each in one)
    return [each.rule for each in one]


@pytest.mark.parametrize(
    "headers",
    [{}, {"x5c": [LEAF]}, {"x5c": [LEAF, ROOT]}, {"x5c": [OLD_LEAF, ROOT]}],
    ids=["bare", "leaf", "chain", "SHA-1 chain"],
)
@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_the_three_algorithms_are_taken_with_and_without_certificates(
    algorithm: str, headers: dict[str, Any]
) -> None:
    """XAPI-00117: RS256, RS384 and RS512; x5c is not required, and its dates and trust are not judged."""
    assert check(sign(statement(), algorithm, **headers)) == []


@pytest.mark.parametrize(
    ("signed", "sent"),
    [
        (statement(), statement(attachments=[SIGNATURE])),
        (statement(id=None), statement(attachments=[SIGNATURE])),
        (statement(timestamp=None), statement(attachments=[SIGNATURE])),
        (statement(timestamp="2026-11-23T17:00:00+07:00"), statement(attachments=[SIGNATURE])),
        (statement(), statement(attachments=[SIGNATURE], authority=AUTHORITY)),
        (statement(), statement(attachments=[SIGNATURE, SIGNATURE])),
        (statement(attachments=[CERTIFICATE]), statement(attachments=[SIGNATURE, CERTIFICATE])),
    ],
)
def test_the_payload_is_the_same_statement(signed: dict[str, Any], sent: dict[str, Any]) -> None:
    """XAPI-00116: equal by the rules of comparison, signatures left out on both sides."""
    assert check(sign(signed), sent) == []


@pytest.mark.parametrize(
    "signed",
    [
        statement(actor=agent("budi")),
        statement(id=OTHER_ID),
        statement(attachments=[CERTIFICATE]),
        statement(verb=None),
        [statement()],
        "statement",
        None,
        json.dumps(statement()).replace('"', "'", 1).encode(),
        b"",
        b"\xff",
    ],
)
def test_another_payload_is_refused(signed: object) -> None:
    """XAPI-00116: another statement, an invalid one or something that is not JSON."""
    rule = "signature.jws" if signed == b"" else "signature.payload"
    assert check(sign(signed)) == [rule]


@pytest.mark.parametrize(
    "moved",
    [
        {"timestamp": "2030-01-01T00:00:00Z"},
        {"timestamp": "2030-01-01T00:00:00Z", "stored": "2030-01-01T00:00:00Z"},
        {"timestamp": None},
    ],
    ids=["another", "another that claims to be the store's", "left to the store"],
)
def test_a_signed_time_cannot_be_moved(moved: dict[str, Any]) -> None:
    """XAPI-00116: what was signed with a timestamp is sent with it, whatever the sender says of `stored`."""
    signed = statement()
    assert check(sign(signed), statement(**moved)) == ["signature.payload"]
    also = {**signed, "stored": signed["timestamp"]}
    assert check(sign(also), statement(**moved)) == ["signature.payload"]


def test_a_difference_is_named_by_its_place() -> None:
    """The hint says where the two differ and shows nothing of them."""
    data = sign(statement(actor=agent("budi", name="Siti")))
    (problem,) = check_signature(data, statement(), Version.V1, pointer="/attachments/0")
    assert "/actor/mbox" in problem.hint
    assert "budi" not in problem.hint


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [("HS256", "secret-of-thirty-two-characters-."), ("ES256", EC_KEY), ("PS256", KEY), ("none", None)],
)
def test_other_algorithms_are_refused(algorithm: str, key: Any) -> None:
    """XAPI-00117: no other algorithm, and above all not `none`."""
    data = sign(statement(), algorithm, key)
    assert check(data if algorithm != "none" else data + b"AA") == ["signature.algorithm"]


def test_a_broken_signature_is_found_by_its_certificate() -> None:
    """Data 2.6: with x5c the signature must verify against the first certificate."""
    header, payload, _ = sign(statement(), x5c=[LEAF]).split(b".")
    other = sign(statement(), key=ROOT_KEY, x5c=[LEAF])
    assert check(other) == ["signature.verify"]
    assert check(b".".join([header, payload, b"AAAA"])) == ["signature.verify"]
    assert check(sign(statement(), "RS256", EC_KEY and KEY, x5c=[EC_LEAF])) == ["signature.verify"]


@pytest.mark.parametrize(
    "chain",
    [
        [],
        "text",
        [1],
        ["not base64!"],
        ["AAAA"],
        [LEAF, STRANGER],
        [ROOT, LEAF],
        [OLD_LEAF, STRANGER],
        [FORGED_OLD_LEAF, ROOT],
        [LEAF] + [ROOT] * 16,
        {},
    ],
)
def test_a_broken_chain_is_refused(chain: object) -> None:
    """Data 2.6: x5c is an array of certificates, each issued by the next."""
    assert check(sign(statement(), x5c=chain)) == ["signature.certificate"]


def test_a_certificate_of_an_unknown_version_is_refused() -> None:
    """Data 2.6: a version that X.509 does not have is told to the sender like any other damage."""
    damaged = bytearray(base64.b64decode(LEAF))
    version = damaged.find(b"\xa0\x03\x02\x01\x02") + 4
    damaged[version] = 7
    chain = [base64.b64encode(damaged).decode()]
    assert check(sign(statement(), x5c=chain)) == ["signature.certificate"]


def encoded(header: object) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"abc",
        b"a.b",
        b"a.b.c.d",
        b"..",
        b"\xff.a.b",
        b'{"payload":"e30","signatures":[]}',
        sign(statement()).replace(b".", b"+.", 1),
        b"A.e30.AAAA",
        encoded([]) + b".e30.AAAA",
        encoded({"alg": "RS256", "crit": ["b64"], "b64": False}) + b".e30.AAAA",
        sign(statement()) + b"A" * LARGEST,
    ],
)
def test_what_is_no_compact_jws_is_refused(data: bytes) -> None:
    """XAPI-00115: three base64url parts with a JSON header that is understood, of bounded size."""
    assert check(data) == ["signature.jws"]


@pytest.mark.parametrize("header", [{}, {"alg": None}, {"alg": ["RS256"]}, {"alg": "rs256"}])
def test_a_header_without_a_known_algorithm_is_refused(header: dict[str, Any]) -> None:
    """XAPI-00117: `alg` must be there, spelled exactly."""
    assert check(encoded(header) + b".e30.AAAA") == ["signature.algorithm"]


BOMB = b'{"x":[' + b",".join([b"1e1"] * 190_000) + b"]}"
"""700 KB of JSON with values of four bytes."""


@pytest.mark.parametrize(
    ("header", "payload", "rule"),
    [
        (BOMB, b"e30", "signature.jws"),
        (b'{"alg":"RS256","x":[' + b",".join([b"1e1"] * 300) + b"]}", b"{}", "signature.jws"),
        (b'{"alg":"RS256","x":"' + b"x" * LARGEST_HEADER + b'"}', b"{}", "signature.jws"),
        (b'{"alg":"RS256"}', BOMB, "signature.payload"),
    ],
    ids=["bytes and values of the header", "its values", "its bytes", "values of the payload"],
)
def test_too_much_json_in_a_signature_is_not_read(
    header: bytes, payload: bytes, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes of the header and the values of both are counted before anything is made of them."""

    def small(raw: bytes) -> Any:
        assert len(raw) < 100
        return loads(raw)

    monkeypatch.setattr(signatures, "loads", small)
    parts = [base64.urlsafe_b64encode(each).rstrip(b"=") for each in (header, payload, b"signature")]
    assert check(b".".join(parts)) == [rule]


def test_the_payloads_of_a_request_share_an_allowance() -> None:
    """Each payload is counted; the one that finds too little left is refused, and says so."""
    data, allowance, found = sign(statement()), Allowance(30), []
    while not allowance.is_used_up:
        found += check_signature(data, statement(), Version.V1, pointer="/a/0", allowance=allowance)
    (refused,) = found
    assert refused.rule == "signature.payload"
    assert "send fewer" in refused.hint
    assert 0 < allowance.values < 30


def test_a_payload_of_any_depth_is_answered() -> None:
    """Hundreds of levels are another statement, or no JSON; they break nothing."""
    for levels in (60, 500, 900, 5_000):
        nested = b"[" * levels + b"]" * levels
        deep = json.dumps(statement(context={"extensions": {"https://example.org/x": "HERE"}})).encode()
        assert check(sign(deep.replace(b'"HERE"', nested))) == ["signature.payload"]


@pytest.mark.parametrize("exponent", [3, 65537, 2**32 - 1, 2**32 + 1, 2**2047 + 1])
def test_keys_that_are_slow_to_verify_with_are_refused(exponent: int) -> None:
    """A public exponent of a thousand bits makes each verification as slow as signing."""
    numbers = rsa.RSAPublicNumbers(exponent, KEY.public_key().public_numbers().n)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Siti")]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root")]))
        .public_key(numbers.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2013, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2014, 1, 1, tzinfo=UTC))
        .sign(ROOT_KEY, hashes.SHA256())
    )
    chain = [base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()]
    expected = {65537: []}.get(exponent, ["signature.verify"])
    assert check(sign(statement(), x5c=chain)) == (
        expected if exponent < 2**32 else ["signature.certificate"]
    )

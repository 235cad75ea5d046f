"""Attachments over HTTP: multipart in and out, hashes, limits, signatures, tenants."""

from __future__ import annotations

import base64
import hashlib
import json
import resource
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any

import pytest

from lrs.http.xapi.application import XapiApplication
from lrs.store.port import Store
from tests.lrs.client import V1, V2, Answer, Client, multipart
from tests.lrs.conftest import LIMITS
from tests.lrs.samples import statement

SIGNATURE = "http://adlnet.gov/expapi/attachments/signature"
JSON = {"Content-Type": "application/json"}


def declared(data: bytes, algorithm: str = "sha256", **more: str) -> dict[str, Any]:
    return {
        "usageType": "https://example.org/usage/photo",
        "display": {"id": "Foto"},
        "contentType": "image/jpeg",
        "length": len(data),
        "sha2": hashlib.new(algorithm, data).hexdigest(),
        **more,
    }


def part(data: bytes, algorithm: str = "sha256", **headers: str) -> tuple[dict[str, str], bytes]:
    return {
        "Content-Type": "image/jpeg",
        "Content-Transfer-Encoding": "binary",
        "X-Experience-API-Hash": hashlib.new(algorithm, data).hexdigest(),
        **headers,
    }, data


def send(client: Client, statements: object, *parts: tuple[dict[str, str], bytes]) -> Answer:
    body, headers = multipart((JSON, json.dumps(statements).encode()), *parts)
    return client.post("/statements", body, headers=headers)


def received(answer: Answer) -> tuple[Any, dict[str, bytes]]:
    """The JSON and the attachments of a multipart answer, by hash, read by Python's own parser."""
    kind = answer.headers["content-type"]
    assert kind.startswith("multipart/mixed")
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + kind.encode() + b"\r\n\r\n" + answer.body
    )
    assert not message.defects
    parts: list[Any] = list(message.iter_parts())
    first, *rest = parts
    assert first.get_content_type() == "application/json"
    found = {}
    for each in rest:
        assert each["Content-Transfer-Encoding"] == "binary"
        found[each["X-Experience-API-Hash"]] = each.get_payload(decode=True)
    return json.loads(first.get_payload(decode=True)), found


@pytest.mark.parametrize("version", [V1, V2])
@pytest.mark.parametrize("data", [b"", b"text", b"\r\n--b0undar\r\n--\r\n", bytes(range(256)) * 700])
@pytest.mark.parametrize("algorithm", ["sha224", "sha256", "sha384", "sha512"])
def test_data_comes_back_byte_for_byte(client: Client, version: str, data: bytes, algorithm: str) -> None:
    """Any bytes, with any SHA-2, in a list and in a single statement."""
    client = client.speaking(version)
    attachment = declared(data, algorithm)
    sent = statement(attachments=[attachment])
    assert send(client, sent, part(data, algorithm)).status == 200
    single, found = received(client.get("/statements", {"statementId": sent["id"], "attachments": "true"}))
    assert single["id"] == sent["id"]
    assert found == {attachment["sha2"]: data}
    listed, found = received(client.get("/statements", {"attachments": "true"}))
    assert listed["more"] == ""
    assert found == {attachment["sha2"]: data}


def test_without_attachments_the_answer_is_json(client: Client) -> None:
    """XAPI-00161: the parameter false, or none, gives application/json; true is always multipart."""
    client.post("/statements", statement())
    for params in ({}, {"attachments": "false"}):
        assert client.get("/statements", params).headers["content-type"] == "application/json"
    assert received(client.get("/statements", {"attachments": "true"}))[1] == {}
    head = client.call("HEAD", "/statements", {"attachments": "true"})
    assert (head.status, head.body) == (200, b"")


def test_data_shared_by_statements_is_sent_and_returned_once(client: Client) -> None:
    """One part serves every statement that declares its hash; SubStatements may declare it too."""
    data = b"certificate"
    one, two = statement(attachments=[declared(data)]), statement()
    two["object"] = {**statement(attachments=[declared(data)]), "objectType": "SubStatement"}
    del two["object"]["id"]
    assert send(client, [one, two], part(data)).status == 200
    _, found = received(client.get("/statements", {"attachments": "true"}))
    assert list(found.values()) == [data]


def test_a_file_url_needs_no_data_yet_may_have_it(client: Client) -> None:
    """JSON or multipart, with the data or without."""
    data = b"report"
    linked = [declared(data, fileUrl="https://example.org/report.pdf")]
    assert client.post("/statements", statement(attachments=linked)).status == 200
    assert send(client, statement(attachments=linked)).status == 200
    assert received(client.get("/statements", {"attachments": "true"}))[1] == {}
    assert send(client, statement(attachments=linked), part(data)).status == 200
    assert list(received(client.get("/statements", {"attachments": "true"}))[1].values()) == [data]


def test_multipart_without_attachments_is_valid(client: Client) -> None:
    """A first part with the statements is enough; PUT too."""
    assert send(client, [statement(), statement()]).status == 200
    sent = statement()
    body, headers = multipart((JSON, json.dumps(sent).encode()))
    assert client.put("/statements", {"statementId": sent["id"]}, body, headers=headers).status == 204


DATA = b"some data"


@pytest.mark.parametrize(
    ("parts", "rule"),
    [
        ([], "attachment.data-missing"),
        ([part(b"other")], "attachment.part-not-declared"),
        ([part(DATA), part(b"excess")], "attachment.part-not-declared"),
        ([part(DATA, **{"X-Experience-API-Hash": "0" * 64})], "attachment.hash"),
        ([part(DATA, **{"X-Experience-API-Hash": "nonsense"})], "attachment.hash"),
        ([({"Content-Transfer-Encoding": "binary"}, DATA)], "attachment.hash"),
        ([part(DATA, **{"Content-Transfer-Encoding": "base64"})], "attachment.encoding"),
        ([({"X-Experience-API-Hash": hashlib.sha256(DATA).hexdigest()}, DATA)], "attachment.encoding"),
    ],
)
def test_parts_that_do_not_fit_are_refused(
    client: Client, parts: list[tuple[dict[str, str], bytes]], rule: str
) -> None:
    """XAPI-00128 to XAPI-00135: missing, excess, untrue or wrongly encoded parts store nothing."""
    answer = send(client, [statement(), statement(attachments=[declared(DATA)])], *parts)
    assert answer.status == 400
    assert rule in answer.rules
    assert client.statements() == []


def test_json_alone_needs_a_file_url_for_every_attachment(client: Client) -> None:
    """XAPI-00129: application/json cannot carry data."""
    answer = client.post("/statements", statement(attachments=[declared(DATA)]))
    assert answer.rules == {"attachment.data-missing"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/mixed; boundary=b"),
        (b"no boundary here", "multipart/mixed; boundary=b"),
        (b"--b\r\nContent-Type: application/json\r\n\r\n{}", "multipart/mixed; boundary=b"),
        (b"--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b", "multipart/mixed; boundary=b"),
        (b"--b--\r\n", "multipart/mixed; boundary=b"),
        (b"--b\r\nContent-Type: text/plain\r\n\r\n{}\r\n--b--", "multipart/mixed; boundary=b"),
        (b"--b\r\nno colon\r\n\r\n{}\r\n--b--", "multipart/mixed; boundary=b"),
        (b"--bx\r\nContent-Type: application/json\r\n\r\n{}\r\n--bx--", "multipart/mixed; boundary=b"),
        (b"--b\r\nA: " + b"x" * 20_000, "multipart/mixed; boundary=b"),
        (b"--b--", "multipart/mixed"),
        (b"--b--", "multipart/mixed;"),
        (b"--b--", "multipart/mixed; boundary="),
        (b"--b--", 'multipart/mixed; boundary=""'),
        (b"--b--", "multipart/mixed; boundary=" + "b" * 71),
        (b"--b\r\n\r\n{}\r\n--b--", "multipart/form-data; boundary=b"),
        (b"{}", "text/plain"),
        (b"{}", ""),
        (b"\r\n\r\n" * 5_000, "multipart/mixed; boundary=b"),
    ],
)
def test_a_malformed_multipart_body_is_refused(client: Client, body: bytes, kind: str) -> None:
    """No boundary, no end, no JSON first, another type: 400 with a rule."""
    answer = client.post("/statements", body, headers={"Content-Type": kind} if kind else {})
    assert answer.status == 400
    assert answer.rules & {"request.multipart", "request.content-type"}


def test_lenient_where_real_clients_are_careless(client: Client) -> None:
    """A line break before the first boundary, headers without a space, a preamble are fine."""
    sent = statement(attachments=[declared(DATA)])
    body = (
        b"\r\n--b\r\ncontent-type:application/json;charset=utf-8\r\n\r\n%b\r\n--b \t\r\n"
        b"Content-Type:image/jpeg\r\nCONTENT-TRANSFER-ENCODING:binary\r\nx-experience-api-hash:%b\r\n\r\n%b\r\n"
        b"--b--\r\nepilogue"
    ) % (json.dumps(sent).encode(), hashlib.sha256(DATA).hexdigest().upper().encode(), DATA)
    for start in (b"", b"preamble\r\n"):
        answer = client.post(
            "/statements", start + body, headers={"Content-Type": "multipart/mixed; boundary=b"}
        )
        assert answer.status == 200, answer.body


def test_limits_bound_the_statements_and_the_whole(client: Client) -> None:
    """413 for a first part or a body that is too large, known beforehand or not."""
    large = bytes(LIMITS.max_attachment_bytes)
    assert send(client, statement(attachments=[declared(large)]), part(large)).status == 413
    wide = statement(result={"response": "x" * LIMITS.max_body_bytes})
    assert send(client, wide).status == 413
    assert client.post("/statements", wide).status == 413
    body, headers = multipart((JSON, b"[]"), part(large))
    chunked = {**headers, "Content-Length": "", "Transfer-Encoding": "chunked"}
    assert client.post("/statements", body, headers=chunked).status == 413
    assert client.statements() == []


def test_another_tenant_cannot_read_data_by_knowing_its_hash(client: Client, store: Store) -> None:
    """A fileUrl attachment with the hash of another tenant's data opens nothing."""
    data = b"confidential"
    send(client, statement(attachments=[declared(data)]), part(data))
    other = client.as_(store, "all", tenant="two")
    other.post("/statements", statement(attachments=[declared(data, fileUrl="https://example.org/x")]))
    assert received(other.get("/statements", {"attachments": "true"}))[1] == {}


def test_data_of_others_stays_closed_to_who_sees_only_its_own(client: Client, store: Store) -> None:
    """With `statements/read/mine` a fileUrl attachment opens no data that another credential sent."""
    data, own = b"confidential", b"sent by itself"
    send(client, statement(attachments=[declared(data)]), part(data))
    narrow = client.as_(store, "statements/write", "statements/read/mine")
    narrow.post("/statements", statement(attachments=[declared(data, fileUrl="https://example.org/x")]))
    assert send(narrow, statement(attachments=[declared(own)]), part(own)).status == 200
    assert set(received(narrow.get("/statements", {"attachments": "true"}))[1].values()) == {own}
    assert set(received(client.get("/statements", {"attachments": "true"}))[1].values()) == {own, data}


def test_many_parts_need_one_file(client: Client) -> None:
    """A request with more large parts than a process may have files open is stored all the same."""
    parts = [bytes([number]) * 70_000 for number in range(25)]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    last = max(int(each.name) for each in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (last + 10, most[1]))
    try:
        answer = send(client, statement(attachments=[declared(each) for each in parts]), *map(part, parts))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
    assert answer.status == 200
    found = received(client.get("/statements", {"attachments": "true"}))[1]
    assert sorted(found.values()) == parts


def test_a_declared_type_cannot_add_headers_to_the_answer(client: Client) -> None:
    """Line breaks inside contentType do not reach the header of a part."""
    sent = statement(attachments=[declared(DATA, contentType="image/jpeg\r\nX-Evil: 1")])
    if send(client, sent, part(DATA)).status == 200:
        assert b"\r\nX-Evil" not in client.get("/statements", {"attachments": "true"}).body


def signed(value: dict[str, Any], algorithm: str = "RS256") -> bytes:
    """A signature without a certificate: nothing but header and payload can be checked."""

    def coded(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    header = coded(json.dumps({"alg": algorithm}).encode())
    return b".".join((header, coded(json.dumps(value).encode()), coded(b"signature")))


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_a_signed_statement_without_a_certificate_is_accepted(client: Client, algorithm: str) -> None:
    """The payload must be the statement; without x5c nothing else can be asked."""
    sent = statement()
    jws = signed(sent, algorithm)
    sent["attachments"] = [declared(jws, usageType=SIGNATURE, contentType="application/octet-stream")]
    octets = {"Content-Type": "application/octet-stream"}
    assert send(client, sent, part(jws, **octets)).status == 200


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"algorithm": "HS256"}, "signature.algorithm"),
        ({"algorithm": "none"}, "signature.algorithm"),
        ({"other": True}, "signature.payload"),
        ({"kind": "text/plain"}, "signature.content-type"),
        ({"data": b"not a signature"}, "signature.jws"),
        ({"data": b"x" * (1 << 20) + b"y"}, "signature.jws"),
    ],
)
def test_a_false_signature_is_refused(client: Client, change: dict[str, Any], rule: str) -> None:
    """Wrong algorithm, payload, type or form: 400, and nothing is stored."""
    sent = statement()
    payload = statement("budi") if change.get("other") else sent
    jws = change.get("data") or signed(payload, change.get("algorithm", "RS256"))
    kind = change.get("kind", "application/octet-stream")
    sent["attachments"] = [declared(jws, usageType=SIGNATURE, contentType=kind)]
    answer = send(client, sent, part(jws, **{"Content-Type": kind}))
    assert answer.status == 400
    assert rule in answer.rules
    assert client.statements() == []


def test_temporary_files_are_closed_whatever_happens(
    client: Client, xapi: XapiApplication, recwarn: pytest.WarningsRecorder
) -> None:
    """Data above the memory bound waits in a file, which is closed on success and on refusal."""
    large = bytes(300_000)
    assert send(client, statement(attachments=[declared(large)]), part(large)).status == 200
    assert send(client, statement(), part(large)).status == 400
    assert send(client, statement(attachments=[declared(large)]), part(large), part(b"x")).status == 400
    import gc

    gc.collect()
    assert [each for each in recwarn if issubclass(each.category, ResourceWarning)] == []


def without_line_breaks(statements: object, *datas: bytes, boundary: bytes = b"b0undary") -> bytes:
    """A body as TinCanJS and @xapi/xapi make it: no line break after an attachment but the last."""
    body = (
        b"--"
        + boundary
        + b"\r\nContent-Type: application/json\r\n\r\n"
        + json.dumps(statements).encode()
        + b"\r\n"
    )
    for data in datas:
        headers, _ = part(data)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        body += b"--" + boundary + b"\r\n" + lines.encode() + b"\r\n" + data
    return body + b"\r\n--" + boundary + b"--\r\n"


@pytest.mark.parametrize(
    "datas",
    [
        (b"first", b"second"),
        (b"first", b"second", b"third"),
        (b"ends with a line break\r\n", b"and another\r\n"),
        (b"names the --b0undary itself", b"--b0undary--", b"second"),
        (b"", b"second"),
    ],
)
def test_two_attachments_without_a_line_break_between_them_are_stored(
    client: Client, datas: tuple[bytes, ...]
) -> None:
    """The hash tells where the data of each ends, whatever it holds."""
    sent = statement(attachments=[declared(data) for data in datas])
    body = without_line_breaks(sent, *datas)
    answer = client.post("/statements", body, headers={"Content-Type": "multipart/mixed; boundary=b0undary"})
    assert answer.status == 200, answer.body
    _, found = received(client.get("/statements", {"attachments": "true"}))
    assert sorted(found.values()) == sorted(datas)


def test_a_missing_line_break_is_named_when_no_hash_fits(client: Client) -> None:
    """Two attachments of which the first has another hash: the hint says what may be missing."""
    sent = statement(attachments=[declared(b"first"), declared(b"second")])
    body = without_line_breaks(sent, b"first", b"second").replace(
        hashlib.sha256(b"first").hexdigest().encode(), b"0" * 64
    )
    answer = client.post("/statements", body, headers={"Content-Type": "multipart/mixed; boundary=b0undary"})
    assert answer.status == 400
    assert answer.rules == {"attachment.hash"}
    assert "part 2" in answer.json["detail"]
    assert "line break (CRLF)" in answer.json["detail"]
    assert client.statements() == []

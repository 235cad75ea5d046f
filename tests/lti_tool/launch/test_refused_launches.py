"""The bad payloads of the 1EdTech certification list and the known attacks, each refused by its code."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from lrs.store import json_documents
from lrs.store.documents import DocumentQuery
from lrs.store.port import Writer
from lti_tool.tokens import digest
from lti_tool.web.cookies import login_name
from tests.lti_tool.conftest import World
from tests.lti_tool.platform import (
    AGS_CLAIM,
    CLAIM,
    DL_CLAIM,
    TOOL,
    Clock,
    TestPlatform,
    answer,
    private_key,
    public_jwk,
)

NOW = 1_763_900_000

BAD_CLAIMS: list[tuple[str, dict[str, Any], str]] = [
    ("wrong LTI version", {CLAIM + "version": "1.1"}, "LTI-40"),
    ("no LTI version", {CLAIM + "version": None}, "LTI-40"),
    ("not an LTI message", dict.fromkeys([CLAIM + "version", CLAIM + "message_type"]), "LTI-40"),
    ("unknown message type", {CLAIM + "message_type": "LtiHello"}, "LTI-41"),
    ("missing message type", {CLAIM + "message_type": None}, "LTI-41"),
    ("message type is a list", {CLAIM + "message_type": ["LtiResourceLinkRequest"]}, "LTI-41"),
    ("missing roles", {CLAIM + "roles": None}, "LTI-42"),
    ("roles not a list", {CLAIM + "roles": "Instructor"}, "LTI-43"),
    ("roles of numbers", {CLAIM + "roles": [1]}, "LTI-43"),
    ("thousand roles", {CLAIM + "roles": ["Instructor"] * 1000}, "LTI-43"),
    ("missing deployment", {CLAIM + "deployment_id": None}, "LTI-42"),
    ("unknown deployment", {CLAIM + "deployment_id": "99"}, "LTI-35"),
    ("missing resource link", {CLAIM + "resource_link": None}, "LTI-42"),
    ("resource link without id", {CLAIM + "resource_link": {"title": "x"}}, "LTI-42"),
    ("resource link not an object", {CLAIM + "resource_link": "7"}, "LTI-43"),
    ("missing sub", {"sub": None}, "LTI-42"),
    ("empty sub", {"sub": ""}, "LTI-42"),
    ("sub is a number", {"sub": 42}, "LTI-43"),
    ("missing target_link_uri", {CLAIM + "target_link_uri": None}, "LTI-42"),
    ("context not an object", {CLAIM + "context": "3"}, "LTI-43"),
    ("name not a text", {"name": {"evil": 1}}, "LTI-43"),
    ("missing exp", {"exp": None}, "LTI-33"),
    ("missing iat", {"iat": None}, "LTI-33"),
    ("exp is a text", {"exp": "tomorrow"}, "LTI-33"),
    ("exp is true", {"exp": True}, "LTI-33"),
    ("exp beyond all floats", {"exp": 10**310}, "LTI-33"),
    ("iat beyond all floats", {"iat": -(10**310)}, "LTI-33"),
    ("nbf beyond all floats", {"nbf": 10**310}, "LTI-33"),
    ("exp beyond 64 bits", {"exp": 10**25}, "LTI-43"),
    ("half a surrogate pair in sub", {"sub": "\ud800"}, "LTI-43"),
    ("half a surrogate pair in name", {"name": "Budi \udfff"}, "LTI-43"),
    ("half a surrogate pair in locale", {"locale": "\ud800"}, "LTI-43"),
    ("half a surrogate pair in a context id", {CLAIM + "context": {"id": "\ud800"}}, "LTI-43"),
    ("half a surrogate pair in a custom name", {CLAIM + "custom": {"\ud800": "x"}}, "LTI-43"),
    ("half a surrogate pair in a custom value", {CLAIM + "custom": {"x": "\ud800"}}, "LTI-43"),
    ("half a surrogate pair in a claim of nobody's", {"https://x.example/": ["\udfff"]}, "LTI-43"),
    ("half a surrogate pair in roles", {CLAIM + "roles": ["\ud800"]}, "LTI-43"),
    (
        "half a surrogate pair in the return address",
        {CLAIM + "launch_presentation": {"return_url": "https://lms.example/\ud800"}},
        "LTI-43",
    ),
    ("half a surrogate pair in a scope", {AGS_CLAIM: {"scope": ["\ud800"]}}, "LTI-43"),
    ("an integer beyond 64 bits", {CLAIM + "custom": {"n": 10**25}}, "LTI-43"),
    (
        "an integer beyond 64 bits in the settings of deep linking",
        {
            CLAIM + "message_type": "LtiDeepLinkingRequest",
            DL_CLAIM + "deep_linking_settings": {"deep_link_return_url": "https://lms.example/", "n": 2**64},
        },
        "LTI-43",
    ),
    ("expired", {"iat": NOW - 90, "exp": NOW - 30}, "LTI-32"),
    ("a year old but not expired", {"iat": NOW - 31_536_000, "exp": NOW + 60}, "LTI-32"),
    ("issued in the future", {"iat": NOW + 60, "exp": NOW + 120}, "LTI-33"),
    ("expires before it was issued", {"iat": NOW + 5, "exp": NOW - 5}, "LTI-33"),
    ("not valid yet", {"nbf": NOW + 600}, "LTI-33"),
    ("wrong issuer", {"iss": "https://other.example"}, "LTI-30"),
    ("missing issuer", {"iss": None}, "LTI-30"),
    ("wrong audience", {"aud": "client-2"}, "LTI-31"),
    ("missing audience", {"aud": None}, "LTI-31"),
    ("audience is an object", {"aud": {"client-1": 1}}, "LTI-31"),
    ("azp is another client", {"azp": "client-2"}, "LTI-31"),
    ("several audiences without azp", {"aud": ["client-1", "client-2"]}, "LTI-31"),
    ("several audiences, authorised for another", {"aud": ["client-1", "x"], "azp": "x"}, "LTI-31"),
    ("wrong nonce", {"nonce": "guessed"}, "LTI-34"),
    ("missing nonce", {"nonce": None}, "LTI-34"),
    ("open redirect in target_link_uri", {CLAIM + "target_link_uri": "https://evil.example/"}, "LTI-06"),
    ("script in target_link_uri", {CLAIM + "target_link_uri": "javascript:alert(1)"}, "LTI-06"),
]


def refused(response: Any, code: str) -> None:
    """The page says the code, and nothing was opened."""
    assert code in response.get_data(as_text=True), response.get_data(as_text=True)
    assert 400 <= response.status_code < 600
    assert "Location" not in response.headers
    assert "__Host-launch_" not in str(response.headers)


@pytest.mark.parametrize(
    ("changes", "code"), [row[1:] for row in BAD_CLAIMS], ids=[row[0] for row in BAD_CLAIMS]
)
def test_a_bad_payload_is_refused(world: World, changes: dict[str, Any], code: str) -> None:
    """Each bad payload is refused with its own code and opens no session."""
    refused(world.visit().go(**changes), code)
    assert world.seen == []


def forged(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"x") -> str:
    """A token put together by hand."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    return ".".join((part(json.dumps(header).encode()), part(json.dumps(claims).encode()), part(signature)))


def hs256_with_public_key(platform: TestPlatform, claims: dict[str, Any]) -> str:
    """The classic swap: the public key used as an HMAC secret."""
    import hashlib
    import hmac

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = private_key(platform.key).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    unsigned = forged({"alg": "HS256", "kid": platform.kid}, claims, b"").rstrip(".")
    mac = hmac.new(pem, unsigned.encode(), hashlib.sha256).digest()
    return unsigned + "." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


BAD_TOKENS: list[tuple[str, Callable[[TestPlatform, dict[str, Any]], str], str]] = [
    ("no KID", lambda p, c: p.sign(c, headers={}), "LTI-23"),
    ("wrong KID", lambda p, c: p.sign(c, headers={"kid": "key-9"}), "LTI-24"),
    ("KID is a number", lambda p, c: forged({"alg": "RS256", "kid": 1}, c), "LTI-23"),
    ("wrong key", lambda p, c: p.sign(c, key="intruder"), "LTI-25"),
    ("alg none", lambda p, c: forged({"alg": "none", "kid": p.kid}, c, b""), "LTI-22"),
    ("alg HS256 with the public key", hs256_with_public_key, "LTI-22"),
    (
        "alg RS512",
        lambda p, c: jwt.encode(c, private_key(p.key), algorithm="RS512", headers={"kid": p.kid}),
        "LTI-22",
    ),
    ("changed claims under a good signature", lambda p, c: _swap(p.sign(c), {**c, "sub": "1"}), "LTI-25"),
    ("not a JWT", lambda p, c: "not.a-jwt", "LTI-21"),
    ("not base64", lambda p, c: "a.b.c", "LTI-21"),
    ("header not an object", lambda p, c: forged([], c), "LTI-21"),  # type: ignore[arg-type]
    ("empty", lambda p, c: "", "LTI-20"),
    ("enormous", lambda p, c: "x" * 70_000, "LTI-90"),
    ("key in the header", lambda p, c: _own_key(p, c), "LTI-25"),
]


def _swap(token: str, claims: dict[str, Any]) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{forged({}, claims).split('.')[1]}.{signature}"


def _own_key(platform: TestPlatform, claims: dict[str, Any]) -> str:
    header = {"kid": platform.kid, "jwk": public_jwk("intruder", platform.kid)}
    return platform.sign(claims, key="intruder", headers=header)


@pytest.mark.parametrize(
    ("make", "code"), [row[1:] for row in BAD_TOKENS], ids=[row[0] for row in BAD_TOKENS]
)
def test_a_bad_token_is_refused(
    world: World, make: Callable[[TestPlatform, dict[str, Any]], str], code: str
) -> None:
    """A token that is not signed by the platform's own named key with RS256 opens no session."""
    visit = world.visit()
    visit.login()
    refused(visit.launch(make(world.platform, world.platform.claims(visit.nonce))), code)


def test_a_launch_is_used_once(world: World) -> None:
    """Sending the same message again (nonce reuse, replay) is refused."""
    visit = world.visit()
    visit.login()
    token = world.platform.sign(world.platform.claims(visit.nonce))
    assert visit.launch(token).status_code == 303
    refused(visit.launch(token), "LTI-10")


def test_a_used_nonce_is_refused_in_another_login(world: World) -> None:
    """A message made for one login does not fit another login of the same browser."""
    visit = world.visit()
    visit.login()
    token = world.platform.sign(world.platform.claims(visit.nonce))
    visit.login()
    refused(visit.launch(token), "LTI-34")


def test_two_threads_cannot_consume_one_launch(world: World) -> None:
    """Of several launches with one state at the same time exactly one succeeds."""
    transactions = world.tool.launches.transactions
    transactions.begin(platform_id="p", state="s", nonce="n", browser_secret="b")
    outcomes: list[str] = []

    def attempt() -> None:
        try:
            transactions.consume("s", browser_secret="b")
            outcomes.append("consumed")
        except Exception as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["LTI-10 state_unknown"] * 7 + ["consumed"]


def test_login_csrf_is_refused(world: World) -> None:
    """A launch begun in the attacker's browser does not complete in the victim's."""
    attacker, victim = world.visit(), world.visit()
    attacker.login()
    token = world.platform.sign(world.platform.claims(attacker.nonce))
    refused(victim.launch(token, state=attacker.state), "LTI-11")
    assert attacker.launch(token).status_code == 303


def test_state_fixation_is_refused(world: World) -> None:
    """A state that an attacker chose, with a cookie planted for it, was never begun and is unknown."""
    visit = world.visit()
    visit.client.set_cookie(login_name("chosen"), "planted", domain="tool.example", secure=True)
    token = world.platform.sign(world.platform.claims("n"))
    refused(visit.launch(token, state="chosen"), "LTI-10")


def test_an_old_login_is_refused(world: World) -> None:
    """A login not completed within its time is unknown afterwards, and cleared from the store."""
    visit = world.visit()
    visit.login()
    world.clock.forward(601)
    refused(visit.launch(), "LTI-10")
    world.visit().login()
    with world.store.reading() as reader:
        assert len(reader.find_documents(DocumentQuery("launch-transaction", "", limit=9))) == 1


def test_another_clients_token_is_refused(world: World, clock: Clock) -> None:
    """A login as client 2 cannot be finished with a message that the platform made for client 1."""
    second = TestPlatform(clock, client_id="client-2")
    second.register(world.tool.platforms, world.wire, tenant="other")
    visit = world.visit(second)
    visit.login()
    refused(visit.launch(aud="client-1"), "LTI-31")
    visit.login()
    refused(visit.launch(aud=["client-2", "client-1"], azp="client-1"), "LTI-31")


def test_another_platforms_token_is_refused(world: World, clock: Clock) -> None:
    """One agency's platform cannot sign a message in another's name."""
    other = TestPlatform(clock, issuer="https://other.example", key="other")
    other.register(world.tool.platforms, world.wire, tenant="other")
    visit = world.visit()
    visit.login()
    token = other.sign({**world.platform.claims(visit.nonce)})
    refused(visit.launch(token), "LTI-25")


def test_a_stranger_platform_is_refused(world: World) -> None:
    """A login from an issuer or client that is not registered is refused."""
    refused(world.visit().login(iss="https://stranger.example"), "LTI-02")
    refused(world.visit().login(client_id="client-9"), "LTI-02")


@pytest.mark.parametrize("missing", ["iss", "login_hint", "target_link_uri"])
def test_an_incomplete_login_is_refused(world: World, missing: str) -> None:
    """A login without a required parameter is refused."""
    refused(world.visit().login(**{missing: None}), "LTI-01")


def test_a_repeated_parameter_is_refused(world: World) -> None:
    """A login that names two issuers could mean either, so it means neither."""
    query = [*world.platform.login_fields().items(), ("iss", "https://other.example")]
    response = world.app.test_client().get("/lti/login", query_string=query, base_url=TOOL)
    refused(response, "LTI-01")


def test_an_open_redirect_in_the_login_is_refused(world: World) -> None:
    """A target outside the tool is refused at the login already, and never followed."""
    refused(world.visit().login(target_link_uri="https://evil.example/"), "LTI-06")
    refused(world.visit().login(target_link_uri=TOOL + ".evil.example/"), "LTI-06")


def test_an_issuer_shared_by_clients_needs_a_client_id(world: World, clock: Clock) -> None:
    """Without client_id, two registrations that accept the same deployment cannot be told apart."""
    second = TestPlatform(clock, client_id="client-2")
    second.register(world.tool.platforms, world.wire)
    refused(world.visit().login(client_id=None), "LTI-03")


@pytest.mark.parametrize(("status", "code"), [("pending", "LTI-04"), ("disabled", "LTI-05")])
def test_a_platform_that_is_not_active_is_refused(world: World, status: str, code: str) -> None:
    """Pending and disabled platforms launch nothing, even when they were active at the login."""
    visit = world.visit()
    visit.login()
    world.tool.platforms.set_status(world.platform_id, status)
    refused(world.visit().login(), code)
    refused(visit.launch(), code)


def test_an_error_of_the_platform_becomes_a_page(world: World) -> None:
    """When the platform answers the login with an error, the person reads what to do."""
    response = world.app.test_client().post(
        "/lti/launch", data={"error": "login_required", "state": "s"}, base_url=TOOL
    )
    refused(response, "LTI-12")


def test_unreachable_keys_are_a_passing_trouble(world: World) -> None:
    """When the platform's keys cannot be fetched, the page says that it may work later."""
    del world.wire.handlers[world.platform.jwks_url]
    response = world.visit().go()
    refused(response, "LTI-26")
    assert response.status_code == 503


def test_an_oversized_request_is_refused(world: World) -> None:
    """A body beyond the limit is refused before it is read."""
    response = world.app.test_client().post(
        "/lti/launch", data={"id_token": "x" * 200_000, "state": "s"}, base_url=TOOL
    )
    refused(response, "LTI-90")
    assert response.status_code == 413


def test_too_many_requests_are_refused(world_with: Callable[..., World]) -> None:
    """One address may call an endpoint so often a minute; the next minute it may again."""
    world = world_with(requests_per_minute=3)
    for _ in range(3):
        assert world.visit().login().status_code == 200
    response = world.visit().login()
    refused(response, "LTI-91")
    assert response.status_code == 429
    world.clock.forward(60)
    assert world.visit().login().status_code == 200


def test_nonces_and_states_cannot_be_guessed(world: World) -> None:
    """Each login has its own state and nonce of 256 random bits (compare CVE-2022-31157)."""
    visits = [world.visit() for _ in range(5)]
    for visit in visits:
        visit.login()
    values = {visit.state for visit in visits} | {visit.nonce for visit in visits}
    assert len(values) == 10
    assert min(len(value) for value in values) >= 43


def test_the_store_holds_no_secret_of_a_launch(world: World) -> None:
    """A copy of the store holds digests only: no state, nonce or cookie can be taken from it."""
    visit = world.visit()
    visit.login()
    cookie = visit.cookies()[login_name(visit.state)]
    with world.store.reading() as reader:
        kept = reader.find_documents(DocumentQuery("launch-transaction", "", limit=9))
    whole = b"".join(one.body + one.name.encode() for one in kept).decode()
    for secret in (visit.state, visit.nonce, cookie):
        assert secret not in whole


def test_a_hostile_name_is_escaped(world: World) -> None:
    """Markup in a hint reaches the login page as text."""
    page = world.visit().login(login_hint='"><script>alert(1)</script>').get_data(as_text=True)
    assert "<script>alert" not in page


def test_a_refusal_says_the_code_in_the_users_language(world: World) -> None:
    """The refusal page has the code, a sentence and advice, in a page with all security headers."""
    response = world.app.test_client().get("/lti/login", base_url=TOOL)
    page = response.get_data(as_text=True)
    assert "LTI-01" in page
    assert "does not follow LTI 1.3" in page
    assert "frame-ancestors" in response.headers["Content-Security-Policy"]


def test_a_refusal_is_logged_without_personal_data(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The log names the code and the reason, never the person, the hint or the token."""
    world.visit().go(iss="https://other.example")
    logged = "".join(capsys.readouterr())
    assert "LTI-30" in logged
    assert "token_issuer" in logged
    for private in ("Budi", "budi@example.go.id", "199001012015031001", "eyJ"):
        assert private not in logged


def test_a_key_set_with_strange_entries_still_serves(world: World) -> None:
    """Entries of a key set that cannot verify RS256 are passed over."""
    strange = [
        None,
        {"kty": "EC", "kid": "e"},
        {"kty": "RSA", "kid": "bad", "n": "!", "e": "AQAB"},
        {"kty": "oct", "kid": "key-1", "k": "c2VjcmV0"},
        public_jwk("platform", "enc", use="enc"),
    ]
    world.wire.handlers[world.platform.jwks_url] = lambda _sent: answer(
        {"keys": [*strange, *world.platform.jwks]}
    )
    assert world.visit().go().status_code == 303


OLD_LAUNCH = {
    "lti_message_type": "basic-lti-launch-request",
    "lti_version": "LTI-1p0",
    "oauth_consumer_key": "key",
    "oauth_signature": "c2lnbmF0dXJl",
    "resource_link_id": "7",
    "user_id": "42",
}


@pytest.mark.parametrize("path", ["/lti/launch", "/lti/login", "/"])
@pytest.mark.parametrize("left_out", ["", "lti_version", "oauth_consumer_key"])
def test_a_launch_of_lti_1_1_is_told_to_become_1_3(world: World, path: str, left_out: str) -> None:
    """A form of LTI 1.0 or 1.1 says which setting is wrong, at whatever address of the tool it arrives."""
    form = {name: value for name, value in OLD_LAUNCH.items() if name != left_out}
    response = world.app.test_client().post(path, data=form, base_url=TOOL)
    page = response.get_data(as_text=True)
    assert response.status_code == 400
    assert "LTI-40" in page
    assert "choose LTI 1.3" in page


def test_another_form_at_the_bare_address_is_not_served(world: World) -> None:
    """`/` takes no forms; it only explains the launches of an old version."""
    response = world.app.test_client().post("/", data={"a": "b"}, base_url=TOOL)
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]


def test_an_integer_of_thousands_of_digits_is_refused(world: World) -> None:
    """Python reads no integer of more than 4,300 digits: the message is malformed, not an error of ours."""
    visit = world.visit()
    visit.login()
    head = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "kid": world.platform.kid}).encode())
    body = base64.urlsafe_b64encode(b'{"iss": "https://lms.example", "exp": 1' + b"0" * 5000 + b"}")
    token = b".".join((head.rstrip(b"="), body.rstrip(b"="), b"eA")).decode()
    refused(visit.launch(token), "LTI-21")


def test_an_issuer_that_is_no_address_is_refused(world: World) -> None:
    """Accounts in statements are named by the issuer, an IRI: who has none could not be written about."""
    platform = TestPlatform(world.clock, issuer="no address", client_id="c")
    good = TestPlatform(world.clock, issuer="https://early.example", client_id="c")
    made = good.register(world.tool.platforms, world.wire)

    def earlier(writer: Writer) -> None:
        """As a build before this check kept it."""
        value = json_documents.get(writer, "platform", made.id)
        assert value is not None
        json_documents.put(writer, "platform", made.id, {**value, "issuer": "no address"}, now=1)
        client = digest("no address", "c")
        json_documents.put(writer, "platform-client", client, {"platform": made.id}, now=1)

    world.store.writing(earlier)
    refused(world.visit(platform).login(), "LTI-07")
    assert world.tool.platforms.disable(made.id).status == "disabled"

"""The test bench: every variant changes what it says, and nothing else is believable about it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jwt
import pytest

from jejak.demo.lms.variants import VARIANTS
from tests.jejak.demo.conftest import CLIENT, URL, Lms

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
TOKENS = [v for v in VARIANTS.values() if v.group == "Bad tokens"]
GOOD = [v for v in VARIANTS.values() if v.expect == "accepted"]
REQUIRED = ("iss", "aud", "sub", "nonce", "iat", "exp")
REQUIRED_LTI = ("version", "message_type", "roles", "deployment_id", "resource_link", "target_link_uri")


def faults(lms: Lms, token: str) -> list[str]:
    """What a careful tool finds wrong with a token; written from the specification, not from the LMS."""
    keys = {one["kid"]: one for one in (lms.client.get("/mod/lti/certs.php").json or {})["keys"]}
    head = jwt.get_unverified_header(token)
    if head.get("alg") != "RS256" or head.get("kid") not in keys:
        return ["header"]
    try:
        facts: dict[str, Any] = jwt.decode(
            token, jwt.PyJWK(keys[head["kid"]]), algorithms=["RS256"],
            options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
        )  # fmt: skip
    except jwt.InvalidSignatureError:
        return ["signature"]
    found = [name for name in REQUIRED if name not in facts]
    found += [name for name in REQUIRED_LTI if CLAIM + name not in facts]
    if found:
        return found
    now, audience = lms.clock.now, facts["aud"]
    times = (facts["iat"], facts["exp"])
    many = isinstance(audience, list) and len(audience) > 1
    wrong = {
        "iss": facts["iss"] != URL,
        "aud": CLIENT not in ([audience] if isinstance(audience, str) else audience),
        "azp": facts.get("azp", None if many else CLIENT) != CLIENT,
        "nonce": facts["nonce"] != "the-nonce",
        "times": not all(isinstance(one, int) for one in times)
        or not (now - 300 < times[0] <= now < times[1]),
        "version": facts[CLAIM + "version"] != "1.3.0",
        "message_type": facts[CLAIM + "message_type"] != "LtiResourceLinkRequest",
        "deployment": facts[CLAIM + "deployment_id"] != "1",
        "resource_link": not facts[CLAIM + "resource_link"].get("id"),
        "roles": not isinstance(facts[CLAIM + "roles"], list),
    }
    return [name for name, is_wrong in wrong.items() if is_wrong]


@pytest.mark.parametrize("variant", TOKENS, ids=lambda one: one.slug)
def test_bad_token_is_bad(lms: Lms, variant: Any) -> None:
    """Each bad token breaks at least one rule that a careful tool checks."""
    assert faults(lms, lms.answer(lms.login(variant=variant.slug))["id_token"])


@pytest.mark.parametrize("variant", GOOD, ids=lambda one: one.slug)
def test_good_launch_is_good(lms: Lms, variant: Any) -> None:
    """Each good launch keeps every rule, however unusual it looks."""
    assert faults(lms, lms.answer(lms.login(variant=variant.slug))["id_token"]) == []


@pytest.mark.parametrize(
    ("slug", "fault"),
    [
        ("no-kid", "header"),
        ("alg-none", "header"),
        ("alg-hs256", "header"),
        ("wrong-key", "signature"),
        ("tampered", "signature"),
        ("expired", "times"),
        ("old-iat", "times"),
        ("no-nonce", "nonce"),
        ("wrong-aud", "aud"),
        ("aud-list-no-azp", "azp"),
        ("unknown-deployment", "deployment"),
        ("no-resource-link-id", "resource_link"),
    ],
)
def test_bad_token_breaks_only_what_it_says(lms: Lms, slug: str, fault: str) -> None:
    """A variant changes one thing, so that a refusal shows that this very thing is checked."""
    assert faults(lms, lms.answer(lms.login(variant=slug))["id_token"]) == [fault]


def test_hs256_is_signed_with_the_public_key(lms: Lms) -> None:
    """The confusion attack is a real one: the MAC is right when the public key is taken for the secret."""
    token = lms.answer(lms.login(variant="alg-hs256"))["id_token"]
    key = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signed, _, tag = token.rpartition(".")
    assert key.verify(signed.encode(), lms.memory.key.public_pem(), jwt.utils.base64url_decode(tag))


def test_replay_sends_the_last_answer_again(lms: Lms) -> None:
    """A replay posts state and token of the last normal launch; a replayed nonce only its token."""
    first = lms.answer(lms.login(), state="one", nonce="first")
    assert lms.answer(lms.login(variant="replay"), state="two") == first
    mixed = lms.answer(lms.login(variant="replayed-nonce"), state="three")
    assert mixed == {"id_token": first["id_token"], "state": "three"}


def test_replay_needs_something_to_replay(lms: Lms) -> None:
    """Without a launch before it, a replay says what to do first."""
    login = lms.login(variant="replay")
    answer = lms.client.get(
        "/mod/lti/auth.php",
        query_string={
            "scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none",
            "client_id": CLIENT, "redirect_uri": "http://localhost:8080/lti/launch", "nonce": "n", **login,
        },
    )  # fmt: skip
    assert answer.status_code == 409
    assert "once in the normal way" in answer.text


@pytest.mark.parametrize(
    ("slug", "expected"),
    [
        ("wrong-state", {"id_token", "state"}),
        ("no-state", {"id_token"}),
        ("no-token", {"state"}),
        ("error-answer", {"state", "error", "error_description"}),
    ],
)
def test_bad_answers(lms: Lms, slug: str, expected: set[str]) -> None:
    """Bad answers lack or change the fields they say."""
    answer = lms.answer(lms.login(variant=slug))
    assert set(answer) == expected
    assert slug != "wrong-state" or answer["state"] != "the-state"


@pytest.mark.parametrize(
    ("slug", "missing"),
    [("login-no-iss", "iss"), ("login-no-hint", "login_hint"), ("login-no-target", "target_link_uri")],
)
def test_bad_login_lacks_its_field(lms: Lms, slug: str, missing: str) -> None:
    """A bad login request lacks the one field it names."""
    assert set(lms.login()) - set(lms.login(variant=slug)) == {missing}


def test_unsolicited_token_is_posted_at_once(lms: Lms) -> None:
    """The login CSRF variant posts a good token straight to the launch address."""
    page = lms.client.get(f"/mod/lti/launch.php?id={lms.link}&as=11&variant=unsolicited").text
    assert 'action="http://localhost:8080/lti/launch"' in page
    assert 'name="id_token"' in page


def test_bench_offers_every_variant(lms: Lms) -> None:
    """The test bench has a row and a link for every variant."""
    page = lms.client.get("/bench").text
    assert all(f"<code>{slug}</code>" in page and f"variant={slug}&amp;" in page for slug in VARIANTS)


def test_guide_names_every_variant() -> None:
    """docs/how-to/test-your-tool.md lists exactly the switches there are."""
    guide = (Path(__file__).parents[3] / "docs/how-to/test-your-tool.md").read_text("utf-8")
    table = guide.split("| Group | Switches |")[1].split("\n\n")[0]
    named = re.findall(r"`([a-z0-9-]+)`", table)
    assert sorted(named) == sorted(VARIANTS)

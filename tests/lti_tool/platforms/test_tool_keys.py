"""Keys: the tool's own and their rotation; platforms' and when they are fetched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import pytest

from lrs.outbound.calls import KEYS, Party
from lrs.outbound.http_client import OutboundError
from lti_tool.platforms.platform_keys import KeysUnreachableError, PlatformKeys
from lti_tool.platforms.tool_keys import KeyLockedError, ToolKeys
from lti_tool.settings import LtiSettings
from tests.lti_tool.conftest import World
from tests.lti_tool.platform import TOOL, answer, private_key, public_jwk

DAY = 86_400
PARTY = Party("agency", "platform", KEYS)


def kids(keys: ToolKeys) -> list[str]:
    return [key["kid"] for key in keys.public_set()["keys"]]


def test_the_key_set_is_public_and_holds_no_private_part(world: World) -> None:
    """/lti/jwks shows RSA public keys for RS256, never a private number."""
    response = world.app.test_client().get("/lti/jwks", base_url=TOOL)
    assert response.json is not None
    (key,) = response.json["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "alg", "use"}
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")


def test_a_new_key_is_published_before_it_signs(world: World) -> None:
    """After a rotation both keys are published; the new one signs a day later; the old one goes then."""
    keys = world.tool.tool_keys
    old = keys.signing().kid
    new, active_from = keys.rotate()
    assert active_from == world.clock() + DAY * 1_000_000
    assert (keys.signing().kid, kids(keys)) == (old, [old, new])
    world.clock.forward(DAY)
    assert (keys.signing().kid, kids(keys)) == (new, [old, new])
    world.clock.forward(DAY)
    assert (keys.signing().kid, kids(keys)) == (new, [new])


@pytest.mark.slow
def test_a_signature_verifies_throughout_a_rotation(world: World) -> None:
    """At every moment of two rotations the signing key is among the published ones."""
    keys = world.tool.tool_keys
    for _ in range(2):
        keys.rotate()
        for _ in range(10):
            world.clock.forward(DAY / 4)
            signing = keys.signing()
            token = jwt.encode({"x": 1}, signing.private_pem, algorithm="RS256", headers={"kid": signing.kid})
            published = jwt.PyJWKSet.from_dict(keys.public_set())
            assert jwt.decode(token, published[signing.kid], algorithms=["RS256"]) == {"x": 1}


def test_a_stolen_key_is_withdrawn_at_once(world: World) -> None:
    """Rotation at once publishes and uses the new key only."""
    keys = world.tool.tool_keys
    new, _ = keys.rotate(at_once=True)
    assert (keys.signing().kid, kids(keys)) == (new, [new])


def test_the_first_key_is_made_once(world: World) -> None:
    """Asking again for the first key, from any worker, makes no second one."""
    again = ToolKeys(world.store, world.clock, world.tool.settings)
    assert again.ensure() == world.tool.tool_keys.ensure()
    assert len(kids(again)) == 1


def test_private_keys_can_be_encrypted_at_rest(world: World) -> None:
    """With a passphrase the kept key is encrypted and opens with that passphrase alone."""
    settings = LtiSettings(public_url=TOOL, key_passphrase="correct horse")
    keys = ToolKeys(world.store, world.clock, settings)
    kid, _ = keys.rotate(at_once=True)
    with world.store.reading() as reader:
        document = reader.document("tool-key", "", kid)
    assert document is not None
    assert b"ENCRYPTED PRIVATE KEY" in document.body
    assert keys.signing().kid == kid
    for passphrase in ("wrong", None):
        with pytest.raises(KeyLockedError):
            ToolKeys(
                world.store, world.clock, LtiSettings(public_url=TOOL, key_passphrase=passphrase)
            ).signing()


def test_a_key_never_shows_itself(world: World) -> None:
    """The printed form of a key holds no private part."""
    assert "PRIVATE" not in repr(world.tool.tool_keys.signing())


def fetches(world: World) -> int:
    return len(world.wire.to(world.platform.jwks_url))


def test_platform_keys_are_fetched_once_an_hour(world: World) -> None:
    """Launches share one fetch of the platform's keys until it is an hour old."""
    for _ in range(3):
        world.visit().go()
    assert fetches(world) == 1
    world.clock.forward(3601)
    world.visit().go()
    assert fetches(world) == 2


def test_an_unknown_kid_is_looked_up_again(world: World) -> None:
    """When the platform has rotated its key, the very next launch works."""
    world.visit().go()
    world.clock.forward(31)
    world.platform.jwks = [public_jwk("platform-2", "key-2")]
    world.platform.key, world.platform.kid = "platform-2", "key-2"
    assert world.visit().go().status_code == 303
    assert fetches(world) == 2


def test_unknown_kids_cannot_hammer_a_platform(world: World) -> None:
    """However many unknown key ids come, the key set is fetched at most once an interval."""
    world.visit().go()
    for number in range(5):
        visit = world.visit()
        visit.login()
        token = world.platform.sign(world.platform.claims(visit.nonce), headers={"kid": f"made-up-{number}"})
        assert "LTI-24" in visit.launch(token).get_data(as_text=True)
    assert fetches(world) == 1


def test_known_keys_outlive_a_platforms_outage(world: World) -> None:
    """While the key set is unreachable the last keys serve for a day, then no longer."""
    world.visit().go()
    working = world.wire.handlers.pop(world.platform.jwks_url)
    world.clock.forward(2 * 3600)
    assert world.visit().go().status_code == 303
    world.clock.forward(DAY)
    assert "LTI-26" in world.visit().go().get_data(as_text=True)
    world.clock.forward(31)
    world.wire.handlers[world.platform.jwks_url] = working
    assert world.visit().go().status_code == 303


def test_a_withdrawn_key_stops_working_when_its_set_is_fetched_again(world: World) -> None:
    """A key that the platform no longer publishes verifies nothing after the next fetch."""
    world.visit().go()
    world.platform.jwks = [public_jwk("platform-2", "key-2")]
    world.clock.forward(3601)
    assert "LTI-24" in world.visit().go().get_data(as_text=True)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"keys": {}},
        {},
        "x",
        None,
    ],
)
def test_what_is_not_a_key_set_counts_as_unreachable(world: World, document: Any) -> None:
    """An answer that is no JWK set gives no keys and is not remembered as one."""
    world.wire.handlers[world.platform.jwks_url] = lambda _sent: answer(document)
    keys = PlatformKeys(world.tool.calls, world.clock, world.tool.settings)
    with pytest.raises(KeysUnreachableError):
        keys.key(world.platform.jwks_url, "key-1", PARTY)


def test_weak_keys_verify_nothing(world: World) -> None:
    """An RSA key below 2048 bits is not used."""
    weak = jwt.algorithms.RSAAlgorithm.to_jwk(private_key("weak", 1024).public_key(), as_dict=True)
    world.wire.handlers[world.platform.jwks_url] = lambda _sent: answer({"keys": [{**weak, "kid": "weak"}]})
    keys = PlatformKeys(world.tool.calls, world.clock, world.tool.settings)
    assert keys.key(world.platform.jwks_url, "weak", PARTY) is None


def test_an_error_status_gives_no_keys(world: World) -> None:
    """A key set answered with an error status, even with keys in it, is not used."""
    failing: Callable[[Any], Any] = lambda _sent: answer({"keys": world.platform.jwks}, 500)  # noqa: E731
    world.wire.handlers[world.platform.jwks_url] = failing
    with pytest.raises(KeysUnreachableError):
        PlatformKeys(world.tool.calls, world.clock, world.tool.settings).key(
            world.platform.jwks_url, "key-1", PARTY
        )


def test_a_platform_that_does_not_answer_is_not_asked_at_every_launch(world: World) -> None:
    """A failed fetch too counts against the interval."""

    def fail(_sent: Any) -> Any:
        raise OutboundError("down")

    world.wire.handlers[world.platform.jwks_url] = fail
    for _ in range(4):
        assert "LTI-26" in world.visit().go().get_data(as_text=True)
    assert fetches(world) == 1

"""Every way a launch can be right or wrong: the switches of the test bench.

A variant changes one thing of an otherwise correct launch. The list follows the 1EdTech certification suite
for LTI 1.3 tools and published attacks on launches; `docs/how-to/test-your-tool.md` explains how to use it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import jwt

from jejak.demo.lms.config import Tool
from jejak.demo.lms.keys import Key
from jejak.demo.lms.memory import Memory
from jejak.demo.lms.message import AGS_ENDPOINT, CLAIM, MEMBERSHIP, NRPS_SERVICE

Expect = Literal["accepted", "refused"]
HOUR = 3600
YEAR = 365 * 24 * HOUR
STRANGER = "another-client"
SYSTEM_ADMINISTRATOR = "http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator"


@dataclass(slots=True)
class Draft:
    """An answer of the auth endpoint that is about to be signed and sent."""

    memory: Memory
    tool: Tool
    claims: dict[str, Any]
    state: str | None
    headers: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[Draft], str] = lambda draft: draft.memory.key.sign(draft.claims, draft.headers)
    fields: dict[str, str] | None = None
    """When set, sent instead of state and id_token."""

    def form(self) -> dict[str, str]:
        """The fields to post to the tool."""
        if self.fields is not None:
            return self.fields
        form = {"id_token": self.sign(self)}
        return form if self.state is None else {**form, "state": self.state}


@dataclass(frozen=True, slots=True)
class Variant:
    """One switch. `login` changes the login request's fields, `answer` the auth endpoint's answer."""

    slug: str
    group: str
    title: str
    expect: Expect
    login: Callable[[dict[str, str]], None] | None = None
    answer: Callable[[Draft], None] | None = None
    unsolicited: bool = False
    """The token is posted at once, with no login request before it."""


def _drop(name: str) -> Callable[[Draft], None]:
    return lambda draft: draft.claims.__delitem__(name)


def _set(name: str, value: Any) -> Callable[[Draft], None]:
    return lambda draft: draft.claims.__setitem__(name, value)


def _header(name: str, value: Any) -> Callable[[Draft], None]:
    return lambda draft: draft.headers.__setitem__(name, value)


def _times(issued: int, expires: int) -> Callable[[Draft], None]:
    """Seconds relative to now."""

    def change(draft: Draft) -> None:
        now = int(draft.memory.now())
        draft.claims.update(iat=now + issued, exp=now + expires)

    return change


def _signed_by(key: Callable[[Draft], Key], kid: Callable[[Draft], str]) -> Callable[[Draft], None]:
    def change(draft: Draft) -> None:
        draft.sign = lambda d: key(d).sign(d.claims, {"kid": kid(d)})

    return change


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _alg_none(draft: Draft) -> None:
    draft.sign = lambda d: (
        f"{_part({'alg': 'none', 'typ': 'JWT', 'kid': d.memory.key.kid})}.{_part(d.claims)}."
    )


def _alg_hs256(draft: Draft) -> None:
    def sign(draft: Draft) -> str:
        # The public key as HMAC secret; PyJWT refuses to do that, so the pieces are put together by hand.
        head = {"alg": "HS256", "typ": "JWT", "kid": draft.memory.key.kid}
        signed = f"{_part(head)}.{_part(draft.claims)}"
        algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
        tag = algorithm.sign(signed.encode(), draft.memory.key.public_pem())
        return f"{signed}.{base64.urlsafe_b64encode(tag).rstrip(b'=').decode()}"

    draft.sign = sign


def _tampered(draft: Draft) -> None:
    def sign(draft: Draft) -> str:
        head, _, tag = draft.memory.key.sign(draft.claims).split(".")
        raised = {**draft.claims, CLAIM + "roles": [MEMBERSHIP + "Instructor"], "sub": "3"}
        return f"{head}.{_part(raised)}.{tag}"

    draft.sign = sign


def _only_openid(draft: Draft) -> None:
    draft.claims = {name: value for name, value in draft.claims.items() if not name.startswith("https://")}


def _remembered(draft: Draft) -> dict[str, str]:
    answer = draft.memory.last_answer.get(draft.tool.type_id)
    if answer is None:
        raise LookupError("Open the tool once in the normal way first; this switch sends that answer again.")
    return answer


def _replay(draft: Draft) -> None:
    draft.fields = dict(_remembered(draft))


def _replayed_nonce(draft: Draft) -> None:
    draft.fields = {"id_token": _remembered(draft)["id_token"], "state": draft.state or ""}


def _wrong_state(draft: Draft) -> None:
    draft.state = "state-of-somebody-else"


def _no_state(draft: Draft) -> None:
    draft.state = None


def _no_token(draft: Draft) -> None:
    draft.fields = {"state": draft.state or ""}


def _garbage(draft: Draft) -> None:
    draft.fields = {"state": draft.state or "", "id_token": "this is not a token"}


def _error(draft: Draft) -> None:
    draft.fields = {
        "state": draft.state or "",
        "error": "access_denied",
        "error_description": "<script>alert(1)</script>",
    }


def _two_audiences(azp: str | None, first: bool) -> Callable[[Draft], None]:
    def change(draft: Draft) -> None:
        ours, other = draft.tool.client_id, STRANGER
        draft.claims["aud"] = [ours, other] if first else [other, ours]
        if azp is not None:
            draft.claims["azp"] = ours if azp == "ours" else other

    return change


def _keep_person(*kept: str, context: bool = True) -> Callable[[Draft], None]:
    def change(draft: Draft) -> None:
        for name in ("name", "given_name", "family_name", "email"):
            if name not in kept:
                draft.claims.pop(name, None)
        draft.claims.pop(CLAIM + "lis", None)
        draft.claims.pop(CLAIM + "ext", None)
        if not context:
            for name in ("context", "custom"):
                draft.claims.pop(CLAIM + name, None)
            draft.claims.pop(AGS_ENDPOINT, None)
            draft.claims.pop(NRPS_SERVICE, None)

    return change


def _markup(draft: Draft) -> None:
    nasty = '"><script>document.title="owned"</script>'
    draft.claims.update(name=nasty, given_name=nasty, family_name="<b>x</b>")
    draft.claims[CLAIM + "context"]["title"] = "<img src=x onerror=alert(1)>"


def _all() -> Iterator[Variant]:
    good, token, answer, login = "Good launches", "Bad tokens", "Bad answers", "Bad login requests"
    short = [MEMBERSHIP + "Instructor", MEMBERSHIP + "Learner"]
    institution = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"

    def ok(slug: str, title: str, change: Callable[[Draft], None] | None = None) -> Variant:
        return Variant(slug, good, title, "accepted", answer=change)

    def bad(slug: str, title: str, change: Callable[[Draft], None]) -> Variant:
        return Variant(slug, token, title, "refused", answer=change)

    yield ok("normal", "Nothing is wrong")
    yield ok(
        "several-roles",
        "Several roles, the person's own among them",
        lambda d: d.claims[CLAIM + "roles"].append(institution),
    )
    yield ok(
        "administrator",
        "The person runs the whole site, as Moodle says of its administrators",
        lambda d: d.claims[CLAIM + "roles"].extend([institution, SYSTEM_ADMINISTRATOR]),
    )
    yield ok(
        "short-role",
        "The role in its short form",
        lambda d: d.claims.__setitem__(
            CLAIM + "roles", [role.removeprefix(MEMBERSHIP) for role in d.claims[CLAIM + "roles"]]
        ),
    )
    yield ok(
        "unknown-role", "A role nobody knows", _set(CLAIM + "roles", ["http://example.org/roles#Helmsman"])
    )
    yield ok("empty-roles", "An empty list of roles", _set(CLAIM + "roles", []))
    yield ok("both-roles", "Instructor and learner at once", _set(CLAIM + "roles", short))
    yield ok("email-only", "Of the person, only the e-mail address", _keep_person("email"))
    yield ok("names-only", "Of the person, only the names", _keep_person("name", "given_name", "family_name"))
    yield ok("no-personal-data", "Nothing about the person but the id", _keep_person())
    yield ok(
        "email-without-context", "An e-mail address, but no course", _keep_person("email", context=False)
    )
    yield ok(
        "aud-list-of-one", "The audience as a list of one", lambda d: d.claims.update(aud=[d.tool.client_id])
    )
    yield ok("aud-list-azp", "Two audiences, azp names this tool", _two_audiences("ours", first=True))
    yield ok(
        "unresolved-custom",
        "A custom value that was never filled in",
        lambda d: d.claims[CLAIM + "custom"].update(nip="$User.profile.nip"),
    )
    yield ok("markup-names", "Names and titles that contain markup", _markup)

    yield bad("no-kid", "No key id in the header", _header("kid", None))
    yield bad("wrong-kid", "A key id that is not in the key set", _header("kid", "no-such-key"))
    yield bad(
        "wrong-key",
        "Signed by another key under the right key id",
        _signed_by(lambda d: d.memory.rogue, lambda d: d.memory.key.kid),
    )
    yield bad("alg-none", "Not signed at all (alg none)", _alg_none)
    yield bad("alg-hs256", "Signed HS256 with the public key as secret", _alg_hs256)
    yield bad("tampered", "A learner turned instructor after signing", _tampered)
    yield bad("expired", "Expired an hour ago", _times(-HOUR - 60, -HOUR))
    yield bad("old-iat", "Issued a year ago, not yet expired", _times(-YEAR, HOUR))
    yield bad("future-iat", "Issued in an hour", _times(HOUR, HOUR + 60))
    yield bad("bad-iat", "A time of issue that is no number", _set("iat", "yesterday"))
    yield bad("bad-exp", "An expiry that is no number", _set("exp", "tomorrow"))
    for name in ("iat", "exp", "iss", "aud", "nonce", "sub"):
        yield bad(f"no-{name}", f"No {name}", _drop(name))
    for name in ("version", "message_type", "roles", "deployment_id", "resource_link", "target_link_uri"):
        yield bad(f"no-{name.replace('_', '-')}", f"No {name} claim", _drop(CLAIM + name))
    yield bad(
        "no-resource-link-id", "A resource link without an id", _set(CLAIM + "resource_link", {"title": "x"})
    )
    yield bad("wrong-version", "Another LTI version", _set(CLAIM + "version", "1.1.1"))
    yield bad(
        "wrong-message-type", "An unknown message type", _set(CLAIM + "message_type", "LtiSomethingElse")
    )
    yield bad("not-lti", "An OpenID token that is no LTI message", _only_openid)
    yield bad("roles-not-a-list", "Roles that are no list", _set(CLAIM + "roles", "Instructor"))
    yield bad("wrong-iss", "Another issuer", _set("iss", "https://another-lms.example"))
    yield bad("wrong-aud", "Meant for another tool", _set("aud", STRANGER))
    yield bad("aud-list-no-azp", "Two audiences, no azp", _two_audiences(None, first=True))
    yield bad("aud-list-wrong-azp", "Two audiences, azp names the other", _two_audiences("other", first=True))
    yield bad("wrong-azp", "One audience, azp names another tool", _set("azp", STRANGER))
    yield bad("wrong-nonce", "Another nonce", _set("nonce", "nonce-of-somebody-else"))
    yield bad(
        "unknown-deployment", "A deployment that was never registered", _set(CLAIM + "deployment_id", "999")
    )

    for slug, title, change in (
        ("wrong-state", "Another state", _wrong_state),
        ("no-state", "No state", _no_state),
        ("no-token", "No id_token", _no_token),
        ("garbage-token", "An id_token that is no token", _garbage),
        ("error-answer", "An error instead of a token", _error),
        ("replay", "The last answer, sent again as it was", _replay),
        ("replayed-nonce", "The last token under a fresh state", _replayed_nonce),
    ):
        yield Variant(slug, answer, title, "refused", answer=change)
    yield Variant(
        "unsolicited", answer, "A good token nobody asked for (login CSRF)", "refused", unsolicited=True
    )

    def field_of(slug: str, title: str, change: Callable[[dict[str, str]], None]) -> Variant:
        return Variant(slug, login, title, "refused", login=change)

    yield field_of("login-no-iss", "No issuer", lambda form: form.__delitem__("iss"))
    yield field_of(
        "login-unknown-iss", "An unknown issuer", lambda form: form.update(iss="https://nobody.example")
    )
    yield field_of(
        "login-unknown-client", "An unknown client id", lambda form: form.update(client_id=STRANGER)
    )
    yield field_of("login-no-hint", "No login hint", lambda form: form.__delitem__("login_hint"))
    yield field_of("login-no-target", "No target address", lambda form: form.__delitem__("target_link_uri"))
    yield field_of(
        "login-foreign-target",
        "A target on another site (open redirect)",
        lambda form: form.update(target_link_uri="https://evil.example/lti/launch"),
    )


VARIANTS = {variant.slug: variant for variant in _all()}

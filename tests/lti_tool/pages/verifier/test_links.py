"""One-time links over HTTP: made by the learner, used by somebody without an account, refused plainly."""

from __future__ import annotations

import re
from decimal import Decimal
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from lrs.records.entries import Entry, Status
from lrs.records.link_policy import LinkPolicy
from lrs.records.verifier_links import KEPT_DAYS, KIND, MOST_KEPT, MOST_OPEN, State, VerifierLink
from lrs.store.documents import DocumentQuery
from lti_tool.pages.verifier import link_routes
from statements.data_types.exact_json import loads
from statements.profile.vocabulary import BY_LINK, LINKS, NAMED_PEOPLE, Decision
from tests.lti_tool.conftest import World
from tests.lti_tool.pages.admin.test_pages import site
from tests.lti_tool.pages.learner.test_log_pages import Learner
from tests.lti_tool.platform import CLAIM, ROLE, TOOL

__all__ = ["site"]

DAY = 86_400
WHO = {"name": "Anwar Hakim", "position": "Kepala Bidang"}
TITLE = "Coaching SPBE"


class Asking:
    """A learner with an entry that waits, and a browser of somebody without any session."""

    def __init__(self, site: World) -> None:
        self.site = site
        self.learner = Learner(site)
        self.desk = self.learner.desk
        self.entry = self.log(TITLE)
        self.other: FlaskClient = site.app.test_client()

    def log(self, title: str) -> Entry:
        return self.learner.saved(self.learner.send("coaching", title=title, end="2025-11-20", count="2"))

    @property
    def page(self) -> str:
        return f"{self.learner.path}entries/{self.entry.id}/ask"

    def ask(self, **typed: str) -> TestResponse:
        """Send the learner's form."""
        fields = {"csrf_token": self.learner.token, "link_id": str(uuid4()), "name": "Anwar", **typed}
        client = self.learner.visit.client
        return client.post(self.page + "?lang=en", data=fields, base_url=TOOL, headers={"Origin": TOOL})

    def make(self, **typed: str) -> str:
        """Make a link; its code."""
        found = re.search(r'value="https://tool\.example/confirm#([^"]+)"', self.ask(**typed).text)
        assert found is not None
        return found[1]

    def revoke(self, id: str) -> TestResponse:
        fields = {"csrf_token": self.learner.token}
        client = self.learner.visit.client
        where = f"{self.page}/{id}/revoke"
        return client.post(where, data=fields, base_url=TOOL, headers={"Origin": TOOL})

    def look(self) -> str:
        """The page of the entry, as the learner sees it."""
        where = f"{self.learner.path}entries/{self.entry.id}?lang=en"
        return self.learner.visit.client.get(where, base_url=TOOL).text

    def send(self, code: str, **typed: str) -> TestResponse:
        """Send the form of the link's page: without a decision it only asks to see the entry."""
        return self.send_from(self.other, code, **typed)

    def send_from(self, client: FlaskClient, code: str, **typed: str) -> TestResponse:
        """The same from another browser."""
        return client.post("/confirm/entry?lang=en", data={"code": code, **typed}, base_url=TOOL)

    def decide(self, code: str, decision: str = "yes", **typed: str) -> TestResponse:
        return self.send(code, decision=decision, **(WHO | typed))

    def now(self) -> Entry:
        """The entry as it is now."""
        found = self.desk.record.records.entry("agency", self.entry.id)
        assert found is not None
        return found

    def links(self) -> list[VerifierLink]:
        return self.desk.record.links.of_entry("agency", self.entry.id)

    def state(self) -> State:
        (link,) = self.links()
        return link.state(self.site.clock())


@pytest.fixture
def asking(site: World) -> Asking:
    """A learner who may ask somebody."""
    return Asking(site)


def test_a_link_is_handed_over_and_confirms(asking: Asking) -> None:
    """From the learner's form to a confirmed entry: the other browser has no session and needs no account."""
    code = asking.make(contact="0812 3456 7890")
    assert asking.state() is State.SENT
    page = asking.send(code)
    assert page.status_code == 200
    assert [
        text for text in (TITLE, "Budi Santoso", "4.0 JP", 'value="Anwar"') if text not in page.text
    ] == []
    assert asking.state() is State.OPENED
    done = asking.decide(code)
    assert (done.status_code, "Confirmed." in done.text) == (200, True)
    entry = asking.now()
    assert entry.status is Status.SUBMITTED
    assert entry.confirmed is not None
    assert (entry.confirmed.by.name, entry.confirmed.position) == ("Anwar Hakim", "Kepala Bidang")
    assert asking.state() is State.DECIDED
    shown = asking.look()
    assert "by link, as Anwar Hakim, Kepala Bidang" in shown
    assert "Confirmed by both sides" in shown


@pytest.mark.parametrize(
    ("decision", "status"), [("returned", Status.RETURNED), ("rejected", Status.REJECTED)]
)
def test_a_link_returns_or_rejects_with_a_reason(asking: Asking, decision: str, status: Status) -> None:
    """Without a reason nothing is sent and nothing typed is lost; with one the learner reads it."""
    code = asking.make()
    lacking = asking.decide(code, decision)
    assert lacking.status_code == 422
    assert 'id="reason-error"' in lacking.text
    assert "Kepala Bidang" in lacking.text
    assert asking.now().status is Status.SUBMITTED
    assert asking.decide(code, decision, reason="Tanggal keliru").status_code == 200
    decided = asking.now().decided
    assert decided is not None
    assert (asking.now().status, decided.reason, decided.channel) == (status, "Tanggal keliru", BY_LINK)
    assert "Tanggal keliru" in asking.look()


@pytest.mark.parametrize(
    ("most", "decision"),
    [(None, Decision.VERIFIED), (Decimal(4), Decision.VERIFIED), (Decimal("3.9"), Decision.CONFIRMED)],
)
def test_an_agency_may_let_links_verify_up_to_so_many_jp(
    asking: Asking, most: Decimal | None, decision: Decision
) -> None:
    """What an agency allows is what the button says and what is stored; more JP are only confirmed."""
    asking.desk.record.link_policies.set("agency", LinkPolicy(True, most))
    code = asking.make()
    shown = asking.send(code).text
    verifies = decision is Decision.VERIFIED
    assert (">Verify</button>" in shown, ">Confirm</button>" in shown) == (verifies, not verifies)
    asking.decide(code)
    entry = asking.now()
    assert (entry.status is Status.VERIFIED) is verifies
    assert (entry.confirmed is None) is verifies


def test_the_actor_is_an_account_of_the_link(asking: Asking) -> None:
    """Neither the address that the learner noted nor one that was typed stands in any statement."""
    code = asking.make(contact="anwar@example.go.id")
    asking.decide(code, reason="Lihat anwar@example.go.id", name="Anwar 199001012015031001")
    said = asking.now().confirmed
    assert said is not None
    behind = asking.desk.record.records.statements_behind(asking.now())
    actor = loads(behind[1])["actor"]
    assert actor["account"]["homePage"] == LINKS
    assert actor["account"]["name"] == asking.links()[0].id
    everything = b"".join(behind)
    assert not any(
        secret in everything for secret in (b"example.go.id", b"199001012015031001", code.encode())
    )


def refused(page: TestResponse, status: int, words: str) -> None:
    """Refused plainly: a page that says why, with the headers of all these pages."""
    assert (page.status_code, words in page.text) == (status, True)
    assert page.headers["Cache-Control"] == "no-store"


def test_a_link_is_used_up_by_the_decision(asking: Asking) -> None:
    """A second decision is refused, whichever it is; the first one stands."""
    code = asking.make()
    asking.decide(code)
    for again in (
        asking.send(code),
        asking.decide(code),
        asking.decide(code, "rejected", reason="Bukan saya"),
    ):
        refused(again, 410, "used already")
    assert asking.now().status is Status.SUBMITTED
    assert len(asking.desk.record.records.statements_behind(asking.now())) == 2


def test_a_decision_whose_noting_was_cut_short_is_still_the_only_one(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the log holds counts, also when the process died before the link was marked as used."""
    monkeypatch.setattr(type(asking.desk.record.links), "settle", lambda *_: None)
    code = asking.make()
    asking.decide(code)
    refused(asking.decide(code, "rejected", reason="Bukan saya"), 410, "used already")
    assert asking.state() is State.DECIDED


@pytest.mark.parametrize("code", ["A" * 22, "x", "", "é" * 22, "A" * 5000, "https://tool.example/confirm#"])
def test_a_guessed_link_opens_nothing(asking: Asking, code: str) -> None:
    """A code that nobody made is refused, and says nothing about any entry."""
    asking.make()
    page = asking.decide(code)
    assert page.status_code in (404, 422)
    assert TITLE not in page.text
    assert asking.state() is State.SENT


def test_guessing_is_limited_and_never_locks_a_right_link_out(asking: Asking) -> None:
    """After so many wrong codes an address is told to wait; a right code from there still works."""
    code = asking.make()
    answers = [asking.send("B" * 22).status_code for _ in range(link_routes.WRONG_PER_MINUTE + 1)]
    assert answers == [404] * link_routes.WRONG_PER_MINUTE + [429]
    assert int(asking.send("B" * 22).headers["Retry-After"]) <= 60
    assert asking.send(code).status_code == 200


def test_a_link_expires(asking: Asking) -> None:
    """After its days it is refused, also in the middle of being used, and the learner sees it."""
    code = asking.make()
    asking.site.clock.forward(14 * DAY - 1)
    assert asking.send(code).status_code == 200
    asking.site.clock.forward(1)
    refused(asking.decide(code), 410, "has expired")
    assert asking.state() is State.EXPIRED
    assert asking.now().confirmed is None


def test_a_learner_revokes_a_link(asking: Asking) -> None:
    """From then on it is refused; revoking what has ended changes nothing."""
    code = asking.make()
    assert asking.revoke(asking.links()[0].id).status_code == 303
    refused(asking.decide(code), 410, "withdrawn by the person")
    assert asking.state() is State.REVOKED
    used = asking.make()
    asking.decide(used)
    asking.revoke(asking.links()[0].id)
    assert State.DECIDED in {link.state(asking.site.clock()) for link in asking.links()}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_robot_that_previews_a_link_changes_nothing(asking: Asking, method: str) -> None:
    """What chat programs fetch is the same page for every link: the code is not even sent to us."""
    asking.make()
    before = asking.links()
    page = asking.other.open("/confirm?lang=en", method=method, base_url=TOOL)
    assert page.status_code == 200
    assert TITLE not in page.text
    assert asking.links() == before
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Robots-Tag"].startswith("noindex")
    assert page.headers["Cache-Control"] == "no-store"


def test_a_link_does_not_open_in_the_learners_own_launch(asking: Asking) -> None:
    """The browser that holds the learner's launch is refused, and the link stays as it was."""
    code = asking.make()
    own = asking.learner.visit.client
    sent: list[dict[str, str]] = [{}, {"decision": "yes", **WHO}]
    for typed in sent:
        refused(asking.send_from(own, code, **typed), 403, "your own entry")
    assert asking.state() is State.SENT
    colleague = asking.site.visit()
    colleague.go(sub="77", name="Citra", **{CLAIM + "roles": [ROLE + "Learner"]})
    assert asking.send_from(colleague.client, code).status_code == 200


def test_a_link_ends_with_the_entry(asking: Asking) -> None:
    """An entry that was decided or withdrawn meanwhile takes no decision by link."""
    code, other = asking.make(), asking.make()
    asking.learner.decide(asking.entry, Decision.RETURNED)
    refused(asking.decide(code), 410, "Somebody else has decided")
    plan = asking.desk.record.verification.withdraw(
        "agency", asking.entry.id, actor={"account": {"homePage": "https://lms.example", "name": "42"}}
    )
    asking.desk.seen("agency", asking.desk.emitter.emit_all("agency", plan.statements).stored)
    refused(asking.send(other), 410, "changed or withdrawn")
    assert asking.ask().status_code == 404


def test_a_form_that_is_sent_twice_makes_one_link(asking: Asking) -> None:
    """The link is shown once; the same form again says so and makes no second one."""
    id = str(uuid4())
    assert "confirm#" in asking.ask(link_id=id).text
    again = asking.ask(link_id=id).text
    assert "confirm#" not in again
    assert "not shown a second time" in again
    assert len(asking.links()) == 1


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a" * 201}, "name"),
        ({"contact": "anwar"}, "contact"),
        ({"contact": "a" * 300 + "@b.id"}, "contact"),
        ({"contact": "<script>@b.id"}, "contact"),
    ],
)
def test_a_badly_filled_request_says_what_to_do(asking: Asking, typed: dict[str, str], field: str) -> None:
    """The message stands beside its field, what was typed stays, and no link is made."""
    page = asking.ask(**typed)
    if field == "contact" and "script" in typed["contact"]:
        # An address may hold such signs; it is shown escaped.
        assert "<script>@b.id" not in page.text
        return
    assert page.status_code == 422
    assert f'id="{field}-error"' in page.text
    assert asking.links() == []


def test_an_entry_has_a_bounded_number_of_open_links(asking: Asking) -> None:
    """Beyond the bound the learner is told to revoke one; then there is room again."""
    for _ in range(MOST_OPEN):
        asking.make()
    assert asking.ask().status_code == 409
    asking.revoke(asking.links()[0].id)
    asking.make()


def test_an_entry_has_a_bounded_number_of_links_in_all(asking: Asking) -> None:
    """Making and revoking without end is refused, too: every link is looked at when one is made."""
    for _ in range(MOST_KEPT):
        asking.make()
        asking.revoke(next(link.id for link in asking.links() if not link.revoked))
    assert asking.ask().status_code == 409
    assert len(asking.links()) == MOST_KEPT


def test_nobody_asks_about_the_entry_of_another(asking: Asking) -> None:
    """Somebody else's launch sees neither the form nor the links, and revokes nothing."""
    asking.make()
    id = asking.links()[0].id
    other = asking.site.visit()
    path = other.go(sub="77", name="Citra", **{CLAIM + "roles": [ROLE + "Instructor"]}).headers["Location"]
    where = f"{path}entries/{asking.entry.id}/ask"
    assert other.client.get(where, base_url=TOOL).status_code == 404
    token = re.search(
        r'name="csrf_token" value="([^"]+)"', other.client.get(path + "log/coaching", base_url=TOOL).text
    )
    assert token is not None
    fields = {"csrf_token": token[1], "name": "Anwar"}
    for address in (where, f"{where}/{id}/revoke"):
        answer = other.client.post(address, data=fields, base_url=TOOL, headers={"Origin": TOOL})
        assert answer.status_code == 404
    assert asking.state() is State.SENT


def test_what_was_typed_survives_the_other_language(asking: Asking) -> None:
    """The language switch of the link's page keeps name, position and reason, and decides nothing."""
    code = asking.make()
    page = asking.send(code, reason="Baik sekali", **WHO).text
    assert all(text in page for text in ("Baik sekali", "Kepala Bidang", "Anwar Hakim"))
    assert asking.state() is State.OPENED


def test_the_enter_key_decides_nothing(asking: Asking) -> None:
    """A form that is sent by none of the three buttons asks for one of them."""
    code = asking.make()
    page = asking.decide(code, "")
    assert (page.status_code, "three buttons" in page.text) == (422, True)


@pytest.mark.parametrize(
    "typed", [{"name": ""}, {"position": "  "}, {"name": "a" * 101}, {"reason": "a" * 2001}]
)
def test_a_badly_filled_decision_changes_nothing(asking: Asking, typed: dict[str, str]) -> None:
    """The page comes back with what was typed, and the link stays open."""
    code = asking.make()
    assert asking.decide(code, **typed).status_code == 422
    assert asking.state() in (State.SENT, State.OPENED)
    assert asking.now().confirmed is None


def test_a_form_too_large_is_refused(asking: Asking) -> None:
    """A body that no such form has is not read."""
    asking.make()
    assert asking.send("A" * 100_000).status_code == 413


def test_hostile_names_are_text(asking: Asking) -> None:
    """Whatever was typed is shown as text, on the link's page and on the learner's."""
    evil = "<script>alert(1)</script>"
    code = asking.make(name=evil)
    assert evil not in asking.send(code).text
    asking.decide(code, name=evil, position=evil)
    assert evil not in asking.look()


def test_nothing_of_a_link_is_kept_but_a_hash_and_that_goes_after_thirty_days(asking: Asking) -> None:
    """The code stands nowhere in the store; address and telephone go with the link."""
    code = asking.make(contact="0812 3456 7890")

    def kept() -> list[bytes]:
        with asking.desk.record.store.reading() as reader:
            return [
                one.name.encode() + one.body
                for one in reader.find_documents(DocumentQuery(KIND, "", limit=9))
            ]

    assert len(kept()) == 1
    assert code.encode() not in kept()[0]
    asking.decide(code)
    asking.site.clock.forward(KEPT_DAYS * DAY)
    asking.desk.record.links.sweep()
    assert len(kept()) == 1
    asking.site.clock.forward(1)
    asking.desk.record.links.sweep()
    assert kept() == []
    assert asking.now().confirmed is not None


def test_somebody_named_without_an_address_is_an_account_of_ours(asking: Asking) -> None:
    """A learner's mentor of one name is one account, which identifies nobody; the request names them."""
    entries = [
        asking.learner.saved(
            asking.learner.send("mentoring", title=title, end="2025-11-20", count="1", mentor_name=name)
        )
        for title, name in (("A", "Anwar Hakim"), ("B", "anwar hakim"), ("C", "Citra"))
    ]
    named = [
        loads(asking.desk.record.records.statements_behind(one)[0])["context"]["instructor"]
        for one in entries
    ]
    assert all(one["account"]["homePage"] == NAMED_PEOPLE and "mbox_sha1sum" not in one for one in named)
    first, same, other = (one["account"]["name"] for one in named)
    assert first == same != other
    asking.entry = entries[0]
    page = asking.learner.visit.client.get(asking.page, base_url=TOOL).text
    assert 'value="Anwar Hakim"' in page


def test_a_page_that_was_an_answer_leads_back_to_the_start(asking: Asking) -> None:
    """There is no link in its address, so it asks for one."""
    answer = asking.other.get("/confirm/entry?lang=en", base_url=TOOL)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/confirm")

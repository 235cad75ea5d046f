"""Messages are queued once, within bounds, counted as they stand, tried again and forgotten."""

from __future__ import annotations

import pytest

from lrs.outbox.messages import DELIVERED, FAILED, MAX_PAYLOAD_BYTES, WAITING, Draft, OutboxFullError, Outcome
from lrs.outbox.outbox import TargetState, every_state
from lrs.store.port import Store, Writer
from tests.lrs.outbox.conftest import KIND, Post

REFUSED = Outcome(FAILED, "refused", 400, "they do not want it")


def test_a_message_is_queued_once(post: Post) -> None:
    """The same name again changes nothing, so whoever is unsure whether it was queued may queue again."""
    assert post.put("a", "b") == 2
    assert post.put("b", "c") == 1
    assert sorted(post.names(WAITING)) == ["a", "b", "c"]
    assert post.outbox.counts(KIND, "bkd") == (3, 0)


def test_a_message_is_queued_with_the_write_that_gives_rise_to_it(post: Post) -> None:
    """Inside a write of the caller's, it stands and falls with that write."""

    def fail(writer: Writer) -> None:
        post.outbox.put_within(writer, KIND, [Draft("bkd", "one", "a", {})])
        raise LookupError

    with pytest.raises(LookupError):
        post.store.writing(fail)
    assert post.names(WAITING) == []
    assert post.outbox.counts(KIND, "bkd") == (0, 0)
    post.store.writing(lambda writer: post.outbox.put_within(writer, KIND, [Draft("bkd", "one", "a", {})]))
    assert post.names(WAITING) == ["a"]


def test_a_message_can_take_the_place_of_another(post: Post) -> None:
    """Who decides sees what is kept, and may leave it."""
    post.put("a")
    assert not post.outbox.change(KIND, "bkd", "a", lambda kept: None)
    assert post.outbox.change(
        KIND, "bkd", "a", lambda kept: Draft("bkd", "two", "a", {"before": kept.target if kept else ""})
    )
    (one,) = post.outbox.listed(KIND, "bkd", WAITING)
    assert (one.target, one.payload) == ("two", {"before": "one"})
    assert [(state.target, state.waiting) for state in post.outbox.states(KIND, "bkd")] == [
        ("two", 1),
    ]


@pytest.mark.parametrize("rules", [{"most_of_target": 2}, {"most_of_tenant": 2}])
def test_what_waits_is_bounded(store: Store, rules: dict[str, int]) -> None:
    """Beyond the bound nothing of a call is kept; others of other tenants are; room comes back."""
    post = Post(store, **rules)
    post.put("a")
    with pytest.raises(OutboxFullError):
        post.put("b", "c")
    assert post.names(WAITING) == ["a"]
    post.put("b")
    with pytest.raises(OutboxFullError):
        post.put("c")
    post.put("x", tenant="bkn")
    post.deliveries.run_once()
    post.put("c")
    assert post.names(WAITING) == ["c"]


def test_a_payload_is_bounded(post: Post) -> None:
    """One message cannot be as large as one likes."""
    with pytest.raises(ValueError, match="bytes at most"):
        post.outbox.put(KIND, Draft("bkd", "one", "a", {"text": "x" * MAX_PAYLOAD_BYTES}))
    assert post.outbox.counts(KIND, "bkd") == (0, 0)


def test_states_tell_how_things_stand(post: Post) -> None:
    """For each target: what waits, what failed, why the last failure, and since when nothing is asked."""
    post.put("a", "b")
    post.put("c", target="two")
    post.answers = {"one": REFUSED, "two": Outcome(WAITING, "no-answer", None, "silence", answered=False)}
    post.deliveries.run_once()
    states = {one.target: one for one in post.outbox.states(KIND, "bkd")}
    assert states["one"] == TargetState(
        KIND, "bkd", "one", 0, 2, 0, 0, "refused", 400, "they do not want it", post.now
    )
    assert states["two"] == TargetState(
        KIND, "bkd", "two", 1, 0, post.now + 30_000_000, 0, "no-answer", None, "silence", post.now
    )
    assert post.outbox.counts(KIND, "bkd") == (1, 2)
    post.put("x", tenant="bkn")
    assert [one.tenant for one in every_state(post.store)].count("bkn") == 1
    assert every_state(post.store, "bkd") == post.outbox.states(KIND, "bkd")
    post.answers = {}
    post.forward(31)
    post.deliveries.run_once()
    assert {one.target: (one.waiting, one.delivered) for one in post.outbox.states(KIND, "bkd")}["two"] == (
        0,
        post.now,
    )


def test_one_tenant_knows_nothing_of_another(post: Post) -> None:
    """Neither messages nor counts nor buttons of another tenant are within reach."""
    post.put("a")
    assert post.names(WAITING, "bkn") == []
    assert post.outbox.get(KIND, "bkn", "a") is None
    assert post.outbox.states(KIND, "bkn") == []
    assert not post.outbox.retry(KIND, "bkn", "a")
    assert post.outbox.drop(KIND, "bkn", "one") == 0
    assert post.names(WAITING) == ["a"]


def test_what_failed_is_tried_again_when_asked(post: Post) -> None:
    """At once, also where the target is left alone for a while; what arrived is not sent again."""
    post.answers = {"one": REFUSED}
    post.put("a")
    post.deliveries.run_once()
    post.answers = {"one": Outcome(WAITING, "no-answer", answered=False)}
    assert not post.outbox.retry(KIND, "bkd", "a", target="two")
    for _ in range(2):
        assert post.outbox.retry(KIND, "bkd", "a", target="one")
        assert post.deliveries.run_once() == 1
    assert post.deliveries.run_once() == 0
    post.answers = {}
    assert post.outbox.retry(KIND, "bkd", "a")
    post.deliveries.run_once()
    assert post.arrived == ["a"]
    assert not post.outbox.retry(KIND, "bkd", "a")


def test_what_is_no_longer_wanted_is_dropped(post: Post) -> None:
    """By what the messages hold, or with the whole target."""
    post.put("a", "b", "c")
    assert post.outbox.drop(KIND, "bkd", "one", lambda one: one.name == "b") == 1
    assert post.names(WAITING) == ["a", "c"]
    assert post.outbox.counts(KIND, "bkd") == (2, 0)
    assert post.outbox.drop_target(KIND, "bkd", "one") == 2
    assert post.outbox.states(KIND, "bkd") == []
    assert post.deliveries.run_once() == 0


@pytest.mark.parametrize(("outcome", "status"), [(Outcome(DELIVERED), DELIVERED), (REFUSED, FAILED)])
def test_what_is_over_is_kept_for_as_long_as_its_kind_says(
    store: Store, outcome: Outcome, status: str
) -> None:
    """It stays to be seen, then goes with one of the next turns, and its counts with it."""
    post = Post(store, keep_delivered_seconds=3600, keep_failed_seconds=3600)
    post.answers = {"one": outcome}
    post.put("a")
    post.deliveries.run_once()
    post.forward(3500)
    post.deliveries.run_once()
    assert post.names(status) == ["a"]
    post.forward(200)
    post.deliveries.run_once()
    assert post.names(status) == []
    assert post.outbox.counts(KIND, "bkd") == (0, 0)


def test_a_kind_has_one_handler(post: Post) -> None:
    """Two parts that take the same name for their messages are told at the start."""
    with pytest.raises(ValueError, match="parcel"):
        post.outbox.add_kind(post.outbox.kinds[KIND].kind)

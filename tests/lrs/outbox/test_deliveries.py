"""Due messages are claimed by one process, tried, settled, put off and given up."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrs.outbox.backoff import wait_seconds
from lrs.outbox.messages import FAILED, SUPERSEDED, WAITING, Draft, Message, Outcome
from lrs.store.port import Store
from tests.lrs.outbox.conftest import KIND, Post
from tests.waiting import wait_until

LATER = Outcome(WAITING, "refused", 503, "overloaded")
SILENCE = Outcome(WAITING, "no-answer", detail="no answer", answered=False)
DAY = 86_400


def test_a_message_arrives_once(post: Post) -> None:
    """It goes out with the next turn, and not again; what has arrived is not kept unless asked for."""
    post.put("a")
    assert (post.deliveries.run_once(), post.deliveries.run_once()) == (1, 0)
    assert post.arrived == ["a"]
    assert post.outbox.get(KIND, "bkd", "a") is None


def test_a_message_may_have_a_time_before_which_it_is_not_sent(post: Post) -> None:
    """A reminder of tomorrow waits until tomorrow, and holds up nothing else."""
    post.outbox.put(KIND, Draft("bkd", "one", "later", {}, not_before=post.now + 60_000_000))
    post.put("now")
    assert post.deliveries.run_once() == 1
    post.forward(61)
    post.deliveries.run_once()
    assert post.arrived == ["now", "later"]


def test_attempts_come_at_growing_distances(post: Post) -> None:
    """Each wait is twice the last, and why the last attempt failed is kept as data."""
    post.answers = {"one": LATER}
    post.put("a")
    assert post.deliveries.run_once() == 1
    for wait in (30, 60, 120, 240):
        post.forward(wait - 1)
        assert post.deliveries.run_once() == 0
        post.forward(1)
        assert post.deliveries.run_once() == 1
    (one,) = post.outbox.listed(KIND, "bkd", WAITING)
    assert (one.attempts, one.code, one.http_status, one.detail) == (5, "refused", 503, "overloaded")


@given(attempts=st.integers(0, 10_000), jitter=st.floats(0, 1))
def test_waits_are_within_bounds(attempts: int, jitter: float) -> None:
    """However many attempts: never shorter than three quarters of the first, never beyond the longest."""
    assert 22.5 <= wait_seconds(attempts, 30, 3600, jitter) <= 3600


def test_jitter_spreads_what_failed_together() -> None:
    """Messages that failed at one time do not come back at one time."""
    waits = [wait_seconds(3, 30, 3600, number / 10) for number in range(11)]
    assert all(one < other for one, other in pairwise(waits))
    assert (waits[0], waits[-1]) == (90, 120)


def test_a_target_may_ask_for_more_time(post: Post) -> None:
    """Retry-After is heeded where it is longer than the wait, within the longest of the kind."""
    post.answers = {"one": Outcome(WAITING, "refused", 429, retry_after=600)}
    post.put("a")
    post.deliveries.run_once()
    post.forward(599)
    assert post.deliveries.run_once() == 0
    post.forward(2)
    post.answers = {"one": Outcome(WAITING, "refused", 429, retry_after=10**9)}
    assert post.deliveries.run_once() == 1
    (one,) = post.outbox.listed(KIND, "bkd", WAITING)
    assert one.due - post.now == 6 * 3600 * 1_000_000


@pytest.mark.parametrize("outcome", [LATER, SILENCE])
def test_trying_ends(store: Store, outcome: Outcome) -> None:
    """What could not be sent for as long as the kind says has failed; also what was behind it in line."""
    post = Post(store, give_up_seconds=DAY)
    post.answers = {"one": outcome}
    post.put("a", "b", "c")
    post.forward(DAY - 60)
    post.deliveries.run_once()
    assert post.names(FAILED) == []
    post.forward(120)
    post.deliveries.run_once()
    assert sorted(post.names(FAILED)) == ["a", "b", "c"]
    assert post.outbox.counts(KIND, "bkd") == (0, 3)


def test_what_the_target_has_newer_is_put_away(store: Store) -> None:
    """A superseded message is neither tried again nor a failure."""
    post = Post(store, keep_delivered_seconds=None)
    post.answers = {"one": Outcome(SUPERSEDED, http_status=409)}
    post.put("a")
    post.deliveries.run_once()
    post.forward(DAY)
    assert post.deliveries.run_once() == 0
    assert post.names(SUPERSEDED) == ["a"]
    assert post.outbox.counts(KIND, "bkd") == (0, 0)


def test_an_error_of_the_handler_is_an_attempt(post: Post) -> None:
    """A fault of this program loses no message, and does not end the turn of others."""

    def fail(message: Message) -> None:
        if message.target == "one":
            raise ZeroDivisionError

    post.tried = fail  # type: ignore[method-assign]
    post.put("a")
    post.put("b", target="two")
    assert post.deliveries.run_once() == 2
    assert post.arrived == ["b"]
    (one,) = post.outbox.listed(KIND, "bkd", WAITING)
    assert (one.name, one.code, one.detail) == ("a", "fault", "ZeroDivisionError")


def test_a_target_that_gives_no_answer_is_left_alone(post: Post) -> None:
    """Its other messages lose no attempt; all processes leave it alone, ever longer."""
    post.answers = {"one": SILENCE}
    tried: list[str] = []
    post.tried = lambda message: tried.append(message.name)  # type: ignore[method-assign]
    post.put("a", "b", "c")
    assert post.deliveries.run_once() == 3
    assert len(tried) == 1
    assert sorted(one.attempts for one in post.outbox.listed(KIND, "bkd", WAITING)) == [0, 0, 1]
    _, other = post.process()
    post.put("d")
    assert other.run_once() == 0
    post.forward(31)
    assert other.run_once() == 4
    post.forward(31)
    assert other.run_once() == 0
    post.answers = {}
    post.forward(31)
    other.run_once()
    post.forward(61)
    other.run_once()
    assert sorted(post.arrived) == ["a", "b", "c", "d"]


def test_a_target_that_hangs_does_not_hold_up_others(post: Post) -> None:
    """Targets are served side by side; what comes for one that hangs waits and loses no attempt."""
    asked, ended = threading.Event(), threading.Event()

    def hang(message: Message) -> None:
        if message.target == "one":
            asked.set()
            assert ended.wait(30)

    post.tried = hang  # type: ignore[method-assign]
    post.put("a")
    assert post.deliveries.run_once(patience=0) == 1
    assert asked.wait(10)
    post.put("b")
    post.put("c", tenant="bkn", target="three")
    post.put("d", target="two")
    assert post.deliveries.run_once() == 2
    assert sorted(post.arrived) == ["c", "d"]
    assert {one.name: one.attempts for one in post.outbox.listed(KIND, "bkd", WAITING)} == {"a": 1, "b": 0}
    ended.set()
    wait_until(lambda: "a" in post.arrived, "the one that hung has its message")


def test_tenants_and_targets_take_turns(post: Post) -> None:
    """Thousands of earlier messages of one delay nobody else's."""
    post.put(*(f"a{number}" for number in range(40)))
    post.forward(1)
    post.put("b1", "b2", target="two")
    post.put("c1", "c2", tenant="bkn", target="three")
    assert post.deliveries.run_once(4) == 4
    assert sorted(post.arrived) == ["a0", "b1", "c1", "c2"]
    assert post.deliveries.run_once(4) == 4
    assert {one for one in post.arrived if one[0] != "a"} == {"b1", "b2", "c1", "c2"}


def test_more_tenants_than_a_turn_has_places_all_come_up(post: Post) -> None:
    """Who was served last has its next turn last, however much each of them has waiting."""
    for number in range(6):
        post.put(*(f"{number}-{one}" for one in range(9)), tenant=f"agency {number}")
    for _ in range(3):
        post.forward(1)
        assert post.deliveries.run_once(2) == 2
    assert {name[0] for name in post.arrived} == {"0", "1", "2", "3", "4", "5"}


def test_order_is_kept_where_it_counts(store: Store) -> None:
    """Nothing overtakes a message that waits to be tried again; once it is settled, the rest follows."""
    post = Post(store, ordered=True)
    names = [f"{number}" for number in range(12)]
    post.answers = {"one": LATER}
    for name in names:
        post.put(name)
    post.put("free", target="two")
    post.deliveries.run_once()
    assert post.arrived == ["free"]
    assert post.deliveries.run_once() == 0
    post.answers = {}
    post.forward(31)
    while post.deliveries.run_once(5):
        pass
    assert post.arrived == ["free", *names]


def test_what_is_refused_for_good_holds_up_nothing(store: Store) -> None:
    """Where order counts, too, the next message goes out after one that has failed."""
    post = Post(store, ordered=True)
    post.answers = {"one": Outcome(FAILED, "refused", 400)}

    def relent(message: Message) -> None:
        post.answers = {}

    post.tried = relent  # type: ignore[method-assign]
    post.put("0", "1")
    assert post.deliveries.run_once() == 2
    assert (post.names(FAILED), post.arrived) == (["0"], ["1"])


def test_two_processes_do_not_send_the_same_message(post: Post) -> None:
    """What one has claimed another does not take, until the lease is over."""
    _, other = post.process()
    counts = []
    post.tried = lambda message: counts.append(other.run_once())  # type: ignore[method-assign]
    post.put("a")
    post.deliveries.run_once()
    assert counts == [0]


def test_a_claim_that_was_lost_settles_nothing(post: Post) -> None:
    """An attempt that outlived its lease does not undo what another process has done since."""
    _, other = post.process()
    post.answers = {"one": Outcome(FAILED, "refused", 400)}

    def slow(message: Message) -> None:
        post.tried = lambda message: None  # type: ignore[method-assign]
        post.forward(121)
        post.answers = {}
        assert other.run_once() == 1

    post.tried = slow  # type: ignore[method-assign]
    post.put("a")
    post.deliveries.run_once()
    assert post.arrived == ["a"]
    assert post.names(FAILED) == []
    assert post.outbox.counts(KIND, "bkd") == (0, 0)


def test_a_newer_message_is_not_settled_by_the_older_ones_attempt(post: Post) -> None:
    """What took the place of a message during its delivery is delivered, too."""

    def renew(message: Message) -> None:
        post.tried = lambda message: None  # type: ignore[method-assign]
        post.outbox.change(KIND, "bkd", "a", lambda kept: Draft("bkd", "one", "a", {"new": True}))

    post.tried = renew  # type: ignore[method-assign]
    post.put("a")
    post.deliveries.run_once()
    assert [one.payload for one in post.outbox.listed(KIND, "bkd", WAITING)] == [{"new": True}]
    assert post.deliveries.run_once() == 1
    assert post.outbox.counts(KIND, "bkd") == (0, 0)


def test_a_system_without_threads_loses_nothing(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages that no thread could be begun for go out later, and lose no attempt."""

    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    post.put("a")
    with monkeypatch.context() as patch:
        patch.setattr("lrs.outbox.deliveries.threading.Thread.start", refuse)
        post.deliveries.run_once()
    assert [one.attempts for one in post.outbox.listed(KIND, "bkd", WAITING)] == [0]
    post.forward(31)
    post.deliveries.run_once()
    assert post.arrived == ["a"]


def test_it_works_in_the_background(post: Post) -> None:
    """The thread delivers what is queued, at once, and ends when it is told to."""
    stop = threading.Event()
    thread = threading.Thread(target=post.deliveries.run_forever, args=(stop,))
    thread.start()
    try:
        post.put("a")
        wait_until(lambda: post.arrived, "the message arrived")
    finally:
        stop.set()
        post.outbox.news.set()
        thread.join(timeout=30)
    assert not thread.is_alive()

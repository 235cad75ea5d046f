"""References between statements: views, voiding and late arrivals, against a plain model of what is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statements.inherited_keys import MOST_KEYS, MOST_VIEWS
from statements.keys import VOIDED, target_key, verb_filter_key
from statements.references import (
    Plan,
    Views,
    is_voiding,
    lookups,
    plan,
    voided_voidings,
)


@dataclass(frozen=True)
class New:
    """An incoming statement, as far as references see it."""

    id: str
    keys: frozenset[str]
    refers_to: str | None
    voids: str | None


@dataclass(frozen=True)
class Stored:
    """A record of the store."""

    id: str
    views: Views
    hidden: bool = False


def uuid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def new(number: int, refers_to: int | None = None, *, voids: bool = False) -> New:
    """Statement number n has a key of its own, `k<n>`, beside those of its reference."""
    keys = {f"k{number}"}
    target = None if refers_to is None else uuid(refers_to)
    if target is not None:
        keys.add(target_key(target))
    if voids:
        keys.add(verb_filter_key(VOIDED))
    return New(uuid(number), frozenset(keys), target, target if voids else None)


class Model:
    """The write of references.py over a dictionary: marks, referrers, plan, apply."""

    def __init__(self) -> None:
        self.records: dict[str, Stored] = {}
        self.marks: set[str] = set()

    def write(self, *batch: New) -> Plan:
        referrers = {
            each.id: [
                one for one in self.records.values() if any(target_key(each.id) in v for v in one.views)
            ]
            for each in batch
            if each.id in self.marks
        }
        made = plan(batch, self.records, referrers)
        for each in batch:
            self.records[each.id] = Stored(each.id, made.views[each.id])
        for each_id, views in made.reindex.items():
            self.records[each_id] = replace(self.records[each_id], views=views)
        for each_id in made.hide:
            self.records[each_id] = replace(self.records[each_id], hidden=True)
        self.marks = (self.marks | made.awaited) - made.arrived
        return made

    def found(self, number: int) -> set[int]:
        """Numbers of the statements that a query for the own key of a statement returns."""
        return {
            int(each.id[:8], 16)
            for each in self.records.values()
            if not each.hidden and any(f"k{number}" in view for view in each.views)
        }


def meant(statements: Sequence[New], number: int) -> set[int]:
    """What such a query should return: not voided, and leading to the statement over any references."""
    there = {each.id: each for each in statements}
    voided = {each.voids for each in statements if each.voids in there}
    result = set()
    for each in statements:
        if each.id in voided and each.voids is None:
            continue
        at: str | None = each.id
        passed: set[str] = set()
        while at in there and at not in passed:
            passed.add(at)
            at = there[at].refers_to
        if uuid(number) in passed:
            result.add(int(each.id[:8], 16))
    return result


@st.composite
def histories(draw: st.DrawFn) -> list[list[New]]:
    """Statements that refer to each other and to absent ones, in any order, cut into batches."""
    size = draw(st.integers(1, 9))
    made = []
    for number in draw(st.permutations(range(size))):
        target = draw(st.none() | st.integers(0, size))
        voids = target is not None and draw(st.booleans())
        made.append(new(number, target, voids=voids))
    batches: list[list[New]] = [[]]
    for each in made:
        if draw(st.booleans()):
            batches.append([])
        batches[-1].append(each)
    return [batch for batch in batches if batch]


@given(histories())
def test_queries_follow_references_whatever_order_statements_arrive_in(history: list[list[New]]) -> None:
    """Communication 2.1.3, Filter Conditions for StatementRefs: chains, cycles, batches and late targets."""
    model = Model()
    for batch in history:
        model.write(*batch)
    statements = [each for batch in history for each in batch]
    for number in range(len(statements)):
        assert model.found(number) == meant(statements, number)


@given(histories())
def test_only_absent_targets_are_marked(history: list[list[New]]) -> None:
    """After every write the marks are exactly the ids that something refers to and that are not there."""
    model = Model()
    there: list[New] = []
    for batch in history:
        model.write(*batch)
        there += batch
        ids = {each.id for each in there}
        assert model.marks == {each.refers_to for each in there if each.refers_to is not None} - ids


def test_a_statement_without_references_needs_nothing() -> None:
    """The common case reads nothing and writes nothing beside the statement itself."""
    assert lookups([new(1)]) == set()
    assert plan([new(1)], {}, {}) == Plan(views={uuid(1): (new(1).keys,)})


def test_a_voided_statement_is_hidden_and_its_referrers_are_found_through_it() -> None:
    """XAPI-00018 and Communication 2.1.4: the voided one disappears, what targets it does not."""
    model = Model()
    model.write(new(1))
    model.write(new(2, 1))
    model.write(new(3, 1, voids=True))
    assert model.found(1) == {2, 3}


def test_a_voiding_that_arrives_first_hides_its_target_later() -> None:
    """A voiding statement is accepted before its target, which is then hidden from its first moment on."""
    model = Model()
    made = model.write(new(3, 1, voids=True))
    assert (made.hide, made.awaited) == (set(), {uuid(1)})
    assert model.write(new(1)).hide == {uuid(1)}
    assert model.found(1) == {3}


@pytest.mark.parametrize("same_batch", [False, True])
def test_a_voiding_statement_cannot_be_voided(same_batch: bool) -> None:
    """XAPI-00016: the attempt is a problem at /object/id, and even when forced it hides nothing."""
    voiding, attempt = new(2, 1, voids=True), new(3, 2, voids=True)
    model = Model()
    model.write(new(1))
    if not same_batch:
        model.write(voiding)
    batch = [voiding, attempt] if same_batch else [attempt]
    (found,) = voided_voidings(batch, {} if same_batch else {voiding.id: model.records[voiding.id]})
    assert (found.index, found.pointer) == (len(batch) - 1, "/object/id")
    assert (found.rule, found.requirement) == ("voiding.target-is-voiding", "XAPI-00016")
    model.write(*batch)
    assert not model.records[voiding.id].hidden


@pytest.mark.parametrize("target", [1, 9])
def test_voiding_a_statement_that_is_there_or_not_is_no_problem(target: int) -> None:
    """XAPI-00020: the target of a voiding statement may be absent; voiding twice is fine as well."""
    model = Model()
    model.write(new(1))
    model.write(new(2, target, voids=True))
    assert voided_voidings([new(3, target, voids=True)], model.records) == []


def test_long_chains_are_cut_and_never_refused() -> None:
    """A record carries a bounded number of views, whether its chain grows at either end."""
    model = Model()
    for number in range(100):
        model.write(new(number, number + 1))
    model.write(*(new(200 + number, 201 + number) for number in range(100)))
    assert max(len(each.views) for each in model.records.values()) == MOST_VIEWS
    assert model.found(20) >= set(range(10, 21))


@pytest.mark.parametrize("batch", [True, False], ids=["in one batch", "one by one"])
@pytest.mark.parametrize("backwards", [True, False], ids=["target last", "target first"])
def test_a_statement_of_many_keys_makes_no_other_large(batch: bool, backwards: bool) -> None:
    """What refers to it takes over what `inherited` leaves, and what comes after it, in whatever order."""
    many = frozenset(f"O\x1f{number}" for number in range(MOST_KEYS))
    large = replace(new(2, 3), keys=new(2, 3).keys | many)
    sent = [new(3), large, new(1, 2), new(0, 1)]
    model = Model()
    for write in [sent] if batch else [[each] for each in (reversed(sent) if backwards else sent)]:
        model.write(*write)
    views = {each.id: each.views for each in model.records.values()}
    assert views[uuid(2)] == (large.keys, new(3).keys)
    assert views[uuid(1)] == (new(1, 2).keys, new(2, 3).keys, new(3).keys)
    assert views[uuid(0)] == (new(0, 1).keys, new(1, 2).keys, new(2, 3).keys, new(3).keys)


def test_new_statements_take_over_so_many_keys_and_the_rest_is_owed() -> None:
    """Those beyond keep their own keys; the first that they lack is named, so that it is done later."""
    records = {uuid(1): Stored(uuid(1), (new(1).keys,))}
    made = plan([new(2, 1), new(3, 1), new(4)], records, {}, most_keys=1)
    assert made.views == {
        uuid(2): (new(2, 1).keys, new(1).keys),
        uuid(3): (new(3, 1).keys,),
        uuid(4): (new(4).keys,),
    }
    assert (made.owed, made.overdue) == ({uuid(1)}, set())


def test_where_a_chain_was_not_read_on_the_rest_is_owed() -> None:
    """Nobody knows whether the unread statement is there: what leads to it, new or stored, is done later."""
    records = {uuid(1): Stored(uuid(1), (new(1, 9).keys,)), uuid(5): Stored(uuid(5), (new(5, 2).keys,))}
    made = plan([new(2, 1)], records, {uuid(2): [records[uuid(5)]]}, unread={uuid(9)})
    assert made.views[uuid(2)] == (new(2, 1).keys, new(1, 9).keys)
    assert made.reindex[uuid(5)] == (new(5, 2).keys, new(2, 1).keys, new(1, 9).keys)
    assert (made.owed, made.overdue) == ({uuid(9)}, {uuid(9)})


def test_one_that_a_stored_statement_voids_is_hidden_unless_it_voids_itself() -> None:
    """The ids that are known to be voided need nobody among the referrers that are at hand."""
    made = plan([new(1), new(2, 7, voids=True)], {}, {uuid(1): [], uuid(2): []}, voided={uuid(1), uuid(2)})
    assert made.hide == {uuid(1)}


def test_a_voiding_record_is_known_by_its_views() -> None:
    """What a stored record says about voiding is read from its own keys, not from those it reaches."""
    assert is_voiding((new(1, 2, voids=True).keys,))
    assert not is_voiding((new(1, 2).keys, new(2, 3, voids=True).keys))

"""The members of a course on every engine: pages in the order of names, rosters written in slices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lrs.store.documents import DocumentQuery
from lrs.store.port import Store
from lti_tool.launch.course_members import SLICE, WALK, Member, Members, scope_of
from lti_tool.launch.sessions import LaunchSession
from tests.contract.make import now

SESSION = LaunchSession(
    id="1",
    tenant="bkn",
    platform_id="p",
    issuer="https://lms.example",
    client_id="c",
    deployment_id="1",
    subject="s0",
    name="Guru",
    given_name="",
    roles=frozenset({"instructor"}),
    context_id="3",
    context_title="",
    resource_link_id="7",
    resource_link_title="",
    message_type="",
    locale="",
    custom={},
    nrps_url="",
    ags={},
    deep_linking={},
    return_url="",
    created=0,
    expires=0,
)
SCOPE = scope_of(SESSION)
MANY = WALK + SLICE + 7


def learner(number: int, name: str = "", *, active: bool = True) -> Member:
    return Member(f"s{number}", name or f"Person {number:04d}", "", frozenset({"learner"}), active)


@pytest.fixture
def members(store: Store) -> Members:
    return Members(store, now)


def names(members: Members, role: str = "") -> list[str]:
    return [one.name for some in members.walk(SCOPE, role) for one in some]


def test_every_page_leads_to_the_next_and_back(members: Members) -> None:
    """Following `after` shows everybody once in the order of names; `before` shows the same pages again."""
    members.apply(SCOPE, [learner(n) for n in range(1, 24)], complete=True)
    forth = []
    page = members.page(SESSION, "learner", after="", before="", limit=10)
    assert not page.before
    while True:
        forth.append([one.name for one in page.members])
        if not page.after:
            break
        page = members.page(SESSION, "learner", after=page.after, before="", limit=10)
    assert [len(one) for one in forth] == [10, 10, 3]
    assert [name for one in forth for name in one] == [f"Person {n:04d}" for n in range(1, 24)]
    back = [[one.name for one in page.members]]
    while page.before:
        page = members.page(SESSION, "learner", after="", before=page.before, limit=10)
        back.append([one.name for one in page.members])
    assert back == forth[::-1]


def test_a_place_that_is_gone_is_the_beginning(members: Members) -> None:
    """An address that was kept too long, or made up, shows the first page."""
    members.apply(SCOPE, [learner(n) for n in range(3)], complete=True)
    for place in ({"after": "gone", "before": ""}, {"after": "", "before": "gone"}):
        page = members.page(SESSION, "learner", limit=2, **place)
        assert [one.subject for one in page.members] == ["s0", "s1"]
        assert (page.before, bool(page.after)) == ("", True)


def test_a_large_roster_is_written_whole_and_changed_where_it_differs(store: Store, members: Members) -> None:
    """More members than one slice or one reading: renamed, made inactive, forgotten, and as it was."""
    everybody = [learner(n) for n in range(MANY)]
    members.apply(SCOPE, everybody, complete=True)
    assert names(members) == [one.name for one in everybody]
    with store.reading() as reader:
        before = {
            one.name: one.updated
            for one in reader.find_documents(DocumentQuery("member", SCOPE, limit=2 * MANY))
        }
    changed = [learner(0, "Zulkifli"), learner(1, active=False), *everybody[2:-1]]
    members.apply(SCOPE, changed, complete=True)
    assert names(members, "learner") == [*(one.name for one in everybody[2:-1]), "Zulkifli"]
    assert len(names(members)) == MANY - 1
    with store.reading() as reader:
        after = {
            one.name: one.updated
            for one in reader.find_documents(DocumentQuery("member", SCOPE, limit=2 * MANY))
        }
    assert sum(before[name] != updated for name, updated in after.items()) == 2


def test_a_launch_while_a_roster_is_written_is_kept(members: Members) -> None:
    """What a launch says of a member and what a roster says do not undo each other."""
    members.apply(SCOPE, [replace(learner(0, "Dari daftar"))], complete=True)
    members.remember(SESSION)
    members.apply(SCOPE, [learner(0, "Nama baru"), learner(1)], complete=True)
    one = members.member(SESSION, "s0")
    assert one is not None
    assert (one.name, one.roles, one.seen > 0) == ("Nama baru", frozenset({"instructor"}), True)
    assert names(members, "learner") == ["Person 0001"]


def test_who_launched_and_is_in_no_complete_roster_is_gone_until_the_next_launch(members: Members) -> None:
    """A roster that was cut says nothing about who is missing from it."""
    learning = replace(SESSION, roles=frozenset({"learner"}))
    members.remember(learning)
    for complete, there in ((False, ["Guru"]), (True, [])):
        members.apply(SCOPE, [], complete=complete)
        assert names(members, "learner") == there
    members.remember(learning)
    assert names(members, "learner") == ["Guru"]
    members.apply(SCOPE, None, complete=False)
    assert names(members, "learner") == ["Guru"]

"""Generated statements: valid ones are accepted, and a broken place is pointed at."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from statements.data_types.versions import Version
from statements.rules.check import check_statement
from tests import strategies

WRONG = st.sampled_from([None, True, 7, -0.5, "", "\ud800", "wrong value", [], ["x"], {}, {"x": 1}])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every member and item, but for those inside extensions, where anything may stand."""
    if path and path[-1] == "extensions":
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def container(statement: Any, path: tuple[Any, ...]) -> Any:
    """The object or array that holds the place."""
    for step in path[:-1]:
        statement = statement[step]
    return statement


def as_pointer(path: tuple[Any, ...]) -> str:
    """The path as a JSON Pointer."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def related(one: str, other: str) -> bool:
    """Whether one pointer is the other, above it or below it."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


@given(st.data(), st.sampled_from(Version))
def test_generated_statements_are_valid(data: st.DataObject, version: Version) -> None:
    """Every statement of the strategies is accepted, and survives a trip through JSON text as it is."""
    statement = data.draw(strategies.statements(version))
    assert check_statement(statement, version) == []
    assert orjson.loads(orjson.dumps(statement)) == statement


@given(st.data(), st.sampled_from(Version))
def test_a_replaced_value_is_accepted_or_pointed_at(data: st.DataObject, version: Version) -> None:
    """Another value in one place is either valid or refused with a pointer at, above or below the place."""
    statement = copy.deepcopy(data.draw(strategies.statements(version)))
    path = data.draw(st.sampled_from(list(places(statement))))
    container(statement, path)[path[-1]] = data.draw(WRONG)
    found = check_statement(statement, version)
    assert not found or any(related(each.pointer, as_pointer(path)) for each in found)


@given(st.data(), st.sampled_from(Version))
def test_null_is_always_pointed_at(data: st.DataObject, version: Version) -> None:
    """A null in any place outside extensions is refused, and exactly there."""
    statement = copy.deepcopy(data.draw(strategies.statements(version)))
    path = data.draw(st.sampled_from(list(places(statement))))
    container(statement, path)[path[-1]] = None
    assert as_pointer(path) in {each.pointer for each in check_statement(statement, version)}


@given(st.data(), st.sampled_from(Version))
def test_a_removed_value_is_accepted_or_pointed_at(data: st.DataObject, version: Version) -> None:
    """A statement that lost a member or item is valid or refused at what lost it, or around that."""
    statement = copy.deepcopy(data.draw(strategies.statements(version)))
    path = data.draw(st.sampled_from(list(places(statement))))
    del container(statement, path)[path[-1]]
    found = check_statement(statement, version)
    assert not found or any(related(each.pointer, as_pointer(path[:-1])) for each in found)


@given(st.data(), st.sampled_from(Version))
def test_an_added_or_misspelt_name_is_pointed_at(data: st.DataObject, version: Version) -> None:
    """A member of an unknown name, or one in another case, is refused by its own pointer."""
    statement = copy.deepcopy(data.draw(strategies.statements(version)))
    inside = [path for path in places(statement) if isinstance(container(statement, path), dict)]
    path = data.draw(st.sampled_from(inside))
    holder = container(statement, path)
    changed = data.draw(st.sampled_from([f"{path[-1]} ", path[-1].swapcase(), "x y"]))
    as_tag = path[-2:-1] and path[-2] in ("display", "name", "description")
    if changed in holder or (as_tag and changed == path[-1].swapcase()):
        return
    holder[changed] = holder.pop(path[-1])
    assert as_pointer((*path[:-1], changed)) in {each.pointer for each in check_statement(statement, version)}

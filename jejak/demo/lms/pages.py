"""The pages a person sees: home, course, activity, gradebook and the test bench. There are no passwords."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from flask import Blueprint, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from jejak.demo.lms.memory import Link, Memory, memory
from jejak.demo.lms.people import AGENCY_NAME, BY_ID, INSTRUCTOR, LEARNERS, PEOPLE, SITE_NAME, Person
from jejak.demo.lms.variants import VARIANTS

pages = Blueprint("pages", __name__)

SWITCHES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "token": ("Token endpoint", ("normal", "down")),
    "roster": ("Roster (NRPS)", ("normal", "paged", "down")),
    "scores": ("Scores (AGS)", ("normal", "conflict", "down")),
    "storage": ("Platform storage", ("none", "offered")),
}
"""Title and values of each switch; the first value is how things stand at the start."""


@pages.app_context_processor
def _site() -> dict[str, object]:
    return {"site": SITE_NAME, "agency": AGENCY_NAME, "course": memory().course, "lang": _lang()}


def _lang() -> str:
    return "en" if request.args.get("lang") == "en" else "id"


def _person() -> Person:
    person = BY_ID.get(request.args.get("as", ""))
    if person is None:
        raise NotFound("no such user")
    return person


def _usable(mind: Memory, link: Link) -> bool:
    tool = mind.tools.get(link.type_id or 0)
    return tool is not None and tool.active


def _chosen(links: list[Link]) -> Link | None:
    asked = next((link for link in links if str(link.id) == request.args.get("activity")), None)
    return asked or (links[0] if links else None)


@pages.get("/")
def home() -> str:
    """The course, with a button per person."""
    return render_template("home.html", instructor=INSTRUCTOR, learners=LEARNERS)


@pages.get("/course/view.php")
def course() -> str:
    """The course as one person sees it, one activity open in a frame. Query: `as`, `activity`, `lang`."""
    mind, person = memory(), _person()
    with mind.lock:
        links = [link for link in mind.links.values() if _usable(mind, link)]
        tools = [tool for tool in mind.tools.values() if tool.active]
        storage = mind.switches.get("storage") == "offered"
    return render_template(
        "course.html", person=person, links=links, chosen=_chosen(links), tools=tools, storage=storage
    )


@pages.get("/course/select.php")
def select() -> str:
    """Pick content from a tool (deep linking) in a frame; for the instructor. Query: `as`, `type`."""
    mind, person = memory(), _person()
    tool = mind.tools.get(request.args.get("type", 0, type=int))
    if tool is None or not person.instructor:
        raise NotFound("no such tool")
    storage = mind.switches.get("storage") == "offered"
    return render_template("select.html", person=person, tool=tool, storage=storage)


@pages.get("/grade/report.php")
def gradebook() -> str:
    """All grades. Query: `as`; a learner sees one row, their own."""
    mind, person = memory(), _person()
    with mind.lock:
        items = list(mind.items.values())
        grades = dict(mind.grades)
    rows = LEARNERS if person.instructor else (person,)
    return render_template("gradebook.html", person=person, items=items, grades=grades, rows=rows)


@pages.get("/mod/lti/return.php")
def back() -> Response:
    """Where a tool sends people back to; its message, if any, is shown by the course page."""
    return redirect(f"/course/view.php?id={memory().course.id}&as={_person().id}", 303)


@pages.get("/bench")
def bench() -> str:
    """The test bench: every variant of a launch, and the switches of the services."""
    mind = memory()
    with mind.lock:
        links = [link for link in mind.links.values() if _usable(mind, link)]
        switches = dict(mind.switches)
    groups = [(name, list(rows)) for name, rows in groupby(VARIANTS.values(), key=lambda one: one.group)]
    return render_template(
        "bench.html",
        groups=groups,
        people=PEOPLE,
        person=BY_ID.get(request.args.get("as", ""), LEARNERS[0]),
        links=links,
        chosen=_chosen(links),
        table=SWITCHES,
        switches=switches,
    )


@pages.post("/bench/switches")
def switch() -> Response:
    """Set the switches of the services; a value that is not in the table counts as the first."""
    mind = memory()
    with mind.lock:
        for name, (_, values) in SWITCHES.items():
            given = request.form.get(name, values[0])
            mind.switches[name] = given if given in values else values[0]
    return redirect("/bench", 303)

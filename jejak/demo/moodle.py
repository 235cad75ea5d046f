"""Statements in the very shapes that Moodle's xAPI plugin (logstore_xapi 5.0.1) sends.

The actor is the plugin's default: an account of the site with the numeric user id. There is no statement id;
the site is a category activity; times are whole seconds with an offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jejak.demo.lms.people import SITE_NAME, Person

ADL = "http://adlnet.gov/expapi/verbs/"
COMPLETED = {"id": ADL + "completed", "display": {"en": "Completed"}}
ATTENDED = {"id": ADL + "attended", "display": {"en": "Attended"}}
UNCOMPLETED = {
    "id": "https://xapi.edlm/profiles/edlm-lms/concepts/verbs/uncompleted",
    "display": {"en": "Uncompleted"},
}
COURSE_TYPE = "https://w3id.org/xapi/cmi5/activitytype/course"
INFO = "http://lrs.learninglocker.net/define/extensions/info"

Statement = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Module:
    """A module of a course: its kind is the folder below /mod."""

    id: int
    kind: str
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Site:
    """The Moodle site that sends: `url` is its wwwroot."""

    url: str
    language: str = "id"

    def actor(self, person: Person) -> Statement:
        """A user as the plugin names them."""
        return {"name": person.name, "account": {"homePage": self.url, "name": person.id}}

    def activity(self, path: str, name: str, kind: str) -> Statement:
        """An activity below the site."""
        return {
            "objectType": "Activity",
            "id": self.url + path,
            "definition": {"type": kind, "name": {self.language: name}},
        }

    def course(self, number: int, name: str) -> Statement:
        """A course."""
        return self.activity(f"/course/view.php?id={number}", name, COURSE_TYPE)

    def course_completed(self, person: Person, number: int, name: str, when: datetime) -> Statement:
        """Event course_completed. No result, no score, no hours."""
        return self._statement("core", "course_completed", person, COMPLETED, self.course(number, name), when)

    def module_completed(
        self, person: Person, module: Module, number: int, course: str, when: datetime, *, passed: bool | None
    ) -> Statement:
        """Event course_module_completion_updated; `passed` None: completed without pass or fail."""
        result: Statement = {"completion": True}
        if passed is not None:
            result["success"] = passed
        return {**self._module(person, module, number, course, when, COMPLETED), "result": result}

    def module_uncompleted(
        self, person: Person, module: Module, number: int, course: str, when: datetime
    ) -> Statement:
        """The same event when the completion is taken back."""
        return self._module(person, module, number, course, when, UNCOMPLETED)

    def attended(
        self,
        person: Person,
        instructor: Person,
        module: Module,
        number: int,
        course: str,
        when: datetime,
        *,
        seconds: int,
    ) -> Statement:
        """Event take_attendance of a face-to-face session: duration in seconds, and who kept the list."""
        statement = self._statement(
            "mod_facetoface", "take_attendance", person, ATTENDED, self._of(module), when, number, course
        )
        statement["context"]["instructor"] = self.actor(instructor)
        return {**statement, "result": {"duration": f"PT{seconds}S", "completion": True}}

    def _of(self, module: Module) -> Statement:
        return self.activity(f"/mod/{module.kind}/view.php?id={module.id}", module.name, module.type)

    def _module(
        self, person: Person, module: Module, number: int, course: str, when: datetime, verb: Statement
    ) -> Statement:
        event = "course_module_completion_updated"
        return self._statement("core", event, person, verb, self._of(module), when, number, course)

    def _statement(
        self,
        component: str,
        event: str,
        person: Person,
        verb: Statement,
        thing: Statement,
        when: datetime,
        number: int | None = None,
        course: str = "",
    ) -> Statement:
        around: Statement = {
            "category": [self.activity("", SITE_NAME, "http://id.tincanapi.com/activitytype/lms")]
        }
        if number is not None:
            around["parent"] = [self.course(number, course)]
        return {
            "actor": self.actor(person),
            "verb": verb,
            "object": thing,
            "timestamp": when.isoformat(timespec="seconds"),
            "context": {
                "language": self.language,
                "contextActivities": around,
                "extensions": {
                    INFO: {
                        "http://moodle.org": "5.0 (Build: 20250414)",
                        "https://github.com/xAPI-vle/moodle-logstore_xapi": "v5.0.1",
                        "event_name": f"\\{component}\\event\\{event}",
                        "event_function": f"\\src\\transformer\\events\\{component}\\{event}",
                    }
                },
            },
        }

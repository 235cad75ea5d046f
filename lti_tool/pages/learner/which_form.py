"""Four questions that lead to a form of learning, or say why something does not count.

Plain data: each answer leads to another question or to an end. The forms are those that the program ships;
what an agency does not have is left out, and the reader is led to the list of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lti_tool.text.i18n import gettext


@dataclass(frozen=True, slots=True)
class End:
    """Where answers lead: forms to choose from, or why it does not count and what to do."""

    forms: tuple[str, ...] = ()
    because: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its answers, each with the name of the next question or an end."""

    text: str
    answers: tuple[tuple[str, str | End], ...]


FIRST = "new"


def questions() -> Mapping[str, Question]:
    """The questions by name, in the reader's language; every way through them asks at most four."""
    return {
        "new": Question(
            gettext("Did you learn something that you use, or will use, in your work?"),
            (
                (gettext("Yes"), "proof"),
                (
                    gettext("No, it was my usual work"),
                    End(
                        ("on-the-job-training",),
                        gettext(
                            "Usual work by itself does not count. If somebody showed you how to do"
                            " something new, log that."
                        ),
                    ),
                ),
            ),
        ),
        "proof": Question(
            gettext("Can somebody confirm it, or does something show it: a certificate, a photo, minutes?"),
            (
                (gettext("Yes"), "way"),
                (
                    gettext("No, nobody and nothing"),
                    End(
                        because=gettext(
                            "It does not count without somebody or something that shows it."
                            " Ask your supervisor whether they can confirm it; then it can be logged."
                        )
                    ),
                ),
            ),
        ),
        "way": Question(
            gettext("How did you learn?"),
            (
                (gettext("By working: a task, a placement, an exercise"), "work"),
                (gettext("From another person, or with others"), "others"),
                (gettext("In a course, a training or an event"), "course"),
                (gettext("By myself: reading, watching, trying"), "alone"),
            ),
        ),
        "work": Question(
            gettext("Where and how?"),
            (
                (
                    gettext("In my own unit; somebody showed me and watched me do it"),
                    End(("on-the-job-training",)),
                ),
                (gettext("Posted to another agency for some days or longer"), End(("secondment",))),
                (gettext("In a private company for some days or longer"), End(("industry-exchange",))),
                (gettext("As an intern, or on practical placement"), End(("internship",))),
                (gettext("In an outdoor exercise with a team"), End(("outbound",))),
                (gettext("Otherwise, with a letter of assignment"), End(("other",))),
            ),
        ),
        "others": Question(
            gettext("What was it like?"),
            (
                (gettext("A coach asked, and I found my own answers"), End(("coaching",))),
                (
                    gettext("Somebody with more experience shared what they know"),
                    End(("mentoring",)),
                ),
                (gettext("A group of colleagues that meets to learn"), End(("community",))),
                (gettext("A visit to another agency to see how they do it"), End(("benchmarking",))),
            ),
        ),
        "course": Question(
            gettext("What kind?"),
            (
                (
                    gettext("A course in the LMS of my agency"),
                    End(
                        because=gettext(
                            "It counts, and you need not log it: it appears by itself when you complete it."
                        )
                    ),
                ),
                (
                    gettext("A training or course with a certificate that tells its hours"),
                    End(
                        (
                            "technical-training",
                            "functional-training",
                            "managerial-training",
                            "sociocultural-training",
                            "leadership-training",
                            "technical-guidance",
                            "course",
                            "upgrading-course",
                            "distance-training",
                        )
                    ),
                ),
                (gettext("A seminar, conference or webinar"), End(("seminar",))),
                (gettext("A workshop with a result"), End(("workshop",))),
                (gettext("A briefing on something new, such as a regulation"), End(("briefing",))),
                (gettext("A study programme of a university"), End(("degree-study",))),
            ),
        ),
        "alone": Question(
            gettext("What shows it?"),
            (
                (gettext("A short report on what I read or watched"), End(("self-study",))),
                (gettext("A certificate of an online course elsewhere"), End(("course",))),
                (
                    gettext("Nothing yet"),
                    End(
                        ("self-study",),
                        gettext(
                            "It does not count yet. Write a short report on what you learned;"
                            " then it can be logged."
                        ),
                    ),
                ),
            ),
        ),
    }


def walk(answers: str) -> tuple[list[tuple[Question, int]], Question | End]:
    """The questions that were answered, each with its answer, and what comes next.

    `answers` are digits, one for each question, counted from 0; what is no answer ends them.
    """
    asked = questions()
    given: list[tuple[Question, int]] = []
    now = asked[FIRST]
    for digit in answers:
        number = int(digit) if digit.isascii() and digit.isdigit() else len(now.answers)
        if number >= len(now.answers):
            break
        given.append((now, number))
        then = now.answers[number][1]
        if isinstance(then, End):
            return given, then
        now = asked[then]
    return given, now

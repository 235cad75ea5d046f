"""Query parameters of every resource but /statements: known names, once each, well formed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from lrs.http.problems import invalid, parameter_problem
from lrs.http.request import Parameters
from statements.data_types import timestamps
from statements.data_types.exact_json import loads
from statements.data_types.identity import agent_key, is_uuid, uuid_key, valid_iri
from statements.data_types.versions import Version
from statements.errors import Problem
from statements.filters import LONGEST_AGENT
from statements.rules.check import check_agent

REQUIRED = "this parameter is required here"
LONGEST_NAME = 2_000


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: how its text becomes a value (ValueError with a plain reason, or Problems)."""

    name: str
    read: Callable[[str, Version], Any]
    rule: str
    """The rule that a value of the wrong form breaks."""
    required: bool = False


class _WrongError(ValueError):
    def __init__(self, problems: Collection[Problem]) -> None:
        super().__init__("see problems")
        self.problems = problems


def _iri(text: str, _: Version) -> str:
    if not valid_iri(text):
        raise ValueError("an absolute IRI is expected, beginning with a scheme such as https:")
    return text


def _agent(text: str, version: Version) -> dict[str, Any]:
    try:
        if len(text) > LONGEST_AGENT:
            raise ValueError
        value = loads(text)
    except ValueError:
        raise ValueError("an Agent as JSON is expected") from None
    problems = check_agent(value, version, pointer="?agent")
    if problems:
        raise _WrongError(problems)
    if value.get("objectType") == "Group" or agent_key(value) is None:
        raise ValueError("an Agent is expected; name an identified group by its identifier in an Agent")
    agent: dict[str, Any] = value
    return agent


def _uuid(text: str, _: Version) -> str:
    if not is_uuid(text):
        raise ValueError("a UUID is expected")
    return uuid_key(text)


def _time(text: str, _: Version) -> int:
    try:
        return timestamps.parse(text)
    except ValueError:
        try:
            # "+" in a query means a space; clients forget to encode the one of "+07:00".
            return timestamps.parse(text.replace(" ", "+"))
        except ValueError:
            raise ValueError("an ISO 8601 timestamp is expected") from None


def _name(text: str, _: Version) -> str:
    if not text or len(text) > LONGEST_NAME or "\0" in text:
        raise ValueError(f"a name of 1 to {LONGEST_NAME} characters is expected")
    return text


ACTIVITY = Parameter("activityId", _iri, "query.iri", required=True)
AGENT = Parameter("agent", _agent, "query.agent", required=True)
REGISTRATION = Parameter("registration", _uuid, "query.uuid")
SINCE = Parameter("since", _time, "query.timestamp")
STATE = Parameter("stateId", _name, "request.parameter-name")
PROFILE = Parameter("profileId", _name, "request.parameter-name")


def read(given: Parameters, version: Version, known: Collection[Parameter]) -> dict[str, Any]:
    """The values of a request's parameters; RefusalError 400 with everything that is wrong with them."""
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    names = {parameter.name for parameter in known}
    problems += [
        parameter_problem(name, "this parameter is not known here; mind upper and lower case")
        for name in given
        if name not in names
    ]
    for parameter in known:
        texts = given.get(parameter.name)
        if texts is None:
            if parameter.required:
                problems.append(parameter_problem(parameter.name, REQUIRED, "request.parameter-required"))
        elif len(texts) > 1:
            problems.append(
                parameter_problem(parameter.name, "give this parameter once only", "query.parameter-once")
            )
        else:
            try:
                values[parameter.name] = parameter.read(texts[0], version)
            except _WrongError as wrong:
                problems += wrong.problems
            except ValueError as error:
                problems.append(parameter_problem(parameter.name, str(error), parameter.rule))
    if problems:
        raise invalid(problems)
    return values

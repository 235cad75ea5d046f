"""What is wrong with an input: one `Problem` for each thing found, `InvalidError` to raise them together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input, said so that its sender can repair it.

    Problems never carry the offending value: it may be personal data.
    """

    index: int | None
    """Place in the batch, counted from 0; None when the input is no batch."""
    pointer: str
    """JSON Pointer (RFC 6901) into that statement; "" is the statement itself."""
    rule: str
    """Our stable slug, a key of `statements.rules.check.RULES` where the rule is about statements."""
    hint: str
    """One plain sentence: what is expected here."""
    requirement: str = ""
    """Requirement id of the ADL conformance suite (XAPI-000nn) or a section of the specification."""

    def as_dict(self) -> dict[str, object]:
        """The problem as it is shown to clients; members that say nothing are left out."""
        shown: dict[str, object] = {} if self.index is None else {"index": self.index}
        shown.update(pointer=self.pointer, rule=self.rule, hint=self.hint)
        if self.requirement:
            shown["requirement"] = self.requirement
        return shown


class InvalidError(ValueError):
    """An input breaks the rules; `problems` holds every one found, at least one."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        if not self.problems:
            raise AssertionError("InvalidError needs at least one problem")
        super().__init__(f"{len(self.problems)} problem(s), the first: {self.problems[0].hint}")

"""Gathers figures; one that fails is told beside the others, which go on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class WrongAnswers(RuntimeError):
    """A figure does not count: not every answer was the right one."""


@dataclass(slots=True)
class Report:
    """The figures so far, and why others are missing: what was being measured -> reason."""

    figures: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def take(self, what: str, work: Callable[[], dict[str, Any]]) -> None:
        """Add the figures that `work` measures, or the reason why it could not."""
        note(what)
        try:
            self.figures |= work()
        except Exception as error:
            self.errors[what] = f"{type(error).__name__}: {error}"
            note(f"{what} failed: {self.errors[what]}")

    def told(self) -> dict[str, Any]:
        """The figures, with `errors` when there are any; three decimals are enough."""
        return rounded(self.figures) | ({"errors": self.errors} if self.errors else {})


def rounded(figures: dict[str, Any]) -> dict[str, Any]:
    """The same figures with at most three decimals."""
    return {
        name: rounded(value)
        if isinstance(value, dict)
        else round(value, 3)
        if isinstance(value, float)
        else value
        for name, value in figures.items()
    }


def note(text: str) -> None:
    """Progress, on standard error."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

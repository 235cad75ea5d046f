"""The clock of the tool's tests."""

from __future__ import annotations

from tests.lti_tool.conftest import clock

__all__ = ["clock"]

"""What the operator says about requests to other servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class OutboundSettings(Protocol):
    """Where requests may go, how long they may take, and how much may come back."""

    @property
    def allow_loopback(self) -> bool:
        """Whether this machine itself may be called: for the demo and tests."""

    @property
    def allowed_networks(self) -> Sequence[str]:
        """Private networks that may be called, as CIDR."""

    @property
    def http_timeout_seconds(self) -> float:
        """How long one wait may last."""

    @property
    def http_total_seconds(self) -> float:
        """How long the whole exchange may last."""

    @property
    def http_max_bytes(self) -> int:
        """How large an answer may be."""

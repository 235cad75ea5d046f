"""Logging: one line of JSON per event on standard error, without personal data or secrets."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog


def configure(level: str) -> None:
    """Send structlog and the standard library's logging to standard error as JSON lines."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(json_lines())
    logging.basicConfig(level=number, handlers=[handler])


def json_lines() -> logging.Formatter:
    """Formats records of the standard library's logging as structlog formats its own."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_logger_name,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )


class NotAboutThreads(logging.Filter):
    """Leaves out the server's warning about many threads: `JEJAK_THREADS` is many on purpose."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is kept."""
        return "Python threads" not in record.getMessage()


SERVER_LOGS: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": json_lines}},
    "filters": {"threads": {"()": NotAboutThreads}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stderr",
            "formatter": "json",
            "filters": ["threads"],
        }
    },
    "loggers": {"_granian": {"handlers": ["stderr"], "propagate": False}},
}
"""How the server's own events are logged: like ours."""

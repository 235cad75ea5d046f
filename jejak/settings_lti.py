"""The settings of the LTI tool: launches, sessions, what is asked of platforms, limits on who calls.

No value weakens a launch: a message is at most five minutes old, and clocks differ by at most one minute.
"""

from __future__ import annotations

from typing import Final

from marshmallow import fields, validate

from jejak.settings_fields import Setting, decimal, whole

MINUTE, HOUR, DAY = 60, 3_600, 86_400
KIB, MIB = 1024, 1024 * 1024
_LTI: Final = "lti_"

LTI_TABLE: tuple[Setting, ...] = (
    Setting(
        "lti_product_name",
        fields.String(validate=validate.Length(min=1, max=100)),
        "Jejak",
        "What the tool calls itself where it registers with a platform.",
    ),
    Setting(
        "lti_login_seconds",
        whole(MINUTE, HOUR),
        "600",
        "How long a launch may take from its first request to its message.",
    ),
    Setting(
        "lti_session_seconds",
        whole(5 * MINUTE, 7 * DAY),
        str(12 * HOUR),
        "How long the pages of a launch stay open.",
    ),
    Setting(
        "lti_max_sessions",
        whole(1, 50),
        "8",
        "Launches that one browser holds open; beyond that the oldest is closed.",
    ),
    Setting(
        "lti_invite_seconds",
        whole(5 * MINUTE, 30 * DAY),
        str(7 * DAY),
        "How long an invitation to register a platform may be used.",
    ),
    Setting(
        "lti_leeway_seconds",
        whole(0, MINUTE),
        "10",
        "Seconds by which the clock of a platform may differ from this one.",
    ),
    Setting(
        "lti_max_token_age_seconds",
        whole(30, 5 * MINUTE),
        str(5 * MINUTE),
        "How old the message of a launch may be.",
    ),
    Setting(
        "lti_max_token_bytes",
        whole(8 * KIB, 256 * KIB),
        str(64 * KIB),
        "Largest message of a launch, in bytes.",
    ),
    Setting(
        "lti_max_request_bytes",
        whole(16 * KIB, MIB),
        str(128 * KIB),
        "Largest body of a request to `/lti/` and of a form of a page, in bytes.",
    ),
    Setting(
        "lti_jwks_seconds",
        whole(MINUTE, DAY),
        str(HOUR),
        "How long a platform's keys are used before they are fetched anew.",
    ),
    Setting(
        "lti_jwks_stale_seconds",
        whole(0, 7 * DAY),
        str(DAY),
        "How long beyond that they may be used while the platform does not answer.",
    ),
    Setting(
        "lti_jwks_min_interval_seconds",
        whole(5, HOUR),
        "30",
        "Least time between two fetches of a platform's keys, whatever key a message names.",
    ),
    Setting(
        "lti_key_publish_seconds",
        whole(0, 30 * DAY),
        str(DAY),
        "How long a new key of the tool is published before it signs, so that platforms have fetched it.",
    ),
    Setting(
        "lti_http_timeout_seconds",
        decimal(0.5, 30),
        "5",
        "Seconds that a platform may be silent while it is asked for something.",
    ),
    Setting(
        "lti_http_total_seconds",
        decimal(1, 60),
        "15",
        "Seconds that one exchange with a platform may take in all.",
    ),
    Setting(
        "lti_http_max_bytes",
        whole(64 * KIB, 32 * MIB),
        str(4 * MIB),
        "Largest answer of a platform, in bytes.",
    ),
    Setting(
        "lti_token_margin_seconds",
        whole(0, 10 * MINUTE),
        "60",
        "How long before its end an access token of a platform is no longer used.",
    ),
    Setting(
        "lti_roster_seconds",
        whole(MINUTE, DAY),
        "300",
        "How long a course's list of members is used before it is fetched anew.",
    ),
    Setting(
        "lti_roster_max_members",
        whole(1, 100_000),
        "20000",
        "Members of one course that are read; a page says when there are more.",
    ),
    Setting(
        "lti_roster_max_pages",
        whole(1, 2_000),
        "200",
        "Pages of one course's list of members that are read.",
    ),
    Setting(
        "lti_requests_per_minute",
        whole(10, 100_000),
        "1200",
        "Requests a minute for one address and endpoint of `/lti/`; a whole agency may share one address.",
    ),
    Setting(
        "lti_registrations_per_minute",
        whole(1, 1_000),
        "30",
        "Registrations a minute for one address: each makes the tool fetch an address that it was given.",
    ),
)


def lti_name(setting: Setting) -> str:
    """The name of a row of this table in `lti_tool.settings.LtiSettings`."""
    return setting.name.removeprefix(_LTI)

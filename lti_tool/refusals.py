"""Why a launch, a page or a registration is refused: a short code, a sentence, and what to do.

The code and its reason go to the log; nothing of the person or the token does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from flask_babel import LazyString, lazy_gettext


@dataclass(frozen=True, slots=True, eq=False)
class Refusal:
    """One row of the table that the refusal page and the troubleshooting guide share."""

    code: str
    """Short and stable; a person can read it out over the telephone."""
    status: int
    sentence: LazyString
    advice: LazyString
    """What to tell the administrator."""


_AGAIN = lazy_gettext("Go back to your course and open the activity again.")
_SETUP = lazy_gettext("The registration of the tool in the platform does not match the one here.")
_TOKEN = lazy_gettext("The platform sent a message that does not follow LTI 1.3.")
_ADVICE_AGAIN = lazy_gettext(
    "If it still does not work after opening the activity again, send this code to your administrator."
)
_ADVICE_TOKEN = lazy_gettext(
    "Send this code to the administrator of the learning platform: its LTI message was not acceptable."
)


class Reason(Enum):
    """Every reason; the name is what the log says."""

    LOGIN_INCOMPLETE = Refusal(
        "LTI-01", 400, _TOKEN, lazy_gettext("The login request lacks iss, login_hint or target_link_uri.")
    )
    PLATFORM_UNKNOWN = Refusal(
        "LTI-02",
        404,
        lazy_gettext("This learning platform is not registered here."),
        lazy_gettext("Register the platform first; compare issuer and client id on both sides."),
    )
    PLATFORM_AMBIGUOUS = Refusal(
        "LTI-03",
        400,
        _SETUP,
        lazy_gettext("Several registrations share this issuer; the platform must send client_id."),
    )
    PLATFORM_PENDING = Refusal(
        "LTI-04",
        403,
        lazy_gettext("This learning platform is registered but not yet activated."),
        lazy_gettext("An administrator of this tool must activate the registration."),
    )
    PLATFORM_DISABLED = Refusal(
        "LTI-05",
        403,
        lazy_gettext("This learning platform is switched off here."),
        lazy_gettext("An administrator of this tool has disabled the registration."),
    )
    TARGET_FOREIGN = Refusal(
        "LTI-06",
        400,
        _SETUP,
        lazy_gettext("The tool URL in the platform (target_link_uri) is not this tool's."),
    )
    ISSUER_UNFIT = Refusal(
        "LTI-07",
        400,
        lazy_gettext("This learning platform calls itself by a name that is no web address."),
        lazy_gettext(
            "Its issuer (iss) must be a web address, since it stands in every account; change it there."
        ),
    )
    STATE_UNKNOWN = Refusal(
        "LTI-10", 400, lazy_gettext("This launch was already used, or it took too long."), _AGAIN
    )
    BROWSER_DIFFERS = Refusal(
        "LTI-11",
        400,
        lazy_gettext("This launch was started in another browser or window, or cookies are switched off."),
        _AGAIN,
    )
    PLATFORM_SAID_NO = Refusal(
        "LTI-12",
        400,
        lazy_gettext("The learning platform refused to start the activity."),
        lazy_gettext("Sign in to the learning platform again, then open the activity again."),
    )
    TOKEN_MISSING = Refusal("LTI-20", 400, _TOKEN, _ADVICE_TOKEN)
    TOKEN_MALFORMED = Refusal("LTI-21", 400, _TOKEN, _ADVICE_TOKEN)
    TOKEN_ALGORITHM = Refusal(
        "LTI-22", 400, _TOKEN, lazy_gettext("The platform must sign its messages with RS256.")
    )
    TOKEN_NO_KEY_ID = Refusal(
        "LTI-23", 400, _TOKEN, lazy_gettext("The platform's message does not name its key (kid).")
    )
    TOKEN_KEY_UNKNOWN = Refusal(
        "LTI-24", 400, _SETUP, lazy_gettext("The signing key is not in the platform's public key set.")
    )
    TOKEN_SIGNATURE = Refusal(
        "LTI-25", 400, _SETUP, lazy_gettext("The signature does not match the platform's public key.")
    )
    KEYS_UNREACHABLE = Refusal(
        "LTI-26",
        503,
        lazy_gettext("The learning platform's keys could not be fetched just now."),
        lazy_gettext("Check that this tool can reach the platform's public key set URL."),
    )
    TOKEN_ISSUER = Refusal("LTI-30", 400, _SETUP, lazy_gettext("The issuer differs from the registered one."))
    TOKEN_AUDIENCE = Refusal(
        "LTI-31", 400, _SETUP, lazy_gettext("The message is meant for another client id.")
    )
    TOKEN_EXPIRED = Refusal(
        "LTI-32",
        400,
        lazy_gettext("This launch took too long."),
        lazy_gettext("Open the activity again; if it persists, compare the clocks of the two servers."),
    )
    TOKEN_TIMES = Refusal(
        "LTI-33",
        400,
        _TOKEN,
        lazy_gettext(
            "The times in the message (iat, exp) are missing or wrong; compare the servers' clocks."
        ),
    )
    TOKEN_NONCE = Refusal(
        "LTI-34", 400, lazy_gettext("This launch was already used, or it took too long."), _AGAIN
    )
    DEPLOYMENT_UNKNOWN = Refusal(
        "LTI-35",
        403,
        _SETUP,
        lazy_gettext("The deployment id is not registered here; add it to the registration."),
    )
    MESSAGE_VERSION = Refusal(
        "LTI-40",
        400,
        _TOKEN,
        lazy_gettext(
            "The activity is set up as another LTI version, often 1.0 or 1.1: choose LTI 1.3 in the platform."
        ),
    )
    MESSAGE_TYPE = Refusal(
        "LTI-41", 400, _TOKEN, lazy_gettext("The message type is missing or not one this tool serves.")
    )
    CLAIM_MISSING = Refusal(
        "LTI-42", 400, _TOKEN, lazy_gettext("A required claim is missing from the platform's message.")
    )
    CLAIM_MALFORMED = Refusal(
        "LTI-43", 400, _TOKEN, lazy_gettext("A claim of the platform's message has the wrong form.")
    )
    SESSION_MISSING = Refusal(
        "LTI-50", 401, lazy_gettext("This page is closed, or it was opened in another browser."), _AGAIN
    )
    ROLE_LACKING = Refusal(
        "LTI-51",
        403,
        lazy_gettext("Your role in this course does not include this page."),
        lazy_gettext("Ask the course's instructor if you should have another role."),
    )
    FORM_FOREIGN = Refusal(
        "LTI-52",
        403,
        lazy_gettext("This form was not sent from its own page, so nothing was saved."),
        _ADVICE_AGAIN,
    )
    DEEP_LINK_UNFIT = Refusal(
        "LTI-60",
        400,
        lazy_gettext("The learning platform did not say where to put the chosen activity."),
        _ADVICE_TOKEN,
    )
    INVITE_UNKNOWN = Refusal(
        "LTI-70",
        404,
        lazy_gettext("This registration link was already used, or it is too old."),
        lazy_gettext("Ask the administrator of this tool for a new registration link."),
    )
    REGISTRATION_REQUEST = Refusal(
        "LTI-71",
        400,
        lazy_gettext("This page must be opened by the learning platform's registration."),
        lazy_gettext("Paste the registration link into the platform's LTI tool registration."),
    )
    REGISTRATION_CONFIGURATION = Refusal(
        "LTI-72",
        400,
        lazy_gettext("The learning platform's configuration could not be used."),
        lazy_gettext("The platform's OpenID configuration is unreachable, incomplete or names another host."),
    )
    REGISTRATION_REFUSED = Refusal(
        "LTI-73",
        502,
        lazy_gettext("The learning platform did not accept the registration."),
        lazy_gettext("Start again in the platform; its registration link is valid for a short time."),
    )
    REGISTRATION_EXISTS = Refusal(
        "LTI-74",
        409,
        lazy_gettext("This platform is already registered here; nothing was changed."),
        lazy_gettext("Remove or disable the existing registration before adding another."),
    )
    REQUEST_TOO_LARGE = Refusal("LTI-90", 413, lazy_gettext("The request is too large."), _ADVICE_TOKEN)
    FORM_TOO_LARGE = Refusal(
        "LTI-92",
        413,
        lazy_gettext("What you sent is too large; nothing was saved."),
        lazy_gettext(
            "Go back: what you typed is still there. Choose fewer or smaller files; paste a link to a video."
        ),
    )
    TOO_MANY_REQUESTS = Refusal(
        "LTI-91",
        429,
        lazy_gettext("Too many requests came from your network just now."),
        lazy_gettext("Wait a minute, then open the activity again."),
    )


class RefusedError(Exception):
    """A request that is turned away. `detail` is for the log: a fact about the message, never personal."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value.code} {reason.name.lower()}" + (f": {detail}" if detail else ""))
        self.reason = reason
        self.detail = detail

    @property
    def refusal(self) -> Refusal:
        """The row of the table."""
        return self.reason.value

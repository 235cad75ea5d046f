"""The page about refusals, from their table: `docs/reference/launch-errors.md`, which a test keeps true."""

from __future__ import annotations

from collections.abc import Mapping

import click
from flask import Flask

from lti_tool.refusals import Reason
from lti_tool.web.flask_setup import install_pages

HEAD = """# Launch errors

When a launch, a page or a registration is refused, the page shows a short code, one sentence and what to do. The
log has a line `lti_refused` with the same code, the reason below, and a fact about the message, never about the
person. Here is what each code means, in both languages of the pages, and where to look.

This page is made by `python -m lti_tool.web.refusals_docs > docs/reference/launch-errors.md`.

| Code | HTTP | Reason in the log | What the page says | Yang dikatakan halaman | Where to look |
|---|---|---|---|---|---|
"""

LOOK: Mapping[Reason, str] = {
    Reason.LOGIN_INCOMPLETE: "The platform's *Initiate login URL* was opened by hand, or the platform is not LTI 1.3.",
    Reason.PLATFORM_UNKNOWN: "`jejak platforms list`: issuer and client id must be the platform's, letter by letter. "
    "A Moodle that moved to https or another name has a new issuer.",
    Reason.PLATFORM_AMBIGUOUS: "An old platform that sends no client id, registered more than once: disable the others.",
    Reason.PLATFORM_PENDING: "The operator runs `jejak platforms activate --platform ID`.",
    Reason.PLATFORM_DISABLED: "The operator, or the platform's administrator, switched it off: find out why first.",
    Reason.TARGET_FOREIGN: "`JEJAK_PUBLIC_URL` must be the address that browsers use; compare the *Tool URL* in the "
    "platform. Behind a proxy set `JEJAK_PROXY_HOPS`.",
    Reason.ISSUER_UNFIT: "A registration from before issuers were checked. Accounts in statements are named by the "
    "issuer, which must be an IRI: register the platform anew under its address.",
    Reason.STATE_UNKNOWN: "A page was loaded again or left open over ten minutes; harmless. If everybody gets it, the "
    "workers do not share one store.",
    Reason.BROWSER_DIFFERS: "Cookies are off, and the platform offers no storage: the button *Open in a new window* "
    "helps. If everybody gets it, the tool is not reached over https.",
    Reason.PLATFORM_SAID_NO: "The platform's session has ended, or its redirect URI is not the tool's `/lti/launch`.",
    Reason.TOKEN_MISSING: "The platform posted no id_token; its log says why.",
    Reason.TOKEN_MALFORMED: "Something between platform and tool cuts or changes long form fields.",
    Reason.TOKEN_ALGORITHM: "The platform's key must be RSA, its algorithm RS256.",
    Reason.TOKEN_NO_KEY_ID: "The platform signs without `kid`; update it.",
    Reason.TOKEN_KEY_UNKNOWN: "The key set address belongs to another site, or the platform has just made new keys: "
    "wait a minute.",
    Reason.TOKEN_SIGNATURE: "Two sites share one key id (a cloned Moodle): make new keys on the clone.",
    Reason.KEYS_UNREACHABLE: "On the tool's server: `curl` the key set address. A private address needs "
    "`JEJAK_ALLOWED_NETWORKS`; a certificate must be valid.",
    Reason.TOKEN_ISSUER: "The platform was moved or cloned: register it with its new address.",
    Reason.TOKEN_AUDIENCE: "The client id here is that of another tool of the platform.",
    Reason.TOKEN_EXPIRED: "Clocks: run `timedatectl` on both servers. Moodle's messages live for 60 seconds.",
    Reason.TOKEN_TIMES: "Clocks again, or a platform that does not write times as numbers.",
    Reason.TOKEN_NONCE: "A message was sent twice; harmless once, an attack if it is frequent.",
    Reason.DEPLOYMENT_UNKNOWN: "`jejak platforms add-deployment --platform ID --deployment-id MORE`.",
    Reason.MESSAGE_VERSION: "In Moodle the version is a setting of the tool (*Manage tools*) or, for "
    "an activity with a tool of its own, of the activity. `old launch` in the log: LTI 1.0 or 1.1, `/lti/launch` "
    "or another address of the tool is its *Tool URL*.",
    Reason.MESSAGE_TYPE: "The tool serves resource links and deep linking, nothing else.",
    Reason.CLAIM_MISSING: "The log names the claim. Anonymous launches have no `sub` and cannot have a record.",
    Reason.CLAIM_MALFORMED: "The log names the claim; report it to the platform's makers.",
    Reason.SESSION_MISSING: "A session lasts 12 hours, and a browser keeps 8 of them; an address cannot be passed on.",
    Reason.ROLE_LACKING: "Roles come with each launch from the platform: change them in the course there.",
    Reason.FORM_FOREIGN: "An old page was sent, or another site tried to. If it is frequent, compare "
    "`JEJAK_PUBLIC_URL` with the address in the browser.",
    Reason.DEEP_LINK_UNFIT: "The content selection was opened by an ordinary launch, or returns to plain http.",
    Reason.INVITE_UNKNOWN: "`jejak platforms invite` makes a new one; each works once, for a week.",
    Reason.REGISTRATION_REQUEST: "The address was opened in a browser instead of pasted into the platform.",
    Reason.REGISTRATION_CONFIGURATION: "The log says what was wrong. A platform in a private network needs "
    "`JEJAK_ALLOWED_NETWORKS`.",
    Reason.REGISTRATION_REFUSED: "The platform's registration token lives an hour and works once.",
    Reason.REGISTRATION_EXISTS: "Activate what is there, or disable it and register under a new client id.",
    Reason.REQUEST_TOO_LARGE: "Custom parameters of the activity are too long.",
    Reason.FORM_TOO_LARGE: "Files of evidence beyond `JEJAK_EVIDENCE_MAX_BYTES` times `JEJAK_EVIDENCE_MAX_FILES`.",
    Reason.TOO_MANY_REQUESTS: "More than 1200 a minute from one address; behind a proxy set `JEJAK_PROXY_HOPS`, or all "
    "people seem to be one.",
}
"""What to check for each reason, for whoever runs the tool or the platform."""

TAIL = """
## No code, just an empty frame

| What is seen | Look at |
|---|---|
| the frame stays white, the browser's console speaks of `frame-ancestors` | the page around the platform is another site: `--frame-origin` of `jejak platforms add` |
| the frame stays white, the console speaks of mixed content | the platform is https and `JEJAK_PUBLIC_URL` is not |
| launches work, but deep linking fails after the choice, or grades are refused | Moodle's two cURL settings, see [Connect a Moodle](../how-to/connect-moodle.md#1-let-the-two-servers-reach-each-other) |
| grades do not arrive | *Administration* on the report of participants, as an administrator of the platform |
"""


def markdown() -> str:
    """The whole page."""
    app = Flask("refusals", static_folder=None)
    install_pages(app, default_language="en")
    rows = []
    for reason in Reason:
        refusal, said = reason.value, []
        for language in ("en", "id"):
            with app.test_request_context(f"/?lang={language}"):
                said.append(f"{refusal.sentence} {refusal.advice}")
        cells = (f"`{refusal.code}`", str(refusal.status), f"`{reason.name.lower()}`", *said, LOOK[reason])
        rows.append("| " + " | ".join(cells) + " |\n")
    return HEAD + "".join(rows) + TAIL


if __name__ == "__main__":
    click.echo(markdown(), nl=False)

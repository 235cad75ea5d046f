"""What stands below the fields of the log form, as it fits the form of learning."""

from __future__ import annotations

from lti_tool.text.i18n import gettext
from statements.profile.table import Form


def title_hint(form: Form) -> str:
    """An example of a title that fits the form."""
    placed = gettext("Where you worked and as what, for example “Auditor at the provincial inspectorate”.")
    examples = {
        "coaching": gettext("What it was about, for example “Giving feedback to a team”."),
        "mentoring": gettext("What it was about, for example “Preparing a policy brief”."),
        "community": gettext("What you met about, for example “Usability tests of a public service”."),
        "benchmarking": gettext("Whom you visited and why, for example “One-stop service in Bandung”."),
        "on-the-job-training": gettext("What you learned to do, for example “Running the e-budget closing”."),
        "secondment": placed,
        "industry-exchange": placed,
        "internship": placed,
        "self-study": gettext("What you read or watched, for example “Guideline on public procurement”."),
        "degree-study": gettext("Programme and university, for example “Master of Public Policy, UGM”."),
    }
    if form.code in examples:
        return examples[form.code]
    if form.pillar == "10" and form.verifier == "organiser":
        return gettext("As it stands on the invitation or certificate.")
    return gettext("What you did or learned, in a few words.")


def mentor_hint(form: Form) -> str:
    """Who should be named."""
    return {
        "coach": gettext("Your coach; the entry waits under their name."),
        "mentor": gettext("Your mentor; the entry waits under their name."),
    }.get(form.verifier, gettext("Your supervisor, or whoever saw you do it."))

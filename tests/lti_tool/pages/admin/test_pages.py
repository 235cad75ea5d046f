"""The administrator's page, and the page on which each launch lands."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from markupsafe import escape
from werkzeug.test import TestResponse

from lrs.access import Access, authority_of
from lrs.admin_log import AdminLog
from lrs.outbox.messages import DELIVERED, FAILED, WAITING
from lrs.records.evidence.files import EvidenceFiles
from lrs.records.evidence.uploads import Uploads
from lrs.records.learning_record import LearningRecord
from lrs.store.documents import DocumentQuery
from lrs.xapi.ingest import Ingest
from lti_tool.pages.admin.routes import act_name, create_admin_blueprint, reason_of
from lti_tool.pages.evidence.routes import create_evidence_blueprint
from lti_tool.pages.instructor.routes import create_instructor_blueprint
from lti_tool.pages.learner.routes import create_learner_blueprint
from lti_tool.pages.lti.routes import create_lti_blueprint
from lti_tool.pages.verifier.link_request_routes import create_link_request_blueprint
from lti_tool.pages.verifier.link_routes import create_link_blueprint
from lti_tool.pages.verifier.routes import create_verifier_blueprint
from lti_tool.platforms.platforms import ACTIVE, DISABLED, PENDING
from lti_tool.services.ags import SCORE, Score
from lti_tool.services.emitter import Emitter
from lti_tool.services.goal_progress import Progress
from lti_tool.web.flask_setup import install_pages
from lti_tool.web.record_services import RecordServices, install_record_services
from statements.data_types.versions import Version
from tests.lti_tool.conftest import World
from tests.lti_tool.platform import AGS_CLAIM, CLAIM, ROLE, TOOL, Visit, answer
from tests.lti_tool.services.test_client import ITEM, ITEMS, serve_tokens
from tests.statements.profile_samples import moodle

SCORES = ITEM + "/scores"
SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person#"
INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
ADMIN = [ROLE + "Instructor", SYSTEM + "Administrator"]
LEARNER = [ROLE + "Learner"]
GOAL = {"jejak_view": "goal", "jejak_form": "mentoring", "jejak_jp": "4", "jejak_goal": "g1"}


@pytest.fixture
def site(world: World) -> World:
    """The world's tool with its real pages."""
    record = LearningRecord.over(world.store, world.clock, lambda: str(uuid4()))
    tool = world.tool
    evidence = EvidenceFiles(world.store, record.people, world.clock)
    desk = RecordServices(
        record=record,
        emitter=Emitter(Ingest(world.store, world.clock, lambda: str(uuid4())), evidence),
        roster=tool.roster,
        clock=world.clock,
        progress=Progress(record, tool.goals, tool.grades, tool.platforms, world.clock),
        evidence=evidence,
        uploads=Uploads(world.store, evidence, world.clock),
    )
    app = Flask("pages", static_folder=None)
    install_pages(app, default_language="en")
    install_record_services(app, desk)
    app.register_blueprint(create_lti_blueprint(tool))
    for make in (
        create_learner_blueprint,
        create_evidence_blueprint,
        create_instructor_blueprint,
        create_admin_blueprint,
        create_verifier_blueprint,
    ):
        app.register_blueprint(make())
    app.register_blueprint(create_link_request_blueprint(days=14))
    app.register_blueprint(create_link_blueprint(world.clock))
    world.app = app
    serve_tokens(world, world.platform)
    world.wire.handlers[SCORES] = lambda _sent: answer([], 503)
    return world


class Here:
    """A browser with an open session."""

    def __init__(self, visit: Visit, roles: list[str], **claims: Any) -> None:
        self.visit = visit
        self.path = visit.go(**{CLAIM + "roles": roles, **claims}).headers["Location"]

    def get(self, page: str) -> TestResponse:
        return self.visit.client.get(self.path + page + "?lang=en", base_url=TOOL)

    def post(self, page: str, *, token: bool = True) -> TestResponse:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("admin").text)
        fields = {"csrf_token": found.group(1)} if found and token else {}
        return self.visit.client.post(self.path + page, data=fields, base_url=TOOL, headers={"Origin": TOOL})


def queue(site: World, subject: str = "42", platform_id: str = "", tenant: str = "agency") -> None:
    site.tool.grades.put(
        tenant=tenant,
        platform_id=platform_id or site.platform_id,
        line_item=ITEM,
        score=Score(subject, 75.0, 100.0, site.clock.now),
    )


def another(site: World, tenant: str, name: str, status: str = ACTIVE) -> str:
    """One more platform; its id."""
    made = site.tool.platforms.add(
        tenant=tenant,
        name=name,
        issuer=f"https://{name}.example",
        client_id=name,
        auth_login_url=f"https://{name}.example/auth",
        auth_token_url=f"https://{name}.example/token",
        jwks_url=f"https://{name}.example/certs",
        deployments=["1"],
        status=status,
    )
    return made.id


@pytest.mark.parametrize(
    ("roles", "status"),
    [
        (LEARNER, 403),
        ([ROLE + "Instructor"], 403),
        ([ROLE + "Administrator"], 403),
        ([], 403),
        (ADMIN, 200),
        ([INSTITUTION + "SysAdmin"], 200),
    ],
)
def test_only_the_platforms_administrators_enter(site: World, roles: list[str], status: int) -> None:
    """Administrators of the site or institution see the page; who runs a course alone does not."""
    assert Here(site.visit(), roles).get("admin").status_code == status


@pytest.mark.parametrize(("roles", "shown"), [([ROLE + "Instructor"], False), (ADMIN, True)])
def test_the_report_links_to_it_for_administrators(site: World, roles: list[str], *, shown: bool) -> None:
    """Instructors are not shown a door that is closed to them."""
    assert ("/admin" in Here(site.visit(), roles).get("cohort").text) is shown


def test_what_waits_is_shown_with_its_reason_and_tried_again(site: World) -> None:
    """A score that waits stands there by name with what happened; one press sends it when the LMS is back."""
    learner = Here(site.visit(), LEARNER, **{CLAIM + "custom": GOAL, AGS_CLAIM: ags()})
    assert "Goal: 0 of 4 JP Mentoring." in learner.get("record").text
    queue(site)
    site.tool.deliveries.run_once()
    admin = Here(site.visit(), ADMIN, sub="7")
    page = admin.get("admin").text
    for text in ("1 grade is on its way.", "Mentoring", "75 %", "(HTTP 503)", "Try now"):
        assert text in page
    (waiting,) = site.tool.grades.listed("agency", WAITING)
    site.wire.handlers[SCORES] = lambda _sent: answer([], 200)
    assert admin.post(f"admin/grades/{waiting.name}/retry").status_code == 303
    site.tool.deliveries.run_once()
    assert len(site.tool.grades.listed("agency", DELIVERED)) == 1
    assert "All grades have arrived." in admin.get("admin").text


def ags() -> dict[str, Any]:
    return {"scope": [SCORE], "lineitems": ITEMS, "lineitem": ITEM}


def test_what_was_refused_is_told_apart(site: World) -> None:
    """A score that the platform refused for good is marked; trying again puts it back in line."""
    site.wire.handlers[SCORES] = lambda _sent: answer([], 400)
    queue(site)
    site.tool.deliveries.run_once()
    admin = Here(site.visit(), ADMIN)
    assert "1 grade was not accepted." in admin.get("admin").text
    (failed,) = site.tool.grades.listed("agency", FAILED)
    admin.post(f"admin/grades/{failed.name}/retry")
    assert "1 grade is on its way." in admin.get("admin").text


def test_other_platforms_queues_are_not_shown_nor_touched(site: World) -> None:
    """The queue of another platform, of the same agency or of another, is out of reach."""
    for tenant, name in (("agency", "second"), ("other", "foreign")):
        queue(site, platform_id=another(site, tenant, name), tenant=tenant)
        site.tool.deliveries.run_once()
    admin = Here(site.visit(), ADMIN)
    assert "All grades have arrived." in admin.get("admin").text
    for tenant in ("agency", "other"):
        (one,) = site.tool.grades.listed(tenant, WAITING)
        admin.post(f"admin/grades/{one.name}/retry")
        assert site.tool.grades.listed(tenant, WAITING) == [one]


def test_platforms_of_other_agencies_are_not_shown(site: World) -> None:
    """An administrator sees the platforms of their agency and their state, no others."""
    another(site, "agency", "sister", PENDING)
    another(site, "other", "stranger")
    page = Here(site.visit(), ADMIN).get("admin").text
    assert "sister" in page
    assert "1 platform waits to be activated." in page
    assert "stranger" not in page


def test_nobody_can_activate_from_a_page(site: World) -> None:
    """A pending platform is shown with the operator's command, and nothing to press."""
    id = another(site, "agency", "sister", PENDING)
    admin = Here(site.visit(), ADMIN)
    page = admin.get("admin").text
    assert f"jejak platforms activate --platform {id}" in page
    assert re.findall(r'action="[^"]*/admin/([a-z]+)', page) == ["disable"]
    assert admin.post("admin/activate").status_code == 404


def test_an_administrator_can_switch_off_their_own_platform(site: World) -> None:
    """It is off at once, for this very session, too; other platforms of the agency go on."""
    sister = another(site, "agency", "sister")
    admin = Here(site.visit(), ADMIN)
    assert "This platform is switched off" in admin.post("admin/disable").text
    found = {one.id: one.status for one in site.tool.platforms.list("agency")}
    assert found == {site.platform_id: DISABLED, sister: ACTIVE}
    assert admin.get("admin").status_code == 403


@pytest.mark.parametrize("page", ["admin/disable", "admin/grades/x/retry"])
def test_buttons_need_their_own_page(site: World, page: str) -> None:
    """A form without this launch's token changes nothing."""
    admin = Here(site.visit(), ADMIN)
    assert admin.post(page, token=False).status_code == 403
    assert admin.get("admin").status_code == 200


def test_names_are_escaped(site: World) -> None:
    """A name or platform with markup stands there as text."""
    Here(site.visit(), LEARNER, name="<b>Budi</b>", **{CLAIM + "custom": GOAL, AGS_CLAIM: ags()})
    site.tool.platforms.change(site.platform_id, name="<i>LMS</i>")
    queue(site)
    page = Here(site.visit(), ADMIN, sub="7").get("admin").text
    assert "<b>Budi" not in page
    assert "<i>LMS" not in page
    assert "&lt;i&gt;LMS" in page


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("", None, "Not sent yet."),
        ("no-answer", None, "no answer"),
        ("refused", 400, "refused it"),
        ("no-token", 401, "no access token (HTTP 401)"),
        ("no-token", 404, "fetch this tool's key set"),
        ("no-token", None, "no access token."),
        ("refused", 401, "did not allow it"),
        ("refused", 410, "no longer exists"),
        ("refused", 403, "did not allow it"),
        ("refused", 404, "no longer exists"),
        ("refused", 503, "HTTP 503"),
        ("not-active", None, "switched off"),
    ],
)
def test_reasons_are_sentences(site: World, code: str, status: int | None, said: str) -> None:
    """What went wrong is said in words that an administrator can act on."""
    with site.app.test_request_context("/?lang=en"):
        assert said in reason_of(code, status)


@pytest.mark.parametrize(
    ("custom", "learner", "instructor"),
    [
        ({}, "record", "cohort"),
        ({"jejak_view": "record"}, "record", "record"),
        ({"jejak_view": "cohort"}, "record", "cohort"),
        ({"jejak_view": "log", "jejak_form": "mentoring"}, "log/mentoring", "log/mentoring"),
        ({"jejak_view": "log", "jejak_form": "unknown"}, "record", "cohort"),
        ({"jejak_view": "log", "jejak_form": "../cohort"}, "record", "cohort"),
        (GOAL, "record", "cohort"),
        ({"jejak_view": "admin"}, "record", "cohort"),
        ({"jejak_view": "goal", "jejak_form": "mentoring", "jejak_jp": "-1"}, "record", "cohort"),
    ],
)
def test_a_launch_lands_where_its_link_points(
    site: World, custom: dict[str, str], learner: str, instructor: str
) -> None:
    """The link's custom parameters decide within what the role allows; nonsense is the home page."""
    for roles, page in ((LEARNER, learner), ([ROLE + "Instructor"], instructor)):
        here = Here(site.visit(), roles, **{CLAIM + "custom": custom})
        assert here.get("").headers["Location"] == here.path + page


@pytest.mark.parametrize(
    ("roles", "page"),
    [
        ([SYSTEM + "Administrator"], "cohort"),
        ([SYSTEM + "Administrator", ROLE + "Learner"], "record"),
        (ADMIN, "cohort"),
    ],
)
def test_administrators_land_by_their_part_in_the_course(site: World, roles: list[str], page: str) -> None:
    """An administrator who takes part as a learner sees their own record, any other the report."""
    here = Here(site.visit(), roles)
    assert here.get("").headers["Location"] == here.path + page


def test_a_goal_without_a_gradebook_is_shown_all_the_same(site: World) -> None:
    """Where the platform offers no grades for the link, the learner still reads how far they are."""
    here = Here(site.visit(), LEARNER, **{CLAIM + "custom": GOAL, AGS_CLAIM: None})
    assert here.get("record").text.count("Goal: 0 of 4 JP Mentoring.") == 1


def test_the_same_goal_of_two_courses_is_one_line(site: World) -> None:
    """Two links that ask for the same are shown once."""
    for item in (ITEM, ITEMS + "/9/lineitem"):
        claim = {**ags(), "lineitem": item}
        here = Here(site.visit(), LEARNER, **{CLAIM + "custom": GOAL, AGS_CLAIM: claim})
    assert here.get("record").text.count("Goal: ") == 1


def test_people_whom_nobody_knows_are_counted_by_source(site: World) -> None:
    """The administrator sees which source names people whom no launch has proved, and never whole names."""
    assert "whom nobody knows" not in Here(site.visit(), ADMIN).get("admin").text
    access = Access.internal("agency", "Moodle pusat", authority_of("agency", "Moodle pusat"))
    ingest = Ingest(site.store, site.clock, lambda: str(uuid4()))
    actor = {"account": {"homePage": "https://lms.example", "name": "198701012010011001"}}
    ingest.submit(access, [moodle(actor=actor | {"name": "Rahmawati"})], Version.V1)
    record = LearningRecord.over(site.store, site.clock, lambda: str(uuid4()))
    while record.follower.run_once():
        pass
    page = Here(site.visit(), ADMIN).get("admin").text
    assert "People in statements whom nobody knows" in page
    assert "Moodle pusat" in page
    assert "1…1" in page
    assert "198701012010011001" not in page
    assert "Rahmawati" not in page


def goal(site: World, learner: str = "42") -> Here:
    """A learner who has opened a graded goal."""
    claim = {"scope": [SCORE], "lineitem": ITEM, "lineitems": ITEMS}
    roles = {CLAIM + "custom": GOAL, AGS_CLAIM: claim}
    return Here(site.visit(), LEARNER, sub=learner, **roles)


def dismiss(here: Here) -> TestResponse:
    found = re.search(r'action="/l/[^/]+/(admin/goals/[^/]+/dismiss)"', here.get("admin").text)
    return here.post(found.group(1) if found else "admin/goals/none/dismiss")


def test_the_goal_of_a_deleted_activity_can_be_dismissed(site: World) -> None:
    """It leaves every learner's page and its grades the queue; other goals and other platforms' stay."""
    goal(site)
    queue(site)
    queue(site, subject="43")
    site.wire.handlers[SCORES] = lambda _sent: answer([], 404)
    site.tool.deliveries.run_once()
    plain = Here(site.visit(), LEARNER)
    assert "Goal: 0 of 4 JP" in plain.get("record").text
    here = Here(site.visit(), ADMIN, sub="900")
    page = here.get("admin").text
    assert "Graded goals (1)" in page
    assert page.count("The column no longer exists") == 3
    assert dismiss(here).status_code == 303
    assert [one.act for one in AdminLog(site.store, site.clock).acts("agency")] == ["goal.dismissed"]
    page = here.get("admin").text
    assert "Graded goals" not in page
    assert "All grades have arrived." in page
    assert "Goal:" not in plain.get("record").text
    assert site.tool.goals.of("agency", "https://lms.example", "42") == []


def test_what_an_administrator_did_about_grades_is_in_the_log(site: World) -> None:
    """A goal that was dismissed and a grade that was sent again are told, in words; a slip is not."""
    here = Here(site.visit(), ADMIN, sub="900")
    log = AdminLog(site.store, site.clock)
    here.post("admin/grades/none/retry")
    assert log.acts("agency") == []
    site.tool.grades.put(
        tenant="agency", platform_id=site.platform_id, line_item=ITEM, score=Score("42", 1, 1, 1)
    )
    [waiting] = site.tool.grades.listed("agency", WAITING)
    here.post(f"admin/grades/{waiting.name}/retry")
    assert [(one.act, one.by, one.target) for one in log.acts("agency")] == [
        ("grade.retried", "administrator", waiting.name)
    ]
    assert "Grade sent again" in here.get("admin").text


@pytest.mark.parametrize(
    "act", ["keys.rotated", "goal.dismissed", "grade.retried", "table.changed", "platform.disabled"]
)
def test_every_act_has_words(act: str) -> None:
    """The page shows no name from the program's own source."""
    app = Flask(__name__)
    install_pages(app, default_language="en")
    with app.test_request_context():
        assert act_name(act) != act


def test_a_dismissed_goal_comes_back_with_its_activity(site: World) -> None:
    """Somebody who opens it shows that it is there after all."""
    goal(site)
    here = Here(site.visit(), ADMIN, sub="900")
    dismiss(here)
    goal(site, "43")
    assert "Graded goals (1)" in here.get("admin").text
    assert len(site.tool.goals.of("agency", "https://lms.example", "42")) == 1


def test_goals_of_other_platforms_cannot_be_dismissed(site: World) -> None:
    """A name of a link that is not the own platform's is as if it were not there."""
    goal(site)
    (link,) = site.tool.goals.links("agency", site.platform_id, limit=9)
    assert site.tool.goals.dismiss("agency", "another", link.name) is None
    assert site.tool.goals.dismiss("other-agency", site.platform_id, link.name) is None
    assert dismiss(Here(site.visit(), ADMIN, sub="900")).status_code == 303
    assert dismiss(Here(site.visit(), ADMIN, sub="900")).status_code == 404


def test_goals_from_before_links_were_kept_are_listed(site: World) -> None:
    """The hourly walk over all goals finds the links of those that nobody opens any more."""
    goal(site)

    def forget(writer: Any) -> None:
        links = [one.name for one in writer.find_documents(DocumentQuery("goal-link", "agency", limit=9))]
        writer.delete("goal-link", "agency", links)

    site.store.writing(forget)
    site.tool.goals._linked.clear()
    here = Here(site.visit(), ADMIN, sub="900")
    assert "Graded goals" not in here.get("admin").text
    record = LearningRecord.over(site.store, site.clock, lambda: str(uuid4()))
    progress = Progress(record, site.tool.goals, site.tool.grades, site.tool.platforms, site.clock)
    progress.look_at_everything()
    while progress.run_once():
        pass
    assert "Graded goals (1)" in here.get("admin").text


@pytest.mark.parametrize(
    ("url", "headers", "shown"),
    [
        ("https://lms.example/mod/lti/return.php?a=1&b=2", {}, True),
        ("https://lms.example/x", {"Sec-Fetch-Dest": "document"}, True),
        ("https://lms.example/x", {"Sec-Fetch-Dest": "iframe"}, False),
        ("javascript:alert(1)", {}, False),
        ('https://lms.example/"><script>alert(1)</script>', {}, True),
        ("https:///nowhere", {}, False),
        ("/relative", {}, False),
        (None, {}, False),
    ],
)
def test_a_page_in_a_window_of_its_own_leads_back_to_the_course(
    site: World, url: str | None, headers: dict[str, str], *, shown: bool
) -> None:
    """The platform's return address is a link there, escaped, and only if it is http(s)."""
    here = Here(site.visit(), LEARNER, **{CLAIM + "launch_presentation": {"return_url": url, "locale": "en"}})
    page = here.visit.client.get(here.path + "record?lang=en", base_url=TOOL, headers=headers).text
    assert ("Back to the course" in page) == shown
    assert "<script>alert" not in page
    assert "javascript:" not in page
    if shown and url:
        assert f'href="{escape(url)}" target="_top"' in page


def test_what_administrators_did_is_listed_with_masked_names(site: World) -> None:
    """The page tells acts of its own agency; who switched a platform off is told by initials alone."""
    here = Here(site.visit(), ADMIN, name="Siti Rahayu 199001012015031001")
    assert "Nothing yet." in here.get("admin").text
    here.post("admin/disable")
    site.tool.platforms.activate(site.platform_id)
    log = AdminLog(site.store, site.clock)
    log.note("credential.created", by="operator", name="root", tenant="other", named="Of another agency")
    log.note("credential.created", by="operator", name="root", tenant="agency", named="<b>Moodle</b>")
    page = Here(site.visit(), ADMIN).get("admin").text
    assert "Platform switched off" in page
    assert "S••• R•••" in page
    assert "Rahayu" not in page
    assert "199001012015031001" not in page
    assert "Key created" in page
    assert "&lt;b&gt;Moodle" in page
    assert "Of another agency" not in page

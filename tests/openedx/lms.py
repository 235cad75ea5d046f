"""A small LMS around Open edX's own LTI platform code; it runs in a virtual environment of its own.

The addresses under /api are Open edX's: its keys, launch, tokens, deep linking and roster, with its database
models. Only what the rest of Open edX would do stands here: a course with units, who opens them, who is
enrolled, and that authors may edit. One line of JSON on standard output says how to register this platform;
then it serves until its standard input closes.

The file must not be called platform.py: run as a script, it would hide the standard library's `platform`.
"""

from __future__ import annotations

import json
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from socketserver import ThreadingMixIn
from types import SimpleNamespace
from typing import Any
from wsgiref.simple_server import WSGIServer, make_server

import django
from django.conf import settings

COURSE = "course-v1:LAN+Latsar+2026"
UNIT = "block-v1:LAN+Latsar+2026+type@lti_consumer+block@"
TITLE = "Latsar 2026"
PEOPLE = {
    "budi": ("student", "Budi Santoso", "budi@example.go.id"),
    "siti": ("student", "Siti Rahma", "siti@example.go.id"),
    "ratna": ("instructor", "Ratna Dewi", "ratna@example.go.id"),
}


class Server(ThreadingMixIn, WSGIServer):
    """One thread per connection, for the tool asks for keys while a launch is being answered."""

    daemon_threads = True


def configure(base: str, folder: Path) -> None:
    """Open edX's part of Django: its applications, a database, and the settings that it names."""
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "lms.db"}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "lti_consumer"],
        LTI_API_BASE=base,
        LMS_ROOT_URL=base,
        MIDDLEWARE=[f"{__name__}.anonymous"],
        # Tables straight from the models: the history of migrations is of no interest to a fresh database.
        MIGRATION_MODULES={"auth": None, "contenttypes": None, "lti_consumer": None},
        PLATFORM_NAME="Open edX",
        ROOT_URLCONF=__name__,
        SECRET_KEY="of a server that lives for one test",
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        USAGE_ID_PATTERN=r"(?P<usage_id>[^/]+)",
        USE_TZ=True,
    )
    django.setup()


def anonymous(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Middleware: nobody signs in here."""
    from django.contrib.auth.models import AnonymousUser

    def answer(request: Any) -> Any:
        request.user = AnonymousUser()
        return get_response(request)

    return answer


def stand_in() -> None:
    """Answer what lti_consumer asks of the rest of Open edX, through the seam that it has for that."""
    from lti_consumer.models import CourseAllowPIISharingInLTIFlag
    from lti_consumer.plugin import compat

    def members(_course: Any) -> dict[int, dict[str, Any]]:
        return {
            number: {"id": number, "name": name, "email": email, "roles": [role]}
            for number, (role, name, email) in enumerate(PEOPLE.values(), 1)
        }

    def external_ids(_users: Any) -> dict[int, SimpleNamespace]:
        return {number: SimpleNamespace(external_user_id=person) for number, person in enumerate(PEOPLE, 1)}

    compat.user_has_studio_write_access = lambda *_: True
    compat.get_course_members = members
    compat.merge_course_forum_roles = lambda _course, found: found
    compat.batch_get_or_create_externalids = external_ids
    CourseAllowPIISharingInLTIFlag.objects.create(course_id=COURSE, enabled=True)


def passport(tool: str) -> Any:
    """What Open edX calls one registered tool: a client id, its own keys, and where the tool's keys are."""
    from lti_consumer.models import Lti1p3Passport

    return Lti1p3Passport.objects.get_or_create(
        name="Jejak", defaults={"lti_1p3_tool_keyset_url": f"{tool}/lti/jwks"}
    )[0]


def configuration(unit: str) -> Any:
    """The tool placed in one unit of the course, as an author sets it up."""
    from lti_consumer.models import LtiConfiguration
    from opaque_keys.edx.keys import UsageKey

    tool = settings.TOOL
    return LtiConfiguration.objects.get_or_create(
        location=UsageKey.from_string(UNIT + unit),
        defaults={
            "version": LtiConfiguration.LTI_1P3,
            "config_store": LtiConfiguration.CONFIG_ON_DB,
            "lti_1p3_passport": passport(tool),
            "lti_1p3_oidc_url": f"{tool}/lti/login",
            "lti_1p3_launch_url": f"{tool}/lti/launch",
            "lti_advantage_deep_linking_enabled": True,
            "lti_advantage_deep_linking_launch_url": f"{tool}/lti/launch",
            "lti_advantage_enable_nrps": True,
            "lti_advantage_ags_mode": LtiConfiguration.LTI_ADVANTAGE_AGS_PROGRAMMATIC,
        },
    )[0]


def launch_data(unit: str, person: str) -> Any:
    """One person about to open one unit."""
    from lti_consumer.data import Lti1p3LaunchData

    role, name, email = PEOPLE[person]
    return Lti1p3LaunchData(
        user_id=person,
        user_role=role,
        config_id=configuration(unit).config_id,
        resource_link_id=UNIT + unit,
        name=name,
        email=email,
        launch_presentation_document_target="iframe",
        context_id=COURSE,
        context_type=["course_offering"],
        context_title=TITLE,
    )


def open_unit(_request: Any, unit: str, person: str) -> Any:
    """A learner or an instructor opens a unit: on to the tool's login, as Open edX addresses it."""
    from django.http import HttpResponseRedirect
    from lti_consumer.api import get_lti_1p3_content_url

    return HttpResponseRedirect(get_lti_1p3_content_url(launch_data(unit, person)))


def author_unit(_request: Any, unit: str, person: str) -> Any:
    """An author chooses what a unit shows (deep linking)."""
    from django.http import HttpResponseRedirect
    from lti_consumer.api import get_lti_1p3_launch_start_url

    return HttpResponseRedirect(
        get_lti_1p3_launch_start_url(launch_data(unit, person), deep_link_launch=True)
    )


def chosen(_request: Any, unit: str) -> Any:
    """What Open edX has saved from deep linking for a unit."""
    from django.http import JsonResponse

    items = configuration(unit).ltidlcontentitem_set.all()
    return JsonResponse([{"type": one.content_type, **one.attributes} for one in items], safe=False)


def main(tool: str, folder: Path) -> None:
    """Serve on a free port of this machine."""
    # The package's own libraries announce what they will drop one day.
    warnings.simplefilter("ignore")
    server = make_server("127.0.0.1", 0, None, server_class=Server)  # type: ignore[arg-type]
    base = f"http://127.0.0.1:{server.server_port}"
    configure(base, folder)
    settings.TOOL = tool

    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from django.urls import include, path
    from lti_consumer.api import get_lti_1p3_launch_info

    globals()["urlpatterns"] = [
        path("api/", include("lti_consumer.plugin.urls")),
        path("units/<unit>/open/<person>", open_unit),
        path("units/<unit>/author/<person>", author_unit),
        path("units/<unit>/chosen", chosen),
    ]
    call_command("migrate", run_syncdb=True, verbosity=0)
    stand_in()
    info = get_lti_1p3_launch_info(launch_data("first", "ratna"))
    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"base": base, **info}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

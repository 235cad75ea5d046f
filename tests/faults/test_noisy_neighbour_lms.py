"""A learning platform does its worst; another agency does not notice, and its pages are served as ever."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt

from lti_tool.platforms.platforms import Platform
from tests.faults.lms import Lms, Teacher, lms, people, register, teachers
from tests.faults.neighbour import LONGEST_SECONDS, PATIENCE, Tenants, two_tenants, undisturbed
from tests.faults.server import Caller
from tests.lti_tool.platform import private_key
from tests.waiting import wait_until

LOOPBACK = {"JEJAK_ALLOW_LOOPBACK": "true"}
PAGES = 44
"""More than a worker works on at once."""
COURSES = 4
LARGE = 20_000
OWN_PAGE_SECONDS = 4 * LONGEST_SECONDS
"""The bound for the page of whoever makes the work: others have `LONGEST_SECONDS`."""
SMALL_BYTES = 150_000


def page(port: int, teacher: Teacher, name: str = "cohort") -> tuple[int, str, float]:
    """Status, text and seconds of a page."""
    begun = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", teacher.path(name), headers=teacher.headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), time.monotonic() - begun
    finally:
        connection.close()


def at_once(number: int, work: Callable[[int], None]) -> None:
    """Do something in so many threads, and wait for all of them."""
    threads = [threading.Thread(target=work, args=(one,), daemon=True) for one in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def a_good_neighbour(served: Tenants, address: str, platform: Lms) -> None:
    """Another agency's platform answers, and its pages are there."""
    (teacher,) = teachers(address, register(address, platform, "victim"), platform, 1)
    for name in ("cohort", "record"):
        status, text, seconds = page(served.server.port, teacher, name)
        assert (status, seconds < LONGEST_SECONDS) == (200, True), (name, seconds)
    assert "Peserta" in page(served.server.port, teacher)[1] or "is being asked" in text


def test_a_roster_that_drips_holds_up_nobody(address: str) -> None:
    """The service sends a byte of its header every two seconds: its own pages show what is known, at once."""
    with lms() as bad, lms() as good:
        bad.mode, good.members = "drip", people(3)
        asking = teachers(address, register(address, bad, "attacker"), bad, COURSES)
        answers: list[tuple[int, str, float]] = []
        with two_tenants(address, **LOOPBACK) as served, undisturbed(served) as victim:
            at_once(PAGES, lambda one: answers.append(page(served.server.port, asking[one % COURSES])))
            a_good_neighbour(served, address, good)
            victim.stay()
        assert len(answers) == PAGES
        assert {status for status, _, _ in answers} == {200}
        assert max(seconds for _, _, seconds in answers) < LONGEST_SECONDS
        assert all("is being asked for its list" in text for _, text, _ in answers)
        fetches = {path: count for path, count in bad.asked.items() if path.startswith("/roster/")}
        assert max(fetches.values()) == 1
        assert bad.asked["/token"] == 1


def launch(port: int, platform: Platform) -> tuple[int, str]:
    """Log in and launch with a message that names a key which nobody knows yet; status and page."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    public = f"http://127.0.0.1:{port}"
    try:
        login = {
            "iss": platform.issuer,
            "client_id": platform.client_id,
            "login_hint": "1",
            "target_link_uri": public + "/lti/launch",
        }
        connection.request("GET", "/lti/login?" + urlencode(login))
        answer = connection.getresponse()
        text = answer.read().decode()
        cookies = "; ".join(one.partition(";")[0] for one in answer.headers.get_all("Set-Cookie") or ())
        (url,) = re.findall(r'data-url="([^"]*)"', text)
        (state,) = parse_qs(urlsplit(url.replace("&amp;", "&")).query)["state"]
        token = jwt.encode({"sub": "1"}, private_key("faults"), "RS256", headers={"kid": "unknown"})
        form = urlencode({"state": state, "id_token": token})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookies}
        connection.request("POST", "/lti/launch", form, {**headers, "Accept-Language": "en"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_a_key_set_that_drips_holds_up_nobody(address: str) -> None:
    """Launches wait for their platform's keys and hold nothing; in the end they are told to come again."""
    with lms() as bad, lms() as good:
        bad.mode, good.members = "drip", people(3)
        platform = register(address, bad, "attacker")
        private_key("faults")
        answers: list[tuple[int, str]] = []
        with two_tenants(address, **LOOPBACK) as served, undisturbed(served):
            attack = threading.Thread(
                target=at_once, args=(PAGES, lambda _: answers.append(launch(served.server.port, platform)))
            )
            attack.start()
            wait_until(lambda: bad.asked["/keys"], "the keys were asked for", seconds=PATIENCE)
            a_good_neighbour(served, address, good)
            attack.join(2 * PATIENCE)
        assert len(answers) == PAGES
        assert {status for status, _ in answers} == {503}
        assert all("LTI-26" in text for _, text in answers)
        assert bad.asked["/keys"] == 1


def test_a_course_of_twenty_thousand_holds_up_nobody(address: str) -> None:
    """Its roster is read and written in the background; its pages are small and soon there."""
    with lms() as platform:
        platform.members = people(LARGE)
        (teacher,) = teachers(address, register(address, platform, "attacker"), platform, 1)
        with two_tenants(address, **LOOPBACK) as served, undisturbed(served):
            deadline = time.monotonic() + 4 * PATIENCE
            while True:
                status, text, seconds = page(served.server.port, teacher)
                assert (status, seconds < OWN_PAGE_SECONDS) == (200, True), seconds
                assert len(text.encode()) < SMALL_BYTES
                if f"{LARGE} participants: " in text:
                    break
                assert time.monotonic() < deadline, text
                time.sleep(0.2)
            with Caller(served.server.port, served.victim) as caller:
                assert caller.get("/statements", limit="1").status == 200
        assert platform.asked["/roster/0"] == 1

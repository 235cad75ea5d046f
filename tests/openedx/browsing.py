"""A browser without scripts: it keeps cookies, reads forms, and is told which way the scripts would go."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import Cookie
from typing import Any

import requests
from requests.cookies import RequestsCookieJar

SECONDS = 20


@dataclass
class Form:
    """A form of a page: where it goes and what it sends."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What a page offers to go on with."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.next = ""
        """The address that the page's script would go to."""
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.next = given.get("data-url", self.next)
        if tag == "form":
            self.forms.append(Form(given["action"]))
        if tag == "input" and self.forms and given.get("name") and given.get("type", "text") != "checkbox":
            self.forms[-1].fields[given["name"]] = given.get("value", "")


class Cookies(RequestsCookieJar):
    """Cookies as browsers keep them: http://localhost counts as secure."""

    def set_cookie(self, cookie: Cookie, *args: Any, **kwargs: Any) -> None:
        cookie.secure = False
        super().set_cookie(cookie, *args, **kwargs)


class Visitor:
    """One person's browser."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Accept-Language"] = "en"
        self._session.cookies = Cookies()

    def login(self, start: str) -> str:
        """From the course to the tool's login; the platform's address that the tool sends the browser to."""
        sent_on = self._session.get(start, allow_redirects=False, timeout=SECONDS)
        answer = self._session.get(sent_on.headers["Location"], allow_redirects=False, timeout=SECONDS)
        assert answer.status_code in (200, 302), answer.text
        return answer.headers["Location"] if answer.status_code == 302 else Page(answer).next

    def authenticate(self, address: str) -> Form:
        """The platform's answer to the tool's authentication request: a form that posts itself."""
        answer = self._session.get(address, timeout=SECONDS)
        assert answer.status_code == 200, answer.text
        return Page(answer).forms[0]

    def launch(self, start: str) -> requests.Response:
        """All of a launch; the page that it ends on."""
        return self.send(self.authenticate(self.login(start)))

    def send(
        self, form: Form, *, origin: str = "", more: dict[str, object] | None = None
    ) -> requests.Response:
        """Post a form and follow where it leads."""
        headers = {"Origin": origin} if origin else {}
        data = {**form.fields, **(more or {})}
        return self._session.post(form.action, data=data, headers=headers, timeout=SECONDS)

    def open(self, address: str) -> requests.Response:
        """Go to an address and follow where it leads."""
        return self._session.get(address, timeout=SECONDS)

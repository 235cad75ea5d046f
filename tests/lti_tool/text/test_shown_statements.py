"""What people see of statements: identifiers, employee numbers and e-mail addresses are hidden everywhere."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lti_tool.text.masking import HIDDEN, masked, masked_statement
from tests.jejak.product import product
from tests.lti_tool.platform import CLAIM, ROLE, TOOL
from tests.statements.profile_samples import own

NIP, GROUPED, MAIL = "199001012015031001", "19900101 201503 1 001", "budi.santoso@bkn.go.id"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"id":1,"name":"Siti \xc3\xa9"}', '{\n  "id": 1,\n  "name": "Siti é"\n}'),
        (b'{"id":1E400}', '{\n  "id": 1E400\n}'),
        (b'{"n":[1.10,123456789012345678901234567890]}', None),
        (b"not JSON", "not JSON"),
    ],
)
def test_every_statement_that_is_stored_can_be_shown(body: bytes, shown: str | None) -> None:
    """Statements are indented, and their numbers stand as they were written, however large."""
    found = masked_statement(body)
    assert found == shown if shown is not None else "123456789012345678901234567890" in found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (NIP, HIDDEN),
        (GROUPED, HIDDEN),
        ("19900101.201503.1.001", HIDDEN),
        ("19900101-201503-1-001", HIDDEN),
        (f"Budi (NIP. {NIP}), Bandung", f"Budi (NIP. {HIDDEN}), Bandung"),
        (f"NIP{NIP}x", f"NIP{HIDDEN}x"),
        ("١٩٩٠٠١٠١٢٠١٥٠٣١٠٠١", HIDDEN),
        (MAIL, f"{HIDDEN}@{HIDDEN}"),
        (f"mailto:{MAIL}", f"mailto:{HIDDEN}@{HIDDEN}"),
        ("https://x.id/?m=budi%40bkn.go.id&b=1", f"https://x.id/?m={HIDDEN}@{HIDDEN}&b=1"),
        (f"tulis ke <{MAIL}>.", f"tulis ke <{HIDDEN}@{HIDDEN}>."),
        ("12345678901234567", "12345678901234567"),
        ("1234567890123456789", "1234567890123456789"),
        ("2026-11-23T10:00:00.000000+07:00", "2026-11-23T10:00:00.000000+07:00"),
        ("Pelatihan 2026 @ Bandung", "Pelatihan 2026 @ Bandung"),
        ("", ""),
    ],
)
def test_numbers_and_addresses_are_hidden_in_any_text(text: str, shown: str) -> None:
    """Eighteen digits, grouped or not, and e-mail addresses are hidden; what is neither stays."""
    assert masked(text) == shown


@pytest.mark.slow
@pytest.mark.parametrize("text", ["@" * 2_000_000, "a" * 2_000_000 + "@", "a@" * 500_000, "1 " * 1_000_000])
def test_a_text_of_megabytes_is_masked_in_one_pass(text: str) -> None:
    """Hostile texts cost no more than reading them: the test would not end otherwise."""
    assert len(masked(text)) <= 4 * len(text)


AGENTS: list[dict[str, Any]] = [
    {"mbox": f"mailto:{MAIL}"},
    {"mbox_sha1sum": "0123456789abcdef0123456789abcdef01234567"},
    {"openid": "https://id.example/budi"},
    {"account": {"homePage": "https://lms.example", "name": "budi.s"}},
    {"account": {"homePage": "https://lms.example", "name": NIP}},
]


@pytest.mark.parametrize("agent", AGENTS)
def test_no_agent_can_be_identified_by_a_shown_statement(agent: dict[str, Any]) -> None:
    """Identifiers are hidden wherever an agent stands: as actor, member, instructor, authority or object."""
    secret = agent.get("account", {}).get("name") or next(iter(agent.values()))
    told = {"objectType": "Agent", "name": "Budi", **agent}
    statement = {
        "actor": told,
        "object": {"objectType": "SubStatement", "actor": told, "object": told},
        "context": {"instructor": told, "team": {"objectType": "Group", "member": [told]}},
        "authority": {"objectType": "Group", "member": [told, told]},
    }
    shown = masked_statement(json.dumps(statement).encode())
    assert secret not in shown
    assert shown.count("Budi") == 7
    assert shown.count(HIDDEN) == 7


def test_extensions_are_masked_with_their_keys() -> None:
    """An extension may have any key and any value: numbers as text, as number, in lists, in keys."""
    body = {
        "extensions": {
            f"https://x.example/{NIP}": 1,
            "https://x.example/nip": int(NIP),
            "https://x.example/list": [NIP, {"deep": GROUPED}, True, None, 1.5],
            "https://x.example/mail": MAIL,
        }
    }
    shown = masked_statement(json.dumps(body).encode())
    assert NIP not in shown
    assert GROUPED not in shown
    assert MAIL not in shown
    assert json.loads(shown)["extensions"]["https://x.example/list"] == [
        HIDDEN,
        {"deep": HIDDEN},
        True,
        None,
        1.5,
    ]


def test_no_page_shows_what_a_statement_tells_of_numbers_and_addresses(tmp_path: Path) -> None:
    """Title, organiser, mentor, evidence, certificate, and names with numbers in them, on all pages."""
    with pytest.MonkeyPatch.context() as patch, product(patch, tmp_path) as made:
        visit = made.visit()
        path = visit.go(
            **{CLAIM + "roles": [ROLE + "Instructor", ROLE + "Learner"], "name": f"Budi {GROUPED}"}
        ).headers["Location"]
        mentor = {"name": f"Anwar {MAIL}", "mbox": f"mailto:{MAIL}"}
        sent = own(
            end=datetime.now(UTC).date(),
            id=str(uuid.uuid4()),
            actor={"name": f"Budi {NIP}", "account": {"homePage": "https://lms.example", "name": "42"}},
            title=f"Coaching {NIP} {MAIL}",
            mentor=mentor,
            organiser=f"LAN {GROUPED}",
            evidence_links=[{"url": "https://x.example/y", "title": f"Bukti {MAIL}"}],
            details={"certificate": f"No. {NIP}"},
        )
        assert made.xapi().post("/statements", sent).status == 200
        made.follow()
        year = sent["timestamp"][:4]

        def page(rest: str) -> str:
            return str(visit.client.get(f"{path}{rest}", base_url=TOOL).get_data(as_text=True))

        record = page(f"record?year={year}")
        entry = record.partition("/entries/")[2].partition('"')[0]
        pages = [record, page(f"entries/{entry}")]
        cohort = page(f"cohort?year={year}")
        person = cohort.partition("/cohort/")[2].partition("?")[0].partition('"')[0]
        pages += [
            cohort,
            visit.client.get(f"{path}cohort/{person}?year={year}", base_url=TOOL).get_data(as_text=True),
        ]
        assert "Coaching" in pages[1]
        assert "Bukti" in pages[1]
        assert "Budi" in cohort
        for shown in pages:
            for secret in (NIP, GROUPED, MAIL, "bkn.go.id"):
                assert secret not in shown

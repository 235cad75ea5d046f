"""Every setting of the product, in one table: its name, how it is read, its default, what it means.

Settings come from environment variables `JEJAK_<NAME>`. A secret may also come from a file named in
`JEJAK_<NAME>_FILE`. Nothing else in the product reads the environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marshmallow import ValidationError, fields, validate

from jejak.settings_fields import PREFIX, Address, BaseUrl, Networks, Setting, Words, whole
from jejak.settings_lti import LTI_TABLE, lti_name


class SettingsError(ValueError):
    """One or more settings cannot be used; the message names each one and says what to do."""


MIB = 1024 * 1024

TABLE: tuple[Setting, ...] = (
    Setting(
        "store",
        Address(),
        "",
        "Where everything is kept: `sqlite:////absolute/file.db` (one machine) or "
        "`mongodb://host/database` (replica set). Empty: `var/jejak.db` below the working folder. "
        "`memory://` forgets everything when the process ends: for tests and trials, with one worker.",
        secret=True,
    ),
    Setting(
        "public_url",
        BaseUrl(),
        "http://localhost:8080",
        "The address people and platforms use to reach this service. Cookies, LTI addresses and "
        "`more` links are made from it; behind a proxy it must be the outer https address.",
    ),
    Setting(
        "secret_key",
        fields.String(validate=validate.Length(min=32)),
        "",
        "At least 32 random characters that authenticate `more` links. Empty: made once and "
        "kept in the store, so that all workers share it.",
        secret=True,
    ),
    Setting(
        "xapi_version_fallback",
        fields.String(validate=validate.OneOf(["1.0.3", "2.0.0"])),
        "2.0.0",
        "The xAPI version that an answer names when the request named none (or an unknown one).",
    ),
    Setting(
        "max_body_bytes",
        whole(1024, 1024 * MIB),
        str(8 * MIB),
        "Largest JSON body of one request, and largest document that is not JSON, in bytes. "
        "More is answered 413.",
    ),
    Setting(
        "max_statement_bytes",
        whole(1024, 12 * MIB),
        str(MIB),
        "Largest statement, in bytes. More is answered 413; what is stored already stays readable.",
    ),
    Setting(
        "max_document_bytes",
        whole(1024, 12 * MIB),
        str(4 * MIB),
        "Largest state or profile document of type `application/json`, and largest form of the alternate "
        "request syntax, in bytes. More is answered 413; what is stored already stays readable.",
    ),
    Setting(
        "max_values",
        whole(1000, 10_000_000),
        "500000",
        "Most values (numbers, texts, arrays and so on) in the JSON of one request. Each takes time and "
        "memory, however short it is; more are answered 413.",
    ),
    Setting(
        "max_attachment_bytes",
        whole(1024, 16 * 1024 * MIB),
        str(256 * MIB),
        "Largest multipart request (statements and attachments together), in bytes.",
    ),
    Setting(
        "evidence_max_bytes",
        whole(64 * 1024, 64 * MIB),
        str(10 * MIB),
        "Largest photo or PDF that a learner may send as evidence, in bytes. Pages make photos smaller "
        "before they send them; this bounds what is sent.",
    ),
    Setting(
        "evidence_max_files",
        whole(1, 20),
        "5",
        "Most photos and PDFs that one entry may have as evidence.",
    ),
    Setting("max_batch", whole(1, 10_000), "1000", "Most statements in one POST."),
    Setting("max_depth", whole(8, 200), "64", "Deepest nesting of JSON that is accepted."),
    Setting(
        "validate_max_bytes",
        whole(1024, 16 * MIB),
        str(64 * 1024),
        "Largest body that is checked by `POST /api/v1/validate` without a credential (with one it is as for "
        "statements), and largest text by the page `/validate`, in bytes. More is answered 413.",
    ),
    Setting(
        "validate_per_minute",
        whole(1, 100_000),
        "30",
        "How often in a minute one address without a credential may have statements checked by one worker. "
        "More is answered 429.",
    ),
    Setting("page_size", whole(1, 1000), "100", "Statements on a page when the request names no `limit`."),
    Setting("page_size_max", whole(1, 5000), "500", "Most statements on one page."),
    Setting(
        "page_bytes",
        whole(MIB // 16, 64 * MIB),
        str(4 * MIB),
        "A page of statements ends where it would have more bytes than this, and `more` goes on; "
        "one statement is always on it.",
    ),
    Setting(
        "cors_origins",
        Words(),
        "*",
        "Origins whose pages may call the xAPI, separated by spaces; `*` is any (credentials are sent "
        "in a header, never by cookie); empty is none.",
    ),
    Setting(
        "undo_seconds",
        whole(0, 86_400),
        "600",
        "How long a verifier can undo a decision, in seconds. Grades and notices about it leave after that.",
    ),
    Setting(
        "link_days",
        whole(1, 365),
        "14",
        "Days for which a one-time link is open by which somebody without an account confirms an entry.",
    ),
    Setting(
        "allow_loopback",
        fields.Boolean(),
        "false",
        "Lets the tool call platforms on this machine's own or private addresses. For the demo and "
        "tests only: it turns off a protection.",
    ),
    Setting(
        "allowed_networks",
        Networks(),
        "",
        "Private networks in which an agency's own platforms live, as CIDR separated by spaces (for "
        "example `10.20.0.0/16`). Other private addresses are never called.",
    ),
    Setting(
        "key_passphrase",
        fields.String(validate=validate.Length(min=16)),
        "",
        "At least 16 characters that encrypt the tool's private LTI keys in the store. Empty: they are kept "
        "as they are. Set it before the first start; a key kept with another passphrase cannot be opened.",
        secret=True,
    ),
    Setting(
        "proxy_hops",
        whole(0, 8),
        "0",
        "How many trusted reverse proxies stand in front; their X-Forwarded-* headers are believed.",
    ),
    Setting(
        "http2",
        fields.Boolean(),
        "false",
        "Lets clients speak HTTP/2 to the server itself, without TLS (h2c). Proxies speak HTTP/1.1 to it "
        "and need none of that.",
    ),
    Setting(
        "threads",
        whole(1, 256),
        "32",
        "Requests that the threads of one worker answer at once; more wait in line.",
    ),
    Setting(
        "locale",
        fields.String(validate=validate.OneOf(["id", "en"])),
        "id",
        "Language of pages when neither the platform nor the person chose one.",
    ),
    Setting(
        "log_level",
        fields.String(validate=validate.OneOf(["debug", "info", "warning", "error"])),
        "info",
        "How much is logged, to standard error, one line of JSON per event.",
    ),
    *LTI_TABLE,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process, checked and typed. Field names are those of `TABLE`."""

    store: str
    public_url: str
    secret_key: str
    xapi_version_fallback: str
    max_body_bytes: int
    max_statement_bytes: int
    max_document_bytes: int
    max_values: int
    max_attachment_bytes: int
    evidence_max_bytes: int
    evidence_max_files: int
    max_batch: int
    max_depth: int
    validate_max_bytes: int
    validate_per_minute: int
    page_size: int
    page_size_max: int
    page_bytes: int
    cors_origins: tuple[str, ...]
    undo_seconds: int
    link_days: int
    allow_loopback: bool
    allowed_networks: tuple[str, ...]
    key_passphrase: str
    proxy_hops: int
    http2: bool
    threads: int
    locale: str
    log_level: str
    lti: Mapping[str, Any]
    """The rows of `LTI_TABLE`, by their names in `lti_tool.settings.LtiSettings`."""


def load(environment: Mapping[str, str]) -> Settings:
    """Read and check all settings. SettingsError names every variable that cannot be used."""
    values: dict[str, Any] = {}
    complaints = [
        f"{name} is no setting of this version; see docs/reference/settings.md"
        for name in _strangers(environment)
    ]
    for setting in TABLE:
        try:
            values[setting.name] = _read(setting, environment)
        except ValidationError as error:
            complaints.append(f"{setting.variable}: {' '.join(map(str, error.messages))}")
        except OSError as error:
            complaints.append(f"{setting.variable}_FILE: {error.strerror or 'cannot be read'}")
    if not complaints and values["page_size"] > values["page_size_max"]:
        complaints.append("JEJAK_PAGE_SIZE may not exceed JEJAK_PAGE_SIZE_MAX")
    if complaints:
        raise SettingsError("\n".join(complaints))
    lti = {lti_name(setting): values.pop(setting.name) for setting in LTI_TABLE}
    return Settings(**values, lti=lti)


def _read(setting: Setting, environment: Mapping[str, str]) -> Any:
    text = environment.get(setting.variable)
    file = environment.get(setting.variable + "_FILE") if setting.secret else None
    if text is not None and file is not None:
        raise ValidationError([f"set it or {setting.variable}_FILE, not both"])
    if file is not None:
        text = Path(file).read_text(encoding="utf-8").strip()
    if text is None or text == "":
        text = setting.default
    if text == "":
        return _when_empty(setting.name)
    return setting.field.deserialize(text)


def _when_empty(name: str) -> Any:
    if name == "store":
        return f"sqlite:///{Path('var/jejak.db').absolute()}"
    return () if name in {"cors_origins", "allowed_networks"} else ""


def _strangers(environment: Mapping[str, str]) -> Iterator[str]:
    known = {setting.variable for setting in TABLE}
    known |= {setting.variable + "_FILE" for setting in TABLE if setting.secret}
    # Test and benchmark knobs share the prefix but are not settings of the product.
    return (
        name
        for name in sorted(environment)
        if name.startswith(PREFIX)
        and not name.startswith((PREFIX + "TEST_", PREFIX + "BENCH_"))
        and name not in known
    )

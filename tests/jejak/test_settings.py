"""The settings table: what it accepts, refuses and documents."""

from dataclasses import fields
from pathlib import Path

import pytest

from jejak.settings import TABLE, SettingsError, load
from jejak.settings_docs import markdown
from jejak.settings_lti import LTI_TABLE, lti_name
from jejak.wiring import lti_settings
from lti_tool.settings import LtiSettings

ROOT = Path(__file__).parents[2]


def test_every_setting_has_a_default_that_loads() -> None:
    """An empty environment gives working settings."""
    settings = load({})
    assert settings.store.startswith("sqlite:////")
    assert settings.store.endswith("/var/jejak.db")
    assert settings.cors_origins == ("*",)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("JEJAK_STORE", "postgres://x/y", "sqlite:////absolute/file.db"),
        ("JEJAK_STORE", "sqlite:///relative.db", "sqlite:////absolute/file.db"),
        ("JEJAK_STORE", "mongodb://host", "database"),
        ("JEJAK_STORE", "memory://named", "memory:// keeps nothing"),
        ("JEJAK_PUBLIC_URL", "https://host/path", "without a path"),
        ("JEJAK_SECRET_KEY", "short", "minimum length 32"),
        ("JEJAK_XAPI_VERSION_FALLBACK", "1.0.2", "1.0.3"),
        ("JEJAK_MAX_BATCH", "many", "Not a valid integer"),
        ("JEJAK_MAX_BATCH", "0", "greater than or equal to 1"),
        ("JEJAK_ALLOW_LOOPBACK", "perhaps", "Not a valid boolean"),
        ("JEJAK_ALLOWED_NETWORKS", "10.20.0.0/16 intranet", "intranet is no network"),
        ("JEJAK_KEY_PASSPHRASE", "short", "minimum length 16"),
        ("JEJAK_MAXBATCH", "10", "no setting of this version"),
    ],
)
def test_an_unusable_setting_stops_the_start_and_says_why(name: str, value: str, says: str) -> None:
    """Each bad value is refused with the variable's name and what is wrong."""
    with pytest.raises(SettingsError) as refused:
        load({name: value})
    assert name in str(refused.value)
    assert says.lower() in str(refused.value).lower()


def test_all_bad_settings_are_named_at_once() -> None:
    """A person mends everything in one go."""
    with pytest.raises(SettingsError) as refused:
        load({"JEJAK_MAX_BATCH": "x", "JEJAK_LOCALE": "fr"})
    assert "JEJAK_MAX_BATCH" in str(refused.value)
    assert "JEJAK_LOCALE" in str(refused.value)


def test_the_tool_is_given_its_settings(tmp_path: Path) -> None:
    """Private networks and the passphrase of the keys reach the LTI tool; the passphrase may be in a file."""
    file = tmp_path / "passphrase"
    file.write_text("a passphrase of some length\n")
    lti = lti_settings(
        load(
            {
                "JEJAK_PUBLIC_URL": "https://jejak.example.go.id",
                "JEJAK_ALLOWED_NETWORKS": "10.20.0.0/16, fd00::/8",
                "JEJAK_KEY_PASSPHRASE_FILE": str(file),
            }
        )
    )
    assert lti.allowed_networks == ("10.20.0.0/16", "fd00::/8")
    assert lti.key_passphrase == "a passphrase of some length"
    assert lti_settings(load({})).key_passphrase is None


def test_every_choice_about_the_tool_has_a_variable() -> None:
    """What an operator may choose in `LtiSettings` can be set, and its default is the one of the table."""
    plain = lti_settings(load({}))
    rows = {lti_name(row): row for row in LTI_TABLE}
    others = {"public_url", "allow_loopback", "allowed_networks", "key_passphrase"}
    assert {field.name for field in fields(LtiSettings)} == rows.keys() | others
    for name, row in rows.items():
        assert row.field.deserialize(row.default) == getattr(LtiSettings("https://jejak.example"), name), name
        other = "Belajar" if name == "product_name" else str(int(row.default) - 1)
        changed = lti_settings(load({row.variable: other}))
        assert str(getattr(changed, name)).removesuffix(".0") == other
        assert getattr(plain, name) != getattr(changed, name)


@pytest.mark.parametrize(
    ("variable", "unsafe"),
    [("JEJAK_LTI_MAX_TOKEN_AGE_SECONDS", "301"), ("JEJAK_LTI_LEEWAY_SECONDS", "61")],
)
def test_no_choice_weakens_a_launch(variable: str, unsafe: str) -> None:
    """A message is at most five minutes old, and clocks differ by at most one minute."""
    with pytest.raises(SettingsError, match=variable):
        load({variable: unsafe})


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    """`_FILE` names a file whose trimmed text is the value."""
    file = tmp_path / "key"
    file.write_text("k" * 40 + "\n")
    assert load({"JEJAK_SECRET_KEY_FILE": str(file)}).secret_key == "k" * 40


def test_a_secret_given_twice_is_refused() -> None:
    """Value and file together are ambiguous."""
    with pytest.raises(SettingsError, match="not both"):
        load({"JEJAK_SECRET_KEY": "k" * 40, "JEJAK_SECRET_KEY_FILE": "/nowhere"})


def test_a_missing_secret_file_is_named() -> None:
    """The variable is in the message, its content never is."""
    with pytest.raises(SettingsError, match="JEJAK_SECRET_KEY_FILE"):
        load({"JEJAK_SECRET_KEY_FILE": "/nowhere/at/all"})


def test_only_secrets_have_a_file_form() -> None:
    """A `_FILE` variable for a plain setting is a mistake and is refused."""
    with pytest.raises(SettingsError, match="JEJAK_LOCALE_FILE"):
        load({"JEJAK_LOCALE_FILE": "/etc/hostname"})


def test_the_page_about_settings_is_the_table() -> None:
    """docs/reference/settings.md is exactly what the table says."""
    assert (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8") == markdown()
    assert len({setting.name for setting in TABLE}) == len(TABLE)

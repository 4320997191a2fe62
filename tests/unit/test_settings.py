"""Settings: what is allowed, who overrides whom, what each error says, and that secrets stay out of sight."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import pprint
import re
import traceback
from pathlib import Path

import pytest

from keywright.settings import SETTINGS, Secret, Settings, SettingsError, load, reference_table

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"
HASH = "0123456789abcdef" * 4
PG = "postgresql://kw:hunter22@db:5432/kw"

BY_NAME = {item.name: item for item in SETTINGS}


def plain(value: object) -> object:
    return value.reveal() if isinstance(value, Secret) else value


def refused(flags: dict[str, object], environ: dict[str, str], cwd: Path = Path("/home")) -> str:
    """The sentence that a setup is refused with, once it is certain that it is one and hides the secrets."""
    with pytest.raises(SettingsError) as caught:
        load(flags, environ, cwd)
    sentence = str(caught.value)
    assert re.fullmatch(r"[^\n]+[.?]", sentence)
    assert "hunter" not in "".join(traceback.format_exception(caught.value))
    return sentence


def test_mail_that_is_set_up_by_half_is_refused(tmp_path: Path) -> None:
    server = "smtp://kw:hunter22@mail.example.com"
    with pytest.raises(SettingsError) as caught:
        load({}, {"KEYWRIGHT_SMTP_URL": server}, tmp_path)
    assert str(caught.value) == (
        "smtp_url is set (from the variable KEYWRIGHT_SMTP_URL) and mail_from is not: "
        "mail needs an address to come from."
    )
    settings = load({"mail_from": "kw@example.com"}, {"KEYWRIGHT_SMTP_URL": server}, tmp_path)
    assert settings.describe()["smtp_url"] == "smtp://kw:***@mail.example.com"
    assert load({"mail_from": "kw@example.com"}, {}, tmp_path).smtp_url is None


def test_defaults(tmp_path: Path) -> None:
    settings = load({}, {}, tmp_path)
    assert settings == Settings(data=tmp_path / "keywright-data")
    assert settings.effective_database_url.reveal() == f"sqlite:///{tmp_path}/keywright-data/keywright.db"
    assert settings.effective_public_url == "http://127.0.0.1:8300"


def test_an_overridden_value_is_checked_all_the_same() -> None:
    assert "the variable KEYWRIGHT_PORT" in refused({"port": 1}, {"KEYWRIGHT_PORT": "x"})


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    environ = {item.env: "" for item in SETTINGS} | {"KEYWRIGHT_CONFIG": "", "KEYWRIGHT_NO_SUCH": ""}
    assert load({}, environ, tmp_path) == load({}, {}, tmp_path)


def test_the_longest_session_is_no_shorter_than_the_idle_time() -> None:
    assert refused({"session_max_seconds": 60}, {}) == (
        "session_max_seconds cannot be '60' (from the flag --session-max-seconds): it must be at least "
        "session_idle_seconds, which is '43200' (from the default)."
    )
    assert refused({}, {"KEYWRIGHT_SESSION_IDLE_SECONDS": "604801"}) == (
        "session_max_seconds cannot be '604800' (from the default): it must be at least "
        "session_idle_seconds, which is '604801' (from the variable KEYWRIGHT_SESSION_IDLE_SECONDS)."
    )
    equal = load({"session_max_seconds": 60, "session_idle_seconds": 60}, {}, Path("/"))
    assert equal.session_max_seconds == equal.session_idle_seconds


# --- names -----------------------------------------------------------------------------------------------


def test_an_unknown_variable_names_the_nearest() -> None:
    assert refused({}, {"KEYWRIGHT_PROT": "hunter22"}) == (
        "The variable KEYWRIGHT_PROT is not a setting; did you mean KEYWRIGHT_PORT?"
    )
    assert refused({}, {"KEYWRIGHT_DATABASE": "hunter22"}).endswith("did you mean KEYWRIGHT_DATABASE_URL?")


def test_an_unknown_variable_like_no_other_lists_all() -> None:
    sentence = refused({}, {"KEYWRIGHT_": "hunter22"})
    assert sentence.startswith(
        "The variable KEYWRIGHT_ is not a setting; the settings are KEYWRIGHT_DATA, KEYW"
    )
    assert all(item.env in sentence for item in SETTINGS)


def test_an_unknown_key_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "keywright.toml").write_text('Log-Level = "hunter22"\n')
    assert refused({}, {}, tmp_path) == (
        "The key 'Log-Level' in keywright.toml is not a setting; did you mean log_level?"
    )
    (tmp_path / "keywright.toml").write_text('[server]\nport = 1\n["x\\ny"]\n')
    assert refused({}, {}, tmp_path).startswith("The key 'server' in keywright.toml is not a setting; ")


def test_an_unknown_flag() -> None:
    assert refused({"log_levl": "hunter22"}, {}) == (
        "The flag --log-levl is not a setting; did you mean --log-level?"
    )


@pytest.mark.parametrize(
    "name",
    [
        "KEYWRIGHT_URL",
        "KEYWRIGHT_API_KEY",
        "KEYWRIGHT_TENANT",
        "KEYWRIGHT_PROFILE",
        "KEYWRIGHT_PROJECT_FILE",
        "KEYWRIGHT_KEYRING",
        "KEYWRIGHT_TEST_DATABASE_URL",
        "PORT",
    ],
)
def test_variables_that_are_no_settings_are_left_alone(name: str, tmp_path: Path) -> None:
    assert load({}, {name: "anything"}, tmp_path) == load({}, {}, tmp_path)


def test_names_of_variables_and_flags() -> None:
    setting = BY_NAME["sweep_interval_seconds"]
    assert (setting.env, setting.flag) == ("KEYWRIGHT_SWEEP_INTERVAL_SECONDS", "--sweep-interval-seconds")


# --- the file --------------------------------------------------------------------------------------------


def test_the_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "keywright.toml").write_text("port = 1\n")
    (tmp_path / "two.toml").write_text("port = 2\n")
    (tmp_path / "three.toml").write_text("port = 3\n")
    variable = {"KEYWRIGHT_CONFIG": "two.toml"}
    assert load({}, {}, tmp_path).port == 1
    assert load({}, variable, tmp_path).port == 2
    assert load({"config": None}, variable, tmp_path).port == 2
    assert load({"config": tmp_path / "three.toml"}, variable, Path("/")).port == 3


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    expected = "The settings file no.toml cannot be read: No such file or directory."
    assert refused({"config": "no.toml"}, {}, tmp_path) == expected
    assert refused({}, {"KEYWRIGHT_CONFIG": "no.toml"}, tmp_path) == expected


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "keywright.toml").mkdir()
    assert refused({}, {}, tmp_path) == "The settings file keywright.toml cannot be read: Is a directory."


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"port = \n", "line 1, column 8"),
        (b"port = 1\n\nhost == 2\n", "line 3, column 7"),
        (b'port = 1\nhost = "hunter22', "line 2, column 17"),
        (b"port = 1\nport = 2\n", "line 2, column 9"),
        (b"port = 1\n# \xc3\xa9 \xff", "line 2, column 5"),
        (b"\xff", "line 1, column 1"),
        (b"port = " + b"9" * 5000, "somewhere"),
    ],
)
def test_what_is_no_toml_is_shown_its_place(content: bytes, place: str, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_bytes(content)
    assert refused({"config": "s.toml"}, {}, tmp_path).startswith(f"s.toml, {place}: this is not ")


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "keywright.toml").write_bytes(b"\xef\xbb\xbfport = 1\n")
    assert load({}, {}, tmp_path).port == 1


# --- what follows from the settings ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("0.0.0.0", "http://127.0.0.1:9"),
        ("::", "http://[::1]:9"),
        ("::1", "http://[::1]:9"),
        ("keys.local", "http://keys.local:9"),
    ],
)
def test_the_public_url_follows_host_and_port(host: str, origin: str) -> None:
    settings = Settings(host=host, port=0)
    assert dataclasses.replace(settings, port=9).effective_public_url == origin
    assert dataclasses.replace(settings, port=80).effective_public_url == origin.removesuffix(":9")


def test_what_was_named_wins_over_what_follows() -> None:
    settings = load({"public_url": "https://k.example", "database_url": PG}, {}, Path("/"))
    assert settings.effective_public_url == "https://k.example"
    assert settings.effective_database_url.reveal() == PG


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]  # the assignment is what is tested


# --- secrets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "mask"),
    [
        (PG, "postgresql://kw:***@db:5432/kw"),
        ("postgres://kw:hun:ter22@db/kw", "postgresql://kw:***@db/kw"),
        ("postgresql://kw@db/kw?password=hunter22", "postgresql://kw@db/kw"),
        ("postgresql:///kw?host=/run&password=hunter22", "postgresql:///kw"),
        ("sqlite:////srv/k.db", "sqlite:////srv/k.db"),
    ],
)
def test_a_database_url_is_shown_without_its_password(url: str, mask: str) -> None:
    settings = load({"database_url": url}, {}, Path("/"))
    assert repr(settings.database_url) == settings.describe()["database_url"] == mask


@pytest.mark.parametrize(
    ("url", "mask"),
    [
        ("redis://kw:hunter22@redis:6379/1", "redis://kw:***@redis:6379/1"),
        ("redis://:hunter22@redis", "redis://:***@redis"),
        ("rediss://redis/0?ssl_keyfile=/hunter22", "rediss://redis/0"),
        ("unix://kw:hunter22@/run/redis.sock?db=1", "unix://kw:***@/run/redis.sock"),
    ],
)
def test_the_address_of_redis_is_shown_without_its_password(url: str, mask: str) -> None:
    settings = load({"redis_url": url}, {}, Path("/"))
    assert repr(settings.redis_url) == settings.describe()["redis_url"] == mask


def test_secrets_are_in_no_dump() -> None:
    given = {"admin_password": "hunter22", "root_token_hash": HASH, "database_url": PG}
    settings = load(given, {}, Path("/"))
    dumps = [
        repr(settings),
        f"{settings} {settings!s} {settings.admin_password} {settings.admin_password!r:>30}",
        repr(dataclasses.asdict(settings)),
        repr(dataclasses.astuple(settings)),
        repr(copy.deepcopy(settings)),
        pprint.pformat(settings),
        repr(settings.describe()),
        json.dumps(dataclasses.asdict(settings), default=str),
    ]
    for dump in dumps:
        assert "hunter" not in dump
        assert HASH not in dump
        assert "postgresql://kw:***@db:5432/kw" in dump
    assert {name: plain(getattr(settings, name)) for name in given} == given


def test_a_secret_survives_the_way_to_another_process() -> None:
    settings = load({"admin_password": "hunter22"}, {}, Path("/"))
    again = pickle.loads(pickle.dumps(settings))
    assert again.admin_password.reveal() == "hunter22"


def test_describe_shows_what_is_in_effect() -> None:
    shown = load(
        {"trusted_proxies": "::1,10.0.0.0/8", "admin_password": "hunter22"}, {}, Path("/")
    ).describe()
    assert list(shown) == [item.name for item in SETTINGS]
    assert shown["data"] == "/keywright-data"
    assert shown["database_url"] == "sqlite:////keywright-data/keywright.db"
    assert shown["public_url"] == "http://127.0.0.1:8300"
    assert shown["trusted_proxies"] == "::1/128, 10.0.0.0/8"
    assert (shown["admin_password"], shown["root_token_hash"]) == ("***", "not set")
    assert (shown["sweep_after_days"], shown["port"]) == ("30", "8300")


# --- the reference ---------------------------------------------------------------------------------------


def test_the_reference_holds_exactly_the_settings() -> None:
    table = [line for line in DOCS.read_text().splitlines(keepends=True) if line.startswith("|")]
    assert "".join(table) == reference_table()
    assert len(table) == len(SETTINGS) + 2
    for item, row in zip(SETTINGS, table[2:], strict=True):
        assert all(
            part and part in row for part in (item.default, item.help, item.allowed, item.env, item.flag)
        )


def test_the_example_in_the_reference_works(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert example
    (tmp_path / "keywright.toml").write_text(example[1])
    assert load({}, {}, tmp_path).effective_public_url == "https://keys.example.com"


def test_the_sentences_in_the_reference_are_the_real_ones(tmp_path: Path) -> None:
    (tmp_path / "keywright.toml").write_text("port = 1\nhost = \n")
    sentences = [
        refused({}, {"KEYWRIGHT_PORT": "83000"}),
        refused({}, {"KEYWRIGHT_PROT": "1"}),
        refused({}, {}, tmp_path),
    ]
    assert "```text\n" + "\n".join(sentences) + "\n```" in DOCS.read_text()
